"""What torchrun tells this process. Needs no torch."""

from __future__ import annotations

import os


def speaks() -> bool:
    """Whether this process prints: the first, or the only one."""
    return os.environ.get("RANK", "0") == "0" or os.environ.get("WORLD_SIZE", "1") == "1"


def has_restarted() -> bool:
    """Whether torchrun restarted this process after a failure."""
    return int(os.environ.get("TORCHELASTIC_RESTART_COUNT", "0")) > 0
