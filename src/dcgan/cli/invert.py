"""``dcgan invert``: find pictures in latent space."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from dcgan.cli.options import ExistingRun, OptionalData, Which, open_run_dataset
from dcgan.runtime.nearest import exists, nearest_path

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    from dcgan.latent.invert import Inversion

_WHICH = Which()
_OWN = 8
_FOUND = 0.01
"""Relative error of a latent below which it counts as found."""


def invert(
    run: ExistingRun,
    /,
    *dataset: str,
    starts: int = 8,
    features: float = 0.0,
    out: Path = Path("invert.png"),
    neighbours: Annotated[bool, Parameter(negative=())] = False,
    data: OptionalData = None,
    data_root: Path | None = None,
    which: Which = _WHICH,
) -> None:
    """Find the latents of pictures: interpolate, arithmetic then know them by name.

    Shows each picture above what was found, and with --move above that, moved. Without pictures,
    looks for the run's own samples and says how many it finds back.

    Parameters
    ----------
    run
        A run folder.
    pictures
        Files, fitted as those that the run was trained on; or numbers of these.
    starts
        From how many places each is searched for, at most.
    features
        Weight of what the discriminator sees, beside that of pixels.
    out
        A .png.
    neighbours
        Show below what was found the real picture nearest to it, in pixels.
    data
        What numbers are numbers of, and nearest pictures among (default: what the run was trained
        on).
    data_root
        Where named data sets lie (default: the variable DCGAN_DATA).
    """
    from dcgan.errors import ConfigError, DataError

    for word in dataset:
        if not word.isdecimal() and not exists(Path(word)):
            near = nearest_path(Path(word))
            raise DataError(f"{word}: does not exist" + (f"; did you mean {near}?" if near else ""))

    from rich.console import Console

    from dcgan.latent.invert import invert as search
    from dcgan.latent.inverted_images import figure, own_samples, read_words, relative_errors
    from dcgan.latent.store import keep_latent
    from dcgan.render.sheet import format_of, save_image

    format_of(out)  # a wrong suffix is better known before the search
    if dataset and which.truncation is not None:
        raise ConfigError(
            "truncation", which.truncation, "is for what is drawn; a picture lies where it lies"
        )
    opened, choice = which.open(run)

    def find(images: NDArray[np.uint8] | Tensor) -> Inversion:
        with Console(stderr=True).status("learning an encoder") as status:
            return search(
                opened, images, choice, starts=starts, features=features, progress=status.update
            )

    if dataset:
        has_numbers = any(word.isdecimal() for word in dataset)
        known = open_run_dataset(opened, data, data_root) if has_numbers else None
        names, images = read_words(opened, dataset, known, data or "real")
        found = find(images)
    else:
        true_NZ, drawn = own_samples(opened, _OWN, choice)
        names, images = [str(number) for number in range(_OWN)], opened.draw(true_NZ)
        found = find(drawn)
    beside = open_run_dataset(opened, data, data_root) if neighbours else None
    errors = [float(error) for error in found.error_N]
    save_image(figure(opened, names, images, found.latent_NZ, errors, choice, beside), out)
    if dataset:
        for name, latent_Z, error in zip(names, found.latent_NZ, errors, strict=True):
            keep_latent(opened, name, latent_Z, {"error": error})
            print(f"{name}: {error:.3f} off")
        print(f"interpolate, arithmetic know them by these names; in {out}")
    else:
        off = relative_errors(opened.networks.latent, found.latent_NZ, true_NZ)
        print(
            f"{int((off < _FOUND).sum())} of {_OWN} own samples found back, their latents to"
            f" {off.median():.1g} (median); in {out}"
        )
