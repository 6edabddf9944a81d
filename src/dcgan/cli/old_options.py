"""Earlier spellings of options, which scripts may still use."""

from __future__ import annotations

from collections.abc import Sequence

_OLD = {"--metrics.measure": "--metrics.metric", "--neighbours": "--neighbors"}
_OLD_OF_COMMAND = {command: {"--images": "--number"} for command in ("evaluate", "compare")}


def with_new_options(words: Sequence[str]) -> list[str]:
    """A command line in the options of today.

    >>> with_new_options(["evaluate", "run", "--images=500", "--neighbours"])
    ['evaluate', 'run', '--number=500', '--neighbors']
    """
    old = _OLD | _OLD_OF_COMMAND.get(words[0] if words else "", {})
    renamed = []
    for word in words:
        option, equals, value = word.partition("=")
        renamed.append(old.get(option, option) + equals + value)
    return renamed
