"""Training: configuration → objects, one update, when things are due, exact resume."""

from dcgan.runtime.reporting import Reporter
from dcgan.training.preparing import prepare
from dcgan.training.session import train

__all__ = ["Reporter", "prepare", "train"]
