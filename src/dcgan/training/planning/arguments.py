"""Arguments → settings: a recipe, and the user's own settings over it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from os import fspath
from pathlib import Path
from typing import Any

from dcgan.config import (
    RunConfig,
    forget_unused,
    load_recipe,
    merge,
    refuse_loose_switches,
    refuse_odd_sections,
)
from dcgan.errors import ConfigError
from dcgan.old_names import with_new_names
from dcgan.runtime.arguments import is_address, is_name, refuse_no_run
from dcgan.runtime.built_in import run_path
from dcgan.runtime.files import StrPath, expanded
from dcgan.runtime.nearest import exists
from dcgan.runtime.split_names import AUTO, NONE, with_split
from dcgan.vocabulary import CLUSTERS, EXTRACTORS

_LENGTHS = ("images", "epochs", "minutes")

_ARGUMENTS = {
    "data.root": "data_root",
    "data.size": "size",
    "data.channels": "channels",
    "optim.batch": "batch",
    "start.weights": "init",
    **{f"length.{name}": name for name in _LENGTHS},
}
"""Settings that are also arguments of functions."""

_FILES = ("data.source", "data.root", "data.labels", "metrics.extractor")
"""Settings that may name a file or folder, which is then opened."""


@contextmanager
def named_as_given(given: Mapping[str, object]) -> Iterator[None]:
    """Name arguments in errors as the caller wrote them: ``size`` and not ``data.size``.

    ``given`` holds the arguments of the call; those that are None were not set.
    """
    try:
        yield
    except ConfigError as error:
        name = _ARGUMENTS.get(error.key, "")
        if given.get(name) is None:
            raise
        raise type(error)(name, error.value, error.problem) from error


def collect_settings(
    data: str | None,
    *,
    recipe: StrPath | RunConfig | Mapping[str, Any] | None = None,
    out: StrPath | None = None,
    resume: bool = False,
    data_root: StrPath | None = None,
    shortcuts: Mapping[str, Any],
    settings: Mapping[str, Any],
) -> dict[str, Any]:
    """Lay everything that the user set over the recipe.

    Parameters
    ----------
    data, data_root
        As for :func:`dcgan.data.open_source`. Paths, also those in settings and recipes, are made
        absolute, so that a run can be resumed from any folder.
    recipe : str, RunConfig or mapping, optional
        A built-in name, a YAML file, a configuration, or the content of a file; default ``auto``,
        or the configuration of the run to resume.
    out, resume
        As for :func:`dcgan.train`.
    shortcuts : mapping
        ``size``, ``images``, ``epochs``, ``minutes``, ``batch``, ``seed``, ``device``,
        ``precision``, ``threads``, ``init``; None: not set.
    settings : mapping
        Any settings, nested.

    Raises
    ------
    ConfigError
        More than one length, or no such recipe.
    """
    refuse_odd_sections(settings)
    settings = with_new_names(settings)
    refuse_loose_switches(settings)
    given = {name: value for name, value in shortcuts.items() if value is not None}
    asked: dict[str, Any] = {
        name: given[name] for name in ("seed", "device", "precision", "threads") if name in given
    }
    for name, section in (("size", "data"), ("batch", "optim")):
        if name in given:
            asked[section] = {name: given[name]}
    if "init" in given:
        asked["start"] = {"weights": given["init"]}
    if data is not None:
        data, split = with_split(data, settings.get("data", {}).get("split", AUTO))
        asked = merge(
            asked, {"data": {"source": data} | ({"split": split} if split != AUTO else {})}
        )
    if data_root is not None:
        asked = merge(asked, {"data": {"root": fspath(data_root)}})
    own = settings.get("length", {})
    lengths = {name: given[name] for name in _LENGTHS if name in given}
    lengths |= {name: value for name, value in own.items() if value is not None}
    if len(lengths) > 1:
        both = " and ".join(f"`{name}`" for name in lengths)
        raise ConfigError(
            "", lengths, f"{both} are set. Use only one of `images`, `epochs`, `minutes`"
        )
    asked = merge(asked, settings)
    if lengths:  # one length replaces the recipe's
        asked["length"] = dict.fromkeys(_LENGTHS) | lengths
    base = _starting_settings(recipe, out=out, resume=resume)
    weights = asked.get("start", {}).get("weights")
    if weights is not None:
        folder = run_path(weights)
        if folder == expanded(weights):  # a built-in model has a name that every machine knows
            folder = _absolute(folder)
            asked = merge(asked, {"start": {"weights": str(folder)}})
        if recipe is None:
            base = merge(base, settings_to_start_from(folder))
    return _with_absolute_paths(forget_unused(base, asked))


def _with_absolute_paths(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings with the paths in ``_FILES`` as they are from any folder."""
    found = dict(settings)
    for key in _FILES:
        section, name = key.split(".")
        value = settings.get(section, {}).get(name)
        if isinstance(value, str) and _is_path(key, value):
            found = merge(found, {section: {name: str(_absolute(expanded(value)))}})
    return found


def _is_path(key: str, value: str) -> bool:
    """Whether the value of a setting in ``_FILES`` is a path and not a name."""
    path = expanded(value)
    match key:
        case "data.source":
            is_there = exists(path) or any(sign in value for sign in "*{")  # a pattern of shards
            return is_there and not is_name(value) and not is_address(value)
        case "data.labels":
            return value not in {AUTO, NONE} and exists(path)
        case "metrics.extractor":
            return value not in EXTRACTORS and exists(path)
    return True


def settings_to_start_from(path: Path) -> dict[str, Any]:
    """The settings of a run on which its weights depend: networks, size and channels.

    Raises
    ------
    RunError
        The path is no run folder, or its configuration is damaged.
    """
    # refusals that need no run come before torch is imported, which takes seconds
    from dcgan.runs.folder import RunFolder
    from dcgan.runs.settings import stored_section

    refuse_no_run(path)
    model, data = (stored_section(RunFolder(path), name) for name in ("model", "data"))
    condition = model.get("condition")
    if condition not in {None, CLUSTERS}:
        condition = AUTO  # classes are those of the new images
    return {
        "model": {**model, "condition": condition},
        "data": {key: data[key] for key in ("size", "channels", "scaling") if key in data},
    }


def _absolute(path: Path) -> Path:
    """An absolute path without ``..``; links are kept where there is none."""
    return path.resolve() if ".." in path.parts else path.absolute()


def _starting_settings(
    recipe: StrPath | RunConfig | Mapping[str, Any] | None, *, out: StrPath | None, resume: bool
) -> Mapping[str, Any]:
    """The settings of the recipe, or of the run that is resumed in its folder.

    Of the latter without the number of threads, which its checkpoint knows better.
    """
    if isinstance(recipe, RunConfig):
        return recipe.model_dump(mode="json", exclude_unset=True)
    if isinstance(recipe, Mapping):
        return with_new_names(recipe)
    stored = None if out is None else expanded(out) / "config.yaml"
    if recipe is None and resume and stored is not None and stored.is_file():
        return {key: value for key, value in load_recipe(stored).items() if key != "threads"}
    return load_recipe("auto" if recipe is None else recipe)


def outside_the_recipe(recipe: str, config: RunConfig) -> Iterator[str]:
    """One line for each file that a recipe file names and that lies outside its folder.

    A recipe may be somebody else's: the user should know what it opens. Files that the user named
    instead, or that do not exist, need no line.
    """
    if not Path(recipe).is_file():
        return
    from dcgan.runs.settings import flat

    named, used = flat(load_recipe(recipe)), flat(config.model_dump(mode="json"))
    folder = Path(recipe).absolute().parent.resolve()
    for key in _FILES:
        value = named.get(key)
        if not isinstance(value, str) or not _is_path(key, value):
            continue
        file = expanded(value)
        if used.get(key) not in {value, str(_absolute(file))}:
            continue
        if exists(file) and not file.absolute().resolve().is_relative_to(folder):
            yield f"{recipe}: `{key}` opens {file}, which lies outside its folder"
