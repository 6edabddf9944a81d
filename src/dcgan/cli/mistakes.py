"""Wrong command lines, answered in one line: what is wrong, what is allowed, what to type instead.

None of this needs torch.
"""

from __future__ import annotations

from collections.abc import Sequence
from inspect import Parameter, signature
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING

from dcgan.cli.commands import COMMANDS
from dcgan.runtime.arguments import is_name, is_run, newest_runs
from dcgan.runtime.nearest import exists, nearest_name
from dcgan.runtime.shell import command

if TYPE_CHECKING:
    from cyclopts import CycloptsError, UnknownOptionError
    from cyclopts.argument import Argument

_RUN_FIRST = (*COMMANDS["Look"], "evaluate", "probe")
"""Commands whose first argument is a run."""

_SYNONYMS = {
    "count": "number",
    "epoch": "epochs",
    "learning-rate": "lr",
    "metric": "extractor",
    "n": "number",
    "num": "number",
    "output": "out",
    "resolution": "size",
}
"""Names that other programs have for our options."""

_OTHER_WORDS = {"draw": "sample", "eval": "evaluate", "generate": "sample", "resume": "train"}
"""Words that other programs have for our commands."""

_YES = ("true", "yes", "on", "1", "false", "no", "off")

_DATA_FIRST = ("train", "inspect", "prepare")


def usage_line(error: CycloptsError, words: Sequence[str]) -> str:
    """What cyclopts found wrong with the words, for people."""
    from cyclopts import (
        CoercionError,
        MissingArgumentError,
        UnknownCommandError,
        UnknownOptionError,
        UnusedCliTokensError,
        ValidationError,
    )

    name = " ".join(("dcgan", *(error.command_chain or ())))
    line = " ".join(str(error).split())
    match error:
        case ValidationError():
            return _invalid(error, line, words)
        case UnusedCliTokensError():
            return _too_many(error, name, words)
        case UnknownOptionError():
            line = _unknown_option(error, line)
        case UnknownCommandError():
            return _unknown_command(words[0])
        case MissingArgumentError():
            line += _missing(error.argument)
        case CoercionError():
            line = _wrong_kind(error, line)
    return f"{line} ({name} --help lists all options)"


def corrected(words: Sequence[str]) -> str | None:
    """The command that was probably meant, where a path has spaces or the run is not the first."""
    return (_quoted(words) or _run_first(words)) if words else None


def _quoted(words: Sequence[str]) -> str | None:
    places = _positional(words)
    for start, end in combinations(places, 2):
        path = " ".join(words[start : end + 1])
        is_one_row = all(place in places for place in range(start, end))
        if is_one_row and exists(Path(path)) and not exists(Path(words[start])):
            meant = command(*words[:start], path, *words[end + 1 :])
            return f"A path with spaces needs quotes: {meant}"
    return None


def _run_first(words: Sequence[str]) -> str | None:
    places = _positional(words)
    if words[0] not in _RUN_FIRST or not places or is_run(Path(words[places[0]])):
        return None
    for place in places[1:]:
        if is_run(Path(words[place])):
            rest = [*words[1:place], *words[place + 1 :]]
            return f"The run comes first: {command(words[0], words[place], *rest)}"
    return None


def _positional(words: Sequence[str]) -> list[int]:
    """Where arguments stand that follow no option, whose value they could be."""
    return [
        place
        for place in range(1, len(words))
        if not words[place].startswith("-")
        and (place == 1 or not words[place - 1].startswith("-") or "=" in words[place - 1])
    ]


def _invalid(error: CycloptsError, line: str, words: Sequence[str]) -> str:
    from pydantic import ValidationError as PydanticError

    from dcgan.config.parsing import config_error

    cause, argument = error.__cause__, error.argument
    if not isinstance(cause, PydanticError):  # a bound of an option, such as --limit
        return line
    section = argument.name.lstrip("-") if argument else ""
    if argument is not None and isinstance(cause.errors()[0]["input"], str):
        wrong = cause.errors()[0]
        if not wrong["loc"]:  # a section was given a value of its own, such as --data PATH
            return _section_with_value(section, wrong["input"], words)
    return str(config_error(cause, section))


def _section_with_value(section: str, value: str, words: Sequence[str]) -> str:
    if section == "data":
        rest = [one for one in words[1:] if one not in ("--data", f"--data={value}", value)]
        meant = command(words[0], value, *rest)
        return f"--data {value}: write the dataset without an option: {meant}"
    from dcgan.config.parsing import settings_below

    known = [f"--{section}.{name.replace('_', '-')}" for name in settings_below(section)]
    return f"--{section} {value}: a group of settings takes no value. It has {', '.join(known)}"


def _too_many(error: CycloptsError, name: str, words: Sequence[str]) -> str:
    """Which argument is one too many, and the option that it is perhaps meant for."""
    word = (error.unused_tokens or [""])[0]
    assert error.target is not None
    parameters = signature(error.target).parameters.values()
    taken = [one.name.upper() for one in parameters if one.kind is Parameter.POSITIONAL_ONLY]
    takes = f"accepts only {' and '.join(taken)}" if taken else "accepts only options"
    meant = corrected(words) or _as_option(word, words) or f"{name} --help lists the options"
    return f"{word!r} is one argument too many: {name} {takes}. {meant}"


def _as_option(word: str, words: Sequence[str]) -> str:
    task = words[0]
    before = words[words.index(word) - 1] if word in words else ""
    if before.startswith("--") and word.lower() in _YES:
        return f"{before} is a switch and takes no value"
    without = [one for one in words if one != word]
    if word.isdigit() and task in ("sample", "train"):
        option = ["-n"] if task == "sample" else ["--minutes"]
        what = "images" if task == "sample" else "minutes"
        return f"For {word} {what}: {command(*without, *option, word)}"
    if task in _DATA_FIRST and exists(Path(word)):
        return "To train on several folders, put them in one folder and use that folder"
    if Path(word).suffix or "/" in word:
        return f"To write to this path: {command(*without, '--out', word)}"
    return ""


def _unknown_command(word: str) -> str:
    if is_run(Path(word)):
        return f"{word!r} is a run, not a command. To sample from it: {command('sample', word)}"
    if is_name(word) or exists(Path(word)):
        return f"{word!r} is not a command. To train on it: {command('train', word)}"
    commands = [name for group in COMMANDS.values() for name in group]
    near = _OTHER_WORDS.get(word) or nearest_name(word, commands)
    meant = f"Did you mean {near!r}?" if near else f"The commands are {', '.join(commands)}"
    return f"{word!r} is not a command. {meant}"


def _missing(argument: Argument | None) -> str:
    """What can stand for an argument that is not there."""
    name = argument.name if argument is not None else ""
    if name in ("RUN", "--run"):
        runs = newest_runs()
        return f" The newest runs are {runs}." if runs else f" To train a run: {command('train')}."
    if name == "--out":
        return " Add --out and the folder to write."
    return ""


def _wrong_kind(error: CycloptsError, line: str) -> str:
    token = getattr(error, "token", None)
    kinds = {"int": "a whole number", "float": "a number"}
    kind = kinds.get(getattr(getattr(error, "target_type", None), "__name__", ""))
    if token is None or kind is None:
        return line
    name = token.keyword or (error.argument.name if error.argument is not None else "")
    return f"{name} is {token.value!r}: it must be {kind}."


def _unknown_option(error: UnknownOptionError, line: str) -> str:
    """The options that are known by another name, or of which only the path is missing."""
    word = error.token.keyword or error.token.value  # the latter where words come before DATA
    end = word.lstrip("-").replace("_", "-")
    end = _SYNONYMS.get(end, end)
    known = {name for one in error.argument_collection for name in one.names}
    found = sorted(name for name in known if name == f"--{end}" or name.endswith(f".{end}"))
    return f"Unknown option: {word}. It is {' or '.join(found)} here." if found else line
