"""Refuses runs that cannot fit into memory, before anything is built."""

from __future__ import annotations

from math import prod
from typing import Any, NamedTuple

import torch

from dcgan.config import RunConfig, resolved, with_settings
from dcgan.config.recipes import nested
from dcgan.errors import ConfigError
from dcgan.layer_tables import resolve_networks
from dcgan.models.amount import count_activations, count_weights
from dcgan.runs.networks import Networks
from dcgan.runs.settings import flat
from dcgan.runtime.memory import available_memory, in_words

_FLOAT = 4

_GENERATOR_COPIES = 5
"""Of its weights: themselves, the gradient, Adam's two moments, and the average."""

_DISCRIMINATOR_COPIES = 4


class _Setting(NamedTuple):
    """A setting on which the memory of a run depends."""

    key: str
    modest: Any
    """A value with which it hardly matters."""


_SETTINGS = (
    _Setting("optim.batch", 1),
    _Setting("records.sheet_images", 1),
    _Setting("model.latent.dim", 1),
    _Setting("model.discriminator.hidden", 1),
    _Setting("model.generator.width", 1),
    _Setting("model.discriminator.width", 1),
    _Setting("model.latent.continuous", 0),
    _Setting("data.size", "16x16"),
)


def least_memory(config: RunConfig, networks: Networks, device: torch.device) -> int:
    """Bytes of main memory that training needs at the very least.

    Counted are weights and what optimizers keep of them, one batch and what a backward pass needs
    of it, and the fixed latents of a sheet with their images.
    """
    latent = networks.latent.width
    given = networks.latent_shape or (latent, 1, 1)
    generator = count_weights(networks.generator, given)
    discriminator = count_weights(networks.discriminator, networks.image_shape)
    if device.type != "cpu":  # weights are drawn on the CPU, one network after the other
        return _FLOAT * max(generator, discriminator)
    copies = _GENERATOR_COPIES * generator + _DISCRIMINATOR_COPIES * discriminator
    image = prod(networks.image_shape)
    batch, micro = resolved(config.optim.batch), config.optim.micro_batch
    part = batch if micro == "auto" else min(batch, micro)
    made = count_activations(networks.generator, given)
    made += count_activations(networks.discriminator, networks.image_shape)
    if config.precision == "bf16" or config.optim.recompute:
        made //= 2
    sheet = config.records.sheet_images * (latent + image)
    return _FLOAT * (copies + part * made + batch * (latent + image) + sheet)


def refuse_beyond_memory(config: RunConfig, networks: Networks, device: torch.device) -> None:
    """Refuse a run that needs more memory than there is.

    Raises
    ------
    ConfigError
        Names the setting that matters most, and a value that fits.
    """
    room = available_memory()
    needed = least_memory(config, networks, device)
    if room is None or needed <= room:
        return

    def needs(setting: _Setting, value: Any) -> int:
        try:
            changed = with_settings(config, nested(setting.key, value))
            return least_memory(changed, resolve_networks(changed), device)
        except ConfigError:  # such as another size than a layer table makes
            return needed

    worst = min(_SETTINGS, key=lambda setting: needs(setting, setting.modest))
    value = flat(config.model_dump(mode="json"))[worst.key]
    said = f"training needs at least {in_words(needed)} of memory, and {in_words(room)} is free"
    if needs(worst, worst.modest) > 0.9 * needed:  # none of them: explicit tables do
        raise ConfigError("model", "layers", f"{said}. Use layer tables with fewer channels")
    fitting = value
    while isinstance(fitting, int) and fitting > 1 and needs(worst, fitting) > room:
        fitting //= 2
    fits = isinstance(fitting, int) and needs(worst, fitting) <= room
    cure = f"Use `{worst.key}={fitting}` or less" if fits else f"Use a smaller `{worst.key}`"
    raise ConfigError(worst.key, value, f"{said}. {cure}")
