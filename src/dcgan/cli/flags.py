"""Messages of the library in the words of the command line.

The library names a setting or an argument in backticks, as Python and YAML write it:
`` `data.fit=pad` `` or `` `out` ``. On the command line the same is ``--data.fit pad``, ``--out``.
A call in backticks, such as `` `dcgan.train(out='run', resume=True)` ``, becomes a command.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Sequence
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING

from dcgan.cli.commands import COMMANDS
from dcgan.errors import DcganError, shown
from dcgan.runtime.progress import TerminalReporter
from dcgan.runtime.reporting import SILENT, Reporter
from dcgan.runtime.shell import as_line, command

if TYPE_CHECKING:
    from cyclopts import Argument

_SHORT = {
    "codes": "code",
    "data.root": "data_root",
    "data.size": "size",
    "optim.batch": "batch",
    **{f"length.{name}": name for name in ("images", "epochs", "minutes")},
}
"""Settings and arguments that have an option of another name."""

_NAME = re.compile(r"`([A-Za-z][\w.\[\]]*)(?:=([^`]*))?`")
_CALL = re.compile(r"`dcgan\.(\w+)(\(.*?\))`")
_TYPED = re.compile(r"(--[\w.-]+(?:\[\d+\])?)( is |: )")


def with_flags(text: str) -> str:
    """A message with each name in backticks written as the running command takes it.

    A name that is neither a setting nor an argument of the command loses its backticks.

    >>> with_flags("`data.max_unreadable` is 2. `data.fit=pad` keeps images whole.")
    '--data.max-unreadable is 2. --data.fit pad keeps images whole.'
    """
    return _NAME.sub(_flag, _CALL.sub(_command, text))


def as_typed(error: DcganError, words: Sequence[str]) -> str:
    """The message of an error in flags, with the option and its value as they were typed.

    ``-n 0`` is shown as such and not as ``--number``; so is ``--out x.pgn``, although the library
    refuses only ``.pgn``.
    """
    line = with_flags(str(error))
    for option, value in pairwise(words):
        if option.startswith("--") and line.startswith(f"{value}: "):  # such as --held-out nowhere
            return f"{option} {line}"
    match = _TYPED.match(line)
    key = getattr(error, "key", "")
    if match is None or not key:
        return line
    rest = line.removeprefix(match[0] + shown(getattr(error, "value", None)))
    found = _typed(_spellings(match[1]), words)
    if getattr(error, "value", None) is True and all(one.lower() != "true" for _, one in found):
        return f"{match[1]}{rest}"  # a switch, which has no value
    if len(found) > 1:
        found = [one for one in found if str(getattr(error, "value", None)) in one[1]]
    if rest == line or len(found) != 1:
        return line
    option, value = found[0]
    return f"{option} is {value if _is_number(value) else shown(value)}{rest}"


def _typed(names: Sequence[str], words: Sequence[str]) -> list[tuple[str, str]]:
    """Each typed occurrence of an option, with its value."""
    found = []
    for place, word in enumerate(words):
        name, equals, value = word.partition("=")
        if name.replace("_", "-") not in names:
            continue
        if equals:
            found.append((name, value))
        elif place + 1 < len(words):
            found.append((name, words[place + 1]))
    return found


def _spellings(option: str) -> list[str]:
    """All names of an option of the running command, such as ``-n`` for ``--number``."""
    option = option.partition("[")[0]
    long = {f"--{name.replace('_', '-')}" for name, flag in _SHORT.items() if option == f"--{flag}"}
    names = [name for one in _options(_running()) if option in one.names for name in one.names]
    return [option, *long, *names]


@cache
def _options(name: str) -> Sequence[Argument]:
    """Arguments and options of a command; ``train`` takes long to list them."""
    from dcgan.cli.app import app

    return app[name].assemble_argument_collection()


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _running() -> str:
    """The running command; ``train`` where none is."""
    word = next((word for word in sys.argv[1:] if not word.startswith("-")), "train")
    return word if any(word in group for group in COMMANDS.values()) else "train"


def _command(match: re.Match[str]) -> str:
    """A call in Python as the command that does the same."""
    try:
        call = ast.parse(f"call{match[2]}", mode="eval").body
    except SyntaxError:
        return match[0]
    assert isinstance(call, ast.Call)
    words = [match[1], *map(_word, call.args)]
    for one in call.keywords:
        words.append(f"--{str(one.arg).replace('_', '-')}")
        if not (isinstance(one.value, ast.Constant) and one.value.value is True):
            words.append(_word(one.value))
    return command(*words)


def _word(value: ast.expr) -> str:
    return value.id if isinstance(value, ast.Name) else str(ast.literal_eval(value))


def _flag(match: re.Match[str]) -> str:
    name, value = match[1], match[2]
    if value is None:  # the short ones take no auto
        name = _SHORT.get(name, name)
    if ".layers[" in name:  # a row of a layer table, which only a recipe file has
        written = name
    elif "." in name:
        written = f"--{name.replace('_', '-')}"
    else:
        written = _arguments(_running()).get(name, name)
    if value is None:
        return written
    between = "=" if value.startswith("-") else " "  # else taken for another flag
    return f"{written}{between}{as_line([value])}"


@cache
def _arguments(name: str) -> dict[str, str]:
    """How a command's arguments are typed, by name: ``{"run": "RUN", "out": "--out"}``."""
    arguments = _options(name)
    typed = [name for one in arguments for name in one.names or (one.name,)]
    # the library's name of an argument that is typed otherwise, such as images of --number
    own = {one.field_info.name: one.names[0] for one in arguments if one.names[0] != "*"}
    # reversed: DATA of train comes before the settings --data.*
    return own | {name.lstrip("-").lower().replace("-", "_"): name for name in reversed(typed)}


class _Screen(TerminalReporter):
    def note(self, text: str) -> None:
        super().note(with_flags(text))


def screen(*, is_first: bool = True) -> Reporter:
    """Shows notes and progress on the terminal; of several processes only the first does.

    Use it in a ``with`` statement, which ends a live line whatever happens.
    """
    return _Screen() if is_first else SILENT
