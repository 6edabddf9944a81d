"""Read again what is out of reach for a moment, such as a file on a network drive."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from dcgan.data.sources.base import Source
from dcgan.errors import DataError, OutOfReach

_PAUSES = (0.2, 1.0, 3.0)
"""Seconds before each further try."""

Result = TypeVar("Result")


def patiently(source: Source, index: int, read: Callable[[], Result]) -> Result:
    """The result of ``read``, which reads one image of a source; tried again after pauses.

    Raises
    ------
    DataError
        It is still out of reach. This is no ``UnreadableImage``, so nobody skips the image.
    """
    for pause in _PAUSES:
        with suppress(OutOfReach):
            return read()
        time.sleep(pause)
    try:
        return read()
    except OutOfReach as error:
        raise DataError(
            f"{source.name}: {source.title(index)} cannot be read now: {error}. Try again"
            " when it can be read; `resume` continues a run that has begun"
        ) from error
