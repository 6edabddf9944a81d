"""Find the feature maps that generate something with a logistic probe, and switch them off.

Radford et al. 2016 (arXiv:1511.06434), section 6.3.1.

N samples · M feature maps of a layer · H, W their sides · P positions
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from dcgan.errors import ConfigError, DcganError
from dcgan.models.generator import Generator

Box = tuple[int, int, int, int]
"""Left, top, right and bottom in pixels of an image, right and bottom excluded."""

_HELD_OUT = 0.25
_PART = 64
_FEWEST = 5
"""Least samples or positions with it and without it, in the training and the held-out part."""


@dataclass(frozen=True)
class Probe:
    """A logistic probe on the maps of one layer.

    Parameters
    ----------
    row : int
        The layer in the generator's table, counted from 1.
    weight_M : float (M,)
        Weight of each map, after division by its standard deviation.
    accuracy : float
        Balanced accuracy on the held-out quarter; chance is 0.5.
    deviation_M : float (M,)
        Standard deviation of each map.
    """

    row: int
    weight_M: NDArray[np.float64]
    accuracy: float
    deviation_M: NDArray[np.float64]

    def drawing(self) -> NDArray[np.bool_]:
        """The maps to switch off, (M,): those with positive weight, as in the paper."""
        return self.weight_M > 0

    def greatest(self, activation_NMHW: Tensor) -> Tensor:
        """The largest logit of each image over positions, up to a constant, (N,)."""
        weight_M = torch.from_numpy(self.weight_M / self.deviation_M).float()
        return torch.einsum("nmhw,m->nhw", activation_NMHW, weight_M).amax(dim=(1, 2))


def activations(
    generator: Generator, latent_NZ: Tensor, row: int, *, averaged: bool = False
) -> Tensor:
    """Outputs of a layer after norm and activation, on the CPU.

    Returns
    -------
    Tensor
        (N, M, H, W); if ``averaged``, the means over positions (N, M), which need little memory.

    Raises
    ------
    ConfigError
        No such layer, the output layer, or one without feature maps.
    """
    refuse_row(generator, row)
    kept: list[Tensor] = []

    def keep(_: nn.Module, __: tuple[Tensor, ...], map_NMHW: Tensor) -> None:
        kept.append((map_NMHW.mean(dim=(2, 3)) if averaged else map_NMHW).cpu())

    hook = generator.blocks[row - 1].register_forward_hook(keep)
    place = next(generator.parameters()).device
    try:
        with torch.inference_mode():
            for part in torch.split(latent_NZ, _PART):
                generator(part.to(place))
    finally:
        hook.remove()
    return torch.cat(kept)


def refuse_row(generator: Generator, row: int) -> None:
    """Raise ConfigError for a layer whose maps cannot be switched off."""
    last = len(generator.shapes) - 1
    if not 1 <= row <= last:
        raise ConfigError("row", row, f"must be 1 to {last}, a layer before the output layer")
    if len(generator.shapes[row - 1]) != 3:
        raise ConfigError("row", row, "this layer has no feature maps. Choose a later one")


@contextmanager
def without_maps(generator: Generator, row: int, off_M: NDArray[np.bool_]) -> Iterator[None]:
    """A context in which some maps of a layer are 0, in this generator but not in copies of it."""
    keep = torch.from_numpy(~off_M).float()[:, None, None]
    hook = generator.blocks[row - 1].register_forward_hook(
        lambda *block_given_out: block_given_out[-1] * keep.to(block_given_out[-1])
    )
    try:
        yield
    finally:
        hook.remove()


def probe_concept(mean_NM: Tensor, shows_N: NDArray[np.bool_], row: int, *, seed: int = 0) -> Probe:
    """A probe that predicts from the mean of each map whether an image shows something.

    Raises
    ------
    DcganError
        Fewer than 5 samples with it or without it in a part.
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
    """The paper's probe: it predicts from the maps at a position whether that is in a box.

    It uses all positions with their center in a box, and as many random others of the same images.

    Parameters
    ----------
    activation_NMHW : Tensor
        Outputs for the images in ``boxes``, in ascending order of their numbers.
    boxes : mapping of int to sequence of Box
        Number of the image → boxes.
    size : (height, width)
        Of an image.
    row : int
    seed : int

    Raises
    ------
    DcganError
        Boxes in one image only, or fewer than 5 positions inside or outside in a part.
    """
    if len(boxes) < 2:
        raise DcganError(
            "boxes in one image only: the probe is tested on other images than it learns from. Add"
            " boxes in other images"
        )
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
    """Positions (H, W) of a map with their center in a box."""
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
    """Logistic regression; a quarter of the images is held out, with all their positions."""
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
            f"too few examples: among the samples that the probe learns from, or those that test"
            f" it, only {fewest} show it, or only {fewest} do not. At least {_FEWEST} are needed."
            " Choose another concept, more `samples` or more boxes"
        )
    model = make_pipeline(
        StandardScaler(), LogisticRegression(class_weight="balanced", C=0.1, max_iter=2000)
    )
    model.fit(feature_PM[learned], shows_P[learned])
    accuracy = balanced_accuracy_score(shows_P[held_out], model.predict(feature_PM[held_out]))
    weight_M: NDArray[np.float64] = model[-1].coef_[0]
    return Probe(row, weight_M, float(accuracy), model[0].scale_)
