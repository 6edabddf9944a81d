"""The images of a report: samples, real images, and the real images nearest to samples.

N images · C channels · H, W sides
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dcgan.data import ImageDataset
from dcgan.evaluation.nearest import nearest_among
from dcgan.evaluation.real_images import chosen_order, take
from dcgan.render.animation import save_gif
from dcgan.render.embedding import clear_gaps, shrunk
from dcgan.render.sheet import GAP, enlarged, enlarged_size, sheet
from dcgan.report.content import Pair, Picture, Samples
from dcgan.runs.folder import RunFolder
from dcgan.runs.run import Run

_SAMPLES = 64
_REAL = 32
_NEAREST = 8

_BEST_SIDE, _FILM_SIDE = 900, 340
"""Pixels of the longest side of a sheet: twice as many as it is shown with, for sharp screens."""

_MOST_CLEARED = 4000
"""Pixels of the longer side; of a larger sheet, gaps are too thin to be seen when it is shrunk."""

_FILM = 8
"""Sheets of the filmstrip."""

_MOST_FRAMES, _FRAME_MS, _GIF_SIDE, _GIF_BYTES = 15, 250, 480, 1_000_000
"""Of the animation. ``training.gif`` in the run folder has every sheet, and may be much larger."""

_GIF_GAP = "#70757a"
"""Between images, since a GIF has no partial transparency: fits light and dark pages."""

_MOST_READ = 20_000
"""Real images that are searched where each must be decoded anew."""

Shape = tuple[int, int, int]


def sampled(run: Run, best: int | None) -> Picture:
    """A sheet of the checkpoint that a run is opened at; ``best``: images seen at the best one."""
    image = _open_sheet(sheet(run.sample(_SAMPLES)), run.networks.image_shape)
    which = "The best checkpoint" if run.images_seen == best else "The checkpoint"
    return Picture(shrunk(image, _BEST_SIDE), f"{which}, after {run.images_seen:,} images")


def from_sheets(folder: RunFolder, shape: Shape | None, best: int | None) -> Samples:
    """What the sheets of a run folder show; damaged ones are left out.

    Parameters
    ----------
    folder : RunFolder
    shape : (C, H, W), optional
        Of one image; None: sheets keep their white gaps.
    best : int, optional
        Images seen at the best checkpoint: the sheet nearest to it is the best; default the last.
    """
    sheets = {int(path.stem): path for path in folder.sheets()}
    if not sheets:
        return Samples()
    wanted = max(sheets) if best is None else best
    nearest = min(sheets, key=lambda images: (abs(images - wanted), images))
    shown = _spread(list(sheets), _MOST_FRAMES)
    read = ((images, _read(sheets[images])) for images in sorted({*shown, nearest}))
    frames = {
        images: shrunk(_open_sheet(frame, shape), _BEST_SIDE)
        for images, frame in read
        if frame is not None
    }
    film = [
        Picture(shrunk(frames[images], _FILM_SIDE), f"{images:,} images")
        for images in _spread([images for images in shown if images in frames], _FILM)
    ]
    picture = None
    if nearest in frames:
        picture = Picture(frames[nearest], f"After {nearest:,} images")
    return Samples(picture, film, _animation(list(frames.values())))


def real_sheet(dataset: ImageDataset) -> Picture:
    """Some images of a dataset, spread evenly over it."""
    images = np.concatenate(list(dataset.spread(_REAL)))
    shown = sheet(images, columns=8)
    cleared = _open_sheet(shown, dataset.shape)
    return Picture(
        shrunk(cleared, _BEST_SIDE), f"{len(images)} of {len(dataset):,} training images"
    )


def nearest_pairs(run: Run, dataset: ImageDataset) -> tuple[list[Pair], str]:
    """The training images nearest to the first samples, and which images were searched."""
    samples = run.sample(_NEAREST)
    rows = np.arange(len(dataset))
    if dataset.is_slow:
        rows = np.sort(chosen_order(len(dataset))[:_MOST_READ])
    place_N, distance_N = nearest_among(dataset, samples, rows)
    real = take(dataset, place_N)
    pairs = [
        Pair(enlarged(one), enlarged(other), float(distance))
        for one, other, distance in zip(samples, real, distance_N, strict=True)
    ]
    searched = "all" if len(rows) == len(dataset) else f"{len(rows):,} of"
    return pairs, f"searched: {searched} {len(dataset):,} training images"


def tiled(images_NCHW: NDArray[np.uint8], columns: int) -> Image.Image:
    """Images in reading order, with transparent gaps, for a page."""
    shape = (images_NCHW.shape[1], images_NCHW.shape[2], images_NCHW.shape[3])
    return shrunk(_open_sheet(sheet(images_NCHW, columns=columns), shape), _BEST_SIDE)


def _open_sheet(image: Image.Image, shape: Shape | None) -> Image.Image:
    """The sheet with transparent gaps, if it is not very large."""
    if shape is None or max(image.size) > _MOST_CLEARED:
        return image
    return clear_gaps(image, enlarged_size((shape[2], shape[1])), GAP)


def _spread(images: Sequence[int], most: int) -> list[int]:
    """The first, the last, and others between them, in even steps of the list.

    >>> _spread([0, 10, 20, 40, 80], 3)
    [0, 20, 80]
    """
    chosen = np.linspace(0, len(images) - 1, min(most, len(images))).round().astype(int)
    return [images[number] for number in chosen]


def _animation(frames: Sequence[Image.Image]) -> bytes | None:
    """A GIF of frames of one size, with as many of them as fit; the gaps are gray."""
    small = []
    for frame in frames:
        shown = shrunk(frame.convert("RGBA"), _GIF_SIDE)
        paper = Image.new("RGBA", shown.size, _GIF_GAP)
        paper.alpha_composite(shown)
        small.append(paper.convert("RGB"))
    small = [frame for frame in small if frame.size == small[0].size]
    while len(small) > 1:
        data = _gif(small)
        if len(data) <= _GIF_BYTES:
            return data
        small = [*small[:-1:2], small[-1]] if len(small) > 2 else []
    return None


def _gif(frames: Sequence[Image.Image]) -> bytes:
    with TemporaryDirectory() as place:
        path = Path(place) / "training.gif"
        save_gif(frames, path, frame_ms=_FRAME_MS)
        return path.read_bytes()


def _read(path: Path) -> Image.Image | None:
    """An image; None if it is damaged or may not be read."""
    try:
        with Image.open(path) as image:
            return image.copy()
    except Exception:  # whatever Pillow raises for a damaged file
        return None
