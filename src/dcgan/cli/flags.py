"""Messages of the library in the words of the command line.

The library names a setting or an argument in backticks, as Python and YAML write it:
`` `data.fit=pad` `` or `` `out` ``. On the command line the same is ``--data.fit pad``, ``--out``.
"""

from __future__ import annotations

import re
import shlex
import sys
from functools import cache

from dcgan.cli.commands import COMMANDS
from dcgan.runtime.progress import TerminalReporter
from dcgan.runtime.reporting import SILENT, Reporter

_SHORT = {
    "data.root": "data_root",
    "data.size": "size",
    "optim.batch": "batch",
    **{f"length.{name}": name for name in ("images", "epochs", "minutes")},
}
"""Settings that have a shorter option of their own."""

_NAME = re.compile(r"`([A-Za-z][\w.\[\]]*)(?:=([^`]*))?`")


def with_flags(text: str) -> str:
    """A message with each name in backticks written as the running command takes it.

    A name that is neither a setting nor an argument of the command loses its backticks.

    >>> with_flags("`data.max_unreadable` is 2. `data.fit=pad` keeps images whole.")
    '--data.max-unreadable is 2. --data.fit pad keeps images whole.'
    """
    return _NAME.sub(_flag, text)


def _flag(match: re.Match[str]) -> str:
    name, value = match[1], match[2]
    if value is None:  # the short ones take no auto
        name = _SHORT.get(name, name)
    if "[" in name:  # a row of a layer table, which only a recipe file has
        written = name
    elif "." in name:
        written = f"--{name.replace('_', '-')}"
    else:
        command = next((word for word in sys.argv[1:] if not word.startswith("-")), "train")
        written = _arguments(command).get(name, name)
    if value is None:
        return written
    between = "=" if value.startswith("-") else " "  # else taken for another flag
    return f"{written}{between}{shlex.quote(value)}"


@cache
def _arguments(command: str) -> dict[str, str]:
    """How a command's arguments are typed, by name: ``{"run": "RUN", "out": "--out"}``."""
    from dcgan.cli.app import app

    if not any(command in group for group in COMMANDS.values()):
        command = "train"
    arguments = app[command].assemble_argument_collection()
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
