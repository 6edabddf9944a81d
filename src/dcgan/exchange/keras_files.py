"""Weights of Keras in HDF5 files → arrays in the order of the layers.

Two forms are read. Files of Keras 2 list layers and weights in attributes. Those of Keras 3
(``.weights.h5``) have a group of numbered arrays for each layer, named by its class, and do not
store the order of layers of different classes.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np

from dcgan.errors import WeightsError
from dcgan.runtime.memory import shortage
from dcgan.runtime.shell import install

_NUMBERS = re.compile(r"^(?!optimizer)(?:.*/)?([^/]+)/vars/\d+$")
_LAYER = re.compile(r"^(.*?)(?:_(\d+))?$")


def read_keras(path: Path) -> dict[str, Any]:
    """The arrays of a file, layer by layer; ``WeightsError`` if it is not a file of Keras."""
    try:
        import h5py
    except ImportError as error:
        raise WeightsError(
            f"{path}: files of Keras need h5py. Install it: {install('export')}"
        ) from error
    try:
        with h5py.File(path, "r") as file:
            arrays = _arrays(path, file)
            ordered = _listed(file, arrays) or _numbered(arrays)
            return {name: np.asarray(file[name]) for name in ordered}
    except (OSError, RuntimeError, KeyError, ValueError, TypeError) as error:
        raise WeightsError(
            f"{path}: not an HDF5 file of Keras, or only a part of one. Copy or download it again,"
            " or save it by model.save_weights('model.weights.h5')"
        ) from error


def _arrays(path: Path, file: Any) -> dict[str, tuple[int, ...]]:
    """The shape of each array, by its path in the file.

    Only what is in the file itself: an HDF5 file may also link to other files.
    """
    import h5py

    found: dict[str, tuple[int, ...]] = {}
    size = 0

    def visit(name: str, value: Any) -> None:
        nonlocal size
        if isinstance(value, h5py.Dataset) and value.dtype.kind == "f":
            if value.external or value.is_virtual:
                raise WeightsError(f"{path}: {name} is stored in another file. Save all in one")
            found[name] = value.shape
            size += value.nbytes

    file.visititems(visit)
    lacking = shortage(size)
    if lacking:
        raise WeightsError(f"{path}: its arrays need {lacking}. Use a machine with more memory")
    return found


def _listed(file: Any, arrays: dict[str, tuple[int, ...]]) -> list[str]:
    """The arrays in the order that Keras 2 stores in attributes; empty if there is none."""
    prefix = "model_weights/" if "model_weights" in file else ""
    group = file[prefix or "/"]
    names = []
    for layer in map(_text, group.attrs.get("layer_names", ())):
        for weight in map(_text, group[layer].attrs.get("weight_names", ())):
            name = f"{prefix}{layer}/{weight}"
            if name not in arrays:
                raise KeyError(name)
            names.append(name)
    return names


def _numbered(arrays: dict[str, tuple[int, ...]]) -> list[str]:
    """The arrays of Keras 3, in an order of layers that their shapes allow.

    Layers of one class are numbered. A generator begins with its dense layer, and a discriminator,
    which has no transposed convolution, ends with it. A norm follows the first layer without one
    whose channels it has.
    """
    layers: dict[str, list[str]] = {}
    for name in arrays:
        match = _NUMBERS.match(name)
        if match is not None:
            layers.setdefault(match[1], []).append(name)
    for one in layers.values():
        one.sort(key=lambda name: int(name.rpartition("/")[2]))
    operations = [name for name, own in layers.items() if len(arrays[own[0]]) > 1]
    norms = sorted((name for name in layers if name not in operations), key=_rank)
    is_generator = any(name.startswith("conv2d_transpose") for name in operations)
    classes = ["dense", "conv2d_transpose", "conv2d"] if is_generator else ["conv2d", "dense"]

    def place(name: str) -> tuple[int, tuple[str, int]]:
        kind = _rank(name)[0]
        return classes.index(kind) if kind in classes else len(classes), _rank(name)

    ordered = []
    for operation in sorted(operations, key=place):
        ordered += layers[operation]
        shape = arrays[layers[operation][0]]
        channels = shape[-2] if operation.startswith("conv2d_transpose") else shape[-1]
        if norms and arrays[layers[norms[0]][0]] == (channels,):
            ordered += layers[norms.pop(0)]
    return ordered + [name for norm in norms for name in layers[norm]]


def _rank(name: str) -> tuple[str, int]:
    """Class and number of a layer.

    >>> _rank("batch_normalization_2"), _rank("conv2d")
    (('batch_normalization', 2), ('conv2d', 0))
    """
    match = _LAYER.match(name)
    assert match is not None
    return match[1], int(match[2] or 0)


def _text(name: Any) -> str:
    return name.decode("utf-8") if isinstance(name, bytes) else str(name)
