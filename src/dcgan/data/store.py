"""From a source to a dataset for training, held in the first place that is possible.

As it is, if it is an array of the right shape; in the cache, decoded once for all runs; in memory;
in its source, decoded each time an image is shown.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dcgan.data.cache import Cache
from dcgan.data.contents import Wanted
from dcgan.data.dataset import CoveredDataset, DecodedDataset, HeldDataset, ImageDataset
from dcgan.data.decoding import Decoded, Readable, decode_all, refuse_too_many
from dcgan.data.image_view import View
from dcgan.data.pixels.values import UNKNOWN, Values
from dcgan.data.quality.evidence import spread_evenly
from dcgan.data.quality.variation import VARYING, varies
from dcgan.data.sources.base import Source
from dcgan.data.sources.prepared import PreparedSource
from dcgan.data.stream import StreamedDataset
from dcgan.data.write_prepared import write_prepared
from dcgan.errors import DiskFull, UnreadableImage
from dcgan.runtime.isolation import isolated
from dcgan.runtime.memory import available_memory, in_words
from dcgan.runtime.reporting import SILENT, Reporter
from dcgan.runtime.threads import in_chunks
from dcgan.vocabulary import Fit

_MEMORY_SHARE = 0.6
"""Share of the free memory that decoded images may use."""

_LARGE = 100_000
"""Larger datasets are not decoded in full for a run that sees less than half of their images."""

_RAGGED = 1.5
"""A guess of how much larger a covering image is than a crop from it: 3:2 photographs."""


@isolated()
def load_dataset(
    source: Source,
    size: tuple[int, int],
    channels: int,
    *,
    how: Fit = "crop",
    background: str = "#ffffff",
    max_unreadable: float = 0.05,
    cache: Cache | None = None,
    memory: int | None = None,
    shown: int | None = None,
    values: Values = UNKNOWN,
    reporter: Reporter = SILENT,
) -> ImageDataset:
    """Decode, convert and fit the images of a source, on all cores.

    Parameters
    ----------
    source : Source
    size : (height, width)
    channels : 1 to 4
    how, background
        See :func:`dcgan.data.pixels.fit.fit`.
    max_unreadable : float in [0, 1], default 0.05
    cache : Cache, optional
        Where decoded images are kept between runs; nowhere by default.
    memory : int, optional
        Bytes that decoded images may use; default 60 % of the free memory.
    shown : int, optional
        Number of images that the run will be shown, if known.
    values : Values, optional
        Black and white in images of more than 8 bits per channel; found from the images by
        default.
    reporter : Reporter, default silent
        Receives notes and progress.

    Raises
    ------
    TooManyUnreadable
        More than ``max_unreadable`` of the images are unreadable.
    """
    view = View(size, channels, how, background, values)
    if isinstance(source, PreparedSource) and not source.has_checksums:
        reporter.note(
            f"{source.name}: prepared by an earlier version without checksums, so damaged labels"
            " are not noticed. Run 'dcgan prepare' again to add checksums"
        )
    pixels = _ready_pixels(source, view)
    if pixels is not None:
        # images skipped by 'dcgan prepare' are not part of the prepared dataset
        known = source.dataset.digest if isinstance(source, PreparedSource) else None
        return HeldDataset(pixels, known, labels=source.labels, run=source.run)
    dataset = _decoded(source, view, cache, max_unreadable, memory, shown, reporter)
    if isinstance(dataset, str):
        reporter.note(dataset)
        return StreamedDataset(source, view, max_unreadable=max_unreadable)
    refuse_too_many(source, dataset.skipped, max_unreadable)
    for line in dataset.remarks.lines():
        reporter.note(line)
    return dataset


def prepare_dataset(
    source: Source,
    view: View,
    folder: Path,
    *,
    max_unreadable: float = 0.05,
    reporter: Reporter = SILENT,
) -> None:
    """Decode a source into a prepared folder, which appears when it is complete.

    Raises
    ------
    TooManyUnreadable
        More than ``max_unreadable`` of the images are unreadable; no folder is left.
    OSError
        Such as a full disk.
    """
    pixels = _ready_pixels(source, view)
    if pixels is None:
        images = decode_all(source, view, reporter)
    else:
        images = (Decoded(index, image) for index, image in enumerate(pixels))
    write_prepared(folder, source, view, images, max_unreadable)


def load_some(
    source: Source,
    size: tuple[int, int],
    channels: int,
    *,
    how: Fit = "crop",
    limit: int = 64,
    values: Values = UNKNOWN,
) -> NDArray[np.uint8]:
    """Up to ``limit`` readable images spread evenly over a source, as :func:`load_dataset` would
    hold them, uint8 (N, C, H, W)."""
    view = View(size, channels, "crop" if how == "cover-random" else how, values=values)

    def decode(index: int) -> NDArray[np.uint8] | None:
        try:
            return view.of(source, index)
        except UnreadableImage:
            return None

    rows = spread_evenly(len(source), limit)
    decoded = in_chunks(decode, rows, one_at_a_time=source.one_at_a_time)
    images = [image for image in decoded if image is not None]
    return np.stack(images) if images else np.empty((0, *view.shape), dtype=np.uint8)


def _ready_pixels(source: Source, view: View) -> NDArray[np.uint8] | None:
    pixels = source.pixels()
    return None if pixels is None or pixels.shape[1:] != view.shape else pixels


def _decoded(
    source: Source,
    view: View,
    cache: Cache | None,
    max_unreadable: float,
    memory: int | None,
    shown: int | None,
    reporter: Reporter,
) -> DecodedDataset | str:
    """The images in the cache or in memory, or why they must be decoded when they are shown."""
    if varies(source):
        return f"{source.name}: {VARYING}"
    is_brief = shown is not None and len(source) > _LARGE and 2 * shown < len(source)
    dataset = _cached(source, view, cache, max_unreadable, is_brief, reporter)
    if dataset is not None:
        return dataset
    if is_brief:
        return f"images are decoded when they are shown: less than half of {len(source):,} will be"
    free = available_memory() if memory is None else None
    room = memory if free is None else int(_MEMORY_SHARE * free)
    needed = _needed(source, view)
    if room is None or needed <= room:
        dataset = _in_memory(source, view, max_unreadable, room, reporter)
        if dataset is not None:
            return dataset
    return (
        f"images are decoded each time they are shown: {in_words(needed)} decoded fit neither into"
        " the cache nor into memory"
    )


def _cached(
    source: Source,
    view: View,
    cache: Cache | None,
    max_unreadable: float,
    is_brief: bool,
    reporter: Reporter,
) -> DecodedDataset | None:
    """The entry of the cache, built if necessary; None if there cannot be one."""
    stamp = None if cache is None else source.stamp()
    if cache is None or stamp is None:
        return None
    wanted = Wanted(source, view, stamp)

    def build(folder: Path) -> None:
        prepare_dataset(source, view, folder, max_unreadable=max_unreadable, reporter=reporter)

    obstacle = None
    try:
        entry = cache.find(wanted, reporter)
        if entry is None and not is_brief:
            obstacle = cache.make_room(_needed(source, view))
            if obstacle is None:
                entry = cache.get(wanted, build, reporter)
    except DiskFull:
        obstacle = f"no space is left on the disk of {cache.folder}"
    except OSError as error:
        obstacle = f"{cache.folder}: {error.strerror or error}"
    if obstacle is not None:
        reporter.note(f"decoded images are not kept for later runs: {obstacle}")
        return None
    if entry is not None:
        entry.relabel(source.labels)
    return entry


def _in_memory(
    source: Source, view: View, max_unreadable: float, room: int | None, reporter: Reporter
) -> DecodedDataset | None:
    """All images decoded; None if images of different sizes turn out to need more than ``room``."""
    readable, flat = Readable(source, view), bytearray()
    fixed = None if view.is_ragged else np.empty((len(source), *view.shape), dtype=np.uint8)
    for decoded in decode_all(source, view, reporter):
        pixels = readable.add(decoded)
        if pixels is None:
            continue
        if fixed is not None:
            fixed[len(readable) - 1] = pixels
            continue
        flat += pixels.tobytes()
        if room is not None and len(flat) > room:
            return None
    refuse_too_many(source, readable.skipped, max_unreadable)
    if fixed is not None:
        return HeldDataset(fixed[: len(readable)], **readable.about())
    pixels = np.frombuffer(flat, dtype=np.uint8)
    return CoveredDataset(view.shape, pixels, readable.sides, **readable.about())


def _needed(source: Source, view: View) -> int:
    return round(len(source) * view.image_bytes * (_RAGGED if view.is_ragged else 1))
