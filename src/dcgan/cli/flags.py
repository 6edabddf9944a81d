"""Messages of the library in the words of the command line.

The library names a setting or an argument in backticks, as Python and YAML write it:
`` `data.fit=pad` `` or `` `out` ``. On the command line the same is ``--data.fit pad``, ``--out``.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Container

from dcgan.runtime.progress import TerminalReporter
from dcgan.runtime.reporting import SILENT, Reporter

_SETTING = re.compile(r"`([a-z]\w*(?:\.[a-z]\w*)*)(?:=([^`]*))?`")


def with_flags(text: str, names: Container[str] | None = None) -> str:
    """A message with each setting in backticks written as the flag it is.

    Parameters
    ----------
    text : str
    names : container of str, optional
        What the command accepts, such as ``RUN`` and ``--out``. A name that is not among them, and
        is no path of a setting, stays a plain word. Default: all names are flags.

    >>> with_flags("`data.max_unreadable` is 2. `data.fit=pad` keeps images whole.")
    '--data.max-unreadable is 2. --data.fit pad keeps images whole.'
    >>> with_flags("`run` is '7'. `point` is '-4'", {"RUN", "--out"})
    "RUN is '7'. point is '-4'"
    """

    def written(match: re.Match[str]) -> str:
        name, value = match[1], match[2]
        flag = f"--{name.replace('_', '-')}"
        if names is not None and "." not in name and flag not in names:
            return name.upper() if name.upper() in names else name
        return flag if value is None else f"{flag} {_word(value)}"

    return _SETTING.sub(written, text)


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
