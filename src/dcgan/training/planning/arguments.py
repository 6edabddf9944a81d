"""Arguments → configuration: recipe below, the user's own settings above."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from dcgan.config import RunConfig, forget_unused, load_recipe, merge, refuse_odd_sections
from dcgan.config.recipes import is_recipe_file
from dcgan.errors import ConfigError
from dcgan.runtime.arguments import is_address, is_name
from dcgan.runtime.files import StrPath, expanded, is_there
from dcgan.runtime.split_names import AUTO, NONE, with_split

_LENGTHS = ("images", "epochs", "minutes")


def starting_settings(
    recipe: StrPath | None, *, out: StrPath | None, resume: bool
) -> dict[str, Any]:
    """The settings that all others are laid over: those of a recipe, by default ``auto``.

    A run that is resumed in its folder begins with its own configuration, but for the number of
    threads: its checkpoint knows how many they are by now.
    """
    stored = None if out is None else expanded(out) / "config.yaml"
    if recipe is None and resume and stored is not None and stored.is_file():
        return {key: value for key, value in load_recipe(stored).items() if key != "threads"}
    return load_recipe("auto" if recipe is None else recipe)


def collect_settings(
    *,
    recipe: str | Mapping[str, Any],
    data: str | None,
    data_root: StrPath | None,
    shortcuts: Mapping[str, Any],
    settings: Mapping[str, Any],
) -> dict[str, Any]:
    """Lay everything that was asked for over the recipe.

    Parameters
    ----------
    recipe : str or mapping
        Built-in name or YAML file, or what one holds.
    data, data_root
        As for :func:`dcgan.data.open_source`; paths are made absolute, so that a run goes on
        from any folder.
    shortcuts : mapping
        ``size``, ``images``, ``epochs``, ``minutes``, ``batch``, ``seed``, ``device``,
        ``precision``, ``threads``; those that are None are passed over.
    settings : mapping
        A nested dictionary of any settings.

    Raises
    ------
    ConfigError
        More than one length, or no such recipe.
    """
    refuse_odd_sections(settings)
    given = {name: value for name, value in shortcuts.items() if value is not None}
    asked: dict[str, Any] = {}
    for name, place in (("size", "data"), ("batch", "optim")):
        if name in given:
            asked = merge(asked, {place: {name: given[name]}})
    for name in ("seed", "device", "precision", "threads"):
        if name in given:
            asked[name] = given[name]
    if data is not None:
        data, split = with_split(data, settings.get("data", {}).get("split", AUTO))
        path = expanded(data)
        is_path = path.exists() or any(sign in data for sign in "*{")  # a pattern of shards
        is_path = is_path and not is_name(data) and not is_address(data)
        source = str(path.absolute()) if is_path else data
        asked = merge(asked, {"data": {"source": source}})
        if split != AUTO:
            asked = merge(asked, {"data": {"split": split}})
    if data_root is not None:
        root = str(expanded(data_root).absolute())
        asked = merge(asked, {"data": {"root": root}})
    lengths = {name: given[name] for name in _LENGTHS if name in given}
    lengths |= {
        name: value for name, value in settings.get("length", {}).items() if value is not None
    }
    if len(lengths) > 1:
        raise ConfigError("length", lengths, "give one of images, epochs and minutes")
    asked = merge(asked, settings)
    labels = settings.get("data", {}).get("labels", AUTO)
    if isinstance(labels, str) and labels not in {AUTO, NONE} and expanded(labels).is_file():
        asked = merge(asked, {"data": {"labels": str(expanded(labels).absolute())}})
    if lengths:  # one length takes the place of the recipe's
        asked["length"] = dict.fromkeys(_LENGTHS) | lengths
    base = recipe if isinstance(recipe, Mapping) else load_recipe(recipe)
    return forget_unused(base, asked)


_FILES = ("data.source", "data.root", "metrics.extractor")
"""Settings that may name a file or folder, which is then opened."""


def outside_the_recipe(recipe: str, config: RunConfig) -> Iterator[str]:
    """One line for each file that a recipe file names and that lies outside its folder.

    A recipe may be somebody else's: the user should know what it opens. What the user named
    instead, and what is not there, needs no word.
    """
    if not is_recipe_file(recipe):
        return
    named, used = flat(load_recipe(recipe)), flat(config.model_dump(mode="json"))
    folder = Path(recipe).absolute().parent.resolve()
    for key in _FILES:
        value = named.get(key)
        if not isinstance(value, str) or used.get(key) != value:
            continue
        file = expanded(value)
        if is_there(file) and not file.absolute().resolve().is_relative_to(folder):
            yield f"{recipe}: {key} opens {file}, which lies outside its folder"


def differences(ours: RunConfig, theirs: RunConfig, *, ignore: tuple[str, ...]) -> dict[str, str]:
    """Settings that differ, by dotted key, as ``theirs there, ours here``."""

    def said(value: Any) -> str:
        return "not set" if value is None else str(value)

    mine, stored = flat(ours.model_dump(mode="json")), flat(theirs.model_dump(mode="json"))
    found = {}
    for key in sorted(mine.keys() | stored.keys()):
        if key.startswith(ignore):
            continue
        if mine.get(key) != stored.get(key):
            found[key] = f"{said(stored.get(key))} there, {said(mine.get(key))} here"
    return found


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
            found[prefix + key] = value
    return found
