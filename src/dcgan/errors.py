"""All errors of this package, in one tree.

::

    DcganError                  exit code 2, except for the last two
    ├── ConfigError             a wrong setting: names the key, the value and what is allowed
    │   └── GeometryError       a layer table whose shapes do not fit together
    ├── DataError               images that cannot be used
    │   ├── SourceNotFound      neither a path nor a known name
    │   ├── Unreachable         no server sent a dataset
    │   ├── UnreadableImage     a file without a usable image
    │   │   └── OutOfReach      a file that cannot be read now, and may be intact
    │   └── TooManyUnreadable   more than `data.max_unreadable` allows
    ├── RunError                a run folder that cannot be used
    │   ├── RunConflict         it holds a run of other settings
    │   └── CheckpointError     a checkpoint that is missing, incomplete or altered
    ├── WeightsError            a file of weights that cannot be imported
    ├── DiskFull                a disk is full
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
    "DiskFull",
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
    "WeightsError",
]


class DcganError(Exception):
    """Base of all errors; ``exit_code`` is that of the command line."""

    exit_code: int = 2

    def __init__(self, message: str) -> None:
        # file names and keys may contain line breaks and control characters
        super().__init__(printable(" ".join(message.splitlines())))


class ConfigError(DcganError):
    """A wrong setting or argument, or a combination that does not work.

    ``key`` is a dotted path or a name; ``problem`` says what is allowed and what to do.
    """

    def __init__(self, key: str, value: object, problem: str) -> None:
        super().__init__(f"`{key}` is {shown(value)}: {problem}" if key else problem)
        self.key = key
        self.value = value
        self.problem = problem


class GeometryError(ConfigError):
    """A layer table whose shapes do not fit together."""


class DataError(DcganError):
    """Images that cannot be used."""


class SourceNotFound(DataError):
    """Neither an existing path nor the name of a known dataset."""


class Unreachable(DataError):
    """No server sent a dataset."""


class UnreadableImage(DataError):
    """A file without a usable image; the message is the reason."""


class OutOfReach(UnreadableImage):
    """A file that cannot be read at the moment, and may be intact."""


class TooManyUnreadable(DataError):
    """More unreadable images than ``data.max_unreadable`` allows."""


class RunError(DcganError):
    """A run folder that cannot be used."""


class RunConflict(RunError):
    """The folder already holds a run of other settings."""


class CheckpointError(RunError):
    """A checkpoint that is missing, incomplete or altered."""


class WeightsError(DcganError):
    """A file of weights that cannot be imported."""


class DiskFull(DcganError, OSError):
    """A disk is full; also an ``OSError``, for callers that can do without the file."""


class Interrupted(DcganError):
    """Training was stopped by a signal; everything is saved."""

    exit_code = 3


class Diverged(DcganError):
    """A loss or a weight became infinite or NaN, or a loss too large to recover from."""

    exit_code = 4


_LONGEST = 200
"""Maximum number of letters of a value in a message."""


def shown(value: object) -> str:
    """A value as messages show it, shortened if it is long.

    >>> shown("9" * 1000) == repr("9" * 1000)[:200] + "…"
    True
    """
    try:
        text = repr(value)
    except (ValueError, RecursionError):  # a number of 5,000 digits, or nested too deeply
        return f"a {type(value).__name__} too large to show"
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def printable(text: str) -> str:
    """A text with unprintable letters replaced."""
    return "".join(
        letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text
    )


def did_you_mean(wrong: str, known: Iterable[str]) -> str:
    """The end of a message: the most similar valid name, or all choices.

    >>> did_you_mean("small-mnits", ["small-mnist", "paper"])
    "did you mean 'small-mnist'?"
    """
    choices = list(known)
    near = nearest_of(wrong, choices)
    return f"did you mean {near!r}?" if near else f"choose one of {', '.join(choices)}"


def nearest_of(wrong: str, known: Iterable[str]) -> str | None:
    """The name that is most similar to a wrong one, if any is."""
    near = difflib.get_close_matches(wrong, list(known), n=1, cutoff=0.6)
    return near[0] if near else None


def __dir__() -> list[str]:
    return __all__
