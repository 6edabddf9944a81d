"""A program for ``static/engine.js``: steps, and weights in the engine's layout.

K inputs, F outputs of a matrix · C, H, W a feature map
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import floor, log2
from typing import Any

from torch import Tensor, nn

from dcgan.errors import RunError

PANEL = 8
"""Outputs of a matrix that are computed at once, as in ``static/engine.ts``."""

_LARGEST_EXPONENT = 15
"""Weights are scaled to below 2 to this power, the last one that half precision has."""

Shape = tuple[int, int, int]
"""(H, W, C), the engine's order."""


@dataclass
class Program:
    """What the engine computes.

    Attributes
    ----------
    steps : list of dict
        In order. Each has ``op``, the name of an operation of the engine, its settings, and the
        names of its tensors.
    tensors : dict of str to Tensor
        Matrices in half precision and in panels, everything else in single precision.
    shape : (H, W, C)
        Of the feature map after the last step.
    """

    shape: Shape
    steps: list[dict[str, Any]] = field(default_factory=list)
    tensors: dict[str, Tensor] = field(default_factory=dict)

    def add(self, op: str, **settings: Any) -> None:
        """Append a step."""
        self.steps.append({"op": op, **settings})

    def store(self, name: str, vector: Tensor) -> str:
        """Store numbers in single precision; returns their name."""
        key = f"{len(self.steps)}.{name}"
        if not vector.isfinite().all():
            raise _not_finite()
        self.tensors[key] = vector.detach().float().contiguous().clone()
        return key

    def store_matrix(self, matrix_KF: Tensor) -> dict[str, Any]:
        """Store a matrix in half precision; returns the settings of a step that uses it."""
        half_KF, scale = half_precision(matrix_KF)
        missing = -half_KF.shape[1] % PANEL
        padded_KF = nn.functional.pad(half_KF, (0, missing))
        key = f"{len(self.steps)}.weight"
        panels = padded_KF.reshape(len(padded_KF), -1, PANEL).permute(1, 0, 2)
        self.tensors[key] = panels.contiguous()
        return {"weight": key, "scale": scale}


def half_precision(weight: Tensor) -> tuple[Tensor, float]:
    """Weights in half precision and the power of two by which to multiply them.

    The largest becomes 2^14 to 2^15, so that small weights do not lose digits.

    Raises
    ------
    RunError
        A weight that is not a finite number.

    Examples
    --------
    >>> import torch
    >>> half, scale = half_precision(torch.tensor([1e-9, 3.0]))
    >>> (half.float() * scale - torch.tensor([1e-9, 3.0])).abs().max() < 1e-11
    tensor(True)
    """
    largest = float(weight.detach().abs().max()) if weight.numel() else 0.0
    if not largest < float("inf"):
        raise _not_finite()
    scale = 2.0 ** (floor(log2(largest)) + 1 - _LARGEST_EXPONENT) if largest > 0 else 1.0
    half = (weight.detach().double() / scale).half()
    return half, scale


def _not_finite() -> RunError:
    return RunError("the generator's weights are not finite. Choose another `checkpoint`")
