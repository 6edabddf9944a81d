"""Tensors as safetensors files, which hold numbers and never code."""

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
    """Write tensors by name.

    Parameters
    ----------
    tensors : mapping of str to Tensor
        On any device, in any order of memory.
    path : Path
    shown : Path
        What an error calls the file: ``path`` may be hidden until all of it is written.

    Raises
    ------
    DiskFull
        There is no room.
    OSError
        It cannot be written for another reason.
    """
    # safetensors wants every tensor contiguous and on its own memory
    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    try:
        save_file(plain, path)
    except SafetensorError as error:  # not an OSError, even when the disk is full
        if _FULL.search(str(error)):
            raise disk_full(shown, str(error)) from error
        raise OSError(None, str(error), str(shown)) from error


def load_tensors(path: Path) -> dict[str, Tensor]:
    """The tensors of a file by name, on the CPU.

    Raises
    ------
    OSError
        It cannot be read.
    SafetensorError
        It is damaged.
    """
    try:
        str(path).encode("utf-8")
    except UnicodeEncodeError:  # a path that safetensors cannot open
        return load(path.read_bytes())
    return load_file(path)
