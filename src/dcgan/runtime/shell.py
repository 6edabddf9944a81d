"""Calls and commands in messages, ready to be pasted into Python or a shell."""

from __future__ import annotations

import shlex
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
    return shlex.join(["dcgan", *(fspath(word) for word in words)])


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
