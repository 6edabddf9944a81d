"""Configuration → objects: the only place where this happens.

Layer tables, which are data and not objects, come from :mod:`dcgan.layer_tables`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import torch
from torch import nn

from dcgan.augment import Augment
from dcgan.config.tree import TARGET_NOISE, PlayerConfig, RunConfig, resolved
from dcgan.data import (
    Batches,
    HeldDataset,
    ImageDataset,
    PixelScale,
    Source,
    load_dataset,
    open_source,
)
from dcgan.data.cache import cache_by_settings
from dcgan.data.loader import ClassNumbers
from dcgan.data.pixels.scale import UNIT
from dcgan.data.quality.selection import select_by_settings
from dcgan.errors import DataError
from dcgan.evaluation.extractors import classes_of, open_extractor
from dcgan.evaluation.real_images import FEWEST
from dcgan.metrics.extractor import Extractor
from dcgan.models.discriminator import Discriminator
from dcgan.models.ema import AveragedGenerator
from dcgan.models.generator import Generator
from dcgan.models.latents import LatentSpace
from dcgan.models.recompute import recompute_rows
from dcgan.models.synchronized import synchronize_batch_norm
from dcgan.objectives import OBJECTIVES, PENALTIES, PenaltyName
from dcgan.runs.dataset import FROM_PYTHON, IMPORTED
from dcgan.runs.folder import RunFolder
from dcgan.runs.networks import Networks
from dcgan.runtime.device import choose_precision, free_memory, placed
from dcgan.runtime.optimizers import SGD, Adam, AdamW
from dcgan.runtime.ranks import ALONE, Ranks
from dcgan.runtime.reporting import Reporter
from dcgan.runtime.rng import derived_seed
from dcgan.training.context import RunContext
from dcgan.training.loop import Plan
from dcgan.training.lr_schedule import RateSchedule
from dcgan.training.planning.auto import stated_values
from dcgan.training.rules import Players, Rules
from dcgan.training.starting_weights import StartingWeights, freeze
from dcgan.training.state import TrainingState
from dcgan.training.tensorboard_log import TensorBoardLog

_MEASURED = 10_000
"""Images, spread evenly, from which mean and deviation are computed where decoding all is slow."""

_NEAR = 0.25
"""Share of a GPU's free memory that images may take; the rest is for the networks."""


def build_rules(config: RunConfig, latent: LatentSpace, device: torch.device) -> Rules:
    """The losses of both networks."""
    asked = config.objective
    objective = OBJECTIVES[asked.loss]
    targets = {"real_target": asked.real_target, "fake_target": asked.fake_target}
    noise = {name: getattr(asked, name) for name in TARGET_NOISE}
    weights: dict[PenaltyName, float] = {name: resolved(getattr(asked, name)) for name in PENALTIES}
    return Rules(
        objective=objective,
        latent=latent,
        targets=targets if objective.has_targets else {},
        target_noise=noise if any(noise.values()) else {},
        penalties={name: weight for name, weight in weights.items() if weight > 0},
        penalty_interval=asked.penalty_interval,
        clip_weights=asked.clip_weights,
        joint_batch=config.optim.joint_batch,
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
    weights: StartingWeights | None = None,
) -> TrainingState:
    """Fresh networks, optimizers and random streams, from the seed alone, or from ``weights``.

    Weights are drawn on the CPU, so that they are the same on every device and in every process.
    Adaptive augmentation starts after ``dataset_size`` images.
    """
    generator, discriminator = build_networks(config, networks)
    generator, discriminator = placed(generator, device), placed(discriminator, device)
    if weights is not None:
        weights.enter(generator, discriminator)
    freeze(discriminator, config.start.freeze_discriminator)
    trained = [weight for weight in discriminator.parameters() if weight.requires_grad]
    players = Players(
        generator=generator,
        discriminator=discriminator,
        generator_optimizer=_optimizer(config.optim.generator, generator.parameters()),
        discriminator_optimizer=_optimizer(config.optim.discriminator, trained),
        augment=build_augment(config, device, dataset_size),
        ranks=ranks,
    )
    latents = torch.Generator(device).manual_seed(derived_seed(config.seed, "latents"))
    average = AveragedGenerator(
        generator,
        half_life=config.average.half_life,
        ramp_up=config.average.ramp_up,
        latent=networks.latent,
        seed=derived_seed(config.seed, "batch norm"),
    )
    if weights is not None:
        weights.enter_average(average.module)
    for network in (generator, discriminator):  # not the averaged one: one process samples from it
        if config.optim.batch_norm == "all":
            synchronize_batch_norm(network, ranks)
        if config.optim.recompute:
            recompute_rows(network)
    return TrainingState(players, average, latents, device)


def build_networks(config: RunConfig, networks: Networks) -> tuple[Generator, Discriminator]:
    """Fresh networks on the CPU, with weights from PyTorch's global random numbers."""
    return (
        networks.build_generator(config.model.generator.init),
        networks.build_discriminator(config.model.discriminator.init),
    )


def build_augment(config: RunConfig, device: torch.device, dataset_size: int = 0) -> Augment:
    """The augmentation of D's input."""
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


def build_source(config: RunConfig, given: Source | None, reporter: Reporter) -> Source:
    """The images of a configuration, or those ``given``, without those that it drops."""
    data = config.data
    if given is None and data.source == FROM_PYTHON:
        raise DataError(
            "the images of this run came from Python. Resume it with"
            " dcgan.train(images, resume=True)"
        )
    if given is None and data.source == IMPORTED:
        raise DataError(
            "the training images of an imported model are not known. Choose images to train on"
        )
    source = given or open_source(
        data.source,
        data.root,
        frames=data.frames,
        split=data.split,
        labels=data.labels,
        reporter=reporter,
    )
    _say_notes(source, 0, reporter)
    noted = len(source.notes)
    selected = select_by_settings(
        source,
        data.duplicates,
        data.blank,
        background=data.background,
        channels=data.channels,
        cache=data.cache,
        reporter=reporter,
    )
    _say_notes(selected, noted, reporter)  # the selection reads the labels of Python's images
    return selected


def build_dataset(
    config: RunConfig, source: Source, folder: RunFolder, reporter: Reporter
) -> ImageDataset:
    """The images at the size of the networks, decoded in advance where that pays."""
    data = config.data
    noted = len(source.notes)
    dataset = load_dataset(
        source,
        resolved(data.size),
        resolved(data.channels),
        how=data.fit,
        background=data.background,
        max_unreadable=data.max_unreadable,
        cache=cache_by_settings(data.cache, data.cache_gb, folder.cache),
        memory=None if data.memory_gb == "auto" else int(data.memory_gb * 1e9),
        shown=_images_shown(config, len(source)),
        values=stated_values(config),
        reporter=reporter,
    )
    _say_notes(source, noted, reporter)  # labels of a Python iterable are known once it is read
    return dataset


def _say_notes(source: Source, first: int, reporter: Reporter) -> None:
    """Report how the dataset is read: the notes from this number on."""
    for note in source.notes[first:]:
        reporter.note(note)


def _images_shown(config: RunConfig, count: int) -> int | None:
    """How many images the run will see, unless its length depends on time."""
    if config.length.epochs is not None:
        return config.length.epochs * count
    return None if config.length.minutes is not None else resolved(config.length.images)


def build_scale(config: RunConfig, dataset: ImageDataset) -> PixelScale:
    """How pixels become numbers."""
    if config.data.scaling == "standardized":
        most = _MEASURED if dataset.is_slow else len(dataset)
        return PixelScale.standardizing(dataset.spread(most))
    return UNIT if config.data.scaling == "unit" else PixelScale()


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
    """The same images, on a GPU if they take little of its memory."""
    free = free_memory(device)
    if free is None or not isinstance(dataset, HeldDataset):
        return dataset
    return dataset.placed(device) if dataset.images.nbytes < _NEAR * free else dataset


def _classes(config: RunConfig, networks: Networks, dataset: ImageDataset) -> ClassNumbers | None:
    """The class of each image, if training is conditional."""
    if not networks.latent.classes:
        return None
    found = classes_of(dataset, config.model.condition)
    assert found is not None, "the networks were planned by them"
    return ClassNumbers(found[1].values, len(found[1].names))


def build_plan(
    config: RunConfig, batches: Batches, latent: LatentSpace, device: torch.device
) -> Plan:
    """How long to train, by which rules."""
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
            fade_from=config.optim.rates_fade_from,
        ),
        top_k=config.objective.top_k,
        top_k_ramp=config.objective.top_k_ramp,
        noise_until=(config.model.generator.noise_until, config.model.discriminator.noise_until),
        penalties_fade_from=config.objective.penalties_fade_from,
        penalties_fade_to=config.objective.penalties_fade_to,
    )


def build_extractor(run: RunContext) -> Extractor | None:
    """The feature extractor of the metrics; None if they are off or there are too few images."""
    metrics, best, count = run.config.metrics, run.folder.best, len(run.dataset)
    if metrics.metric == "off":
        if best.is_file():
            run.reporter.note(f"`metrics.metric` is off: {best.name} stays as it is")
        return None
    if count < 2 * FEWEST:
        run.reporter.note(
            f"no scores during training: {count} images are too few. At least {2 * FEWEST} are"
            " needed. The best checkpoint is the last one"
        )
        return None
    return open_extractor(metrics.extractor, run.dataset, device=run.device, reporter=run.reporter)


def build_tensorboard(run: RunContext, images_seen: int) -> TensorBoardLog | None:
    """The TensorBoard log from a number of images seen on; None if it is off."""
    if not run.config.records.tensorboard:
        return None
    tensorboard = TensorBoardLog(run.folder.tensorboard, run.reporter, images_seen)
    tensorboard.write_settings(run.config)
    return tensorboard


def _optimizer(player: PlayerConfig, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
    rate, decay = resolved(player.lr), player.weight_decay
    # fused: one kernel for all weights instead of some ten for each
    match player.algorithm:
        case "adam":
            return Adam(parameters, rate, player.betas, weight_decay=decay, fused=True)
        case "adamw":
            return AdamW(parameters, rate, player.betas, weight_decay=decay, fused=True)
        case "sgd":
            return SGD(parameters, rate, momentum=player.momentum, weight_decay=decay, fused=True)
