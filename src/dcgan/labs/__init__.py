"""Claims about GANs as experiments: arms that differ in named settings, seeds, and a verdict."""

from __future__ import annotations

from dcgan.lazily import lazily

__all__ = ["LabResult", "list_labs", "run_lab"]

__getattr__, __dir__ = lazily(
    __name__,
    {
        "LabResult": "dcgan.labs.result",
        "list_labs": "dcgan.labs.loading",
        "run_lab": "dcgan.labs.laboratory",
    },
)
