"""``dcgan export``: a trained model as files for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from dcgan.cli.options import (
    Checkpoint,
    Device,
    ExistingRun,
    Switch,
    computing_device,
    refuse_place,
)
from dcgan.cli.output import choose_output

if TYPE_CHECKING:
    from dcgan.exchange.result import Exported


def export(
    run: ExistingRun,
    /,
    *,
    to: str,
    out: Path | None = None,
    part: str | None = None,
    precision: str | None = None,
    pixels: str | None = None,
    license: str | None = None,  # noqa: A002
    single_file: Switch = False,
    checkpoint: Checkpoint = "best",
    device: Device = "auto",
) -> None:
    """Write a trained model as files for other programs, checked against the run.

    Parameters
    ----------
    to
        Choose the format. weights: a folder with safetensors and a model card, for dcgan and the
        Hugging Face hub. onnx: one file for ONNX Runtime. torch: a torch.export program for plain
        PyTorch. web: a web page that generates images in the browser.
    out
        Set the file or the new folder (default: RUN.onnx, RUN-weights and so on, in the current
        folder).
    part
        Choose the network: generator (default), discriminator (onnx, torch: logits and features),
        or both (weights).
    precision
        Choose fp32 (default), fp16 (half the size) or, for onnx, int8 (weights in 8 bits: a quarter
        of the size).
    pixels
        Choose what onnx and torch return: uint8 (default, 0 to 255), or float (as the network makes
        them, in [-1, 1]).
    license
        Name the license on the model card of weights, such as mit (default: unknown).
    single_file
        Write the web page as one HTML file.
    """
    from dcgan.exchange.choices import chosen, default_name, refuse_other_suffix

    # what is wrong is refused before torch is imported, which takes seconds
    options = chosen(
        to,
        part=part,
        precision=precision,
        pixels=pixels,
        licence=license,
        single_file=single_file,
    )
    if out is not None:
        refuse_other_suffix(out, to)
    refuse_place(run, checkpoint, device)

    import dcgan
    from dcgan.cli.flags import screen

    place = choose_output(out, default_name(run, to, options.part, single_file=single_file))
    opened = dcgan.open_run(run, checkpoint, device=computing_device(device))
    with screen() as reporter:
        found = dcgan.export(
            opened,
            to,
            place.path,
            part=part,
            precision=precision,
            pixels=pixels,
            license=license,
            single_file=single_file,
            reporter=reporter,
        )
    print(f"{to:<15}{place}: {found.about}, checkpoint {opened.checkpoint_name}")
    print(*_lines(found), sep="\n")


def _lines(found: Exported) -> list[str]:
    """Sizes, the comparison with the run, and how to use it."""
    widest = max(map(len, found.sizes))
    lines = [f"  {name:<{widest}}  {_in_words(size)}" for name, size in found.sizes.items()]
    difference = found.difference
    if difference is not None:
        lines.append(
            f"largest difference from the run, on {difference.latents} latents:"
            f" {difference.largest:.2g} (mean {difference.mean:.2g})"
        )
    return [*lines, "to use it:", *(f"  {line}" for line in found.use)]


def _in_words(size: int) -> str:
    if size < 1000:
        return f"{size} bytes"
    return f"{size / 1e3:,.0f} kB" if size < 1e6 else f"{size / 1e6:,.1f} MB"
