"""Switch off the feature maps that generate something, and compare.

N samples · M feature maps
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from dcgan.data import ImageDataset
from dcgan.errors import ConfigError, DataError, DcganError
from dcgan.evaluation.nearest import nearest_row
from dcgan.latent.choice import Choice
from dcgan.latent.feature_maps import (
    Box,
    Probe,
    activations,
    probe_boxes,
    probe_concept,
    refuse_row,
    without_maps,
)
from dcgan.latent.labeling import Reader
from dcgan.latent.points import latent_of
from dcgan.render.sheet import Row, stacked
from dcgan.runs.run import Run
from dcgan.runtime.files import StrPath, expanded
from dcgan.runtime.isolation import isolated
from dcgan.runtime.rng import derived_seed
from dcgan.runtime.signatures import checked
from dcgan.runtime.wording import size_text

SAMPLES = 2000
LEAST = 0.7
_MOST_SAMPLES = 100_000
_COUNTED = 500
_CONTROLS = 10
_RANDOM = "random off"
_SHOWN = 8
_TITLES = {
    "all maps": "samples",
    "without": "the same samples without the maps that the probe found",
    _RANDOM: "the same samples without as many random maps",
}


@dataclass(frozen=True)
class Forgotten:
    """The probe, a figure and, with ``reads``, how many samples still show it.

    Parameters
    ----------
    probe : Probe
    figure : PIL.Image.Image
        Samples that show it; the same without the maps; and without as many random maps.
    shares : mapping of str to float
        Maps that are off → share of 500 new samples that show it; for random maps, the mean of ten
        choices.
    random_range : (float, float)
        The smallest and largest share with random maps.
    """

    probe: Probe
    figure: Image.Image
    shares: Mapping[str, float] = field(default_factory=dict)
    random_range: tuple[float, float] = (0.0, 0.0)


@checked
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
    """Find the feature maps that generate something, and generate without them.

    Parameters
    ----------
    run : Run
    reader : Reader
        Predicts what samples show, for ``reads``.
    choice : Choice
        The samples.
    reads : str, optional
        A class, as for :meth:`Reader.conditions`.
    boxes : path, optional
        Instead of ``reads``, a file of boxes, see :func:`read_boxes`.
    row : int, optional
        Layer of the generator, counted from 1; default the last but one.
    samples : int
        Samples of the probe with ``reads``.
    least : float
        Least held-out balanced accuracy of the probe.
    beside : ImageDataset, optional
        Show the nearest of these images below each image.

    Raises
    ------
    ConfigError
        Neither or both of ``reads`` and ``boxes``, or a number out of range.
    DataError
        The file of boxes cannot be read.
    DcganError
        An accuracy below ``least``, or too few samples that show it.
    """
    if (reads is None) == (boxes is None):
        both = "`reads` and `boxes` are both set." if reads else "what to forget is missing."
        raise ConfigError("", reads, f"{both} Set either `reads` or `boxes`")
    if not 100 <= samples <= _MOST_SAMPLES:
        raise ConfigError("samples", samples, f"must be 100 to {_MOST_SAMPLES:,}")
    if row is None:
        row = max(1, len(run.generator.shapes) - 1)
    refuse_row(run.generator, row)
    fresh_NZ = choice.latents(run, samples, samples + _COUNTED)
    if reads is not None:
        conditions = reader.conditions(reads)

        def shows(latent_NZ: Tensor) -> NDArray[np.bool_]:
            drawn = run.generate(latent_NZ, run.generator)
            shown_N: NDArray[np.bool_] = reader.agreement(drawn, conditions) > 0.5
            return shown_N

        latent_NZ = choice.latents(run, 0, samples)
        probe = probe_concept(
            activations(run.generator, latent_NZ, row, averaged=True),
            shows(latent_NZ),
            row,
            seed=choice.seed,
        )
        shown = np.flatnonzero(shows(fresh_NZ))[:_SHOWN]
    else:
        assert boxes is not None
        known = read_boxes(expanded(boxes), run.networks.image_shape[1:])
        latent_NZ = torch.stack([latent_of(run, str(number), choice) for number in sorted(known)])
        probe = probe_boxes(
            activations(run.generator, latent_NZ, row),
            known,
            run.networks.image_shape[1:],
            row,
            seed=choice.seed,
        )
        logit_N = probe.greatest(activations(run.generator, fresh_NZ, row))
        shown = logit_N.argsort(descending=True)[:_SHOWN].numpy()
    if probe.accuracy < least:
        raise DcganError(
            f"{reads or boxes}: the held-out accuracy is {probe.accuracy:.2f}, below {least:g}, so"
            f" the maps of layer {row} do not predict it. Choose another `row`, or a lower `least`"
        )
    if not len(shown):
        raise DcganError(f"none of {_COUNTED} new samples shows {reads}. Use another `seed`")
    rows: list[Row] = []
    shares: dict[str, list[float]] = {}
    for caption, off_M in _switched_off(probe, choice.seed):
        with without_maps(run.generator, row, off_M):
            if caption not in shares:
                drawn = run.generate(fresh_NZ[shown], run.generator)
                rows.append(Row(drawn, title=_TITLES[caption]))
                if beside is not None:
                    rows.append(Row(*nearest_row(beside, drawn)))
            shares.setdefault(caption, [])
            if reads is not None:
                shares[caption].append(float(shows(fresh_NZ).mean()))
    return Forgotten(
        probe,
        stacked(rows, _SHOWN),
        {caption: float(np.mean(found)) for caption, found in shares.items() if found},
        (min(shares[_RANDOM], default=0.0), max(shares[_RANDOM], default=0.0)),
    )


def _switched_off(probe: Probe, seed: int) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    off_M = probe.drawing()
    yield "all maps", np.zeros_like(off_M)
    yield "without", off_M
    for number in range(_CONTROLS):
        random = np.random.default_rng(derived_seed(seed, f"maps {number}"))
        yield _RANDOM, random.permutation(off_M)


def read_boxes(path: Path, size: tuple[int, int]) -> dict[int, list[Box]]:
    """Read boxes from a file of lines NUMBER,LEFT,TOP,RIGHT,BOTTOM.

    Parameters
    ----------
    path : path
        NUMBER is the number of a sample; the others are in pixels of the image itself, not of a
        sheet. An image may have several lines.
    size : (height, width)
        Of an image.

    Raises
    ------
    DataError
        The file cannot be read, or a line is not such a box.
    """
    boxes: dict[int, list[Box]] = {}
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
                f"{path}, line {place}: must be NUMBER,LEFT,TOP,RIGHT,BOTTOM, in whole numbers"
            ) from None
        if not (number >= 0 and 0 <= left < right <= size[1] and 0 <= top < bottom <= size[0]):
            raise DataError(
                f"{path}, line {place}: not in an image of {size_text(size)} (height x width). It"
                " must be 0 <= left < right <= width and 0 <= top < bottom <= height"
            )
        boxes.setdefault(number, []).append((left, top, right, bottom))
    if not boxes:
        raise DataError(f"{path}: has no boxes. Write one per line: NUMBER,LEFT,TOP,RIGHT,BOTTOM")
    return boxes
