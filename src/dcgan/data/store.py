"""All pictures of a source, decoded once and held in memory.

N pictures · C channels · H, W sides
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dcgan.data.colour import to_channels
from dcgan.data.decode import damage_named
from dcgan.data.fit import Fit, fit
from dcgan.data.parallel import in_threads
from dcgan.data.sources.base import Labels, Source
from dcgan.errors import DataError, TooManyUnreadable, UnreadableImage


@dataclass(frozen=True)
class Skipped:
    """One unreadable picture."""

    title: str
    reason: str


@dataclass(frozen=True)
class Pictures:
    """Decoded pictures.

    Attributes
    ----------
    images : uint8 (N, C, H, W)
    labels : dict of str to Labels
        Of the same N pictures.
    skipped : tuple of Skipped
        What could not be read.
    fingerprint : str
        Changes when any pixel or the order does.
    """

    images: NDArray[np.uint8]
    labels: dict[str, Labels]
    skipped: tuple[Skipped, ...]
    fingerprint: str


def load_pictures(
    source: Source,
    size: tuple[int, int],
    channels: int,
    *,
    how: Fit = "crop",
    background: str = "#ffffff",
    max_unreadable: float = 0.05,
    progress: Callable[[int, int], None] | None = None,
) -> Pictures:
    """Decode, convert and fit every picture of a source, on all cores.

    Parameters
    ----------
    size : (height, width)
    channels : 1 to 4
    how, background
        See :func:`dcgan.data.fit.fit`.
    max_unreadable : float in [0, 1]
    progress : callable, optional
        Called with (done, total) now and then.

    Raises
    ------
    TooManyUnreadable
        More than ``max_unreadable`` of the pictures could not be read.
    DataError
        They would not fit into memory.
    """
    count = len(source)
    _refuse_beyond_memory(source.name, count, channels, size)
    images = np.empty((count, channels, *size), dtype=np.uint8)

    def decode_one(index: int) -> Skipped | None:
        try:
            images[index] = _pixels(source, index, size, channels, how, background)
        except UnreadableImage as error:
            return Skipped(source.title(index), str(error))
        return None

    readable = np.ones(count, dtype=bool)
    skipped = []
    for index, failure in enumerate(in_threads(decode_one, range(count))):
        if failure is not None:
            readable[index] = False
            skipped.append(failure)
        if progress is not None and (index % 500 == 499 or index == count - 1):
            progress(index + 1, count)
    if len(skipped) > max_unreadable * count or len(skipped) == count:
        raise TooManyUnreadable(_too_many(source, skipped, count, max_unreadable))
    labels = source.labels
    if skipped:
        rows = np.flatnonzero(readable)
        images = images[rows]
        labels = {name: values.take(rows) for name, values in labels.items()}
    return Pictures(images, labels, tuple(skipped), _fingerprint(images))


def load_some(
    source: Source, size: tuple[int, int], channels: int, *, how: Fit = "crop", limit: int = 64
) -> NDArray[np.uint8]:
    """Up to ``limit`` readable pictures spread evenly over a source, as :func:`load_pictures`
    would hold them, uint8 (N, C, H, W)."""
    images = []
    for index in np.linspace(0, len(source) - 1, min(limit, len(source))).round().astype(int):
        try:
            images.append(_pixels(source, int(index), size, channels, how))
        except UnreadableImage:
            continue
    return np.stack(images) if images else np.empty((0, channels, *size), dtype=np.uint8)


def _pixels(
    source: Source,
    index: int,
    size: tuple[int, int],
    channels: int,
    how: Fit,
    background: str = "#ffffff",
) -> NDArray[np.uint8]:
    """One picture as the network will see it, uint8 (C, H, W)."""
    image = source.read(index)
    with damage_named():  # some damage only shows when the colours are converted
        pixels = np.asarray(fit(to_channels(image, channels, background), size, how, background))
    return pixels[None] if pixels.ndim == 2 else np.moveaxis(pixels, 2, 0)


def _fingerprint(images: NDArray[np.uint8]) -> str:
    digest = hashlib.blake2b(repr(images.shape).encode(), digest_size=16)
    digest.update(images.data)
    return digest.hexdigest()


def _too_many(source: Source, skipped: list[Skipped], count: int, bound: float) -> str:
    example = f"{skipped[0].title} ({skipped[0].reason})"
    return (
        f"{source.name}: {len(skipped)} of {count} pictures are unreadable, more than"
        f" data.max_unreadable = {bound:g} allows; the first is {example};"
        f" 'dcgan inspect {source.name}' names them all"
    )


def _refuse_beyond_memory(name: str, count: int, channels: int, size: tuple[int, int]) -> None:
    needed = count * channels * size[0] * size[1]
    free = _available_memory()
    if free is not None and needed > 0.8 * free:
        raise DataError(
            f"{name}: {count} pictures of {size[0]}x{size[1]}x{channels} need"
            f" {needed / 1e9:.1f} GB, of which {free / 1e9:.1f} GB are free; take a smaller --size"
        )


def _available_memory() -> int | None:
    """Bytes that can be had without swapping, where the system tells."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:
        return None
    kilobytes = {line.split(":")[0]: line.split()[1] for line in lines}
    available = kilobytes.get("MemAvailable")
    return int(available) * 1024 if available else None
