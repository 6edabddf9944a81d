"""Does an exported network compute the same as the run?

B batch · Z latent · C channels · H, W sides
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator, Sequence
from math import isfinite
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dcgan.data.pixels.scale import PixelScale
from dcgan.errors import ConfigError, DcganError
from dcgan.exchange.result import Difference
from dcgan.exchange.standalone import Pixels, inputs_of
from dcgan.runs.drawing import at_once
from dcgan.runs.run import Run
from dcgan.runtime.files import written_whole

LATENTS = 100
TOLERANCE = 1e-4
"""Largest difference of an export in fp32. Sums in another order differ by about 1e-6."""

Compute = Callable[[Sequence[NDArray[np.generic]]], Sequence[NDArray[np.generic]]]
"""Inputs → outputs, as arrays in the order of their names."""


@torch.no_grad()
def generator_difference(run: Run, compute: Compute, pixels: Pixels) -> Difference:
    """Compare an exported generator with that of a run on 100 latents."""
    generator = copy.deepcopy(run.generator).cpu()
    pairs = []
    for latent_BZ in _latents(run):
        wanted = generator(latent_BZ)
        given = [part.numpy() for part in inputs_of(run.networks.latent, latent_BZ)]
        pairs.append((torch.from_numpy(np.array(compute(given)[0])), wanted))
    found = torch.cat([one for one, _ in pairs])
    wanted = torch.cat([one for _, one in pairs])
    return _between_images(found, wanted, run.networks.scale, pixels)


@torch.no_grad()
def discriminator_difference(run: Run, compute: Compute, pixels: Pixels) -> Difference:
    """Compare an exported discriminator with that of a run on 100 generated images.

    It is the larger difference of logits and features.
    """
    discriminator, latent = copy.deepcopy(run.discriminator).cpu(), run.networks.latent
    scale = run.networks.scale
    found: list[list[Tensor]] = [[], []]
    wanted: list[list[Tensor]] = [[], []]
    for latent_BZ in _latents(run):
        pixel_BCHW = torch.from_numpy(run.generate(latent_BZ))
        image_BCHW = scale.normalize(pixel_BCHW)
        class_BK = latent_BZ[:, latent.class_slice] if latent.classes else None
        feature = discriminator.features(image_BCHW)
        given = pixel_BCHW if pixels == "uint8" else image_BCHW
        label = inputs_of(latent, latent_BZ)[1:2] if latent.classes else ()
        outputs = compute([one.numpy() for one in (given, *label)])
        for place, one in enumerate((discriminator.logits_of(feature, class_BK), feature)):
            wanted[place].append(one)
            found[place].append(torch.from_numpy(np.array(outputs[place])))
    each = [_between(torch.cat(a), torch.cat(b)) for a, b in zip(found, wanted, strict=True)]
    return max(each, key=lambda one: one.largest)


def write_checked(
    content: bytes,
    out: Path,
    run: Run,
    compute: Compute,
    *,
    part: str,
    precision: str,
    pixels: Pixels,
) -> Difference:
    """Write the file of an exported network, unless it computes something else than the run.

    Parameters
    ----------
    content : bytes
        Of the file ``out``.
    run : Run
    compute : Compute
        Computes with the program of the content.
    part : {"generator", "discriminator"}
    precision : str
    pixels : {"uint8", "float"}
    """
    compare = generator_difference if part == "generator" else discriminator_difference
    difference = compare(run, compute, pixels)
    refuse_difference(difference, str(out), precision)
    with written_whole(out) as unfinished:
        unfinished.write_bytes(content)
    return difference


def refuse_difference(found: Difference, what: str, precision: str) -> None:
    """Raise ``DcganError`` if an export in fp32 differs by more than ``TOLERANCE``, or if one in
    another precision gives no numbers."""
    if not isfinite(found.largest):
        raise DcganError(
            f"{what}: some outputs are no finite numbers in {precision}, so it was not written. Use"
            " `precision=fp32`"
        )
    if precision == "fp32" and found.largest > TOLERANCE:
        raise DcganError(
            f"{what}: differs from the run by {found.largest:.2g}, and at most {TOLERANCE:g} is"
            " allowed, so it was not written. Update torch and the packages of dcgan[export], or"
            " use `to=weights`"
        )


def refuse_overflow(weights: Iterable[Tensor]) -> None:
    """Raise ``ConfigError`` for weights or statistics that have become infinite in half
    precision."""
    if not all(bool(torch.isfinite(one).all()) for one in weights):
        raise ConfigError(
            "precision", "fp16", "some weights of this run are too large for it. Use fp32"
        )


def _latents(run: Run) -> Iterator[Tensor]:
    """100 latents (B, Z), first in small batches of different size, as other programs use them."""
    most = at_once(run.networks.image_shape, torch.device("cpu"))
    latent_BZ = run.networks.latent.numbered(0, 0, LATENTS)
    yield latent_BZ[:1]
    yield from torch.split(latent_BZ[1:], most)


def _between_images(found: Tensor, wanted: Tensor, scale: PixelScale, pixels: Pixels) -> Difference:
    if pixels == "float":
        return _between(found, wanted)
    mean, deviation = (
        torch.tensor(numbers).view(1, -1, 1, 1) for numbers in (scale.mean, scale.deviation)
    )
    exact = (wanted * deviation + mean).clamp(0, 255)
    beyond = ((found.float() - exact).abs() - 0.5).clamp(min=0) / deviation
    rounded = (found.float() - exact.round()).abs() / deviation
    return Difference(float(beyond.max()), float(rounded.mean()), len(found))


def _between(found: Tensor, wanted: Tensor) -> Difference:
    difference = (found.float() - wanted).abs() / wanted.abs().max().clamp(min=1)
    return Difference(float(difference.max()), float(difference.mean()), len(found))
