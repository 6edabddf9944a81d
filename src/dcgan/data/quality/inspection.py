"""A thorough look at a dataset before training: what its pixels hold, and what is wrong with them.

N readable images of those looked at
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray

from dcgan.data.pixels.remarks import Remarks, Skipped, listening
from dcgan.data.pixels.values import UNKNOWN, Values, decided
from dcgan.data.quality.duplicates import Group, exact_duplicates, near_duplicates
from dcgan.data.quality.evidence import spread_evenly
from dcgan.data.quality.likeness import LOOKED_AT as COMPARED
from dcgan.data.quality.likeness import Unlike, unlike_classes
from dcgan.data.quality.measurements import THUMBNAIL_BYTES, Look, look, open_with_frames
from dcgan.data.quality.survey import (
    LOOKED_AT,
    Survey,
    class_counts,
    refuse_nothing_readable,
    survey,
)
from dcgan.data.sources.base import Source
from dcgan.data.sources.reach import patiently
from dcgan.errors import UnreadableImage
from dcgan.runtime.reporting import SILENT, Reporter
from dcgan.runtime.threads import in_chunks

TINY_SIDE = 16
"""Images with a shorter side are called tiny: no network here works below it."""

_KEPT = np.dtype(
    [
        ("index", "i8"),
        ("digest", "V16"),
        ("hash", "u8"),
        ("thumbnail", "u1", THUMBNAIL_BYTES),
        ("aspect", "f8"),
        *((at, "?") for at in ("color", "transparent", "animated")),
        *((at, "?") for at in ("blank", "vanishes", "tiny")),
    ]
)
"""What is kept of each image; half a kilobyte."""


@dataclass(frozen=True)
class Inspection(Survey):
    """A survey, and measurements of the pixels. Images are named by their index.

    Attributes
    ----------
    colored, transparent, animated : int
        Number of images whose channels differ; that are not fully opaque; with several frames.
    blank, vanishing, tiny : tuple of int
        Images without variation; without variation only on white; with a side below ``TINY_SIDE``.
    exact, near : tuple of tuple of int
        Groups of equal images, and of nearly equal ones, without blank images. Only the first of
        a group of equal images is in ``near``.
    by_aspect : tuple of int
        All readable images from the narrowest to the widest.
    channel_mean, channel_deviation : tuple of 3 float
        Of red, green and blue, 0 to 255, transparent images on white, over all pixels in full
        size; every image has the same weight.
    values : Values
        Black and white in images of more than 8 bits per channel: as training uses them or, if
        training refuses them, the least and the greatest value found.
    remarks : Remarks
        On readable images.
    unlike : mapping of str to Unlike
        The factors with classes that the images do not look like.
    """

    colored: int
    transparent: int
    animated: int
    blank: Group
    vanishing: Group
    tiny: Group
    exact: tuple[Group, ...]
    near: tuple[Group, ...]
    by_aspect: tuple[int, ...]
    channel_mean: tuple[float, float, float]
    channel_deviation: tuple[float, float, float]
    values: Values = field(default=UNKNOWN, kw_only=True)
    remarks: Remarks = field(default_factory=Remarks, kw_only=True)
    unlike: Mapping[str, Unlike] = field(default_factory=dict, kw_only=True)

    @property
    def is_color(self) -> bool:
        """Whether the network uses color, as training decides it if that is known."""
        return self.colored > 0 if self.shows_color is None else self.shows_color

    @property
    def spare(self) -> int:
        """How many images are copies, exact or near, of others that would be kept."""
        return sum(len(group) - 1 for group in (*self.exact, *self.near))


def inspect_dataset(
    source: Source,
    limit: int | None = None,
    *,
    reporter: Reporter = SILENT,
) -> Inspection:
    """Decode and measure all images of a source in full, or ``limit`` spread evenly.

    Needs half a kilobyte of memory per image.

    Raises
    ------
    DataError
        None of them is readable.
    """
    quick = survey(source, LOOKED_AT)  # by which training chooses its settings
    # what training refuses is shown in full: from the least to the greatest value
    unknown = {one.kind: (one.low, one.high) for one in quick.spreads if one.is_unknown}
    values = decided(quick.spreads, Values(**unknown))

    def look_at(index: int) -> tuple[Look | Skipped, set[str]]:
        with listening() as remarks:
            try:
                image, frames = patiently(source, index, lambda: open_with_frames(source, index))
                return look(image, frames, values), remarks
            except UnreadableImage as error:
                return Skipped(source.title(index), str(error)), set()

    indices = spread_evenly(len(source), limit)
    kept = np.zeros(len(indices), _KEPT)
    modes: Counter[str] = Counter()
    sizes: Counter[tuple[int, int]] = Counter()
    mean, square = np.zeros(3), np.zeros(3)
    skipped: list[Skipped] = []
    remarks = Remarks()
    looks = in_chunks(look_at, indices, one_at_a_time=source.one_at_a_time)
    for done, (index, (seen, said)) in enumerate(zip(indices, looks, strict=True)):
        if isinstance(seen, Skipped):
            skipped.append(seen)
        else:
            kept[done - len(skipped)] = _row(index, seen)
            modes[seen.mode] += 1
            sizes[seen.size] += 1
            mean += seen.mean
            square += seen.square
            if said:
                remarks.add(source.title(index), said)
        reporter.progress("decoding", done + 1, len(indices))
    refuse_nothing_readable(source, len(indices), skipped)
    kept = kept[: len(indices) - len(skipped)]
    mean, square = mean / len(kept), square / len(kept)
    deviation = np.sqrt(np.maximum(square - mean**2, 0))
    exact, near = _duplicates(kept)
    return Inspection(
        count=len(source),
        looked_at=len(indices),
        modes=dict(modes.most_common()),
        sizes=dict(sizes.most_common()),
        labels=class_counts(source),
        skipped=tuple(skipped),
        ignored=source.ignored,
        colored=int(kept["color"].sum()),
        transparent=int(kept["transparent"].sum()),
        animated=int(kept["animated"].sum()),
        blank=_indices(kept, kept["blank"] & ~kept["vanishes"]),
        vanishing=_indices(kept, kept["vanishes"]),
        tiny=_indices(kept, kept["tiny"]),
        exact=exact,
        near=near,
        by_aspect=_indices(kept, np.argsort(kept["aspect"], kind="stable")),
        channel_mean=(float(mean[0]), float(mean[1]), float(mean[2])),
        channel_deviation=(float(deviation[0]), float(deviation[1]), float(deviation[2])),
        shows_color=quick.shows_color,
        spreads=quick.spreads,
        values=values,
        remarks=remarks,
        unlike=_unlike(source, kept),
    )


def _row(index: int, seen: Look) -> tuple[object, ...]:
    height, width = seen.size
    return (
        *(index, seen.digest, seen.hash, seen.thumbnail, width / height),
        *(seen.has_color, seen.is_transparent, seen.frames > 1),
        *(seen.is_blank, seen.vanishes, min(seen.size) < TINY_SIDE),
    )


def _indices(kept: NDArray[np.void], which: NDArray[np.generic]) -> Group:
    return tuple(kept["index"][which].tolist())


def _unlike(source: Source, kept: NDArray[np.void]) -> dict[str, Unlike]:
    """The factors with classes that the images do not look like, from some of the images."""
    some = kept[spread_evenly(len(kept), COMPARED[1])]
    thumbnail_NF = torch.from_numpy(some["thumbnail"].astype(np.float32))
    found = {
        factor: unlike_classes(thumbnail_NF, labels.values[some["index"]])
        for factor, labels in source.labels.items()
        if labels.names
    }
    return {factor: unlike for factor, unlike in found.items() if unlike is not None}


def _duplicates(kept: NDArray[np.void]) -> tuple[tuple[Group, ...], tuple[Group, ...]]:
    """Groups of equal images, and of near duplicates among the first of each; no blank images."""
    rows = np.flatnonzero(~kept["blank"])
    exact = exact_duplicates(kept["digest"][rows].tolist())
    distinct = np.delete(rows, [row for group in exact for row in group[1:]])
    near = near_duplicates(*(kept[name][distinct] for name in ("hash", "thumbnail", "tiny")))
    return (
        tuple(_indices(kept, rows[list(group)]) for group in exact),
        tuple(_indices(kept, distinct[list(group)]) for group in near),
    )
