"""Labs from their YAML files: those of this package, and a user's own; messages of one line."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import resources
from itertools import combinations
from operator import attrgetter
from typing import Any

import yaml
from pydantic import ValidationError

from dcgan.config import RunConfig, parse_config
from dcgan.config.allowed_values import allowed, either
from dcgan.errors import ConfigError, did_you_mean, shown
from dcgan.labs.claim import Arm, Budget, Budgets, Claim, Expectation, LabSection
from dcgan.plain_yaml import load_yaml, read_yaml_file, yaml_problem
from dcgan.runtime.files import StrPath, expanded

_SAME_IN_ALL_ARMS = ("data.source", "data.root", "data.split", "data.size", "data.channels")
"""Settings without which the scores of two arms cannot be compared."""

_OWN_KEYS = {
    "seed": "the seeds of the budget",
    "length": "the budget",
    "threads": "the lab, which uses 1",
    "device": "the option `device` of the lab",
}
"""Settings that a lab makes itself, with what decides them."""

_EXAMPLES = {
    "claim": "claim: A wider latent gives better images.",
    "source": "source: my own idea",
    "data": "data: digits",
    "settings": "settings: {data: {size: 16}}",
    "arms": "arms: {wide: {settings: {...}}, narrow: {settings: {...}}}",
    "expected": "expected: [{arm: wide, is: better, than: narrow}]",
    "arm": "{arm: wide, is: better, than: narrow}",
    "is": "{arm: wide, is: better, than: narrow}",
    "than": "{arm: wide, is: better, than: narrow}",
    "difference": "difference: 1.15",
    "budget": "budget: {quick: {images: 20000, seeds: 3}, full: {images: 100000, seeds: 8}}",
    "quick": "quick: {images: 20000, seeds: 3}",
    "full": "full: {images: 100000, seeds: 8}",
    "seeds": "seeds: 3",
}
"""How a key is written."""


def list_labs() -> dict[str, str]:
    """The name of each lab of this package, and its claim."""
    return dict(_claims())


@cache
def _claims() -> dict[str, str]:
    # without the check of all settings, which takes seconds: these files are tested
    return {name: _content(name)["claim"].strip() for name in lab_names()}


def lab_names() -> list[str]:
    """The names of the labs of this package."""
    folder = resources.files("dcgan.labs").joinpath("claims")
    if not folder.is_dir():
        return []
    names = (entry.name for entry in folder.iterdir())
    return sorted(name.removesuffix(".yaml") for name in names if name.endswith(".yaml"))


def load_claim(lab: StrPath) -> Claim:
    """A lab of this package by its name, or one of a user by its YAML file.

    Raises
    ------
    ConfigError
        There is no such lab, or its file cannot be used: names the key, the value and what is
        allowed.
    """
    text, path = str(lab), expanded(lab)
    if path.suffix not in {".yaml", ".yml"} and not path.is_file():
        if text not in lab_names():
            raise ConfigError(
                "lab", text, f"no such lab or file; {did_you_mean(text, lab_names())}"
            )
        return _parsed(text, f"{text}.yaml", _content(text))
    try:
        content = read_yaml_file(path)
    except OSError as error:
        raise ConfigError("", text, f"{text}: {error.strerror or 'cannot be read'}") from error
    except yaml.YAMLError as error:
        raise ConfigError("", text, f"{text}: not YAML: {yaml_problem(error)}") from error
    return _parsed(path.stem, text, content)


def _content(lab: str) -> Any:
    """What the file of a lab of this package holds."""
    file = resources.files("dcgan.labs").joinpath("claims", f"{lab}.yaml")
    return load_yaml(file.read_text(encoding="utf-8"))


def _parsed(name: str, file: str, content: object) -> Claim:
    """The content of a lab's file, with the settings of all arms checked."""
    if not isinstance(content, dict):
        raise ConfigError("", file, f"{file}: no lab; write KEY: VALUE lines, such as claim: ...")
    if "name" in content:
        raise ConfigError("", file, f"{file}: name: a lab has the name of its file; remove `name`")
    try:
        claim = Claim.model_validate({**content, "name": name})
    except ValidationError as error:
        raise ConfigError("", file, f"{file}: {_finding(error)}") from error
    _refuse_settings(claim, file)
    return claim


def _finding(error: ValidationError) -> str:
    """The first finding of a validation: key, value, what is allowed."""
    finding = error.errors(include_url=False)[0]
    places = [str(part) for part in finding["loc"] if part != "[key]"]
    key, value = ".".join(places), shown(finding["input"])
    match finding["type"]:
        case "missing":
            found = f" is missing; add it, as in `{_EXAMPLES[places[-1]]}`"
        case "invalid_key":
            found = f": no such key; choose one of {', '.join(_keys_at([]))}"
        case "extra_forbidden" if places[-1].isdigit():  # YAML reads {images: 20,000} as two keys
            found = ": no such key; write numbers without commas, such as 20000"
        case "extra_forbidden":
            found = f": no such key; {did_you_mean(places[-1], _keys_at(places[:-1]))}"
        case "literal_error":
            found = f" is {value}: use {finding['ctx']['expected']}"
        case "value_error":
            problem = str(finding["ctx"]["error"])
            found = f": {problem}" if "arm" in problem else f" is {value}: {problem}"
        case "string_pattern_mismatch":
            found = ": use lowercase letters, digits and single hyphens for the key of an arm"
        case _:
            plain = [one for one in places if not one.isdigit()]
            found = f" is {value}: {_how_to_write(plain)}"
    return key + found


def _how_to_write(places: list[str]) -> str:
    """What to type for a value of another type than that of its key."""
    *above, last = places
    if above == ["arms"]:
        return "write lines below it, such as `settings: {...}`, or {}"
    field = _section_at(above).model_fields.get(last)
    choices = [] if field is None else allowed(field)
    if last in _EXAMPLES and not (field and field.annotation in (int, float)):
        return f"write it as in `{_EXAMPLES[last]}`"
    return f"use {either(choices)}" if choices else "write it as in docs/guide/labs.md"


def _section_at(places: list[str]) -> type[LabSection]:
    """The section at a path."""
    match places:
        case ["arms", _]:
            return Arm
        case ["expected", _]:
            return Expectation
        case ["budget"]:
            return Budgets
        case ["budget", _]:
            return Budget
    return Claim


def _keys_at(places: list[str]) -> list[str]:
    """The keys of the section at a path."""
    fields = _section_at(places).model_fields
    return [field.alias or key for key, field in fields.items() if key != "name"]


def _refuse_settings(claim: Claim, file: str) -> None:
    """Raise ``ConfigError`` for settings that no run can have, or by which no two arms differ."""
    configs: dict[str, RunConfig] = {}
    for arm in claim.trained():
        for where, settings in (
            ("settings", claim.settings),
            (f"arms.{arm}.settings", claim.arms[arm].settings),
        ):
            for key, decided in _OWN_KEYS.items():
                if key in settings:
                    raise ConfigError(
                        "", key, f"{file}: {where}.{key}: decided by {decided}; remove it"
                    )
        try:
            for budget in (claim.budget.full, claim.budget.quick):
                configs[arm] = parse_config(claim.settings_of(arm, budget))
                _refuse_open_size(configs[arm])
        except ConfigError as error:
            problem = str(error).replace("`", "")
            raise ConfigError("", error.value, f"{file}: arm {arm}: {problem}") from error
    _refuse_incomparable(file, configs)
    _refuse_equal(file, configs)


def _refuse_open_size(config: RunConfig) -> None:
    """Raise ``ConfigError`` for a size that would depend on how fast an arm is."""
    if config.length.minutes is not None and config.data.size == "auto":
        raise ConfigError(
            "data.size", "auto", "a budget of seconds needs a size, such as data: {size: 32}"
        )


def _refuse_incomparable(file: str, configs: Mapping[str, RunConfig]) -> None:
    """Raise ``ConfigError`` if arms would be trained on other images. ``auto`` may be the same."""
    for key in _SAME_IN_ALL_ARMS:
        values = {arm: attrgetter(key)(config) for arm, config in configs.items()}
        stated = {arm: value for arm, value in values.items() if value != "auto"}
        first, *others = stated.items() or [("", None)]
        for arm, value in others:
            if value != first[1]:
                raise ConfigError(
                    "",
                    value,
                    f"{file}: {key} is {first[1]} in arm {first[0]} and {value} in arm {arm}: their"
                    " scores cannot be compared. Set it in the settings of the lab",
                )


def _refuse_equal(file: str, configs: Mapping[str, RunConfig]) -> None:
    """Raise ``ConfigError`` if two arms have the same settings.

    With the same seeds, their runs are the same, and every difference is 0: no evidence for a
    claim, although the interval is as short as can be.
    """
    for (first, config), (second, other) in combinations(configs.items(), 2):
        if config == other:
            raise ConfigError(
                "",
                second,
                f"{file}: arms {first} and {second} have the same settings, so their runs would be"
                f" the same. Change a setting of one of them, below `arms.{second}.settings`",
            )
