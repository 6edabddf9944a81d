"""How much of a batch goes through the networks at once, and in each process."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace

import torch
from torch import nn

from dcgan.config import RunConfig, resolved
from dcgan.config.validation import uses_norm
from dcgan.errors import ConfigError
from dcgan.models.synchronised import synchronise_batch_norm
from dcgan.runtime.memory import is_out_of_memory
from dcgan.runtime.ranks import Ranks
from dcgan.training.rules import Batch, Players, Rules, StepPlan
from dcgan.training.step import update


def fewest_parts(attempt: Callable[[int], None], images: int, *, pack: int = 1) -> int:
    """The fewest equal parts of a batch that fit, by trying.

    Parameters
    ----------
    attempt : callable
        Does the work in so many parts, or raises ``torch.OutOfMemoryError``, or what cuDNN and
        cuBLAS say when they get no memory.
    images : int
        Of the batch, a multiple of ``pack``.
    pack : int
        A part holds a multiple of so many images.

    Raises
    ------
    ConfigError
        Not even the smallest part fits.
    """
    packs = images // pack
    for parts in (count for count in range(1, packs + 1) if packs % count == 0):
        try:
            attempt(parts)
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
            continue
        return parts
    raise ConfigError(
        "data.size",
        "",
        f"not even {pack} image{'s' if pack > 1 else ''} at a time can be trained on in this"
        " device's memory; take a smaller --size, narrower networks, or --optim.recompute",
    )


def refuse_uneven(config: RunConfig, processes: int) -> None:
    """Refuse a batch that so many processes cannot share equally, and go through in equal parts.

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
            f"{processes} processes have no equal shares of it{packs}; take a multiple of"
            f" {processes * pack}",
        )
    networks = (config.model.generator, config.model.discriminator)
    is_normed = any(uses_norm(network, "batch") for network in networks)
    if config.optim.batch_norm == "own" and batch == processes > 1 and is_normed:
        raise ConfigError(
            "optim.batch",
            batch,
            f"batch norm cannot normalise the one image of each of {processes} processes; take"
            f" {2 * batch} or more, or --optim.batch-norm all",
        )
    micro = config.optim.micro_batch
    if micro != "auto" and (batch // processes % micro or micro % pack):
        packs = f", themselves whole packs of {pack}" if pack > 1 else ""
        raise ConfigError(
            "optim.micro_batch",
            micro,
            f"must divide the {batch // processes} images of a batch{packs}",
        )


def refuse_drawn_anew(config: RunConfig, device: torch.device) -> None:
    """Refuse rows computed again where the second time would draw other random numbers.

    PyTorch puts back the random numbers of CPUs and CUDA, but not those of MPS.

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
            "on MPS a row computed again draws other noise and dropout than the first time, and"
            " its gradients are wrong; take --device cpu, or leave noise and dropout away",
        )


def parts_on_device(
    players: Players, rules: Rules, image_shape: tuple[int, int, int], images: int, *, pack: int = 1
) -> int:
    """:func:`fewest_parts` for a whole step, penalties included, on copies of both players.

    Raises
    ------
    ConfigError
        Only parts of the batch fit, and batch norm wants it whole: names the batch that fits.
    """

    def attempt(parts: int) -> None:
        scratch = replace(copy.deepcopy(players), ranks=Ranks())
        for network in (scratch.generator, scratch.discriminator):
            synchronise_batch_norm(network, Ranks())
        device = players.augment.probability.device
        latent = rules.latent.numbered(0, 0, images).to(device)
        class_BK = latent[:, rules.latent.class_slice] if rules.latent.classes else None
        batch = Batch(torch.zeros(images, *image_shape, device=device), latent, class_BK)
        step_plan = StepPlan(with_penalties=bool(rules.penalties))
        update(scratch, batch, replace(rules, parts=parts), step_plan)

    devices = [players.augment.probability.device] if torch.cuda.is_available() else []
    failed = None
    with torch.random.fork_rng(devices):
        try:
            parts = fewest_parts(attempt, images, pack=pack)
        except ConfigError as error:
            failed, parts = error, images + 1
    # GPUs may have unlike memory; all go by the one that has least
    parts = int(players.ranks.greatest([parts])[0])
    if parts > images:
        raise failed or ConfigError("data.size", "", "too large for another process's device")
    if parts > 1:
        networks = (players.generator, players.discriminator)
        norms = (nn.BatchNorm1d, nn.BatchNorm2d)
        if any(isinstance(module, norms) for one in networks for module in one.modules()):
            fits = images // parts * players.ranks.size
            raise ConfigError(
                "optim.batch",
                images * players.ranks.size,
                "does not fit into this device's memory, and batch norm wants it whole;"
                f" --batch {fits} fits",
            )
    return parts
