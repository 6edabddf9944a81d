"""DCGANs for anybody's pictures: train, look, sample, reuse.

The command ``dcgan`` and this package are the same thing with and without the shell::

    import dcgan

    run = dcgan.train("path/to/pictures", minutes=10)
    images = run.sample(64, seed=1)             # uint8 (64, C, H, W)
    run = dcgan.open_run("runs/digits-auto")
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dcgan.data import open_source
    from dcgan.runs import Run, open_run
    from dcgan.training import prepare, train

__version__ = "0.1.0"
__all__ = ["Run", "open_run", "open_source", "prepare", "train"]

_HOMES = {
    "train": "dcgan.training",
    "prepare": "dcgan.training",
    "open_run": "dcgan.runs",
    "Run": "dcgan.runs",
    "open_source": "dcgan.data",
}


def __getattr__(name: str) -> Any:
    """Import on first use: torch takes seconds to load, and ``dcgan --help`` needs none of it."""
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
