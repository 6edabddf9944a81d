"""``dcgan invert``: find the latents of images."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from dcgan.cli.options import ExistingRun, RealImages, Which
from dcgan.cli.output import choose_output
from dcgan.runtime.files import expanded
from dcgan.runtime.nearest import exists, nearest_path

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    from dcgan.latent.invert import Inversion

_REAL, _WHICH = RealImages(), Which()
_OWN = 8
_FOUND = 0.01
"""Relative error of a latent below which it counts as found."""


def invert(
    run: ExistingRun,
    /,
    *images: str,
    starts: int = 8,
    features: float = 0.0,
    out: Path | None = None,
    real: RealImages = _REAL,
    which: Which = _WHICH,
) -> None:
    """Find the latents of images and store them by name, for dcgan interpolate and arithmetic.

    The figure shows each image above its reconstruction, and with --move also moved. Without
    IMAGES, it inverts the run's own samples and reports how many it recovers.

    Parameters
    ----------
    images
        Choose the images: files, fitted like the training images, or numbers of dataset images
        (default: 8 samples of the run, as a test of how many it recovers).
    starts
        Set the maximum number of starting points for each image. More can lower the error.
    features
        Set the weight of the discriminator's features relative to pixels. 0 uses pixels only.
    out
        Set the file of the figure, a .png. An existing file is replaced (default: invert.png, or
        invert-2.png and so on if it exists).
    """
    from dcgan.cli.flags import screen
    from dcgan.errors import ConfigError, DataError

    for word in images:
        path = expanded(word)
        if not word.isdecimal() and not exists(path):
            near = nearest_path(path)
            raise DataError(f"{word}: does not exist" + (f"; did you mean {near}?" if near else ""))
        if not word.isdecimal() and path.is_dir():
            raise DataError(f"{word}: a folder. Use image files, such as {word.rstrip('/')}/*.png")

    from dcgan.render.sheet import format_of

    if out is not None:
        format_of(out)
    which.refuse_wrong(run)

    from dcgan.latent.invert import invert as search
    from dcgan.latent.inverted_images import figure, own_samples, read_words, relative_errors
    from dcgan.latent.store import keep_latent
    from dcgan.render.sheet import save_image

    if images and which.truncation is not None:
        raise ConfigError("truncation", which.truncation, "no effect on given images: remove it")
    opened, choice = which.open(run)

    def find(targets: NDArray[np.uint8] | Tensor) -> Inversion:
        with screen() as reporter:
            return search(
                opened, targets, choice, starts=starts, features=features, reporter=reporter
            )

    if images:
        has_numbers = any(word.isdecimal() for word in images)
        known = real.open(opened) if has_numbers else None
        names, targets = read_words(opened, images, known, real.data or "real")
        found = find(targets)
    else:
        true_NZ, drawn = own_samples(opened, _OWN, choice)
        names, targets = [str(number) for number in range(_OWN)], opened.generate(true_NZ)
        found = find(drawn)
    beside = real.open_if_shown(opened)
    errors = [float(error) for error in found.error_N]
    file = choose_output(out, "invert.png")
    sheet = figure(opened, names, targets, found.latent_NZ, errors, choice, beside)
    save_image(sheet, file.path)
    if images:
        for name, latent_Z, error in zip(names, found.latent_NZ, errors, strict=True):
            keep_latent(opened, name, latent_Z, {"error": error})
            print(f"{name}: pixel error {error:.3f} (0 is exact, 1 is black for white)")
        print(f"dcgan interpolate and arithmetic accept these names. Figure: {file}")
    else:
        off = relative_errors(opened.networks.latent, found.latent_NZ, true_NZ)
        print(
            f"{int((off < _FOUND).sum())} of {_OWN} own samples have their own latents again"
            f" (within {_FOUND:.0%} of the length). Figure: {file}"
        )
