"""What can be evaluated, without knowing how it is opened.

N images · C channels · H, W sides
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from os import PathLike
from pathlib import Path
from typing import Any, Protocol, TypeAlias, cast

import numpy as np
import torch
from numpy.typing import NDArray

from dcgan.errors import ConfigError
from dcgan.models.generator import Generator
from dcgan.runs.folder import RunFolder
from dcgan.runs.networks import Networks
from dcgan.runs.run import open_run
from dcgan.runtime.files import StrPath
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


Samplers: TypeAlias = Sampler | StrPath | Sequence[Sampler | StrPath]
"""One run or several, opened or as paths of run folders."""


def samplers(runs: Samplers) -> list[Sampler]:
    """Runs as a list; those that are paths are opened at their best checkpoint.

    Raises
    ------
    ConfigError
        No run, or something else.
    RunError
        A path that is no run folder.
    """
    several = runs if isinstance(runs, list | tuple) else [runs]
    if not several:
        raise ConfigError("runs", runs, "use one run or more")
    return [_opened(run) for run in several]


def _opened(run: object) -> Sampler:
    if isinstance(run, str | PathLike):
        return open_run(run)
    if not hasattr(run, "checkpoint"):
        raise ConfigError("runs", run, "use runs, such as dcgan.open_run(path), or their paths")
    return cast(Sampler, run)
