"""What can be evaluated, without knowing how it is opened.

N images · C channels · H, W sides
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from dcgan.models.generator import Generator
from dcgan.runs.folder import RunFolder
from dcgan.runs.networks import Networks
from dcgan.runtime.ranks import Ranks


class Sampler(Protocol):
    """A run folder opened at one checkpoint; :class:`dcgan.runs.run.Run` is one."""

    folder: RunFolder
    networks: Networks
    checkpoint: Path
    device: torch.device
    ranks: Ranks

    @property
    def path(self) -> Path:
        """The run folder."""

    @property
    def images_seen(self) -> int:
        """Images that the checkpoint had been trained on."""

    @property
    def generator(self) -> Generator:
        """The averaged generator in evaluation mode."""

    def sample(self, count: int, *, seed: int = 0) -> NDArray[np.uint8]:
        """Images of a seed, uint8 (N, C, H, W)."""

    def stream(self, count: int, *, seed: int = 0) -> Iterator[NDArray[np.uint8]]:
        """The images of :meth:`sample` in pieces, in constant memory."""

    def log(self) -> list[dict[str, Any]]:
        """The lines of ``log.jsonl``."""
