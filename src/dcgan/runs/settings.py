"""The settings in a run's ``config.yaml`` as plain dictionaries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from dcgan.errors import RunError
from dcgan.old_names import with_new_names
from dcgan.plain_yaml import read_yaml_file, yaml_problem
from dcgan.runs.folder import RunFolder


def stored_settings(folder: RunFolder) -> dict[str, Any]:
    """All settings of a run, nested; ``RunError`` if ``config.yaml`` is missing or damaged."""
    path = folder.config
    try:
        found = read_yaml_file(path)
    except FileNotFoundError as error:
        raise RunError(
            f"{folder.path}: has no {path.name}, which names its images. Choose the images with"
            " `data`, or restore the file"
        ) from error
    except OSError as error:
        raise RunError(f"{path}: cannot be read ({error.strerror})") from error
    except yaml.YAMLError as error:
        raise RunError(
            f"{path}: damaged ({yaml_problem(error)}). Restore it or train again"
        ) from error
    if not isinstance(found, dict):
        raise RunError(f"{path}: damaged (holds no settings). Restore it or train again")
    return with_new_names(found)


def stored_section(folder: RunFolder, name: str) -> dict[str, Any]:
    """One section of :func:`stored_settings`; empty if it is missing."""
    found = stored_settings(folder).get(name, {})
    if not isinstance(found, dict):
        raise RunError(
            f"{folder.config}: damaged ({name} is no section). Restore it or train again"
        )
    return found


def section_of(content: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """A section of settings or of ``run.json``; empty if it is missing or no section.

    >>> section_of({"data": {"source": "digits"}, "optim": 1}, "data")
    {'source': 'digits'}
    """
    found = content.get(name)
    return found if isinstance(found, Mapping) else {}


def differences(
    settings: Sequence[Mapping[str, Any]], *, ignore: tuple[str, ...] = ()
) -> dict[str, tuple[Any, ...]]:
    """Dotted settings whose values are not the same in all, with each one's value.

    Those whose key starts with one of ``ignore`` are left out.

    >>> differences([{"optim": {"batch": 64}}, {"optim": {"batch": 32}}])
    {'optim.batch': (64, 32)}
    """
    listed = [flat(one) for one in settings]
    keys = sorted({key for one in listed for key in one if not key.startswith(ignore)})
    values = {key: tuple(one.get(key) for one in listed) for key in keys}
    return {key: row for key, row in values.items() if any(value != row[0] for value in row)}


def flat(tree: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested settings by dotted key.

    >>> flat({"optim": {"batch": 64}})
    {'optim.batch': 64}
    """
    found: dict[str, Any] = {}
    for key, value in tree.items():
        if isinstance(value, Mapping):
            found |= flat(value, f"{prefix}{key}.")
        else:
            found[f"{prefix}{key}"] = value
    return found
