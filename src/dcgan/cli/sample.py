"""``dcgan sample``: generate images with a trained run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from dcgan.cli.options import ExistingRun, OptionalData, Which, open_run_dataset

_WHICH = Which()


def sample(
    run: ExistingRun,
    /,
    *,
    number: Annotated[int, Parameter(name=["--number", "-n"])] = 64,
    out: Path = Path("samples.png"),
    numbered: Annotated[bool, Parameter(negative=())] = False,
    neighbours: Annotated[bool, Parameter(negative=())] = False,
    data: OptionalData = None,
    data_root: Path | None = None,
    which: Which = _WHICH,
) -> None:
    """Generate images with the generator of a trained run.

    Parameters
    ----------
    run
        Choose the run folder, which dcgan train wrote.
    number
        Set the number of images.
    out
        Set the output: a .png, .jpg or .webp for one sheet, a folder for single PNGs, an .npz
        (array images, N x C x H x W), or a .zip of PNGs.
    numbered
        Write the number of each image below it, for dcgan interpolate and arithmetic.
    neighbours
        Show the nearest real image below each image (smallest pixel difference).
    data
        Choose the dataset of the real images (default: the run's training data).
    data_root
        Set the folder of datasets chosen by name (default: the environment variable DCGAN_DATA).
    """
    from dcgan.errors import ConfigError

    if number < 1:
        raise ConfigError("number", number, "at least 1 image")

    from dcgan.latent.sample import write_samples
    from dcgan.runtime.ranks import joined

    with joined() as ranks:
        opened, choice = which.open(run, ranks)
        with ranks.first_ahead():
            beside = open_run_dataset(opened, data, data_root) if neighbours else None
        write_samples(opened, number, out, choice, numbered=numbered, beside=beside)
    if ranks.is_first:
        print(f"{number:,} images of checkpoint {opened.checkpoint.name}: {out}")
