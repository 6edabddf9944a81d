"""A network as one ONNX file, checked with ONNX Runtime against the run."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from dcgan.errors import ConfigError
from dcgan.exchange.checks import Compute, write_checked
from dcgan.exchange.result import Exported, sizes_of
from dcgan.exchange.standalone import Pixels, input_names, inputs_in_words, output_names
from dcgan.exchange.tracing import BATCH, facts, quiet, standalone, traced
from dcgan.runs.run import Run
from dcgan.runtime.shell import install

OPSET = 18
"""The operator set: that of ONNX 1.13 of 2022, which browsers and phones of today read."""

_PACKAGES = ("onnx", "onnxscript", "onnxruntime")


def refuse_missing_packages() -> None:
    """Raise ``ConfigError`` without the packages of the extra ``export``."""
    missing = [name for name in _PACKAGES if find_spec(name) is None]
    if missing:
        raise ConfigError(
            "to", "onnx", f"needs {', '.join(missing)}. Install it: {install('export')}"
        )


def write_onnx(run: Run, out: Path, *, part: str, precision: str, pixels: Pixels) -> Exported:
    """Write a network as one ``.onnx`` file.

    Parameters
    ----------
    run : Run
    out : Path
        The file to write.
    part : {"generator", "discriminator"}
    precision : {"fp32", "fp16", "int8"}
        ``fp16``: weights and computation in half precision. ``int8``: weights in eight bits, see
        :mod:`dcgan.exchange.int8`. Inputs and float outputs are always fp32.
    pixels : {"uint8", "float"}

    Raises
    ------
    ConfigError
        A package of the extra ``export`` is missing.
    DcganError
        In fp32 the outputs differ from those of the run by more than 1e-4.
    """
    refuse_missing_packages()
    module = standalone(run, part, pixels, half=precision == "fp16")
    names = input_names(run.networks, part)
    with quiet():
        program = torch.onnx.export(
            traced(module, run),
            dynamo=True,
            opset_version=OPSET,
            input_names=names,
            output_names=output_names(part),
            verbose=False,
        )
    assert program is not None
    model = program.model_proto
    _tidy(model, facts(run, part, pixels, precision))
    if precision == "int8":
        from dcgan.exchange.int8 import store_in_8_bits

        store_in_8_bits(model)
    content: bytes = model.SerializeToString()
    compute = _runtime(content, names)
    difference = write_checked(
        content, out, run, compute, part=part, precision=precision, pixels=pixels
    )
    given = ", ".join(f"{name!r}: {name}" for name in names)
    use = (
        f"session = onnxruntime.InferenceSession({str(out)!r})",
        f"session.run(None, {{{given}}})",
        *inputs_in_words(run.networks, part, pixels),
    )
    return Exported(out, sizes_of(out), f"ONNX, opset {OPSET}, {precision}", use, difference)


def _runtime(content: bytes, names: Sequence[str]) -> Compute:
    """Computes with ONNX Runtime on the CPU."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.log_severity_level = 3  # errors; its warnings are about its own choices
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])

    def compute(inputs: Sequence[NDArray[np.generic]]) -> Sequence[NDArray[np.generic]]:
        found: list[NDArray[np.generic]] = session.run(None, dict(zip(names, inputs, strict=True)))
        return found

    return compute


def _tidy(model: Any, about: dict[str, str]) -> None:
    """Name the batch axis, write the metadata, and drop what the exporter notes for itself."""
    import onnx

    graph = model.graph
    symbol = graph.input[0].type.tensor_type.shape.dim[0].dim_param
    for value in (*graph.input, *graph.output, *graph.value_info):
        for axis in value.type.tensor_type.shape.dim:
            if axis.dim_param == symbol:
                axis.dim_param = BATCH
    for part in (graph, *graph.node, *graph.input, *graph.output, *graph.value_info):
        part.ClearField("doc_string")
        del part.metadata_props[:]
    for weight in graph.initializer:
        del weight.metadata_props[:]
    del model.metadata_props[:]
    model.producer_name, model.producer_version = "dcgan", about["dcgan_version"]
    onnx.helper.set_model_props(model, about)
