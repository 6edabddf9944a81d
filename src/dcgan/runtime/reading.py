"""Read untrusted JSON in bounded time, with one kind of error."""

from __future__ import annotations

import hashlib
import json
import stat
from pathlib import Path
from typing import Any

MOST_BYTES = 2**28
"""The maximum size of a JSON file; those of this package are far smaller."""


class NotJson(ValueError):
    """A text that is not the expected JSON; the message is one line."""


def read_json(path: Path) -> dict[str, Any]:
    """The object in a JSON file; raises ``NotJson``, or ``OSError`` if it cannot be read."""
    state = path.stat()
    if not stat.S_ISREG(state.st_mode):  # reading a pipe may never end
        raise NotJson("not a regular file")
    if state.st_size > MOST_BYTES:
        raise NotJson(f"larger than {MOST_BYTES:,} bytes")
    return parse_json(path.read_bytes())


def parse_json(text: str | bytes, *, finite: bool = True) -> dict[str, Any]:
    """The object in a JSON text, or in bytes of UTF-8; raises ``NotJson`` for anything else.

    ``finite`` refuses infinite numbers and NaN.

    >>> parse_json('{"images": 64}')
    {'images': 64}
    >>> parse_json('[NaN]')
    Traceback (most recent call last):
    dcgan.runtime.reading.NotJson: NaN is not allowed in JSON
    """
    try:
        if isinstance(text, bytes):
            text = text.decode("utf-8")
        found = json.loads(text, parse_constant=_refuse_constant if finite else float)
    except NotJson:
        raise
    except RecursionError:
        raise NotJson("nested too deeply") from None
    except ValueError as error:  # also a number of 5,000 digits
        raise NotJson(str(error).partition(";")[0]) from None
    if not isinstance(found, dict):
        raise NotJson(f"holds a {type(found).__name__} instead of an object")
    return found


def sha256(path: Path) -> str:
    """The SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _refuse_constant(name: str) -> Any:
    raise NotJson(f"{name} is not allowed in JSON")
