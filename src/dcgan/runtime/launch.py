"""What torchrun says of this process; read without loading torch."""

from __future__ import annotations

import os


def speaks() -> bool:
    """Whether this is the process that tells people about a run: the first, or the only one."""
    return os.environ.get("RANK", "0") == "0" or os.environ.get("WORLD_SIZE", "1") == "1"


def has_restarted() -> bool:
    """Whether torchrun started this process again after one of them had died."""
    return int(os.environ.get("TORCHELASTIC_RESTART_COUNT", "0")) > 0
