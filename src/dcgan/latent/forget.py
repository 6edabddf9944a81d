"""What a run draws once it has forgotten to draw something.

N samples · M feature maps
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from dcgan.data import ImageDataset
from dcgan.errors import ConfigError, DataError, DcganError
from dcgan.latent.choice import Choice
from dcgan.latent.feature_maps import (
    Box,
    Probe,
    activations,
    default_row,
    map_means,
    probe_boxes,
    probe_concept,
    random_maps,
    refuse_row,
    without_maps,
)
from dcgan.latent.labelling import Reader
from dcgan.latent.nearest import nearest_row
from dcgan.latent.points import latent_of
from dcgan.render.sheet import stacked
from dcgan.runs.run import Run
from dcgan.runtime.files import StrPath
from dcgan.runtime.isolation import isolated
from dcgan.runtime.rng import derived_seed

SAMPLES = 2000
LEAST = 0.7
_MOST_SAMPLES = 100_000
_COUNTED = 500
_CONTROLS = 10
_RANDOM = "random off"
_SHOWN = 8


@dataclass(frozen=True)
class Forgotten:
    """The probe, a figure and, where samples can be read, what became of them.

    Parameters
    ----------
    probe : Probe
    figure : PIL.Image.Image
        Samples that show it most; the same without the maps; and without as many at random.
    shares : mapping of str to float
        Of 500 fresh samples that show it, by which maps are off; at random the mean of ten draws.
    random_range : (float, float)
        The least and the greatest of these.
    """

    probe: Probe
    figure: Image.Image
    shares: Mapping[str, float] = field(default_factory=dict)
    random_range: tuple[float, float] = (0.0, 0.0)


@isolated()
def forget(
    run: Run,
    reader: Reader,
    choice: Choice,
    *,
    reads: str | None = None,
    boxes: StrPath | None = None,
    row: int | None = None,
    samples: int = SAMPLES,
    least: float = LEAST,
    beside: ImageDataset | None = None,
) -> Forgotten:
    """Find the feature maps that draw something, and draw without them.

    Parameters
    ----------
    run : Run
    reader : Reader
        Says what samples show, for ``reads``.
    choice : Choice
        Which samples.
    reads : str, optional
        A class, as for :meth:`Reader.conditions`.
    boxes : path, optional
        In place of it a file of boxes around it, see :func:`read_boxes`.
    row : int, optional
        Of the generator's table, counted from 1; default the last but one.
    samples : int
        That ``reads`` looks at.
    least : float
        The probe's held-out balanced accuracy below which nothing is switched off.
    beside : Pictures, optional
        Show the nearest of these below each image.

    Raises
    ------
    ConfigError
        Neither or both of ``reads`` and ``boxes``; a bound that is exceeded.
    DataError
        The file of boxes cannot be read.
    DcganError
        Below ``least``, or hardly any sample shows it.
    """
    if (reads is None) == (boxes is None):
        raise ConfigError("reads", reads, "say what to forget: --reads, or --boxes, one of them")
    if not 100 <= samples <= _MOST_SAMPLES:
        raise ConfigError("samples", samples, f"from 100 to {_MOST_SAMPLES:,}")
    row = default_row(run.generator) if row is None else row
    refuse_row(run.generator, row)
    fresh_NZ = choice.latents(run, samples, samples + _COUNTED)
    if reads is not None:
        conditions = reader.conditions(reads)

        def shows(latent_NZ: Tensor) -> NDArray[np.bool_]:
            drawn = run.draw(latent_NZ, run.generator)
            shown_N: NDArray[np.bool_] = reader.agreement(drawn, conditions) > 0.5
            return shown_N

        latent_NZ = choice.latents(run, 0, samples)
        probe = probe_concept(
            map_means(run.generator, latent_NZ, row), shows(latent_NZ), row, seed=choice.seed
        )
        picked = np.flatnonzero(shows(fresh_NZ))[:_SHOWN]
    else:
        assert boxes is not None
        known = read_boxes(Path(boxes), run.networks.image_shape[1:])
        latent_NZ = torch.stack([latent_of(run, str(number), choice) for number in sorted(known)])
        probe = probe_boxes(
            activations(run.generator, latent_NZ, row),
            known,
            run.networks.image_shape[1:],
            row,
            seed=choice.seed,
        )
        sure_N = probe.greatest(activations(run.generator, fresh_NZ, row))
        picked = sure_N.argsort(descending=True)[:_SHOWN].numpy()
    if probe.accuracy < least:
        raise DcganError(
            f"{reads or boxes}: held-out accuracy {probe.accuracy:.2f}, below {least:g}: the maps"
            f" of row {row} do not know it; take another --row, or accept it with a lower --least"
        )
    if not len(picked):
        raise DcganError(f"none of {_COUNTED} fresh samples shows {reads}; take another --seed")
    rows: list[tuple[NDArray[np.uint8], Sequence[str]]] = []
    shares: dict[str, list[float]] = {}
    for caption, off_M in _ways(probe, choice.seed):
        with without_maps(run.generator, row, off_M):
            if caption not in shares:
                drawn = run.draw(fresh_NZ[picked], run.generator)
                rows.append((drawn, [caption, *[""] * (len(picked) - 1)]))
                if beside is not None:
                    rows.append(nearest_row(beside, drawn))
            shares.setdefault(caption, [])
            if reads is not None:
                shares[caption].append(float(shows(fresh_NZ).mean()))
    return Forgotten(
        probe,
        stacked(rows, _SHOWN),
        {caption: float(np.mean(found)) for caption, found in shares.items() if found},
        (min(shares[_RANDOM], default=0.0), max(shares[_RANDOM], default=0.0)),
    )


def _ways(probe: Probe, seed: int) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    off_M = probe.drawing()
    yield "all maps", np.zeros_like(off_M)
    yield "without", off_M
    for number in range(_CONTROLS):
        yield _RANDOM, random_maps(off_M, derived_seed(seed, f"maps {number}"))


def read_boxes(path: Path, size: tuple[int, int]) -> dict[int, list[Box]]:
    """Boxes from a file of lines NUMBER,LEFT,TOP,RIGHT,BOTTOM.

    Parameters
    ----------
    path : path
        Numbers are those on the sheet that ``sample --numbered`` makes; the others are pixels of
        the image itself, not of the sheet. Several lines may be of one image.
    size : (height, width)
        Of an image.

    Raises
    ------
    DataError
        The file cannot be read, or a line is no such box.
    """
    found: dict[int, list[Box]] = {}
    try:
        with path.open(newline="", encoding="utf-8") as file:
            lines = list(csv.reader(file))
    except (OSError, ValueError, csv.Error) as error:
        raise DataError(f"{path}: {getattr(error, 'strerror', None) or error}") from error
    for place, line in enumerate(lines, 1):
        if not line:
            continue
        try:
            number, left, top, right, bottom = map(int, line)
        except ValueError:
            raise DataError(
                f"{path}, line {place}: wants NUMBER,LEFT,TOP,RIGHT,BOTTOM, whole numbers"
            ) from None
        if not (number >= 0 and 0 <= left < right <= size[1] and 0 <= top < bottom <= size[0]):
            raise DataError(
                f"{path}, line {place}: no box of an image of {size[0]}x{size[1]}; wants"
                " 0 <= left < right <= width and 0 <= top < bottom <= height"
            )
        found.setdefault(number, []).append((left, top, right, bottom))
    if not found:
        raise DataError(f"{path}: holds no box")
    return found
