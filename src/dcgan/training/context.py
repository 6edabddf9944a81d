"""A run with everything decided, as the trainer and the hooks need it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from dcgan.config import RunConfig
from dcgan.data import ImageDataset
from dcgan.metrics.extractor import Extractor
from dcgan.runs.folder import RunFolder
from dcgan.runs.logs import now
from dcgan.runs.networks import Networks
from dcgan.runtime.device import choose_device
from dcgan.runtime.ranks import Ranks
from dcgan.runtime.reporting import Reporter
from dcgan.training.planning.threads import Threads
from dcgan.training.planning.time_plan import Expectation


@dataclass(frozen=True)
class RunContext:
    """What :func:`dcgan.train` has decided before the first step.

    Parameters
    ----------
    folder : RunFolder
    config : RunConfig
        Resolved.
    networks : Networks
    dataset : ImageDataset
    threads : Threads
    ranks : Ranks
    reporter : Reporter
    extractor : Extractor, optional
        Of the metrics that find the best checkpoint; None without metrics.
    expected : Expectation, optional
        By a measurement at the start of a run that is bounded by time.
    """

    folder: RunFolder
    config: RunConfig
    networks: Networks
    dataset: ImageDataset
    threads: Threads
    ranks: Ranks
    reporter: Reporter
    extractor: Extractor | None = None
    expected: Expectation | None = None

    @property
    def device(self) -> torch.device:
        return choose_device(self.config.device)

    def event(self, event: str, **details: Any) -> None:
        """Add a line to ``events.jsonl``."""
        self.folder.events.append({"time": now(), "event": event} | details)
