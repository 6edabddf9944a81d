"""The whole configuration of a run.

Values of ``auto`` are filled from the dataset and the machine before anything is built, and a run
folder stores the filled values. Settings that depend on the machine alone stay ``auto`` there, so
that a run can move to another machine: ``device``, ``data.memory_gb``, ``optim.micro_batch``. Two
more stay ``auto``: a network's ``bias``, which means the same everywhere (a bias where no batch
norm follows), and the ``width`` of a network that has a table of layers.

The string below each setting is its help in ``dcgan train --help``.
"""

from __future__ import annotations

from typing import Annotated, Literal, TypeVar

from pydantic import Field

from dcgan.config.fields import (
    Auto,
    Color,
    Device,
    Natural,
    Policy,
    Positive,
    Range,
    Section,
    Size,
    Threads,
)
from dcgan.config.model import ModelConfig
from dcgan.errors import ConfigError
from dcgan.vocabulary import (
    BatchNormStatistics,
    CachePlace,
    Distance,
    FailureAction,
    Fit,
    Frames,
    KeepOrDrop,
    LearningRateSchedule,
    LossName,
    Optimizer,
    PixelScaling,
    Precision,
)

Value = TypeVar("Value")


def resolved(value: Value | Auto) -> Value:
    """A setting that is no longer ``auto``.

    Raises
    ------
    ConfigError
        It still is.
    """
    if value == "auto":
        raise ConfigError(
            "",
            value,
            "a setting that is needed still says auto, which dcgan.train fills from data and"
            " machine. Set data.size, data.channels, model.generator.width and"
            " model.discriminator.width, or read the config.yaml of a run, where all are filled",
        )
    return value


class DataConfig(Section):
    """The dataset, and how its images become the input of the networks."""

    source: str = "digits"
    """Choose the dataset: a path (folder, .zip, .tar, .npy, .npz, .parquet), a URL of tar shards,
    or a name: digits, shapes, mnist, fashion-mnist, cifar10, celeba, lsun/CATEGORY,
    hub:OWNER/NAME."""
    root: str | None = None
    """Set the folder that holds datasets chosen by name (default: the environment variable
    DCGAN_DATA)."""
    split: str = "auto"
    """Choose the split: train, val, test, another name, or all. auto uses train if the dataset has
    splits."""
    labels: str = "auto"
    """Choose the labels: auto reads those stored with the images, none reads no labels, or set a
    CSV, TSV, JSON or JSONL file."""
    size: Size | Auto = "auto"
    """Set the height and width of the training images in pixels: 64, or 157x128. auto chooses them
    for the images, the device and the given minutes."""
    channels: Annotated[int, Field(ge=1, le=4)] | Auto = "auto"
    """Set the image channels: 1 gray, 2 gray with alpha, 3 color, 4 color with alpha. auto chooses
    1 for gray images and 3 for color."""
    fit: Fit = "crop"
    """Choose how images of another aspect ratio fit: crop the center, pad, stretch, or crop another
    part each epoch (cover-random)."""
    frames: Frames = "first"
    """Choose what to read from an animated image: its first frame, or all frames as separate
    images."""
    background: Color = "#ffffff"
    """Set the color behind transparent pixels and in padding, as #rrggbb."""
    integer_range: Range | Auto = "auto"
    """Set the values that become black and white in images of 16-bit or 32-bit integers, such as
    0:4095. auto finds them from the images."""
    float_range: Range | Auto = "auto"
    """Set the values that become black and white in images of floats, such as -1:1. auto finds them
    from the images."""
    scaling: PixelScaling = "symmetric"
    """Scale pixels to [-1, 1] (symmetric), to [0, 1] (unit, for a generator that ends in sigmoid),
    or to mean 0 and standard deviation 1 over the dataset (standardized, for one that ends in
    neither)."""
    flip: bool = False
    """Flip each image left to right with probability 0.5. Use it for small datasets, but not for
    letters or digits."""
    dequantize: bool = False
    """Add uniform noise of up to half a pixel value, so that pixel values are continuous."""
    duplicates: KeepOrDrop = "keep"
    """Keep or drop images that are exact or near copies of an earlier image. dcgan inspect counts
    them."""
    blank: KeepOrDrop = "keep"
    """Keep or drop blank images, on which nothing is visible. dcgan inspect counts them."""
    max_unreadable: Annotated[float, Field(ge=0, le=1)] = 0.05
    """Refuse to train if more than this share of the files (0 to 1) is unreadable."""
    cache: CachePlace = "user"
    """Choose where to store decoded images: user (shared by all runs), run (in the run folder), or
    off."""
    cache_gb: Annotated[float, Field(gt=0)] = 50.0
    """Limit the stored decoded images to this many GB (10^9 bytes). Those unused for the longest
    time are deleted first."""
    memory_gb: Annotated[float, Field(ge=0)] | Auto = "auto"
    """Limit the memory for decoded images that are not stored on disk, in GB (10^9 bytes). auto
    uses 60 % of the free memory."""


PENALTIES = ("r1", "r2", "wgan_gp", "dragan")
"""The settings of the objective that are weights of penalties on the discriminator's gradient."""


TARGET_NOISE = ("real_target_spread", "fake_target_spread", "flipped_targets")
"""The settings of the objective that make targets random."""


class ObjectiveConfig(Section):
    """The losses and penalties of both networks."""

    loss: LossName = "non-saturating"
    """Choose the loss of both networks. Change it only to compare losses; saturating is the
    original minimax loss, non-saturating-on-probabilities rounds as a sigmoid and BCELoss do."""
    real_target: Annotated[float, Field(gt=0.5, le=1)] = 1.0
    """Set the discriminator's target for real images. Try 0.9 (one-sided label smoothing) if the
    discriminator is overfitting and there is no penalty."""
    fake_target: Annotated[float, Field(ge=0, lt=0.5)] = 0.0
    """Set the discriminator's target for generated images. A value above 0 is two-sided label
    smoothing and needs --objective.force-two-sided."""
    force_two_sided: bool = False
    """Allow two-sided label smoothing. It is not recommended, because it rewards the generator for
    what it already generates."""
    real_target_spread: Annotated[float, Field(ge=0, le=0.5)] = 0.0
    """Draw the target of each real image at random from the real target plus or minus this, such as
    0.7 to 1.2 for 0.95 and 0.25. Use it only to compare."""
    fake_target_spread: Annotated[float, Field(ge=0, le=0.5)] = 0.0
    """Draw the target of each generated image at random from the fake target plus or minus this.
    Use it only to compare."""
    flipped_targets: Annotated[float, Field(ge=0, lt=0.5)] = 0.0
    """Give this share of the images (0 to 0.5), chosen at random in each discriminator step, the
    target of the other kind. On average, this is two-sided label smoothing."""
    r1: Annotated[float, Field(ge=0)] | Auto = 0.0
    """Set the weight (gamma) of the R1 penalty on the discriminator's gradient at real images.
    Raise it if training is unstable, lower it if samples stay blurred; 0 turns it off. auto uses 3
    for gray images without classes and 1 for all others."""
    r2: Annotated[float, Field(ge=0)] = 0.0
    """Set the weight (gamma) of the R2 penalty on the discriminator's gradient at generated images.
    Add it to R1 for the relativistic loss; 0 turns it off."""
    wgan_gp: Annotated[float, Field(ge=0)] = 0.0
    """Set the weight (lambda) of the WGAN-GP penalty, between real and generated images. Use 10
    with the wasserstein loss; 0 turns it off."""
    dragan: Annotated[float, Field(ge=0)] = 0.0
    """Set the weight (lambda) of the DRAGAN penalty, around real images. Try 10 instead of R1 if
    training is unstable; 0 turns it off."""
    penalty_interval: Positive = 8
    """Apply the penalties once in this many discriminator steps, multiplied by the same number. A
    larger number trains faster; 1 is the most exact."""
    penalties_fade_from: Natural = 0
    """Reduce the weights of the penalties after this many images seen, as 1 / images seen. 0 keeps
    them constant."""
    penalties_fade_to: Annotated[float, Field(ge=0, le=1)] = 0.1
    """Set the share of the penalties' weights (0 to 1) at which this reduction stops."""
    clip_weights: Annotated[float, Field(gt=0)] | None = None
    """Clip the discriminator's weights to plus or minus this value after each step, as in the
    original WGAN (default: off)."""
    top_k: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Train the generator only on this share (0 to 1) of the generated images, those that the
    discriminator finds most real. Try 0.5 if many samples are bad; 1 uses all."""
    top_k_ramp: Natural = 0
    """Reduce the share geometrically from 1 to --objective.top-k over this many images seen. 0 uses
    that share from the start."""
    information: Annotated[float, Field(ge=0)] = 1.0
    """Set the weight of the InfoGAN loss, which trains the networks so that the codes can be read
    from generated images. Raise it if a code changes nothing."""
    information_continuous: Annotated[float, Field(ge=0)] = 0.1
    """Set the weight of continuous codes within the InfoGAN loss."""


class AugmentConfig(Section):
    """Differentiable augmentation of the discriminator's input, for real and generated images
    alike."""

    policy: Policy | Auto = "none"
    """Choose the augmentation: none, or color, translation and cutout joined by +. auto uses all
    three below 100,000 images."""
    probability: Annotated[float, Field(ge=0, le=1)] | Literal["adaptive"] = 1.0
    """Set the probability of each operation for each image. adaptive starts with the second epoch
    and raises it while the discriminator is overfitting."""
    target: Annotated[float, Field(gt=0, lt=1)] = 0.6
    """Set the mean sign of the discriminator's logits on real images (0 to 1) that adaptive aims
    at. Lower it, to augment more, if the discriminator is overfitting."""
    images_to_one: Positive = 500_000
    """Limit how fast adaptive raises the probability: from 0 to 1 in at least this many images
    seen. Lower it for short runs."""


class PlayerConfig(Section):
    """The optimizer of one network."""

    algorithm: Optimizer = "adam"
    """Choose the optimizer. Change it only to reproduce a paper."""
    lr: Annotated[float, Field(gt=0)] | Auto = 2e-4
    """Set the learning rate. Lower it if training is unstable. auto uses 2e-3 up to a width of 16
    and less in proportion for wider networks (1e-3 for 32)."""
    betas: tuple[Annotated[float, Field(ge=0, lt=1)], Annotated[float, Field(ge=0, lt=1)]] = (
        0.5,
        0.999,
    )
    """Set the decay rates of Adam's two moments. The first is 0.5 in the DCGAN paper; 0 suits a
    penalty on the gradient."""
    weight_decay: Annotated[float, Field(ge=0)] = 0.0
    """Set the weight decay (decoupled in AdamW). GANs rarely need it."""
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Set the momentum of SGD; Adam does not use it."""
    clip_norm: Annotated[float, Field(gt=0)] | None = None
    """Scale the gradient down to this norm where it is larger. Try 1 if losses jump (default:
    off)."""


class OptimConfig(Section):
    """How both networks learn."""

    batch: Positive | Auto = "auto"
    """Set the number of real images per discriminator step. auto uses 32 on a CPU and 64 on a GPU,
    and at least 8 in each of several processes."""
    generator: PlayerConfig = PlayerConfig()
    discriminator: PlayerConfig = PlayerConfig()
    micro_batch: Positive | Auto = "auto"
    """Set how many images pass through the networks at once; the gradients of a batch add up. Lower
    it if memory runs out. auto uses the whole batch, or what fits into GPU memory."""
    recompute: bool = False
    """Keep only each layer's input until the backward pass and compute the rest again. This saves
    memory for large images and is slower."""
    batch_norm: BatchNormStatistics = "all"
    """Choose the images whose statistics batch norm uses with several processes: all (the whole
    batch) or own (the share of each process)."""
    joint_batch: bool = False
    """Pass real and generated images through the discriminator in one batch, so that its batch norm
    uses the statistics of both. Use it only to compare; by default, each has its own batch."""
    discriminator_steps: Positive = 1
    """Set the number of discriminator steps per generator step. Use 5 with the wasserstein
    loss."""
    schedule: LearningRateSchedule = "constant"
    """Choose how both learning rates fall during the run. Try linear if images get worse at the
    end."""
    schedule_start: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Set the share of the run (0 to 1) after which the learning rates begin to fall."""
    schedule_end: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Set the share of the learning rates (0 to 1) that is left at the end of the run."""
    rates_fade_from: Natural = 0
    """Reduce both learning rates after this many images seen, as 1 / square root of the images
    seen. This does not depend on the length of the run. 0 turns it off."""


class AverageConfig(Section):
    """Exponential moving average of the generator's weights (EMA)."""

    half_life: Annotated[int, Field(ge=0)] = 0
    """Average the generator's weights over training (EMA): the weights of this many images ago
    count half. Raise it for long runs; 0 turns averaging off."""
    ramp_up: Annotated[float, Field(ge=0, le=1)] = 0.05
    """Limit the half-life to this share of the images seen (0 to 1), so that early weights are soon
    forgotten. 0 sets no limit."""


class LengthConfig(Section):
    """The length of the run: exactly one of the three, or auto."""

    images: Positive | Auto | None = None
    """Stop after this many real images seen. auto uses 100 epochs, but at least 100,000 images and
    at most 400,000 (1,000,000 on mps, 5,000,000 on cuda)."""
    epochs: Positive | None = None
    """Stop after this many passes over the dataset."""
    minutes: Annotated[float, Field(gt=0)] | None = None
    """Stop after this many minutes of training."""


class RecordsConfig(Section):
    """What is written into the run folder, and how often."""

    log_every: Positive | Auto = "auto"
    """Set how many images lie between log lines; there are more at the start. auto uses 50 batches,
    or a hundredth of a short run."""
    sheets: Positive = 40
    """Set the largest number of sample sheets, all of the same latents; there are more at the
    start. With --minutes, each sheet comes after 1.25 times the images seen of the last one. At
    least three images are seen for each one that is generated for a sheet."""
    sheet_images: Positive = 64
    """Set the number of images on a sample sheet."""
    checkpoint_every: Positive | Auto = "auto"
    """Set how many images lie between checkpoints. auto uses a tenth of the run."""
    checkpoint_minutes: Annotated[float, Field(gt=0)] = 5.0
    """Also save a checkpoint when this many minutes have passed since the last one. It is deleted
    when the next one is saved."""
    keep: Positive = 3
    """Set how many of the newest checkpoints to keep."""
    keep_best: Annotated[int, Field(ge=1)] = 1
    """Set how many checkpoints with the best scores to keep."""
    keep_every: Positive | None = None
    """Also keep the first checkpoint after each multiple of this many images (default: off)."""
    tensorboard: bool = True
    """Write TensorBoard event files."""


class MetricsConfig(Section):
    """How the averaged generator is scored during training, to find the best checkpoint."""

    metric: Distance | Literal["off"] = "frechet"
    """Choose the distance between real and generated images that selects the best checkpoint:
    frechet, kernel (squared MMD), or off. Lower is better."""
    extractor: str = "pretrained"
    """Choose the feature extractor: pretrained, classifier, random, inception, a file, or auto,
    which is the classifier if there are labels and else pretrained, as for dcgan evaluate."""
    images: Annotated[int, Field(ge=50)] = 2000
    """Set how many generated images to score, always of the same latents, and as many real
    images."""
    every: Positive | Auto = "auto"
    """Set how many images lie between two scores; there are more at the start. auto computes it
    from the operations of training and scoring, to keep to --metrics.share."""
    share: Annotated[float, Field(gt=0, le=1)] = 0.05
    """Set the approximate share of the training time (0 to 1) that scoring uses in a long run."""
    patience: Positive | None = None
    """Stop when the score has not improved for this many images seen. Try a fifth of the run
    (default: never)."""


class StartConfig(Section):
    """Where the weights come from: fine-tuning of another run."""

    weights: str | None = None
    """Start from the weights of this run instead of random ones. Networks, size and channels are
    those of that run unless they are set; layers of another shape start at random."""
    freeze_discriminator: Natural = 0
    """Set how many of the discriminator's first layers are not trained (FreezeD, Mo et al. 2020).
    Use it with --init, for few images."""


class RunConfig(Section):
    """The whole resolved configuration of a run."""

    recipe: str = "auto"
    """Set the recipe that the run starts from."""
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    """Set the seed of weights, latents, data order and noise, from 0 to 2^63 - 1. The same seed
    repeats a run; another seed gives a different run."""
    device: Device = "auto"
    """Choose the device: auto, cpu, cuda, cuda:N or mps."""
    precision: Auto | Precision = "auto"
    """Choose the precision of matrix products. auto times a few steps where the hardware supports
    bf16 and chooses the faster one; elsewhere it uses fp32."""
    threads: Threads = "auto"
    """Set the number of CPU threads. auto times a few steps at the start, chooses the fastest
    number, and changes it at a checkpoint when other programs start or stop. 2,1@12288 repeats a
    run that changed from 2 threads to 1 at 12,288 images."""
    deterministic: bool = False
    """Use only deterministic algorithms, so that resume is bit-identical on a GPU too. This is
    slower on a GPU."""
    on_failure: FailureAction = "continue"
    """Choose what happens when training fails, such as in mode collapse: continue, stop, or
    rollback (return to a checkpoint from before, with half the learning rates; at most three
    times)."""
    start: StartConfig = StartConfig()
    data: DataConfig = DataConfig()
    model: ModelConfig = ModelConfig()
    objective: ObjectiveConfig = ObjectiveConfig()
    augment: AugmentConfig = AugmentConfig()
    optim: OptimConfig = OptimConfig()
    average: AverageConfig = AverageConfig()
    length: LengthConfig = LengthConfig()
    metrics: MetricsConfig = MetricsConfig()
    records: RecordsConfig = RecordsConfig()
