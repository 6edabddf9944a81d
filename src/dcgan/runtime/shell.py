"""Commands in messages, ready to be pasted into a shell."""

from __future__ import annotations

import shlex
from os import fspath

from dcgan.runtime.files import StrPath


def command(*words: StrPath) -> str:
    """A command line of ``dcgan``, quoted for the shell.

    >>> command("sample", "runs/my flags")
    "dcgan sample 'runs/my flags'"
    """
    return shlex.join(["dcgan", *(fspath(word) for word in words)])
