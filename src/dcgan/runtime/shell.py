"""Commands as messages print them: ready to be pasted into a shell."""

from __future__ import annotations

import shlex
from os import fspath

from dcgan.runtime.files import StrPath


def command(*words: StrPath) -> str:
    """A command line of ``dcgan``, each word quoted where a shell would take it apart.

    >>> command("sample", "runs/my flags")
    "dcgan sample 'runs/my flags'"
    """
    return shlex.join(["dcgan", *(fspath(word) for word in words)])
