"""Files of weights → arrays by name, without running anything that is in them."""

from __future__ import annotations

import math
import pickle
import re
import struct
import warnings
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from torch import Tensor

from dcgan.errors import WeightsError, shown
from dcgan.exchange.keras_files import read_keras
from dcgan.runtime.memory import shortage
from dcgan.runtime.nearest import nearest_path
from dcgan.runtime.reading import sha256
from dcgan.runtime.tensors import load_tensors

TORCH = (".pth", ".pt", ".bin", ".ckpt")
SUFFIXES = (*TORCH, ".safetensors", ".npz", ".npy", ".h5", ".hdf5")

_SAVE = "torch.save(model.state_dict(), 'weights.pth')"

_LEAVES = re.compile(r"(^|\.)(weight\w*|bias|running_mean|running_var|original\d*|_[uv])$")
"""The last words of names in a state dict of PyTorch."""

_CODE = re.compile(r"global|unsafe|allowlist|class|persistent", re.IGNORECASE)
"""Words of PyTorch's message about a pickle that holds more than tensors."""

_MOST = 10_000
"""Arrays in a file; a DCGAN has a few dozen."""


@dataclass(frozen=True)
class WeightFile:
    """The arrays of a file, in its order.

    Parameters
    ----------
    path : Path
    sha256 : str
    tensors : dict of str to Tensor
        float32, on the CPU.
    is_named : bool
        Whether names are those of PyTorch's modules. Otherwise only the order of the arrays and
        their shapes tell what they are.
    """

    path: Path
    sha256: str
    tensors: dict[str, Tensor]
    is_named: bool


def read_weights(path: Path) -> WeightFile:
    """Read a file of weights.

    Parameters
    ----------
    path : Path
        ``.pth``, ``.pt``, ``.bin``: a state dict of PyTorch. ``.safetensors``. ``.npz``: arrays by
        name, or in order. ``.npy``: one array. ``.h5``: weights of Keras.

    Raises
    ------
    WeightsError
        There is no such file; it is damaged; it holds more than arrays, which may run code; or its
        numbers are not finite.
    """
    refuse_no_file(path)
    suffix = path.suffix.lower()
    try:
        if suffix in TORCH:
            found = _read_torch(path)
        elif suffix == ".safetensors":
            found = _in_natural_order(load_tensors(path))
        elif suffix in {".npz", ".npy"}:
            found = _read_numpy(path)
        else:
            found = read_keras(path)
    except OSError as error:
        raise WeightsError(f"{path}: cannot be read ({error.strerror or error})") from error
    except SafetensorError as error:
        raise WeightsError(
            f"{path}: not a safetensors file, or damaged ({error}). Copy or download it again"
        ) from error
    _refuse_beyond_memory(path, sum(4 * math.prod(value.shape) for value in found.values()))
    tensors = {name: _plain(path, name, value) for name, value in found.items()}
    if not tensors:
        raise WeightsError(f"{path}: holds no arrays. Save the weights: {_SAVE}")
    names = [name for name in tensors if _LEAVES.search(name)]
    return WeightFile(path, sha256(path), tensors, 2 * len(names) > len(tensors))


def refuse_no_file(path: Path) -> None:
    """Raise ``WeightsError`` if a path is not a file of a known kind; suggests a similar one."""
    if path.is_dir():
        raise WeightsError(f"{path}: a folder. Choose a file of weights: {', '.join(SUFFIXES)}")
    if not path.is_file():
        near = nearest_path(path, lambda one: one.suffix.lower() in SUFFIXES)
        meant = f". Did you mean {str(near)!r}?" if near else ""
        raise WeightsError(f"{path}: no such file{meant}")
    suffix = path.suffix.lower()
    if suffix == ".keras":
        raise WeightsError(
            f"{path}: a whole Keras model. Save its weights: model.save_weights('model.weights.h5')"
        )
    if suffix in {".pkl", ".pickle", ".jl", ".joblib"}:
        raise WeightsError(
            f"{path}: a pickle, which can run code when it is loaded. Save its arrays:"
            " numpy.savez('weights.npz', *arrays)"
        )
    if suffix not in SUFFIXES:
        raise WeightsError(f"{path}: not a file of weights. Use one of {', '.join(SUFFIXES)}")


_DAMAGED = (
    *(RuntimeError, EOFError, ValueError, KeyError, IndexError, OSError, AssertionError),
    *(struct.error, zipfile.BadZipFile),
)
"""What PyTorch raises for files that it cannot read."""


def _read_torch(path: Path) -> dict[str, Any]:
    path.open("rb").close()  # a file that cannot be opened is not damaged
    try:
        _refuse_large(path)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about files that are refused here
            content = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, AttributeError, ImportError, TypeError) as error:
        if _is_damaged(path, str(error)):
            raise _damaged(path) from error
        raise WeightsError(
            f"{path}: holds Python objects and not only weights, and loading them can run code."
            f" Save the weights alone: {_SAVE}"
        ) from error
    except _DAMAGED as error:
        if "torchscript" in str(error).lower():
            raise WeightsError(
                f"{path}: a TorchScript program, which is code. Save the weights alone:"
                " torch.save(torch.jit.load(path).state_dict(), 'weights.pth')"
            ) from error
        raise _damaged(path) from error
    return _state_dict(path, content)


def _is_damaged(path: Path, message: str) -> bool:
    """Whether a file is no pickle at all, in contrast to one of unsafe content."""
    if zipfile.is_zipfile(path):
        return False
    with path.open("rb") as file:
        begins_as_pickle = file.read(1) == b"\x80"
    return not begins_as_pickle or not _CODE.search(message.partition("WeightsUnpickler error:")[2])


def _damaged(path: Path) -> WeightsError:
    return WeightsError(
        f"{path}: not a PyTorch file, or only a part of one. Copy or download it again, or save"
        f" it by {_SAVE}"
    )


def _state_dict(path: Path, content: object) -> dict[str, Any]:
    """The state dict in a file, which may be one entry of a training checkpoint."""
    if isinstance(content, Tensor):
        return {"weight": content}
    if not isinstance(content, Mapping):
        raise WeightsError(
            f"{path}: holds a {type(content).__name__}, not a state dict. Save it by {_SAVE}"
        )
    inside = {str(key): value for key, value in content.items() if _is_state_dict(value)}
    if _is_state_dict(content):
        return {str(key): value for key, value in content.items()}
    if len(inside) == 1:
        (found,) = inside.values()
        return {str(key): value for key, value in found.items()}
    if inside:
        first = next(iter(inside))
        raise WeightsError(
            f"{path}: holds {len(inside)} state dicts: {', '.join(map(shown, inside))}. Save each"
            f" in a file of its own: torch.save(torch.load(path)[{first!r}], 'weights.pth')"
        )
    raise WeightsError(f"{path}: holds no state dict. Save it by {_SAVE}")


def _is_state_dict(value: object) -> bool:
    """Whether a value maps names to tensors; an optimizer's state maps numbers."""
    if not isinstance(value, Mapping) or not value:
        return False
    return all(isinstance(key, str) for key in value) and all(
        isinstance(one, Tensor) for one in value.values()
    )


def _read_numpy(path: Path) -> dict[str, Any]:
    try:
        _refuse_large(path)
        with path.open("rb") as file:
            content = np.load(file, allow_pickle=False)
            if isinstance(content, np.ndarray):
                return {path.stem: content}
            found = {name: content[name] for name in content.files[:_MOST]}
            odd = [name for name, value in found.items() if not isinstance(value, np.ndarray)]
            if odd:
                raise ValueError(f"{odd[0]} is not an array")
            return found
    except (ValueError, EOFError, KeyError, zipfile.BadZipFile, NotImplementedError) as error:
        if "pickle" in str(error).lower() and _begins_as_numpy(path):
            raise WeightsError(
                f"{path}: holds Python objects and not only arrays, and loading them can run code."
                " Save the arrays alone: numpy.savez('weights.npz', *arrays)"
            ) from error
        raise WeightsError(
            f"{path}: not a NumPy file, or only a part of one. Copy or download it again, or save"
            " it by numpy.savez('weights.npz', *arrays)"
        ) from error


def _begins_as_numpy(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(6) in (b"\x93NUMPY", b"PK\x03\x04" + b"\x14\x00", b"PK\x03\x04-\x00")


def _refuse_large(path: Path) -> None:
    """Refuse a small archive of arrays that memory cannot hold."""
    if not zipfile.is_zipfile(path):
        return
    with zipfile.ZipFile(path) as archive:
        _refuse_beyond_memory(path, sum(entry.file_size for entry in archive.infolist()))


def _refuse_beyond_memory(path: Path, needed: int) -> None:
    lacking = shortage(needed)
    if lacking:
        raise WeightsError(f"{path}: its arrays need {lacking}. Use a machine with more memory")


def _in_natural_order(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """safetensors sorts names as text: ``main.10`` before ``main.2``."""
    return {name: tensors[name] for name in sorted(tensors, key=natural)}


def natural(name: str) -> list[tuple[int, int, str]]:
    """A key that sorts the numbers in names as numbers.

    >>> sorted(["main.10", "main.2"], key=natural)
    ['main.2', 'main.10']
    """
    parts = re.split(r"(\d+)", name)
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts if part]


def _plain(path: Path, name: str, value: Any) -> Tensor:
    """An array as a float32 tensor of finite numbers."""
    is_tensor = isinstance(value, Tensor)
    if is_tensor and (value.layout != torch.strided or value.is_quantized or value.is_meta):
        raise WeightsError(f"{path}: {name} is not a plain array. Save it as float32")
    if not is_tensor and value.dtype.kind not in "fiub":
        raise WeightsError(
            f"{path}: {name} holds {value.dtype}, not numbers. Save the weights alone: {_SAVE}"
        )
    if 0 in value.shape:
        raise WeightsError(f"{path}: {name} is empty. Save the weights of a trained model: {_SAVE}")
    if not is_tensor:
        # other byte orders and long floats are none of PyTorch's
        with np.errstate(over="ignore"):
            value = torch.from_numpy(np.ascontiguousarray(value, dtype=np.float32))
    tensor: Tensor = value.detach()
    if tensor.is_complex():
        raise WeightsError(f"{path}: {name} holds complex numbers. Weights are real numbers")
    tensor = tensor.to(torch.float32)
    if not math.isfinite(float(tensor.abs().sum(dtype=torch.float64))):
        raise WeightsError(
            f"{path}: {name} holds infinite numbers or NaN, as after a training that diverged. Use"
            " an earlier checkpoint"
        )
    return tensor.contiguous()
