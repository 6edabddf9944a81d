"""Versions of the packages that made a run."""

from __future__ import annotations

import platform
from importlib import metadata

_PACKAGES = ("dcgan", "torch", "numpy", "pillow", "safetensors")


def package_versions() -> dict[str, str]:
    """The versions of Python and of the packages that compute, by name."""
    return {
        "python": platform.python_version(),
        **{name: metadata.version(name) for name in _PACKAGES},
    }
