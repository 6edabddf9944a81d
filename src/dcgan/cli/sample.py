"""``dcgan sample``: images from a trained run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter


def sample(
    run: Path,
    /,
    *,
    number: Annotated[int, Parameter(name=["--number", "-n"])] = 64,
    out: Path = Path("samples.png"),
    seed: int = 0,
    label: str | None = None,
    code: tuple[str, ...] = (),
    checkpoint: str = "best",
    device: str = "auto",
) -> None:
    """Draw images with a trained run's generator.

    Parameters
    ----------
    run
        A run folder.
    number
        How many images.
    out
        A .png for one sheet, a folder for single PNGs, an .npz (array images, N x C x H x W), or
        a .zip of PNGs.
    seed
        The same seed draws the same images; a longer series begins with the shorter one.
    label
        Only images of this class, of a run that was trained on labels.
    code
        Fix a code of a run that has some: 1=3 is category 3 of the first, 2=-0.5 a number.
    checkpoint
        best, last, or a number of images seen.
    device
        auto, cpu, cuda or mps.
    """
    from dcgan.errors import ConfigError
    from dcgan.latent.sample import write_samples
    from dcgan.runs import open_run
    from dcgan.runtime.device import choose_device

    if number < 1:
        raise ConfigError("number", number, "at least 1 image")
    if not 0 <= seed < 2**63:
        raise ConfigError("seed", seed, "from 0 to 2^63 - 1")
    opened = open_run(run, checkpoint=checkpoint, device=choose_device(device))
    write_samples(opened, number, out, seed=seed, label=label, codes=_codes(code))
    print(f"{number:,} images of {opened.checkpoint.name} in {out}")


def _codes(words: tuple[str, ...]) -> dict[int, float]:
    """``("1=3", "2=-0.5")`` → ``{1: 3.0, 2: -0.5}``."""
    from dcgan.errors import ConfigError

    found = {}
    for word in words:
        number, _, value = word.partition("=")
        try:
            found[int(number)] = float(value)
        except ValueError:
            raise ConfigError("code", word, "write NUMBER=VALUE, such as 1=3") from None
    return found
