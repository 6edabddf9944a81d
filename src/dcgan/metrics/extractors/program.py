"""An exported program (``.pt2``) read as data: its graph is interpreted, and nothing is unpickled.

``torch.export.load`` falls back to unpickling whatever a file holds, evaluates the sizes in it as
Python, and compiles names from it as Python. So the file is read here: JSON and numbers only, and
each operation of the graph must be one of PyTorch's own on tensors (``aten``), with arguments of
known kinds.
"""

from __future__ import annotations

import io
import math
import operator
import re
import zipfile
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from dcgan.errors import DataError
from dcgan.runtime.reading import parse_json

_DTYPES = {
    **{1: torch.uint8, 2: torch.int8, 3: torch.int16, 4: torch.int32, 5: torch.int64},
    **{6: torch.float16, 7: torch.float32, 8: torch.float64, 12: torch.bool, 13: torch.bfloat16},
}
"""By the numbers of ``torch._export.serde.schema.ScalarType``."""

_MEMORY_FORMATS = {
    1: torch.contiguous_format,
    2: torch.channels_last,
    3: torch.channels_last_3d,
    4: torch.preserve_format,
}

_NUMBERED: dict[str, Mapping[int, Any]] = {
    "as_scalar_type": _DTYPES,
    "as_memory_format": _MEMORY_FORMATS,
    "as_layout": {7: torch.strided},
}
_NESTED = {"as_optional_tensor", "as_sym_int", "as_sym_float", "as_sym_bool"}
_LISTS = {"as_optional_tensors", "as_sym_ints", "as_sym_floats", "as_sym_bools"}
_PLAIN = {
    *("as_int", "as_ints", "as_int_lists", "as_float", "as_floats", "as_bool", "as_bools"),
    *("as_string", "as_strings"),
}
_KINDS = {
    *(*_NUMBERED, *_NESTED, *_LISTS, *_PLAIN),
    *("as_none", "as_tensor", "as_tensors", "as_name", "as_device"),
}
"""Of arguments, by the names of ``torch._export.serde.schema.Argument``."""

_TARGET = re.compile(r"torch\.ops\.aten\.([A-Za-z]\w*|_\w+)\.(\w+)")

_INTERNAL = {
    "_adaptive_avg_pool2d",
    "_assert_scalar",
    "_assert_tensor_metadata",
    "_log_softmax",
    "_native_batch_norm_legit_no_training",
    "_softmax",
    "_to_copy",
    "_unsafe_view",
    "_upsample_bicubic2d_aa",
    "_upsample_bilinear2d_aa",
}
"""Operations with an underscore that exported networks hold; others are refused."""

_WORDS = {
    *("approximate", "assert_msg", "equation", "indexing", "interpolation", "mode", "ord"),
    *("padding", "padding_side", "pad_mode", "reduce"),
}
"""Arguments that may be text: none of them names a file."""

_NUMBERS: dict[str, Callable[..., Any]] = {
    **{
        f"_operator.{name}": getattr(operator, name)
        for name in ("add", "sub", "mul", "floordiv", "truediv", "mod", "neg")
    },
    **{
        f"_operator.{name}": getattr(operator, name)
        for name in ("eq", "ne", "lt", "le", "gt", "ge")
    },
    **{f"math.{name}": getattr(math, name) for name in ("ceil", "floor", "trunc")},
    "torch.sym_int": int,
    "torch.sym_float": float,
    "torch.sym_max": max,
    "torch.sym_min": min,
}
"""What graphs compute with sizes."""


class Program(nn.Module):
    """The network of an exported program.

    Parameters
    ----------
    content : bytes
        Of a file that ``torch.export.save`` wrote.

    Shape: as the program has it; it takes one tensor.

    Raises
    ------
    DataError
        It is no such file, or holds anything but numbers and operations on tensors.
    """

    def __init__(self, content: bytes) -> None:
        super().__init__()
        members = _members(content)
        described = _described(members)
        signature = described["graph_module"]["signature"]
        self._graph = described["graph_module"]["graph"]
        weights, constants = _weights(members), _constants(members)
        self._tensors: dict[str, str] = {}
        self._given: dict[str, Any] = {}
        self._input = ""
        for spec in signature["input_specs"]:
            self._take(spec, weights, constants)
        self._steps = [_step(node) for node in self._graph["nodes"]]
        self._outputs = [
            spec["user_output"]["arg"]
            for spec in signature["output_specs"]
            if "user_output" in spec
        ]
        for one in self._outputs:
            _refuse_unknown(one)

    def forward(self, pixel_BCHW: Tensor) -> Any:
        known: dict[str, Any] = {name: self.get_buffer(own) for name, own in self._tensors.items()}
        known |= self._given | {self._input: pixel_BCHW}
        for run in self._steps:
            run(known, pixel_BCHW.device)
        found = [_value(one, known, pixel_BCHW.device) for one in self._outputs]
        return found[0] if len(found) == 1 else tuple(found)

    def _take(
        self, spec: dict[str, Any], weights: Mapping[str, Tensor], constants: Mapping[str, Tensor]
    ) -> None:
        """Find what one input of the graph is."""
        ((kind, content),) = spec.items()
        if kind == "user_input":
            if self._input:
                raise DataError("it takes more than one input; an extractor takes images alone")
            self._input = str(content["arg"]["as_tensor"]["name"])
            return
        if kind == "constant_input":
            self._given[content["name"]] = next(iter(content["value"].values()))
            return
        named = {"parameter": weights, "buffer": weights, "tensor_constant": constants}
        if kind not in named:
            raise DataError(f"it holds an input of the kind {kind!r}")
        name = content[f"{kind}_name"]
        tensor = named[kind].get(name, constants.get(name))
        if tensor is None:
            raise DataError(f"its tensor {name!r} is missing")
        own = f"tensor_{len(self._tensors)}"
        self.register_buffer(own, tensor)
        self._tensors[content["arg"]["name"]] = own


def _step(node: dict[str, Any]) -> Callable[[dict[str, Any], torch.device], None]:
    """One line of the graph, ready to run."""
    operation = _operation(str(node["target"]))
    positional = [one["arg"] for one in node["inputs"] if one.get("kind") != 2]
    named = {one["name"]: one["arg"] for one in node["inputs"] if one.get("kind") == 2}
    for one in node["inputs"]:
        _refuse_unknown(one["arg"])
        if {"as_string", "as_strings"} & one["arg"].keys() and one["name"] not in _WORDS:
            raise DataError(f"{node['target']} takes text as {one['name']!r}")
    outputs = node["outputs"]

    def run(known: dict[str, Any], device: torch.device) -> None:
        result = operation(
            *(_value(one, known, device) for one in positional),
            **{name: _value(one, known, device) for name, one in named.items()},
        )
        results = [result] if len(outputs) == 1 else result or []
        for place, value in zip(outputs, results, strict=False):
            _keep(place, value, known)

    return run


def _operation(target: str) -> Callable[..., Any]:
    if target in _NUMBERS:
        return _NUMBERS[target]
    found = _TARGET.fullmatch(target)
    if found is None or (found[1].startswith("_") and found[1] not in _INTERNAL):
        raise DataError(f"its operation {target!r} is not one that an extractor may use")
    try:
        overload = getattr(getattr(torch.ops.aten, found[1]), found[2])
    except AttributeError:
        raise DataError(f"its operation {target!r} is unknown to this PyTorch") from None
    for argument in overload._schema.arguments:
        if "str" in str(argument.type) and argument.name not in _WORDS:
            raise DataError(f"its operation {target!r} is not one that an extractor may use")
    return overload  # type: ignore[no-any-return]


def _keep(place: dict[str, Any], value: Any, known: dict[str, Any]) -> None:
    ((kind, content),) = place.items()
    if kind == "as_tensors":
        for one, part in zip(content, value, strict=True):
            known[one["name"]] = part
    elif kind != "as_none":
        known[content.get("name", content.get("as_name"))] = value


def _value(argument: dict[str, Any], known: Mapping[str, Any], device: torch.device) -> Any:
    """What an argument stands for."""
    ((kind, content),) = argument.items()
    if kind in {"as_tensor", "as_name"}:
        return known[content["name"] if kind == "as_tensor" else content]
    if kind in _NESTED:
        return _value(content, known, device)
    if kind in _LISTS:
        return [_value(one, known, device) for one in content]
    if kind == "as_tensors":
        return [known[one["name"]] for one in content]
    if kind in _NUMBERED:
        return _NUMBERED[kind][content]
    # where it was exported says nothing of where it runs
    return {"as_none": None, "as_device": device}.get(kind, content)


def _refuse_unknown(argument: dict[str, Any]) -> None:
    """Raise ``DataError`` for an argument that stands for more than tensors and numbers."""
    for kind in argument:
        if kind not in _KINDS:
            raise DataError(f"it holds an argument of the kind {kind!r}")


def _members(content: bytes) -> dict[str, bytes]:
    """The files of the archive by name, without the folder that all lie in."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            infos = archive.infolist()
            if any(one.compress_type != zipfile.ZIP_STORED for one in infos):
                raise DataError("its members are compressed, which torch.export.save never does")
            found = {one.filename: archive.read(one) for one in infos}
    except (zipfile.BadZipFile, EOFError, OSError, ValueError, NotImplementedError) as error:
        raise DataError(f"no exported program (torch.export.save): {error}") from error
    root = {name.partition("/")[0] for name in found}
    if len(root) == 1:
        found = {name.partition("/")[2]: data for name, data in found.items()}
    for name in found:
        if name.startswith("data/aotinductor") or name.endswith((".so", ".cpp", ".dll", ".dylib")):
            raise DataError(f"it holds compiled code ({name})")
    return found


def _described(members: Mapping[str, bytes]) -> dict[str, Any]:
    for name in ("models/model.json", "serialized_exported_program.json"):
        if name in members:
            return parse_json(members[name])
    raise DataError("no exported program (torch.export.save): it holds no graph")


def _weights(members: Mapping[str, bytes]) -> dict[str, Tensor]:
    return _tensors(
        members, "data/weights", "model_weights_config.json", "serialized_state_dict.pt"
    )


def _constants(members: Mapping[str, bytes]) -> dict[str, Tensor]:
    name = "model_constants_config.json"
    return _tensors(members, "data/constants", name, "serialized_constants.pt")


def _tensors(
    members: Mapping[str, bytes], folder: str, config: str, earlier: str
) -> dict[str, Tensor]:
    """Tensors by name; PyTorch 2.6 and 2.7 kept them in one file."""
    if f"{folder}/{config}" in members:
        described = parse_json(members[f"{folder}/{config}"])["config"]
        return {
            name: _tensor(members[f"{folder}/{about['path_name']}"], about)
            for name, about in described.items()
        }
    for name in (f"{folder}/model.pt", earlier):
        if name in members:
            return _plain(members[name], name)
    return {}


def _tensor(content: bytes, about: dict[str, Any]) -> Tensor:
    if about["use_pickle"]:
        return _plain(content, about["path_name"])["tensor"]
    meta = about["tensor_meta"]
    if meta["layout"] != 7:
        raise DataError("it holds a sparse tensor")
    sizes = [int(one["as_int"]) for one in meta["sizes"]]
    strides = [int(one["as_int"]) for one in meta["strides"]]
    dtype = _DTYPES[meta["dtype"]]
    if not content:
        return torch.empty(sizes, dtype=dtype)
    flat = torch.frombuffer(bytearray(content), dtype=dtype)
    return flat.as_strided(sizes, strides, int(meta["storage_offset"]["as_int"])).clone()


def _plain(content: bytes, name: str) -> dict[str, Tensor]:
    """Tensors from ``torch.save``, of which nothing is executed."""
    try:
        found = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except Exception as error:
        raise DataError(f"{name} in it holds more than tensors") from error
    found = {"tensor": found} if isinstance(found, Tensor) else found
    if not isinstance(found, dict) or not all(isinstance(one, Tensor) for one in found.values()):
        raise DataError(f"{name} in it holds more than tensors")
    return found
