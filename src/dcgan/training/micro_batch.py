"""In how many parts a batch must go through the networks to fit into memory, by trying."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace

import torch
from torch import nn

from dcgan.errors import ConfigError
from dcgan.models.synchronized import synchronize_batch_norm
from dcgan.runtime.memory import is_out_of_memory
from dcgan.runtime.ranks import Ranks
from dcgan.training.rules import Batch, Players, Rules, StepPlan
from dcgan.training.step import update


def fewest_parts(attempt: Callable[[int], None], images: int, *, pack: int = 1) -> int:
    """The fewest equal parts of a batch that fit, by trying.

    Parameters
    ----------
    attempt : callable
        Does the work in so many parts; raises ``torch.OutOfMemoryError``, or what cuDNN and cuBLAS
        raise without memory.
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
        "",
        images,
        f"this device's memory does not even fit {pack} image{'s' if pack > 1 else ''} at a time."
        " Use a smaller `size`, a smaller `model.generator.width` and"
        " `model.discriminator.width`, or `optim.recompute=true`",
    )


def parts_on_device(
    players: Players, rules: Rules, image_shape: tuple[int, int, int], images: int, *, pack: int = 1
) -> int:
    """:func:`fewest_parts` for a whole step, penalties included, on copies of both players.

    Raises
    ------
    ConfigError
        Only parts of the batch fit, and batch norm needs it whole: names the batch that fits.
    """

    def attempt(parts: int) -> None:
        scratch = replace(copy.deepcopy(players), ranks=Ranks())
        for network in (scratch.generator, scratch.discriminator):
            synchronize_batch_norm(network, Ranks())
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
    # GPUs may differ in memory; the smallest decides for all
    parts = int(players.ranks.greatest([parts])[0])
    if parts > images:
        raise failed or ConfigError(
            "", images, "the networks do not fit into the memory of another process's device"
        )
    if parts > 1:
        networks = (players.generator, players.discriminator)
        norms = (nn.BatchNorm1d, nn.BatchNorm2d)
        if any(isinstance(module, norms) for one in networks for module in one.modules()):
            fits = images // parts * players.ranks.size
            raise ConfigError(
                "optim.batch",
                images * players.ranks.size,
                "does not fit into this device's memory, and batch norm needs the whole batch at"
                f" once. `batch={fits}` fits",
            )
    return parts
