"""What is right and wrong with a run, from logged numbers: pure functions to findings in words."""

from __future__ import annotations

from dcgan.health.finding import Diagnosis, Finding, Severity
from dcgan.health.step import Step

__all__ = ["Diagnosis", "Finding", "Severity", "Step"]
