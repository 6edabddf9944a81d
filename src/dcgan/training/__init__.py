"""Training: configuration → objects, one update, when things are due, exact resume."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcgan.lazily import lazily

if TYPE_CHECKING:
    from dcgan.runtime.reporting import Reporter
    from dcgan.training.api import train
    from dcgan.training.prepare_dataset import prepare

__all__ = ["Reporter", "prepare", "train"]

# what only collects settings needs no torch
__getattr__, __dir__ = lazily(
    __name__,
    {
        "Reporter": "dcgan.runtime.reporting",
        "prepare": "dcgan.training.prepare_dataset",
        "train": "dcgan.training.api",
    },
)
