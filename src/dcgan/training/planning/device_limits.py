"""Refuses settings that so many processes or this device cannot work with."""

from __future__ import annotations

import torch

from dcgan.config import RunConfig, resolved
from dcgan.config.validation import uses_norm
from dcgan.errors import ConfigError


def refuse_uneven(config: RunConfig, processes: int) -> None:
    """Refuse a batch that so many processes, or ``optim.micro_batch``, cannot divide equally.

    Raises
    ------
    ConfigError
    """
    batch, pack = resolved(config.optim.batch), config.model.discriminator.pack
    if batch % (processes * pack):
        packs = f" in packs of {pack}" if pack > 1 else ""
        raise ConfigError(
            "optim.batch",
            batch,
            f"{processes} processes cannot share it equally{packs}. Use a multiple of"
            f" {processes * pack}",
        )
    networks = (config.model.generator, config.model.discriminator)
    is_normed = any(uses_norm(network, "batch") for network in networks)
    if config.optim.batch_norm == "own" and batch == processes > 1 and is_normed:
        raise ConfigError(
            "optim.batch",
            batch,
            f"batch norm cannot normalize one image in each of {processes} processes. Use"
            f" {2 * batch} or more, or `optim.batch_norm=all`",
        )
    micro = config.optim.micro_batch
    if micro != "auto" and (batch // processes % micro or micro % pack):
        packs = f", in whole packs of {pack}" if pack > 1 else ""
        raise ConfigError(
            "optim.micro_batch",
            micro,
            f"must divide the {batch // processes} images of a batch{packs}",
        )


def refuse_random_recompute(config: RunConfig, device: torch.device) -> None:
    """Refuse to compute layers again where the second time would use other random numbers.

    PyTorch restores the random numbers of CPUs and CUDA, but not those of MPS.

    Raises
    ------
    ConfigError
    """
    networks = (config.model.generator, config.model.discriminator)
    rows = [row for network in networks for row in (network, *(network.layers or ()))]
    if device.type == "mps" and config.optim.recompute and any(x.noise or x.dropout for x in rows):
        raise ConfigError(
            "optim.recompute",
            True,
            "on MPS, a layer that is computed again gets other noise and dropout than the first"
            " time, so that its gradients are wrong. Use `device=cpu`, or no noise and dropout",
        )
