"""Wrong command lines: one line that says what to type instead. Needs no torch."""

from __future__ import annotations

from collections.abc import Sequence
from inspect import Parameter, signature
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING

from dcgan.cli.commands import COMMANDS
from dcgan.runtime.arguments import is_name, is_run, newest_runs, where_runs_come_from
from dcgan.runtime.nearest import exists, nearest_name
from dcgan.runtime.shell import command
from dcgan.runtime.wording import counted

if TYPE_CHECKING:
    from cyclopts import CycloptsError, UnknownOptionError
    from cyclopts.argument import Argument

_RUN_FIRST = (*COMMANDS["Generate and explore"], "evaluate", "probe")
"""Commands whose first argument is a run."""

_DATA_FIRST = ("train", "inspect", "prepare")

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
"""Names of options in other programs, and ours."""

_ALIKE = 0.75
"""Ratio of common letters from which an option is similar."""

_OTHER_WORDS = {"draw": "sample", "eval": "evaluate", "generate": "sample", "resume": "train"}
"""Commands of other programs, and ours."""


def usage_line(error: CycloptsError, words: Sequence[str]) -> str:
    """One line for a command line that cyclopts could not parse."""
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
        case UnknownCommandError():
            return _unknown_command(words[0])
        case UnknownOptionError():
            line = _unknown_option(error, words)
        case MissingArgumentError():
            return _missing(error.argument, words)
        case CoercionError():
            line = _wrong_kind(error, line)
    every = "--help-all" if name == "dcgan train" else "--help"
    return f"{line} ({name} {every} lists all options)"


def corrected(words: Sequence[str]) -> str | None:
    """The command that was probably meant, where a path has spaces or the run is not first."""
    places = _positional(words)
    for start, end in combinations(places, 2):
        path = " ".join(words[start : end + 1])
        is_one_row = all(place in places for place in range(start, end))
        if is_one_row and exists(Path(path)) and not exists(Path(words[start])):
            meant = command(*words[:start], path, *words[end + 1 :])
            return f"A path with spaces needs quotes: {meant}"
    if not places or words[0] not in _RUN_FIRST or is_run(Path(words[places[0]])):
        return None
    for place in places[1:]:
        if is_run(Path(words[place])):
            rest = [*words[1:place], *words[place + 1 :]]
            return f"The run comes first: {command(words[0], words[place], *rest)}"
    return None


def _positional(words: Sequence[str]) -> list[int]:
    """The places of arguments; a word after an option may be its value, and is left out."""
    return [
        place
        for place in range(1, len(words))
        if not words[place].startswith("-")
        and (place == 1 or not words[place - 1].startswith("-") or "=" in words[place - 1])
    ]


def _invalid(error: CycloptsError, line: str, words: Sequence[str]) -> str:
    from pydantic import ValidationError as PydanticError

    from dcgan.cli.flags import as_typed
    from dcgan.config.parsing import config_error, settings_below

    cause = error.__cause__
    if not isinstance(cause, PydanticError):  # a bound of an option, such as --limit
        return line
    wrong = cause.errors()[0]
    section, value = ".".join(map(str, wrong["loc"])), wrong["input"]
    if wrong["type"] != "model_type":
        return as_typed(config_error(cause), words)
    # a section got a value, such as --data PATH
    if section == "data":
        rest = [one for one in words[1:] if one not in ("--data", f"--data={value}", value)]
        meant = command(words[0], value, *rest)
        return f"--data {value}: write the dataset without an option: {meant}"
    known = [f"--{section}.{name.replace('_', '-')}" for name in settings_below(section)]
    return f"--{section} {value}: a group of settings takes no value. It has {', '.join(known)}"


def _too_many(error: CycloptsError, name: str, words: Sequence[str]) -> str:
    """Which argument is one too many, and the option that may be meant."""
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
    if before.startswith("--") and word.lower() in ("true", "yes", "on", "false", "no", "off"):
        return f"{before} is a switch and takes no value"
    without = [one for one in words if one != word]
    if word.isdecimal() and task in ("sample", "train"):
        option = ["-n"] if task == "sample" else ["--minutes"]
        what = "image" if task == "sample" else "minute"
        return f"For {counted(int(word), what)}: {command(*without, *option, word)}"
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


def _missing(argument: Argument | None, words: Sequence[str]) -> str:
    """What is missing, an argument or the value of an option, and the command with it."""
    name = argument.name if argument is not None else "an argument"
    if name in words:  # an option without its value
        example = _EXAMPLES.get(name.lstrip("-")) or _example(argument)
        return f"{name} needs a value. Use {name} {example}"
    if name.startswith("--"):
        example = _EXAMPLES.get(name.lstrip("-"), "VALUE")
        return f"{name} is missing. Use: {command(*words, name)} {example}"
    line = f"{name} is missing. Use: {command(*words)} {name}"
    if name == "RUN":
        return f"{line}. {newest_runs() or where_runs_come_from()}"
    if name == "DATA":
        line += ", with a folder, a file or the name of a dataset"
    return line


_EXAMPLES = {
    "data": "FOLDER",
    "data-root": "FOLDER",
    "device": "cpu",
    "held-out": "FOLDER",
    "label": "7",
    "out": "PATH",
    "recipe": "paper",
    "size": "64",
}
"""Values of options, for messages."""


def _example(argument: Argument | None) -> str:
    kind = argument.hint if argument is not None else None
    return "10" if kind in (int, float, int | None, float | None) else "VALUE"


def _wrong_kind(error: CycloptsError, line: str) -> str:
    token = getattr(error, "token", None)
    kinds = {"int": "a whole number", "float": "a number"}
    kind = kinds.get(getattr(getattr(error, "target_type", None), "__name__", ""))
    if token is None or kind is None:
        return line
    name = token.keyword or (error.argument.name if error.argument is not None else "")
    return f"{name} is {token.value!r}: it must be {kind}."


def _unknown_option(error: UnknownOptionError, words: Sequence[str]) -> str:
    """The option's name here, if it has another name, only its path is missing, or it is similar.

    A similar name must be more similar than elsewhere: --name does not mean --move.
    """
    word = error.token.keyword or error.token.value  # value: an option before DATA
    line = f"{words[0]} has no option {word}."
    end = word.lstrip("-").replace("_", "-")
    end = _SYNONYMS.get(end, end)
    known = {name for one in error.argument_collection for name in one.names}
    found = sorted(name for name in known if name == f"--{end}" or name.endswith(f".{end}"))
    if found:
        return f"{line} It is {' or '.join(found)} here."
    bare = {name.lstrip("-"): name for name in sorted(known) if len(name) > 2}
    near = nearest_name(end, bare, ratio=_ALIKE)
    return f"{line} Did you mean {bare[near]}?" if near else line
