"""What paths tell: of what kind a file is, and whether something has changed."""

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
"""What a network drive or a busy system answers now and not later."""

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
    """A short fingerprint of anything whose ``repr`` tells it apart."""
    hashed = hashlib.blake2b(digest_size=16)
    for part in parts:
        hashed.update(repr(part).encode("utf-8", "surrogatepass"))
        hashed.update(b"\n")
    return hashed.hexdigest()


def file_stamp(paths: Iterable[Path]) -> str:
    """A digest that changes when a file does; missing ones count as such.

    Made from places and states, without reading. Of files whose states cannot be trusted yet, it
    is never the same twice.
    """
    states = {str(path): state_of(path) for path in paths}
    trusted = can_be_trusted(states.values())
    return digest((*states.items(), None if trusted else secrets.token_hex()))


def read_image_file(path: Path) -> bytes:
    """The content of one picture file.

    Raises
    ------
    UnreadableImage
        It is gone, may not be read, is no regular file (reading a pipe would never end), or is
        larger than any picture.
    """
    try:
        state = path.stat()
        if not stat.S_ISREG(state.st_mode):
            raise UnreadableImage("not a regular file")
        if state.st_size > MOST_BYTES:
            raise UnreadableImage(f"of {state.st_size:,} bytes: too large for a picture")
        return path.read_bytes()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error) or "cannot be read"
        passes = getattr(error, "errno", None) in _PASSING
        raise (OutOfReach if passes else UnreadableImage)(reason) from error


def suffix(name: str) -> str:
    """How a file's name ends, in lower case, as other files are counted by.

    >>> suffix("a.b/Photo.JPG"), suffix("a.b/readme"), suffix(".hidden")
    ('.jpg', 'no suffix', 'no suffix')
    """
    file = name[name.rfind("/") + 1 :]
    dot = file.rfind(".")
    return file[dot:].lower() if 0 < dot < len(file) - 1 else "no suffix"


def is_hidden(name: str) -> bool:
    """Whether a path is hidden, or is what a system adds, such as thumbnails and trash.

    Parameters
    ----------
    name : str
        With ``/`` between its parts.

    Examples
    --------
    >>> is_hidden("a/.b/c.png"), is_hidden("a/@eaDir/c.png/SYNOPHOTO_THUMB_M.jpg")
    (True, True)
    >>> is_hidden("../a.png"), is_hidden("eaDir/c.png")
    (False, False)
    """
    return _HIDDEN.search(name) is not None
