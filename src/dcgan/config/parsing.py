"""From YAML and dictionaries to a configuration, with errors of one line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from dcgan.config.allowed_values import allowed, either
from dcgan.config.fields import OPERATIONS
from dcgan.config.tree import RunConfig
from dcgan.errors import ConfigError, did_you_mean, nearest_of, shown
from dcgan.old_names import with_new_names
from dcgan.plain_yaml import read_yaml_file, yaml_problem


def read_yaml(path: str | PathLike[str]) -> dict[str, Any]:
    """Read a YAML file that holds a mapping.

    Raises
    ------
    ConfigError
        The file does not exist, is not YAML, or does not hold a mapping.
    """
    path = Path(path)
    try:
        content = read_yaml_file(path)
    except OSError as error:
        reason = error.strerror or "cannot be read"
        raise ConfigError("", path, f"{path}: {reason}") from error
    except (yaml.YAMLError, ValueError) as error:
        problem = yaml_problem(error) if isinstance(error, yaml.YAMLError) else str(error)
        raise ConfigError("", path, f"{path}: not YAML: {problem}") from error
    if not isinstance(content, dict):
        raise ConfigError("", path, f"{path}: holds no settings; write KEY: VALUE lines")
    refuse_odd_sections(content)
    return with_new_names(content)


def refuse_odd_sections(
    settings: Mapping[Any, Any], section: Any = RunConfig, path: str = ""
) -> None:
    """Raise ConfigError if a section, at ``path``, is not a mapping, or a name not a string."""
    for key, value in settings.items():
        if not isinstance(key, str):
            raise ConfigError(
                "", key, f"{shown(key)} is not the name of a setting; write KEY: VALUE"
            )
        field = section.model_fields.get(key)
        inner = None if field is None else field.annotation
        if not (isinstance(inner, type) and issubclass(inner, BaseModel)):
            continue
        if not isinstance(value, Mapping):
            known = ", ".join(list(inner.model_fields)[:4])
            raise ConfigError(
                path + key, value, f"a section of settings; write lines below it, such as {known}"
            )
        refuse_odd_sections(value, inner, f"{path}{key}.")


def refuse_loose_switches(
    settings: Mapping[str, Any], section: Any = RunConfig, path: str = ""
) -> None:
    """Raise ConfigError for a switch that is neither True nor False.

    For settings from Python; in YAML, yes and on also mean true.
    """
    for key, value in settings.items():
        field = section.model_fields.get(key)
        if field is None:
            continue
        if field.annotation is bool and not isinstance(value, bool):
            raise ConfigError(path + key, value, "use True or False")
        if isinstance(value, Mapping) and _section_in(field.annotation) is not None:
            refuse_loose_switches(value, _section_in(field.annotation), f"{path}{key}.")


def parse_config(settings: Mapping[str, Any]) -> RunConfig:
    """Check a nested dictionary of settings and make it a configuration.

    Raises
    ------
    ConfigError
        Names the first wrong key, its value, what is allowed and the nearest valid name.
    """
    try:
        return RunConfig.model_validate(with_new_names(settings))
    except ValidationError as error:
        raise config_error(error) from error


def config_error(error: ValidationError) -> ConfigError:
    """The first finding of a pydantic validation as one line."""
    findings = error.errors(include_url=False)
    finding = findings[0]
    path, field, parent = _follow(finding["loc"])
    value, key = finding["input"], ""
    for part in path:
        key += f"[{part}]" if isinstance(part, int) else f".{part}" if key else str(part)
    or_auto = any(
        other["type"] == "literal_error"
        and other["ctx"]["expected"] == "'auto'"
        and _follow(other["loc"])[0] == path
        for other in findings
    )
    match finding["type"]:
        case "extra_forbidden":
            return ConfigError(key, value, f"no such setting; {_meant(str(path[-1]), parent, key)}")
        case "value_error":
            problem = str(finding["ctx"]["error"]) + (", or auto" if or_auto else "")
            return ConfigError(key, value, problem)
    choices = allowed(field) if field is not None else []
    if isinstance(path[-1], int):  # an item of a list
        choices = [choice.rpartition(", each ")[2] for choice in choices]
    if not choices:
        return ConfigError(key, value, finding["msg"][0].lower() + finding["msg"][1:])
    near = nearest_of(shown(value), choices)
    meant = f"did you mean {near!r}? Use" if near else "use"
    return ConfigError(key, value, f"{meant} {either(choices)}")


def _meant(wrong: str, section: Any, key: str) -> str:
    """The setting that a wrong name in a section may mean, also one further down, or all choices.

    ``key`` is the whole path of the wrong name.
    A dotted name is right on the command line; a dictionary is nested.
    """
    name, _, last = wrong.rpartition(".")
    if name and last:
        inner = _meant_below(last, section)
        return (
            f"settings are nested: {_nested(wrong.split('.'))}"
            if wrong in inner
            else f"settings are nested, such as {_nested((inner or ['optim.batch'])[0].split('.'))}"
        )
    known = _keys_of(section)
    if nearest_of(wrong, known) is None and (below := _meant_below(wrong, section)):
        above = key.removesuffix(wrong)
        return f"did you mean {either([f'`{above}{one}`' for one in below])}?"
    return did_you_mean(wrong, known)


def _nested(parts: Sequence[str]) -> str:
    """``{'optim': {'batch': ...}}``."""
    text = "..."
    for part in reversed(parts):
        text = f"{{{part!r}: {text}}}"
    return text


def _meant_below(name: str, section: Any) -> list[str]:
    """Dotted paths below a section of all settings of a name."""
    found = []
    for key, field in section.model_fields.items():
        if key == name:
            found.append(key)
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            found += [f"{key}.{path}" for path in _meant_below(name, inner)]
    return found


def settings_below(section: str) -> list[str]:
    """The settings of a section by its dotted path, such as ``model.generator``."""
    return _keys_of(_follow(section.replace("-", "_").split("."))[2])


def _follow(path: Sequence[int | str]) -> tuple[list[int | str], FieldInfo | None, Any]:
    """Where a path of pydantic leads in the tree.

    Returns
    -------
    (list, FieldInfo or None, section or None)
        The path without the names of a union's branches, which pydantic puts into it; the setting,
        None for an unknown key; the last section on the way, where the path ends in none.
    """
    kept: list[int | str] = []
    field: FieldInfo | None = None
    section: Any = RunConfig
    for position, part in enumerate(path):
        if isinstance(part, int):
            kept.append(part)  # an item of a list is described with its list
        elif section is not None and part in section.model_fields:
            kept.append(part)
            field = section.model_fields[part]
            section = _section_in(field.annotation)
        elif section is not None and position == len(path) - 1:
            kept.append(part)
            field = None
    return kept, field, section


def _keys_of(section: Any) -> list[str]:
    """The valid keys of a section."""
    fields = list(section.model_fields)
    return [*OPERATIONS, *fields[2:]] if "operation" in fields else fields


def _section_in(annotation: Any) -> Any:
    """The first section inside an annotation such as ``tuple[LayerRow, ...] | None``."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for argument in getattr(annotation, "__args__", ()):
        found = _section_in(argument)
        if found is not None:
            return found
    return None
