"""``dcgan sample``: generate images with a trained run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from dcgan.cli.options import ExistingRun, RealImages, Switch, Which
from dcgan.cli.output import choose_output

_REAL, _WHICH = RealImages(), Which()


def sample(
    run: ExistingRun,
    /,
    *,
    number: Annotated[int | None, Parameter(name=["--number", "-n"])] = None,
    out: Path | None = None,
    each_class: Switch = False,
    numbered: Switch = False,
    real: RealImages = _REAL,
    which: Which = _WHICH,
) -> None:
    """Generate images with the generator of a trained run.

    Parameters
    ----------
    number
        Set the number of images; with --each-class, of each class (default: 64; 8 of each class on
        a sheet).
    out
        Set the output: a .png, .jpg or .webp for one sheet, a folder for single PNGs, an .npz
        (array images, N x C x H x W), or a .zip of PNGs. An existing file is replaced (default:
        samples.png, or samples-2.png and so on if it exists).
    each_class
        Generate all classes: one row per class on a sheet, from the same latents; one folder per
        class in a folder or .zip, or also an array labels in an .npz, each image from its own
        latent.
    numbered
        Write the number of each image below it, for dcgan interpolate and arithmetic.
    """
    from dcgan.errors import ConfigError

    if number is not None and number < 1:
        raise ConfigError("number", number, "use at least 1 image")

    from dcgan.render.outputs import SHEETS, samples_suffix
    from dcgan.runtime.files import expanded

    # what is wrong is refused before torch is imported, which takes seconds
    which.refuse_wrong(run)
    is_sheet = out is None or samples_suffix(expanded(out)) in SHEETS
    count = number or (8 if each_class and is_sheet else 64)

    from dcgan.latent.sample import write_samples
    from dcgan.runtime.ranks import joined
    from dcgan.runtime.wording import counted

    with joined() as ranks:
        opened, choice = which.open(run, ranks)
        with ranks.first_ahead():
            beside = real.open_if_shown(opened)
        file = ranks.broadcast(choose_output(out, "samples.png"))
        write_samples(
            opened,
            count,
            file.path,
            choice,
            each_class=each_class,
            numbered=numbered,
            beside=beside,
        )
    if ranks.is_first:
        each = f" of each of {len(opened.classes)} classes," if each_class else ""
        print(f"{counted(count, 'image')}{each} of checkpoint {opened.checkpoint_name}: {file}")
