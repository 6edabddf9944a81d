"""Whether the network may be used."""

from __future__ import annotations

import os


def offline() -> bool:
    """Whether the variable ``DCGAN_OFFLINE`` forbids every use of the network."""
    return os.environ.get("DCGAN_OFFLINE", "") not in {"", "0"}
