"""From a source to pictures that can be taken at once: where each collection is best held.

In order: as it lies, if it is an array that fits; in the cache, decoded once for all runs; in
memory; and in its source, decoded again each time it is shown.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dcgan.data.cache import Cache, Wanted
from dcgan.data.dataset import CoveredDataset, HeldDataset, ImageDataset, Skipped
from dcgan.data.image_view import View
from dcgan.data.pixels.remarks import Remarks
from dcgan.data.pixels.values import UNKNOWN, Values
from dcgan.data.prepared import Decoded, writing
from dcgan.data.quality.survey import spread_evenly
from dcgan.data.quality.variation import VARYING, varies
from dcgan.data.sources.base import Source
from dcgan.data.sources.prepared import PreparedSource
from dcgan.data.stream import StreamedDataset
from dcgan.errors import DiskFull, TooManyUnreadable, UnreadableImage
from dcgan.runtime.isolation import isolated
from dcgan.runtime.memory import available_memory, in_words
from dcgan.runtime.reporting import SILENT, Reporter
from dcgan.runtime.threads import in_chunks
from dcgan.vocabulary import Fit

_MEMORY_SHARE = 0.6
"""Of the memory that is free, what decoded pictures may take."""

_CHUNK_BYTES = 2**22

_LARGE = 100_000
"""Collections of more pictures are not decoded whole for a run that sees less than half of them."""

_RAGGED = 1.5
"""How much more a covering picture takes than what is cut from it, as a guess: 3:2 photographs."""


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
    """Decode, convert and fit the pictures of a source, on all cores.

    Parameters
    ----------
    source : Source
    size : (height, width)
    channels : 1 to 4
    how, background
        See :func:`dcgan.data.pixels.fit.fit`.
    max_unreadable : float in [0, 1], default 0.05
    cache : Cache, optional
        Where decoded pictures are kept between runs; default nowhere.
    memory : int, optional
        Bytes that decoded pictures may take; default 60 % of what is free.
    shown : int, optional
        How many images the run will be shown, where that is known.
    values : Values, optional
        Black and white in images of more than 8 bits per channel; default what the images tell.
    reporter : Reporter, default silent
        Receives notes and progress.

    Raises
    ------
    TooManyUnreadable
        More than ``max_unreadable`` of the pictures could not be read.
    """
    view = View(size, channels, how, background, values)
    if isinstance(source, PreparedSource) and not source.has_checksums:
        reporter.note(
            f"{source.name}: an earlier version prepared it without checksums, so that damage to"
            " its labels goes unseen; run 'dcgan prepare' again to add them"
        )
    lying = _as_they_lie(source, view)
    if lying is not None:
        # what prepared pictures skipped is no part of them: they are a collection of their own
        known = source.dataset.digest if isinstance(source, PreparedSource) else None
        return HeldDataset(lying, known, labels=source.labels, run=source.run)
    if varies(source):
        reporter.note(f"{source.name}: {VARYING}")
        return StreamedDataset(source, view, max_unreadable=max_unreadable)
    dataset = _cached(source, view, cache, max_unreadable, shown, reporter)
    if dataset is None and _is_brief(source, shown):
        reporter.note(
            f"less than half of {len(source):,} pictures will be shown: each is decoded then"
        )
        return StreamedDataset(source, view, max_unreadable=max_unreadable)
    if dataset is None:
        room = memory if memory is not None else _free_memory()
        if room is None or _needed(source, view) <= room:
            dataset = _in_memory(source, view, max_unreadable, room, reporter)
    if dataset is None:
        reporter.note(
            f"{in_words(_needed(source, view))} decoded fit neither into the cache nor into"
            " memory: pictures are decoded each time they are shown"
        )
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
    """Decode a source into a prepared folder, which appears when it is whole.

    Raises
    ------
    TooManyUnreadable
        More than ``max_unreadable`` of the pictures could not be read; no folder is left.
    OSError
        Such as a full disk.
    """
    lying = _as_they_lie(source, view)
    with writing(folder, source, view) as writer:
        if lying is not None:
            for index, pixels in enumerate(lying):
                writer.add(Decoded(index, pixels))
        else:
            for decoded in decode_all(source, view, reporter):
                writer.add(decoded)
        refuse_too_many(source, writer.skipped, max_unreadable)


def decode_all(source: Source, view: View, reporter: Reporter) -> Iterator[Decoded]:
    """Every picture in order, decoded in threads a little ahead of the caller."""
    count = len(source)

    def decode_one(index: int) -> Decoded:
        try:
            pixels, remarks = view.remarked(source, index)
            return Decoded(index, pixels, frozenset(remarks))
        except UnreadableImage as error:
            return Decoded(index, Skipped(source.title(index), str(error)))

    chunk = max(1, min(256, _CHUNK_BYTES // view.image_bytes))
    for decoded in in_chunks(
        decode_one, range(count), most=chunk, one_at_a_time=source.one_at_a_time
    ):
        yield decoded
        reporter.progress("decoding", decoded.index + 1, count)


def load_some(
    source: Source,
    size: tuple[int, int],
    channels: int,
    *,
    how: Fit = "crop",
    limit: int = 64,
    values: Values = UNKNOWN,
) -> NDArray[np.uint8]:
    """Up to ``limit`` readable pictures spread evenly over a source, as :func:`load_dataset`
    would hold them, uint8 (N, C, H, W)."""
    view = View(size, channels, "crop" if how == "cover-random" else how, values=values)

    def decoded(index: int) -> NDArray[np.uint8] | None:
        try:
            return view.of(source, index)
        except UnreadableImage:
            return None

    rows = spread_evenly(len(source), limit)
    found = in_chunks(decoded, rows, one_at_a_time=source.one_at_a_time)
    images = [one for one in found if one is not None]
    return np.stack(images) if images else np.empty((0, *view.shape), dtype=np.uint8)


def refuse_too_many(
    source: Source, skipped: tuple[Skipped, ...] | list[Skipped], bound: float
) -> None:
    """Refuse a collection of which more than a share cannot be read."""
    count = len(source)
    if len(skipped) <= bound * count and len(skipped) < count:
        return
    raise TooManyUnreadable(
        f"{source.name}: {len(skipped)} of {count} pictures are unreadable, more than"
        f" data.max_unreadable = {bound:g} allows; the first is {skipped[0].title}"
        f" ({skipped[0].reason}); 'dcgan inspect {source.name} --json' names them all"
    )


def _as_they_lie(source: Source, view: View) -> NDArray[np.uint8] | None:
    pixels = source.pixels()
    return None if pixels is None or pixels.shape[1:] != view.shape else pixels


def _cached(
    source: Source,
    view: View,
    cache: Cache | None,
    max_unreadable: float,
    shown: int | None,
    reporter: Reporter,
) -> ImageDataset | None:
    """The entry of the cache, built if need be; None where there cannot be one."""
    stamp = None if cache is None else source.stamp()
    if cache is None or stamp is None:
        return None
    wanted = Wanted(source, view, stamp)

    def build(folder: Path) -> None:
        prepare_dataset(source, view, folder, max_unreadable=max_unreadable, reporter=reporter)

    try:
        found = cache.find(wanted, reporter)
        if found is None and not _is_brief(source, shown):
            obstacle = cache.make_room(_needed(source, view))
            if obstacle:
                reporter.note(f"not kept for later runs: {obstacle}")
                return None
            found = cache.get(wanted, build, reporter)
    except OSError as error:
        if isinstance(error, DiskFull):
            reporter.note(
                f"not kept for later runs: no space is left on the disk of {cache.folder}"
            )
        else:
            reporter.note(f"not kept for later runs: {cache.folder}: {error.strerror or error}")
        return None
    if found is not None:
        found.relabel(source.labels)
    return found


def _in_memory(
    source: Source, view: View, max_unreadable: float, room: int | None, reporter: Reporter
) -> ImageDataset | None:
    """All pictures decoded; None where ragged ones turn out to take more than there is room."""
    skipped: list[Skipped] = []
    remarks = Remarks()
    rows: list[int] = []
    sides: list[tuple[int, ...]] = []
    flat = bytearray()
    fixed = None if view.is_ragged else np.empty((len(source), *view.shape), dtype=np.uint8)
    for decoded in decode_all(source, view, reporter):
        if isinstance(decoded.pixels, Skipped):
            skipped.append(decoded.pixels)
            continue
        if decoded.remarks:
            remarks.add(source.title(decoded.index), decoded.remarks)
        if fixed is None:
            sides.append(decoded.pixels.shape[1:])
            flat += decoded.pixels.tobytes()
            if room is not None and len(flat) > room:
                return None
        else:
            fixed[len(rows)] = decoded.pixels
        rows.append(decoded.index)
    refuse_too_many(source, skipped, max_unreadable)
    kept = np.array(rows, dtype=np.int64)
    common: dict[str, Any] = {
        "labels": {name: values.take(kept) for name, values in source.labels.items()},
        "skipped": skipped,
        "run": source.run,
        "kept": kept,
        "positions": len(source),
        "remarks": remarks,
    }
    if fixed is None:
        pixels = np.frombuffer(flat, dtype=np.uint8)
        return CoveredDataset(view.shape, pixels, np.array(sides), **common)
    return HeldDataset(fixed[: len(rows)], **common)


def _is_brief(source: Source, shown: int | None) -> bool:
    """Whether a run sees so little of a large collection that decoding all of it is a waste."""
    return shown is not None and len(source) > _LARGE and 2 * shown < len(source)


def _needed(source: Source, view: View) -> int:
    return round(len(source) * view.image_bytes * (_RAGGED if view.is_ragged else 1))


def _free_memory() -> int | None:
    free = available_memory()
    return None if free is None else int(_MEMORY_SHARE * free)
