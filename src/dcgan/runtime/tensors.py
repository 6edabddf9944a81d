"""Tensors in safetensors files, which hold no code."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load, load_file, save_file
from torch import Tensor

from dcgan.runtime.files import disk_full

_FULL = re.compile(r"no space left|quota exceeded|file too large", re.IGNORECASE)


def save_tensors(tensors: Mapping[str, Tensor], path: Path, *, shown: Path) -> None:
    """Write tensors by name, on any device and in any memory format.

    Raises ``DiskFull`` or another ``OSError``. It names ``shown``, as ``path`` may be temporary.
    """
    # safetensors requires contiguous tensors that share no memory
    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    try:
        save_file(plain, path)
    except SafetensorError as error:  # raised also when the disk is full
        if _FULL.search(str(error)):
            raise disk_full(shown, str(error)) from error
        raise OSError(None, str(error), str(shown)) from error


def load_tensors(path: Path) -> dict[str, Tensor]:
    """The tensors of a file by name, on the CPU; ``OSError`` or ``SafetensorError`` on failure."""
    try:
        str(path).encode("utf-8")
    except UnicodeEncodeError:  # safetensors cannot open such a path
        return load(path.read_bytes())
    return load_file(path)
