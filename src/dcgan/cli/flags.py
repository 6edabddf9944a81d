"""Messages of the library in the words of the command line.

The library names a setting or an argument in backticks, as Python and YAML write it:
`` `data.fit=pad` `` or `` `out` ``. On the command line the same is ``--data.fit pad``, ``--out``.
"""

from __future__ import annotations

import re
import shlex

from dcgan.runtime.progress import TerminalReporter
from dcgan.runtime.reporting import SILENT, Reporter

_POSITIONAL = {"data", "run", "runs", "name"}

_SETTING = re.compile(r"`([a-z]\w*(?:\.[a-z]\w*)*)(?:=([^`]*))?`")


def with_flags(text: str) -> str:
    """A message with each setting in backticks written as the flag it is.

    >>> with_flags("`data.max_unreadable` is 2. `data.fit=pad` keeps images whole.")
    '--data.max-unreadable is 2. --data.fit pad keeps images whole.'
    """
    return _SETTING.sub(_flag, text)


def _flag(match: re.Match[str]) -> str:
    if match[1] in _POSITIONAL:
        return match[1].upper()
    flag = f"--{match[1].replace('_', '-')}"
    if match[2] is None:
        return flag
    between = "=" if match[2].startswith("-") else " "  # else taken for another flag
    return f"{flag}{between}{_word(match[2])}"


def _word(value: str) -> str:
    """A value as a shell takes it; placeholders such as FILE and N stay as they are."""
    return shlex.quote(value) if value else "''"


class _Screen(TerminalReporter):
    def note(self, text: str) -> None:
        super().note(with_flags(text))


def screen(*, is_first: bool = True) -> Reporter:
    """Shows notes and progress on the terminal; of several processes only the first does.

    Use it in a ``with`` statement, which ends a live line whatever happens.
    """
    return _Screen() if is_first else SILENT
