"""Files by their paths: which are hidden, which have changed, and the content of one."""

from __future__ import annotations

import errno
import hashlib
import re
import secrets
import stat
from collections.abc import Iterable
from pathlib import Path

from dcgan.data.pixels.decode import MOST_BYTES
from dcgan.errors import OutOfReach, UnreadableImage
from dcgan.runtime.changes import can_be_trusted, state_of

_PASSING = {errno.EIO, errno.ETIMEDOUT, errno.ESTALE, errno.EAGAIN, errno.EMFILE, errno.ENFILE}
"""Errors of a network drive or a busy system that may pass."""

_ADDED_BY_SYSTEMS = (
    *("__MACOSX", "Network Trash Folder", "Temporary Items"),  # macOS
    *("$RECYCLE.BIN", "RECYCLER", "System Volume Information"),  # Windows
    *("Thumbs.db", "ehthumbs.db", "desktop.ini"),
    *("@eaDir", "#recycle", "#snapshot"),  # Synology: the first holds a thumbnail of each image
    *("@Recycle", "@Recently-Snapshot"),  # QNAP
    *("lost+found", "__pycache__"),
)

_HIDDEN = re.compile(
    rf"(?:^|/)(?:\.+[^./][^/]*|{'|'.join(map(re.escape, _ADDED_BY_SYSTEMS))})(?=/|$)", re.IGNORECASE
)


def digest(parts: Iterable[object]) -> str:
    """A short hash of the ``repr`` of each part."""
    hashed = hashlib.blake2b(digest_size=16)
    for part in parts:
        hashed.update(repr(part).encode("utf-8", "surrogatepass"))
        hashed.update(b"\n")
    return hashed.hexdigest()


def file_stamp(paths: Iterable[Path]) -> str:
    """A digest of paths and file states, which changes when a file does.

    It is never the same twice for files changed so recently that their states cannot be trusted.
    """
    states = {str(path): state_of(path) for path in paths}
    trusted = can_be_trusted(states.values())
    return digest((*states.items(), None if trusted else secrets.token_hex()))


def read_image_file(path: Path) -> bytes:
    """The content of one image file; raises ``UnreadableImage`` with the reason."""
    try:
        state = path.stat()
        if not stat.S_ISREG(state.st_mode):
            raise UnreadableImage("not a regular file")  # reading a pipe never ends
        if state.st_size > MOST_BYTES:
            raise UnreadableImage(f"of {state.st_size:,} bytes: too large for an image")
        return path.read_bytes()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error) or "cannot be read"
        raise unreadable(error, reason) from error


def unreadable(error: Exception, reason: str) -> UnreadableImage:
    """What to raise for an error while an image is read: ``OutOfReach`` if the error may pass, else
    ``UnreadableImage`` with the reason."""
    if isinstance(error, OSError) and error.errno in _PASSING:
        return OutOfReach(error.strerror or reason)
    return UnreadableImage(reason)


def is_hidden(name: str) -> bool:
    """Whether a path, with ``/`` between its parts, is hidden or added by a system, such as trash.

    >>> is_hidden("a/.b/c.png"), is_hidden("a/@eaDir/c.png/SYNOPHOTO_THUMB_M.jpg")
    (True, True)
    >>> is_hidden("../a.png"), is_hidden("eaDir/c.png")
    (False, False)
    """
    return _HIDDEN.search(name) is not None
