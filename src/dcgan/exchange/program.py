"""A network as a ``torch.export`` program, which plain PyTorch loads."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from dcgan.exchange.checks import write_checked
from dcgan.exchange.result import Exported, sizes_of
from dcgan.exchange.standalone import Pixels, input_names, inputs_in_words
from dcgan.exchange.tracing import facts, quiet, standalone, traced
from dcgan.runs.run import Run
from dcgan.runtime.files import as_json

FACTS = "dcgan.json"
"""The name of the metadata within the file."""


def write_program(run: Run, out: Path, *, part: str, precision: str, pixels: Pixels) -> Exported:
    """Write a network as a ``.pt2`` file, checked against the run.

    Parameters
    ----------
    run : Run
    out : Path
        The file to write.
    part : {"generator", "discriminator"}
    precision : {"fp32", "fp16"}
        Of the weights and of the computation; inputs and float outputs are always fp32.
    pixels : {"uint8", "float"}

    Raises
    ------
    DcganError
        In fp32 the outputs differ from those of the run by more than 1e-4.
    """
    module = standalone(run, part, pixels, half=precision == "fp16")
    program = traced(module, run)
    about = facts(run, part, pixels, precision)
    buffer = io.BytesIO()
    with quiet():
        torch.export.save(program, buffer, extra_files={FACTS: as_json(about)})
        buffer.seek(0)
        loaded = torch.export.load(buffer).module()

    def compute(inputs: Sequence[NDArray[np.generic]]) -> Sequence[NDArray[np.generic]]:
        outputs = loaded(*(torch.from_numpy(one) for one in inputs))
        found = outputs if isinstance(outputs, tuple) else (outputs,)
        return [one.numpy() for one in found]

    content = buffer.getvalue()
    difference = write_checked(
        content, out, run, compute, part=part, precision=precision, pixels=pixels
    )
    names = ", ".join(input_names(run.networks, part))
    use = (
        f"network = torch.export.load({str(out)!r}).module()",
        f"network({names})",
        *inputs_in_words(run.networks, part, pixels),
    )
    return Exported(out, sizes_of(out), f"torch.export program, {precision}", use, difference)
