"""Feature maps that draw something, found by a logistic probe and switched off.

Radford et al. 2016 (arXiv:1511.06434), section 6.3.1.

N samples · M feature maps of a row · H, W their sides · P places
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dcgan.errors import ConfigError, DcganError
from dcgan.models.generator import Generator

Box = tuple[int, int, int, int]
"""Left, top, right and bottom in pixels of an image, right and bottom excluded."""

_HELD_OUT = 0.25
_PART = 64
_FEWEST = 5
"""Samples or places on each side, of what is learned and of what is held out."""


@dataclass(frozen=True)
class Probe:
    """What a probe of one row's maps found.

    Parameters
    ----------
    row : int
        Of the generator's table, counted from 1.
    weight_M : float (M,)
        Of each map, after all are brought to unit deviation.
    accuracy : float
        Balanced, on a quarter that was held out; one half is chance.
    deviation_M : float (M,)
        Of each map, which was brought to one.
    """

    row: int
    weight_M: NDArray[np.float64]
    accuracy: float
    deviation_M: NDArray[np.float64]

    def drawing(self) -> NDArray[np.bool_]:
        """The maps to switch off, (M,): all of positive weight, as in the paper."""
        return self.weight_M > 0

    def greatest(self, activation_NMHW: Tensor) -> Tensor:
        """Of each image, how sure it is where it is surest, in logits but for a constant (N,)."""
        weight_M = torch.from_numpy(self.weight_M / self.deviation_M).float()
        return torch.einsum("nmhw,m->nhw", activation_NMHW, weight_M).amax(dim=(1, 2))


def default_row(generator: Generator) -> int:
    """The last row but one, as in the paper, counted from 1."""
    return max(1, len(generator.shapes) - 1)


def activations(generator: Generator, latent_NZ: Tensor, row: int) -> Tensor:
    """What a row gives, with its norm and activation: (N, M, H, W), on the CPU.

    Raises
    ------
    ConfigError
        No such row, its last, or one that gives no maps.
    """
    return _watched(generator, latent_NZ, row, lambda map_NMHW: map_NMHW)


def map_means(generator: Generator, latent_NZ: Tensor, row: int) -> Tensor:
    """The mean over places of each of a row's maps (N, M), which takes little memory.

    Raises
    ------
    ConfigError
        As for :func:`activations`.
    """
    return _watched(generator, latent_NZ, row, lambda map_NMHW: map_NMHW.mean(dim=(2, 3)))


def _watched(
    generator: Generator, latent_NZ: Tensor, row: int, keep: Callable[[Tensor], Tensor]
) -> Tensor:
    refuse_row(generator, row)
    found: list[Tensor] = []
    hook = generator.blocks[row - 1].register_forward_hook(
        lambda *block_given_out: found.append(keep(block_given_out[-1]).cpu())
    )
    place = next(generator.parameters()).device
    try:
        with torch.inference_mode():
            for part in torch.split(latent_NZ, _PART):
                generator(part.to(place))
    finally:
        hook.remove()
    return torch.cat(found)


def refuse_row(generator: Generator, row: int) -> None:
    """Raise ConfigError for a row whose maps cannot be switched off."""
    last = len(generator.shapes) - 1
    if not 1 <= row <= last:
        raise ConfigError("row", row, f"from 1 to {last}, of the generator's rows before its last")
    if len(generator.shapes[row - 1]) != 3:
        raise ConfigError("row", row, "gives features without places, not maps; take a later one")


@contextmanager
def without_maps(generator: Generator, row: int, off_M: NDArray[np.bool_]) -> Iterator[None]:
    """Within, some maps of a row are 0 at every place: of this very generator, not of a run's
    copies of it.
    """
    keep = torch.from_numpy(~off_M).float()[:, None, None]
    hook = generator.blocks[row - 1].register_forward_hook(
        lambda *block_given_out: block_given_out[-1] * keep.to(block_given_out[-1])
    )
    try:
        yield
    finally:
        hook.remove()


def probe_concept(mean_NM: Tensor, shows_N: NDArray[np.bool_], row: int, *, seed: int = 0) -> Probe:
    """A probe of whether an image shows something, by the mean of each map.

    Raises
    ------
    DcganError
        Hardly any sample on one side.
    """
    return _fit(mean_NM.double().numpy(), shows_N, np.arange(len(shows_N)), row, seed)


def probe_boxes(
    activation_NMHW: Tensor,
    boxes: Mapping[int, Sequence[Box]],
    size: tuple[int, int],
    row: int,
    *,
    seed: int = 0,
) -> Probe:
    """The paper's probe: of whether a place lies in a box, by its features.

    Places whose centre is inside a box of its image, and as many at random of the same images
    outside.

    Parameters
    ----------
    activation_NMHW : Tensor
        Of the images in ``boxes``, in ascending order of their numbers.
    boxes : mapping of int to sequence of Box
    size : (height, width)
        Of the image.
    row : int
    seed : int

    Raises
    ------
    DcganError
        Hardly any place inside, or outside.
    """
    random = np.random.default_rng(seed)
    feature, inside, image = [], [], []
    for number, activation_MHW in zip(sorted(boxes), activation_NMHW.double().numpy(), strict=True):
        is_inside_P = _places_inside(boxes[number], size, activation_MHW.shape[1:]).ravel()
        feature_PM = activation_MHW.reshape(len(activation_MHW), -1).T
        outside = np.flatnonzero(~is_inside_P)
        chosen = random.permutation(outside)[: is_inside_P.sum()]
        places = np.concatenate([np.flatnonzero(is_inside_P), chosen])
        feature.append(feature_PM[places])
        inside.append(is_inside_P[places])
        image.append(np.full(len(places), number))
    return _fit(np.concatenate(feature), np.concatenate(inside), np.concatenate(image), row, seed)


def _places_inside(
    boxes: Sequence[Box], size: tuple[int, int], grid: tuple[int, ...]
) -> NDArray[np.bool_]:
    """Which places (H, W) of a map have their centre in a box."""
    y_H = (np.arange(grid[0]) + 0.5) * size[0] / grid[0]
    x_W = (np.arange(grid[1]) + 0.5) * size[1] / grid[1]
    is_inside_HW = np.zeros(grid, bool)
    for left, top, right, bottom in boxes:
        is_inside_HW |= ((y_H >= top) & (y_H < bottom))[:, None] & ((x_W >= left) & (x_W < right))
    return is_inside_HW


def _fit(
    feature_PM: NDArray[np.float64],
    shows_P: NDArray[np.bool_],
    image_P: NDArray[np.int64],
    row: int,
    seed: int,
) -> Probe:
    """Logistic regression; a quarter of the images is held out, with all their places."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import balanced_accuracy_score
    from sklearn.model_selection import GroupShuffleSplit
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    split = GroupShuffleSplit(1, test_size=_HELD_OUT, random_state=seed)
    learned, held_out = next(split.split(feature_PM, shows_P, image_P))
    fewest = min(
        int(side[part].sum()) for side in (shows_P, ~shows_P) for part in (learned, held_out)
    )
    if fewest < _FEWEST:
        raise DcganError(
            f"only {fewest} on one side of what is learned or held out: no probe can be trusted;"
            " take another concept, more --samples or more boxes"
        )
    model = make_pipeline(
        StandardScaler(), LogisticRegression(class_weight="balanced", C=0.1, max_iter=2000)
    )
    model.fit(feature_PM[learned], shows_P[learned])
    accuracy = balanced_accuracy_score(shows_P[held_out], model.predict(feature_PM[held_out]))
    weight_M: NDArray[np.float64] = model[-1].coef_[0]
    return Probe(row, weight_M, float(accuracy), model[0].scale_)


def random_maps(off_M: NDArray[np.bool_], seed: int) -> NDArray[np.bool_]:
    """As many maps at random, for comparison."""
    return np.random.default_rng(seed).permutation(off_M)
