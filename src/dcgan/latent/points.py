"""A latent by name: a sample number, or the name of an inverted image.

Z numbers of a latent
"""

from __future__ import annotations

import re
from dataclasses import replace

import torch
from torch import Tensor

from dcgan.errors import ConfigError
from dcgan.latent.choice import Choice
from dcgan.latent.store import read_latent, stored_images
from dcgan.runs.run import Run

_MOST = 10_000_000
_NUMBER = re.compile(r"-?[0-9]{1,19}(:-?[0-9]{1,19})?")


def latent_of(run: Run, name: str, choice: Choice) -> Tensor:
    """The latent of a name, (Z,).

    Parameters
    ----------
    run : Run
    name : str
        ``17``: sample 17 of the seed in ``choice``. ``5:17``: sample 17 of seed 5. Anything else:
        the image that ``dcgan invert`` stored by that name, to which only the moves of ``choice``
        apply.
    choice : Choice

    Raises
    ------
    ConfigError
        None of these, or a number out of range.
    """
    # not by int(), which also reads 2024_01: a name that a photo may have
    if not _NUMBER.fullmatch(name):
        if not stored_images(run):
            raise ConfigError(
                "point",
                name,
                "use a sample number, SEED:NUMBER, or the name of an image that 'dcgan invert'"
                " stored",
            )
        return choice.move(run, read_latent(run, name)[None])[0]
    seed, _, number = name.rpartition(":")
    place, own = int(number), int(seed) if seed else choice.seed
    if not 0 <= place < _MOST:
        raise ConfigError("point", name, f"numbers are from 0 to {_MOST - 1:,}")
    if not 0 <= own < 2**63:
        raise ConfigError("point", name, "seeds are from 0 to 2^63 - 1")
    return replace(choice, seed=own).latents(run, place, place + 1)[0]


def is_point(run: Run, name: str) -> bool:
    """Whether a word means a latent: a sample number, or the name of an inverted image."""
    return bool(_NUMBER.fullmatch(name)) or name in stored_images(run)


def latents_of(run: Run, names: tuple[str, ...], choice: Choice) -> Tensor:
    """The latents of several names, (K, Z)."""
    return torch.stack([latent_of(run, name, choice) for name in names])
