"""Calls and commands in messages, ready to be pasted into Python or a shell."""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Sequence
from os import PathLike, fspath

from dcgan.runtime.files import StrPath


class _Placeholder(str):
    """A word that the user replaces; written without quotes."""

    def __repr__(self) -> str:
        return str(self)


DATA, RUN = _Placeholder("DATA"), _Placeholder("RUN")


def command(*words: StrPath) -> str:
    """A command line of ``dcgan``, quoted for the shell.

    >>> command("sample", "runs/my flags")
    "dcgan sample 'runs/my flags'"
    """
    return as_line(["dcgan", *(fspath(word) for word in words)])


def install(extra: str) -> str:
    """The command that installs an extra of the package, quoted for the shells of all systems.

    >>> install("hub")
    'pip install "dcgan[hub]"'
    """
    return f'pip install "dcgan[{extra}]"'


def as_line(words: Sequence[str]) -> str:
    """Words as one line for the shell of this system.

    Those of Windows do not know ``\\`` and single quotes as POSIX shells do.
    """
    return subprocess.list2cmdline(words) if os.name == "nt" else shlex.join(words)


def words_of(line: str) -> list[str]:
    """The words of a line from :func:`as_line`; raises ``ValueError`` for an open quote."""
    if os.name != "nt":
        return shlex.split(line)
    lexer = shlex.shlex(line, posix=True)
    lexer.whitespace_split, lexer.commenters = True, ""
    lexer.escape, lexer.quotes = "", '"'
    return list(lexer)


def call(function: str, *arguments: object, **named: object) -> str:
    """A call of a function of the package, in backticks; the command line shows the command.

    >>> call("train", DATA, out="runs/my flags", resume=True)
    "`dcgan.train(DATA, out='runs/my flags', resume=True)`"
    """
    written = [_written(value) for value in arguments]
    written += [f"{name}={_written(value)}" for name, value in named.items()]
    return f"`dcgan.{function}({', '.join(written)})`"


def _written(value: object) -> str:
    return repr(fspath(value) if isinstance(value, PathLike) else value)
