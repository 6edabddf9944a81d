"""Every error this package raises on purpose, in one tree.

::

    DcganError                  exit code 2 unless said otherwise
    ├── ConfigError             a setting that cannot be: names key, value and what is allowed
    │   └── GeometryError       a layer table whose shapes do not fit together
    ├── DataError               pictures that cannot be used
    │   ├── SourceNotFound      DATA is neither a path nor a known name
    │   ├── Unreachable         no server gave any of a data set
    │   ├── UnreadableImage     one file that holds no usable picture
    │   │   └── OutOfReach      one that cannot be had now, and may be a perfect picture
    │   └── TooManyUnreadable   so many of them that training would be on something else
    ├── RunError                a run folder that cannot be used as asked
    │   ├── RunConflict         it holds a run of another configuration
    │   └── CheckpointError     a checkpoint that is missing, incomplete or altered
    ├── DiskFull                no room to write something
    ├── Interrupted             stopped by a signal after saving; exit code 3
    └── Diverged                losses or weights went out of bounds; exit code 4

A message is one line: what is wrong and the value, what is allowed, what to type instead. It names
settings and arguments in backticks, as Python and YAML write them (`` `data.fit=pad` ``); the
command line shows the same as flags.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

__all__ = [
    "CheckpointError",
    "ConfigError",
    "DataError",
    "DcganError",
    "Diverged",
    "GeometryError",
    "Interrupted",
    "OutOfReach",
    "RunConflict",
    "RunError",
    "SourceNotFound",
    "TooManyUnreadable",
    "Unreachable",
    "UnreadableImage",
]


class DcganError(Exception):
    """Base of all errors here; ``exit_code`` is what the command line returns for it."""

    exit_code: int = 2

    def __init__(self, message: str) -> None:
        # file names and keys may hold line breaks, and what moves the cursor
        super().__init__(printable(" ".join(message.splitlines())))


class ConfigError(DcganError):
    """A setting or a combination of settings that cannot work.

    Parameters
    ----------
    key : str
        Dotted path of the setting, or name of the argument.
    value : object
        What was given.
    problem : str
        What is allowed and how to cure it.
    """

    def __init__(self, key: str, value: object, problem: str) -> None:
        super().__init__(f"`{key}` is {shown(value)}: {problem}" if key else problem)
        self.key = key
        self.value = value
        self.problem = problem


class GeometryError(ConfigError):
    """A layer table whose shapes do not fit together."""


class DataError(DcganError):
    """Pictures that cannot be used."""


class SourceNotFound(DataError):
    """DATA is neither an existing path nor the name of a known set."""


class Unreachable(DataError):
    """No server gave any of a data set; whoever wanted it says what would do instead."""


class UnreadableImage(DataError):
    """One file that holds no usable picture; the message is the reason."""


class OutOfReach(UnreadableImage):
    """One file that cannot be had at the moment: it may be a perfect picture."""


class TooManyUnreadable(DataError):
    """More unreadable pictures than ``data.max_unreadable`` allows."""


class RunError(DcganError):
    """A run folder that cannot be used as asked."""


class RunConflict(RunError):
    """The folder already holds a run of another configuration."""


class CheckpointError(RunError):
    """A checkpoint that is missing, incomplete or altered."""


class DiskFull(DcganError, OSError):
    """There is no room on a disk; also an ``OSError``, for those who can do without the file."""


class Interrupted(DcganError):
    """Training was stopped by a signal; everything is saved."""

    exit_code = 3


class Diverged(DcganError):
    """A loss or a weight became infinite or not a number, or a loss too large to come back."""

    exit_code = 4


_LONGEST = 200
"""Letters of a value that a message shows."""


def shown(value: object) -> str:
    """A value as a message shows it: cut where it is long.

    >>> shown("9" * 1000) == repr("9" * 1000)[:200] + "…"
    True
    """
    try:
        text = repr(value)
    except (ValueError, RecursionError):  # a number of 5,000 digits, or nested too deeply
        return f"a {type(value).__name__} too large to show"
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def printable(text: str) -> str:
    """A text in which each letter that cannot be seen is replaced by one that can."""
    return "".join(
        letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text
    )


def did_you_mean(wrong: str, known: Iterable[str]) -> str:
    """The tail of a message that names the nearest valid spelling, or lists the choices.

    >>> did_you_mean("small-mnits", ["small-mnist", "paper"])
    "did you mean 'small-mnist'?"
    """
    choices = list(known)
    near = nearest_of(wrong, choices)
    return f"did you mean {near!r}?" if near else f"choose one of {', '.join(choices)}"


def nearest_of(wrong: str, known: Iterable[str]) -> str | None:
    """The one of some names that is spelled most like a wrong one, if any is."""
    near = difflib.get_close_matches(wrong, list(known), n=1, cutoff=0.6)
    return near[0] if near else None


def __dir__() -> list[str]:
    return __all__
