"""Permission to use the network."""

from __future__ import annotations

import os


def offline() -> bool:
    """Whether the variable ``DCGAN_OFFLINE`` forbids using the network."""
    return os.environ.get("DCGAN_OFFLINE", "") not in {"", "0"}
