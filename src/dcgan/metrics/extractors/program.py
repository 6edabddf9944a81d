"""An exported program (``.pt2``) read as data: its graph is interpreted, and nothing is unpickled.

``torch.export.load`` may unpickle what a file contains, and evaluates its sizes and names as
Python. So the file is read here: only JSON and numbers, and each operation of the graph must be one
of PyTorch's own operations on tensors (``aten``), with arguments of known kinds.
"""

from __future__ import annotations

import io
import math
import operator
import re
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
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
    **{1: torch.contiguous_format, 2: torch.channels_last},
    **{3: torch.channels_last_3d, 4: torch.preserve_format},
}

_TARGET = re.compile(r"torch\.ops\.aten\.([A-Za-z]\w*|_\w+)\.(\w+)")

_INTERNAL = {
    *("_adaptive_avg_pool2d", "_assert_scalar", "_assert_tensor_metadata", "_log_softmax"),
    *("_native_batch_norm_legit_no_training", "_softmax", "_to_copy", "_unsafe_view"),
    *("_upsample_bicubic2d_aa", "_upsample_bilinear2d_aa"),
}
"""Allowed operations with an underscore, which exported networks use; others are refused."""

_TEXTS = {
    *("approximate", "assert_msg", "equation", "indexing", "interpolation", "mode", "ord"),
    *("padding", "padding_side", "pad_mode", "reduce"),
}
"""Arguments that may be text: none of them names a file."""

_COMPARISONS = ("eq", "ne", "lt", "le", "gt", "ge")
_ARITHMETIC = ("add", "sub", "mul", "floordiv", "truediv", "mod", "neg")
_ON_NUMBERS: dict[str, Callable[..., Any]] = {
    **{f"_operator.{name}": getattr(operator, name) for name in (*_ARITHMETIC, *_COMPARISONS)},
    **{f"math.{name}": getattr(math, name) for name in ("ceil", "floor", "trunc")},
    **{"torch.sym_int": int, "torch.sym_float": float, "torch.sym_max": max, "torch.sym_min": min},
}
"""What graphs compute with sizes."""

Values = dict[str | None, Any]
"""The values of a graph by name, and under None the device of the images."""


@dataclass(frozen=True)
class Name:
    """Stands for a value of the graph in an argument."""

    name: str | None


_CONSTANTS = {"as_int", "as_float", "as_bool", "as_string", "as_int_list"}
_WRAPPERS = {"as_optional_tensor", "as_sym_int", "as_sym_float", "as_sym_bool"}
"""Kinds of arguments as in ``torch._export.serde.schema.Argument``; lists of them end with s."""

_OTHERS: dict[str, Callable[[Any], Any]] = {
    "as_tensor": lambda one: Name(one["name"]),
    "as_tensors": lambda many: [Name(one["name"]) for one in many],
    "as_name": Name,
    "as_device": lambda _: Name(None),  # not the device that the program was exported on
    "as_none": lambda _: None,
    "as_scalar_type": _DTYPES.__getitem__,
    "as_memory_format": _MEMORY_FORMATS.__getitem__,
    "as_layout": {7: torch.strided}.__getitem__,
}


def _argument(argument: dict[str, Any]) -> Any:
    """An argument as a constant, the name of a value, or a list of these."""
    ((kind, content),) = argument.items()
    if kind in _OTHERS:
        return _OTHERS[kind](content)
    if kind in _WRAPPERS:
        return _argument(content)
    if kind.removesuffix("s") in _WRAPPERS:
        return [_argument(one) for one in content]
    if kind.removesuffix("s") in _CONSTANTS:
        return content
    raise DataError(f"it contains an argument of the kind {kind!r}")


def _filled(argument: Any, values: Values) -> Any:
    """An argument with values in place of names."""
    if isinstance(argument, list):
        return [_filled(one, values) for one in argument]
    return values[argument.name] if isinstance(argument, Name) else argument


class Program(nn.Module):
    """The network of an exported program, which takes one tensor.

    ``content`` is that of a file that ``torch.export.save`` wrote. Raises ``DataError`` for another
    file, or for one with anything but numbers and operations on tensors.
    """

    def __init__(self, content: bytes) -> None:
        super().__init__()
        members = _members(content)
        module = _graph_module(members)
        tensors = _tensors(members, "constants", "model_constants_config", "serialized_constants")
        tensors |= _tensors(members, "weights", "model_weights_config", "serialized_state_dict")
        self._input = ""
        self._constants: Values = {}
        self._buffer_of: dict[str, str] = {}
        for spec in module["signature"]["input_specs"]:
            ((kind, given),) = spec.items()
            if kind == "user_input":
                if self._input:
                    raise DataError("it takes more than one input; an extractor takes only images")
                self._input = str(given["arg"]["as_tensor"]["name"])
            elif kind == "constant_input":
                self._constants[given["name"]] = next(iter(given["value"].values()))
            elif kind in {"parameter", "buffer", "tensor_constant"}:
                name = given[f"{kind}_name"]
                if name not in tensors:
                    raise DataError(f"its tensor {name!r} is missing")
                buffer = f"tensor_{len(self._buffer_of)}"
                self.register_buffer(buffer, tensors[name])
                self._buffer_of[given["arg"]["name"]] = buffer
            else:
                raise DataError(f"it contains an input of the kind {kind!r}")
        self._steps = [_step(node) for node in module["graph"]["nodes"]]
        self._outputs = [
            _argument(spec["user_output"]["arg"])
            for spec in module["signature"]["output_specs"]
            if "user_output" in spec
        ]

    def forward(self, pixel_BCHW: Tensor) -> Any:
        values: Values = {None: pixel_BCHW.device, **self._constants, self._input: pixel_BCHW}
        values |= {name: self.get_buffer(buffer) for name, buffer in self._buffer_of.items()}
        for run in self._steps:
            run(values)
        results = [_filled(output, values) for output in self._outputs]
        return results[0] if len(results) == 1 else tuple(results)


def _step(node: dict[str, Any]) -> Callable[[Values], None]:
    """One node of the graph, ready to run: it reads its arguments and adds its results."""
    operation = _operation(str(node["target"]))
    positional, named = [], {}
    for one in node["inputs"]:
        if {"as_string", "as_strings"} & one["arg"].keys() and one["name"] not in _TEXTS:
            raise DataError(f"{node['target']} takes text as {one['name']!r}")
        if one.get("kind") == 2:
            named[one["name"]] = _argument(one["arg"])
        else:
            positional.append(_argument(one["arg"]))

    def run(values: Values) -> None:
        result = operation(
            *(_filled(one, values) for one in positional),
            **{name: _filled(one, values) for name, one in named.items()},
        )
        outputs = node["outputs"]
        results = [result] if len(outputs) == 1 else result or []
        for output, value in zip(outputs, results, strict=False):
            ((kind, place),) = output.items()
            if kind == "as_tensors":
                names = [one["name"] for one in place]
                values.update(zip(names, value, strict=True))
            elif kind != "as_none":
                values[place.get("name", place.get("as_name"))] = value

    return run


def _operation(target: str) -> Callable[..., Any]:
    if target in _ON_NUMBERS:
        return _ON_NUMBERS[target]
    match = _TARGET.fullmatch(target)
    if match is None or (match[1].startswith("_") and match[1] not in _INTERNAL):
        raise DataError(f"its operation {target!r} is not allowed in an extractor")
    try:
        overload = getattr(getattr(torch.ops.aten, match[1]), match[2])
    except AttributeError:
        raise DataError(f"its operation {target!r} is unknown to this PyTorch") from None
    for argument in overload._schema.arguments:
        if "str" in str(argument.type) and argument.name not in _TEXTS:
            raise DataError(f"its operation {target!r} is not allowed in an extractor")
    return overload  # type: ignore[no-any-return]


def _members(content: bytes) -> dict[str, bytes]:
    """The files of the archive by name, without the folder that contains all of them."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            infos = archive.infolist()
            if any(one.compress_type != zipfile.ZIP_STORED for one in infos):
                raise DataError("its members are compressed, unlike those of torch.export.save")
            members = {one.filename: archive.read(one) for one in infos}
    except (zipfile.BadZipFile, EOFError, OSError, ValueError, NotImplementedError) as error:
        raise DataError(f"no exported program (torch.export.save): {error}") from error
    if len({name.partition("/")[0] for name in members}) == 1:
        members = {name.partition("/")[2]: data for name, data in members.items()}
    for name in members:
        if name.startswith("data/aotinductor") or name.endswith((".so", ".cpp", ".dll", ".dylib")):
            raise DataError(f"it contains compiled code ({name})")
    return members


def _graph_module(members: Mapping[str, bytes]) -> Any:
    for name in ("models/model.json", "serialized_exported_program.json"):
        if name in members:
            return parse_json(members[name])["graph_module"]
    raise DataError("no exported program (torch.export.save): it contains no graph")


def _tensors(
    members: Mapping[str, bytes], kind: str, config: str, earlier: str
) -> dict[str, Tensor]:
    """Tensors by name; PyTorch 2.6 and 2.7 kept them in one file."""
    folder = f"data/{kind}"
    if f"{folder}/{config}.json" in members:
        described = parse_json(members[f"{folder}/{config}.json"])["config"]
        return {
            name: _tensor(members[f"{folder}/{about['path_name']}"], about)
            for name, about in described.items()
        }
    for name in (f"{folder}/model.pt", f"{earlier}.pt"):
        if name in members:
            return _unpickled(members[name], name)
    return {}


def _tensor(content: bytes, about: dict[str, Any]) -> Tensor:
    if about["use_pickle"]:
        return _unpickled(content, about["path_name"])["tensor"]
    meta = about["tensor_meta"]
    if meta["layout"] != 7:
        raise DataError("it contains a sparse tensor")
    sizes, strides = ([int(one["as_int"]) for one in meta[key]] for key in ("sizes", "strides"))
    dtype = _DTYPES[meta["dtype"]]
    if not content:
        return torch.empty(sizes, dtype=dtype)
    flat = torch.frombuffer(bytearray(content), dtype=dtype)
    return flat.as_strided(sizes, strides, int(meta["storage_offset"]["as_int"])).clone()


def _unpickled(content: bytes, name: str) -> dict[str, Tensor]:
    """Tensors from ``torch.save``, by a reader that executes nothing (``weights_only``)."""
    try:
        found = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except Exception as error:
        raise DataError(f"{name} in it contains more than tensors") from error
    found = {"tensor": found} if isinstance(found, Tensor) else found
    if not isinstance(found, dict) or not all(isinstance(one, Tensor) for one in found.values()):
        raise DataError(f"{name} in it contains more than tensors")
    return found
