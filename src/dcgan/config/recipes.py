"""Recipes: YAML files inside the package, or anybody's own file of the same form."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources
from os import PathLike, fspath
from pathlib import Path
from typing import Any

import yaml

from dcgan.config.parsing import parse_config, read_yaml
from dcgan.config.tree import RunConfig
from dcgan.errors import ConfigError, did_you_mean, nearest_of
from dcgan.old_names import with_new_names
from dcgan.plain_yaml import load_yaml


def list_recipes() -> dict[str, str]:
    """Every built-in recipe's name and its first comment line, in alphabetical order."""
    found = {}
    for entry in resources.files("dcgan.config").joinpath("recipes").iterdir():
        if entry.name.endswith(".yaml"):
            first = entry.read_text(encoding="utf-8").splitlines()[0]
            found[entry.name.removesuffix(".yaml")] = first.lstrip("# ")
    return dict(sorted(found.items()))


def recipe_text(name: str | PathLike[str]) -> str:
    """The YAML of a built-in recipe (by name) or of a recipe file (by path).

    Raises
    ------
    ConfigError
        Neither a built-in name nor an existing file; names the nearest one.
    """
    name = _expanded(name)
    path = Path(name)
    _refuse_no_file(name)
    if is_recipe_file(name):
        read_yaml(path)
        return path.read_text(encoding="utf-8")
    known = list_recipes()
    stored = path / "config.yaml"
    if stored.is_file():
        raise ConfigError("recipe", name, f"a run folder; the recipe of that run is {stored}")
    if name not in known:
        raise ConfigError("recipe", name, f"no such recipe or file; {did_you_mean(name, known)}")
    file = resources.files("dcgan.config").joinpath("recipes", f"{name}.yaml")
    return file.read_text(encoding="utf-8")


def load_recipe(name: str | PathLike[str]) -> dict[str, Any]:
    """The settings of a recipe, given its name or its file."""
    name = _expanded(name)
    _refuse_no_file(name)
    settings = read_yaml(Path(name)) if is_recipe_file(name) else load_yaml(recipe_text(name))
    if not isinstance(settings, dict):
        settings = {}
    return {"recipe": name, **settings}


def config_yaml(config: RunConfig) -> str:
    """A configuration as the YAML that a run folder keeps and ``recipe`` reads."""
    return yaml.safe_dump(
        config.model_dump(mode="json"), sort_keys=False, default_flow_style=None, width=100
    )


def is_recipe_file(name: str) -> bool:
    """Whether a recipe is named by its file and not one of this package's."""
    path = Path(name)
    return path.suffix in {".yaml", ".yml"} or path.is_file()


def _expanded(name: str | PathLike[str]) -> str:
    """A name, or a path with ``~`` expanded: shells leave it in ``--recipe=~/a.yaml``."""
    text = fspath(name)
    try:
        return str(Path(text).expanduser()) if text.startswith("~") else text
    except RuntimeError:  # no such user
        return text


def _refuse_no_file(name: str) -> None:
    """Raise ConfigError for a missing recipe file; names the nearest file or recipe."""
    path = Path(name)
    if path.suffix not in {".yaml", ".yml"} or path.exists():
        return
    known = list_recipes()
    if path.stem in known:
        raise ConfigError("recipe", name, f"no such file; did you mean the recipe {path.stem!r}?")
    try:
        files = [one.name for one in path.parent.iterdir() if one.suffix in {".yaml", ".yml"}]
    except OSError:
        files = []
    near = nearest_of(path.name, files)
    if near is not None:
        meant = str(path.with_name(near))
        raise ConfigError("recipe", name, f"no such file; did you mean {meant!r}?")
    raise ConfigError("recipe", name, f"no such file. Use a file, or one of {', '.join(known)}")


def merge(base: Mapping[str, Any], *overrides: Mapping[str, Any]) -> dict[str, Any]:
    """Lay settings over others, section by section; lists and values replace as a whole.

    >>> merge({"optim": {"batch": 64, "discriminator_steps": 1}}, {"optim": {"batch": 32}})
    {'optim': {'batch': 32, 'discriminator_steps': 1}}
    """
    result = dict(base)
    for override in overrides:
        for key, value in override.items():
            below = result.get(key)
            if isinstance(value, Mapping) and isinstance(below, Mapping):
                result[key] = merge(below, value)
            else:
                result[key] = value
    return result


def nested(key: str, value: Any) -> dict[str, Any]:
    """A dotted setting as in a recipe.

    >>> nested("optim.batch", 32)
    {'optim': {'batch': 32}}
    """
    for part in reversed(key.split(".")):
        value = {part: value}
    return dict(value)


def with_settings(config: RunConfig, settings: Mapping[str, Any]) -> RunConfig:
    """The same configuration with other settings, nested as in a recipe."""
    return parse_config(merge(config.model_dump(mode="json"), with_new_names(settings)))
