"""Pixels to network inputs and back.

B batch · C channels · H, W sides
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


@dataclass(frozen=True)
class PixelScale:
    """x = (pixel - mean) / deviation per channel, and its inverse.

    Parameters
    ----------
    mean, deviation : tuple of float
        One number for all channels, or one per channel, in pixel units (0 to 255). The default
        maps pixels to [-1, 1], the range of tanh.
    """

    mean: tuple[float, ...] = (127.5,)
    deviation: tuple[float, ...] = (127.5,)

    @classmethod
    def standardizing(cls, images: Iterable[NDArray[np.uint8]]) -> Self:
        """The scale that gives images mean 0 and deviation 1 per channel.

        Parameters
        ----------
        images : uint8 (N, C, H, W), or an iterable of arrays (n, C, H, W) or (C, H, W)
            Iterated once. Pixels are counted by value, so memory and rounding errors do not grow
            with their number.
        """
        counts = np.zeros((0, 256), dtype=np.int64)
        for part in images:
            channels = np.moveaxis(part, -3, 0)
            found = [np.bincount(channel.ravel(), minlength=256) for channel in channels]
            counts = np.stack(found) if not len(counts) else counts + found
        values = np.arange(256)
        total = counts.sum(axis=1)
        mean = counts @ values / total
        deviation = np.sqrt(counts @ values**2 / total - mean**2)
        return cls(tuple(mean.tolist()), tuple(np.maximum(1.0, deviation).tolist()))

    def normalize(self, pixel_BCHW: Tensor) -> Tensor:
        """uint8 (B, C, H, W) → float32."""
        mean, deviation = self._columns(pixel_BCHW.device)
        # in place on a copy: a third faster than three tensors
        return pixel_BCHW.to(torch.float32, copy=True).sub_(mean).div_(deviation)

    def denormalize(self, image_BCHW: Tensor) -> Tensor:
        """float (B, C, H, W) → uint8, rounded and clipped to 0 to 255."""
        mean, deviation = self._columns(image_BCHW.device)
        return (image_BCHW.float() * deviation + mean).round().clamp(0, 255).to(torch.uint8)

    def to_json(self) -> dict[str, Any]:
        """A dictionary for JSON."""
        return {"mean": list(self.mean), "deviation": list(self.deviation)}

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Self:
        """The inverse of :meth:`to_json`."""
        return cls(tuple(stored["mean"]), tuple(stored["deviation"]))

    def _columns(self, device: torch.device) -> tuple[Tensor, Tensor]:
        return _column(self.mean, device), _column(self.deviation, device)


UNIT = PixelScale((0.0,), (255.0,))
"""Pixels in [0, 1], the range of a sigmoid."""


@lru_cache(maxsize=64)
def _column(numbers: tuple[float, ...], device: torch.device) -> Tensor:
    """(1, C, 1, 1), created once per device: each copy to a GPU would wait for it."""
    with torch.inference_mode(False):  # one created while sampling must also serve training
        return torch.tensor(numbers, device=device).view(1, -1, 1, 1)
