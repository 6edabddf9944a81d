"""Configuration → objects: the only place where this happens.

Layer tables, which are data and not objects, come from ``training.planning.tables``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

import torch
from torch import nn

from dcgan.augment import Augment
from dcgan.config.tree import PlayerConfig, RunConfig, resolved
from dcgan.data import Batches, HeldDataset, ImageDataset, PixelScale, Source
from dcgan.data.cache import Cache
from dcgan.data.loader import ClassNumbers
from dcgan.data.selection import Drops, select
from dcgan.data.values import Values
from dcgan.evaluation.extractors import classes_of, open_extractor
from dcgan.evaluation.real_images import FEWEST
from dcgan.metrics.extractor import Extractor
from dcgan.models.latents import LatentSpace
from dcgan.models.recompute import recompute_rows
from dcgan.models.synchronised import synchronise_batch_norm
from dcgan.objectives import OBJECTIVES, PENALTIES, PenaltyName
from dcgan.runs.folder import RunFolder
from dcgan.runs.networks import Networks
from dcgan.runtime.cache import cache_folder
from dcgan.runtime.device import choose_precision, free_memory, placed
from dcgan.runtime.ranks import ALONE, Ranks
from dcgan.runtime.reporting import Reporter
from dcgan.runtime.rng import derived_seed
from dcgan.training.ema import AveragedGenerator
from dcgan.training.hooks import CheckpointHook, LogHook, SheetHook
from dcgan.training.loop import Plan, StopRequest
from dcgan.training.lr_schedule import RateSchedule
from dcgan.training.metrics_hook import MeasureHook, measuring_schedule
from dcgan.training.planning.planned_checkpoints import PlannedCheckpoints
from dcgan.training.rules import Players, Rules
from dcgan.training.state import TrainingState
from dcgan.training.tensorboard_log import TensorBoardLog
from dcgan.training.planning.threads import ThreadsHook
from dcgan.training.planning.triggers import Geometric, Widening

_MEASURED = 10_000
"""Pictures, spread evenly, from which mean and deviation are taken where all would be decoded."""

_NEAR = 0.25
"""Of a GPU's free memory, what pictures may take; the rest is for the networks."""

_EARLY_LINES = 30
"""Log lines of the first so many steps, one each; the distance between later ones grows with the
images seen, up to ``records.log_every``. So curves have as many points in any run of as many steps,
however slow the machine is."""


def build_rules(config: RunConfig, latent: LatentSpace, device: torch.device) -> Rules:
    """What both players minimise."""
    asked = config.objective
    objective = OBJECTIVES[asked.loss]
    targets = {"real_target": asked.real_target, "fake_target": asked.fake_target}
    weights: dict[PenaltyName, float] = {name: resolved(getattr(asked, name)) for name in PENALTIES}
    return Rules(
        objective=objective,
        latent=latent,
        targets=targets if objective.has_targets else {},
        penalties={name: weight for name, weight in weights.items() if weight > 0},
        penalty_interval=asked.penalty_interval,
        clip_weights=asked.clip_weights,
        information=asked.information,
        information_continuous=asked.information_continuous,
        clip_generator=config.optim.generator.clip_norm,
        clip_discriminator=config.optim.discriminator.clip_norm,
        precision=choose_precision(config.precision, device),
    )


def build_state(
    config: RunConfig,
    networks: Networks,
    device: torch.device,
    ranks: Ranks = ALONE,
    *,
    dataset_size: int = 0,
) -> TrainingState:
    """Fresh networks, optimisers and random streams, from the seed alone.

    Weights are drawn on the CPU: the same on every device, and in every process. ``pictures`` are
    how many there are to be shown.
    """
    generator = placed(networks.build_generator(config.model.generator.init), device)
    discriminator = placed(networks.build_discriminator(config.model.discriminator.init), device)
    players = Players(
        generator=generator,
        discriminator=discriminator,
        generator_optimizer=_optimizer(config.optim.generator, generator.parameters()),
        discriminator_optimizer=_optimizer(config.optim.discriminator, discriminator.parameters()),
        augment=build_augment(config, device, dataset_size),
        ranks=ranks,
    )
    latents = torch.Generator(device).manual_seed(derived_seed(config.seed, "latents"))
    average = AveragedGenerator(
        generator,
        half_life=config.average.half_life,
        ramp_up=config.average.ramp_up,
    )
    for network in (generator, discriminator):  # not the averaged one, with which one process draws
        if config.optim.batch_norm == "all":
            synchronise_batch_norm(network, ranks)
        if config.optim.recompute:
            recompute_rows(network)
    return TrainingState(players, average, latents, device)


def build_augment(config: RunConfig, device: torch.device, dataset_size: int = 0) -> Augment:
    """What images go through before D sees them."""
    asked = config.augment
    policy = resolved(asked.policy)
    is_adaptive = asked.probability == "adaptive"
    return Augment(
        () if policy == "none" else policy.split("+"),
        channels=resolved(config.data.channels),
        probability=0.0 if asked.probability == "adaptive" else asked.probability,
        target=asked.target if is_adaptive else None,
        images_to_one=asked.images_to_one,
        begins_after=dataset_size,
        device=device,
    )


def build_cache(config: RunConfig, folder: RunFolder) -> Cache | None:
    """Where decoded pictures are kept."""
    if config.data.cache == "off":
        return None
    place = folder.cache if config.data.cache == "run" else cache_folder() / "pictures"
    return Cache(place, int(config.data.cache_gb * 1e9))


def build_selection(config: RunConfig, source: Source, reporter: Reporter) -> Source:
    """The source without the images that the configuration drops."""
    data = config.data
    on_white = data.background.lower() == "#ffffff" and data.channels not in {2, 4}
    return select(
        source,
        Drops(data.duplicates, data.blank, vanishing=on_white),
        known=None if data.cache == "off" else cache_folder() / "selections",
        reporter=reporter,
    )


def build_values(config: RunConfig) -> Values:
    """Black and white in images of more than 8 bits, as far as they are decided."""
    whole, floats = config.data.integer_range, config.data.float_range
    return Values(None if whole == "auto" else whole, None if floats == "auto" else floats)


def build_scale(config: RunConfig, dataset: ImageDataset) -> PixelScale:
    """How pixels become numbers."""
    if config.data.scaling == "standardized":
        most = _MEASURED if dataset.is_slow else len(dataset)
        return PixelScale.standardizing(dataset.spread(most))
    return PixelScale()


def build_batches(
    config: RunConfig,
    networks: Networks,
    dataset: ImageDataset,
    device: torch.device,
    ranks: Ranks = ALONE,
) -> Batches:
    """Endless batches in the order of the run's seed; of each, this process's share."""
    return Batches(
        _near(dataset, device),
        resolved(config.optim.batch),
        seed=derived_seed(config.seed, "order"),
        device=device,
        scale=networks.scale,
        flip=config.data.flip,
        dequantize=config.data.dequantize,
        classes=_classes(config, networks, dataset),
        rank=ranks.rank,
        ranks=ranks.size,
    )


def _near(dataset: ImageDataset, device: torch.device) -> ImageDataset:
    """The same pictures, on a GPU where they take little of its memory."""
    free = free_memory(device)
    if free is None or not isinstance(dataset, HeldDataset):
        return dataset
    return dataset.placed(device) if dataset.images.nbytes < _NEAR * free else dataset


def _classes(config: RunConfig, networks: Networks, dataset: ImageDataset) -> ClassNumbers | None:
    """The class of each picture, where training is conditional."""
    if not networks.latent.classes:
        return None
    found = classes_of(dataset, config.model.condition)
    assert found is not None, "the networks were planned by them"
    return ClassNumbers(found[1].values, len(found[1].names))


def build_plan(
    config: RunConfig, batches: Batches, latent: LatentSpace, device: torch.device
) -> Plan:
    """How far to go, and by which rules."""
    micro = config.optim.micro_batch
    parts = 1 if micro == "auto" else batches.share // micro
    images = resolved(config.length.images)
    if config.length.epochs is not None:
        images = config.length.epochs * batches.epoch_images
    return Plan(
        rules=replace(build_rules(config, latent, device), parts=parts),
        images=images,
        minutes=config.length.minutes,
        discriminator_steps=config.optim.discriminator_steps,
        rates=RateSchedule(
            config.optim.schedule,
            base=(resolved(config.optim.generator.lr), resolved(config.optim.discriminator.lr)),
            start=config.optim.schedule_start,
            end=config.optim.schedule_end,
        ),
        top_k=config.objective.top_k,
        top_k_ramp=config.objective.top_k_ramp,
        noise_until=(config.model.generator.noise_until, config.model.discriminator.noise_until),
        penalties_fade_from=config.objective.penalties_fade_from,
        penalties_fade_to=config.objective.penalties_fade_to,
    )


def build_hooks(
    config: RunConfig,
    folder: RunFolder,
    networks: Networks,
    batches: Batches,
    plan: Plan,
    tensorboard: TensorBoardLog | None,
    reporter: Reporter,
    timing: ThreadsHook,
) -> tuple[LogHook, SheetHook, CheckpointHook]:
    """What happens between the steps of a run."""
    records = config.records
    log = LogHook(
        folder,
        reporter,
        plan=plan,
        schedule=Widening(
            first=min(batches.batch, every := resolved(records.log_every)),
            every=every,
            dense=_EARLY_LINES,
        ),
        epoch_images=batches.epoch_images,
        tensorboard=tensorboard,
    )
    first = max(4 * batches.batch, (plan.images or 0) // 200)
    sheets = SheetHook(
        folder,
        # without a planned number of images, each sheet comes a quarter later than the last
        schedule=Geometric.spread(first, plan.images, records.sheets)
        if plan.images
        else Geometric(first, 1.25),
        count=records.sheet_images,
        latent=networks.latent,
        scale=networks.scale,
        seed=config.seed,
        tensorboard=tensorboard,
    )
    checkpoints = CheckpointHook(
        folder,
        planned=build_planned(config),
        minutes=records.checkpoint_minutes,
        keep=records.keep,
        keep_best=records.keep_best,
        keep_every=records.keep_every,
        latent=networks.latent,
        seed=config.seed,
        threads=timing,
    )
    return log, sheets, checkpoints


def build_planned(config: RunConfig) -> PlannedCheckpoints:
    """Which checkpoints are due by images seen."""
    return PlannedCheckpoints(
        resolved(config.records.checkpoint_every), resolved(config.optim.batch)
    )


def build_extractor(
    config: RunConfig,
    folder: RunFolder,
    dataset: ImageDataset,
    device: torch.device,
    reporter: Reporter,
) -> Extractor | None:
    """The features to measure on while training; none where measuring is off or there are too few
    images to compare with."""
    metrics = config.metrics
    if metrics.measure == "off":
        if folder.best.is_file():
            reporter.note(f"not measured from here on: {folder.best.name} stays as it is")
        return None
    if len(dataset) < 2 * FEWEST:
        reporter.note(
            f"not measured while training: {len(dataset)} pictures are too few, it takes"
            f" {2 * FEWEST}; best is the last checkpoint"
        )
        return None
    return open_extractor(metrics.extractor, dataset, device=device, reporter=reporter)


def build_measuring(
    config: RunConfig,
    folder: RunFolder,
    networks: Networks,
    dataset: ImageDataset,
    extractor: Extractor,
    tensorboard: TensorBoardLog | None,
    reporter: Reporter,
    stop: StopRequest,
    save: Callable[[TrainingState], str],
) -> MeasureHook:
    """What finds the best checkpoint."""
    metrics = config.metrics
    assert metrics.measure != "off", "there is no extractor then"
    return MeasureHook(
        folder,
        reporter,
        stop,
        save,
        measure=metrics.measure,
        extractor=extractor,
        dataset=dataset,
        count=measured_images(config, dataset),
        schedule=measuring_schedule(resolved(metrics.every)),
        patience=metrics.patience,
        places=config.records.keep_best,
        latent=networks.latent,
        scale=networks.scale,
        seed=config.seed,
        tensorboard=tensorboard,
    )


def measured_images(config: RunConfig, dataset: ImageDataset) -> int:
    """Generated images of one measurement; as many real ones are needed twice."""
    return min(config.metrics.images, len(dataset) // 2)


def build_tensorboard(
    config: RunConfig, folder: RunFolder, images_seen: int, reporter: Reporter
) -> TensorBoardLog | None:
    """What writes for TensorBoard from a number of images seen on; none when the run wants none, or
    its files cannot be opened, which is noted."""
    if not config.records.tensorboard:
        return None
    from dcgan.training.event_files import open_writer

    # what a killed run wrote after its last checkpoint is written again from there
    writer = open_writer(folder.tensorboard, reporter, purge_step=images_seen + 1)
    if writer is None:
        return None
    tensorboard = TensorBoardLog(writer, images_seen)
    tensorboard.write_settings(config)
    return tensorboard


def _optimizer(player: PlayerConfig, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
    rate, decay = resolved(player.lr), player.weight_decay
    # fused: one kernel for all weights, where each step would otherwise take some ten for each
    match player.algorithm:
        case "adam":
            return torch.optim.Adam(parameters, rate, player.betas, weight_decay=decay, fused=True)
        case "adamw":
            return torch.optim.AdamW(parameters, rate, player.betas, weight_decay=decay, fused=True)
        case "sgd":
            return torch.optim.SGD(
                parameters, rate, momentum=player.momentum, weight_decay=decay, fused=True
            )
