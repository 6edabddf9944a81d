"""The whole configuration of a run.

Values that say ``auto`` are filled from data and machine before anything is built, and a run folder
keeps them filled. What depends on the machine alone stays ``auto`` there, so that a run can move to
another one: ``device``, ``data.memory_gb``, ``optim.micro_batch``. So do a network's ``bias``,
which means the same everywhere (where no batch norm follows), and its ``width`` beside a table.
"""

from __future__ import annotations

from typing import Annotated, Literal, TypeVar

from pydantic import Field

from dcgan.config.fields import (
    Colour,
    Device,
    LayerRow,
    Natural,
    Policy,
    Positive,
    Range,
    Section,
    Size,
    Threads,
)
from dcgan.errors import ConfigError
from dcgan.vocabulary import (
    Activation,
    BatchNormStatistics,
    CachePlace,
    Distance,
    Distribution,
    Fit,
    Frames,
    Initialisation,
    KeepOrDrop,
    LearningRateSchedule,
    LossName,
    Norm,
    Optimiser,
    Order,
    PixelScaling,
    Precision,
    Upsampling,
)

Auto = Literal["auto"]
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
    """Which pictures, and how they become what the network sees."""

    source: str = "digits"
    """A path (folder, .zip, .tar, .npy, .npz, .parquet), an address of shards, or a name: digits,
    shapes, mnist, fashion-mnist, cifar10, celeba, lsun/CATEGORY, hub:OWNER/NAME."""
    root: str | None = None
    """Folder in which named data sets lie."""
    split: str = "auto"
    """Which split: train, val, test, another name, or all; auto: train where there are splits."""
    labels: str = "auto"
    """Labels of the images: auto reads what lies beside them, none reads none, or a CSV, TSV, JSON
    or JSONL file."""
    size: Size | Auto = "auto"
    """Height and width the network works at: 64, or 157x128."""
    channels: Annotated[int, Field(ge=1, le=4)] | Auto = "auto"
    """1 grey, 2 grey with alpha, 3 colour, 4 colour with alpha."""
    fit: Fit = "crop"
    """How a picture of another aspect fits: centre crop, pad, stretch, or a new crop each time."""
    frames: Frames = "first"
    """What an animated picture gives: its first frame, or each as a picture."""
    background: Colour = "#ffffff"
    """Colour under transparent pixels and in padding."""
    integer_range: Range | Auto = "auto"
    """Values that are black and white in images of 16-bit or 32-bit integers, such as 0:4095; auto:
    as the dataset's images show."""
    float_range: Range | Auto = "auto"
    """Values that are black and white in images of floats, such as -1:1; auto: as the dataset's
    images show."""
    scaling: PixelScaling = "symmetric"
    """Pixels to [-1, 1], or to mean 0 and deviation 1 of this data (not for a tanh generator)."""
    flip: bool = False
    """Mirror every other picture left to right, at random; not for letters or digits."""
    dequantize: bool = False
    """Add noise of at most half a pixel value, so that the data do not lie on a grid."""
    duplicates: KeepOrDrop = "keep"
    """Drop images that are copies of an earlier one, exact or near: one of each is kept."""
    blank: KeepOrDrop = "keep"
    """Drop images on which nothing can be seen."""
    max_unreadable: Annotated[float, Field(ge=0, le=1)] = 0.05
    """Refuse to train when more than this share of the files is unreadable."""
    cache: CachePlace = "user"
    """Where decoded pictures are kept: for all runs, in this run's folder, or not at all."""
    cache_gb: Annotated[float, Field(gt=0)] = 50.0
    """Most that may be kept, in 10^9 bytes; what was used longest ago goes first."""
    memory_gb: Annotated[float, Field(ge=0)] | Auto = "auto"
    """Most memory for decoded pictures that are not kept on disk; auto: 60 % of what is free."""


class LatentConfig(Section):
    """The generator's input."""

    dim: Positive = 100
    """Numbers in one latent."""
    distribution: Distribution = "normal"
    """N(0, 1), or uniform on [-1, 1] as in the paper."""
    shape: tuple[Positive, Positive, Positive] | None = None
    """View the latent as (channels, height, width); none: (dim, 1, 1)."""
    categorical: tuple[Annotated[int, Field(ge=2)], ...] = ()
    """InfoGAN's categorical codes: how many values each has, such as [10]."""
    continuous: Natural = 0
    """How many continuous codes there are, each uniform on [-1, 1]."""


class NetworkConfig(Section):
    """A network: an explicit layer table, or a planned one."""

    layers: tuple[LayerRow, ...] | None = None
    """Layer table; none: planned for the size and channels from width and the defaults below."""
    width: Positive | Auto = "auto"
    """Channels of a planned network beside the image; doubled at each halving of the size."""
    max_width: Positive = 512
    """Upper bound of a planned network's channels."""
    norm: Norm = "batch"
    """Norm of rows that name none (planned: not batch or pixel on the output)."""
    activation: Activation = "relu"
    """Activation of rows that name none (planned: tanh on the output)."""
    order: Order = "norm-activation"
    """Which comes first in rows that do not say."""
    bias: bool | Auto = "auto"
    """Bias of rows that do not say; auto: where no batch norm follows."""
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Dropout of a planned network's hidden rows."""
    noise: Annotated[float, Field(ge=0)] = 0.0
    """Instance noise on a planned network's input, as a standard deviation."""
    noise_until: Natural = 0
    """Images seen until all instance noise has faded, in a straight line, to none; 0: it stays."""
    slope: Annotated[float, Field(ge=0)] = 0.2
    """Negative slope of leaky ReLU."""
    init: Initialisation = "default"
    """PyTorch's default initialisation, the paper's N(0, 0.02), or one that keeps activations'
    variance from layer to layer (He et al. 2015)."""


class GeneratorConfig(NetworkConfig):
    """The generator: an explicit layer table, or a planned one."""

    upsampling: Upsampling = "transposed"
    """How a planned network doubles its pictures: transposed convolutions, or bilinear and conv."""


class DiscriminatorConfig(NetworkConfig):
    """The discriminator: an explicit layer table, or a planned one."""

    norm: Norm = "none"
    """Norm of rows that name none (planned: not batch or pixel on input and output)."""
    activation: Activation = "leaky_relu"
    """Activation of rows that name none (planned: none on the output)."""
    minibatch_stddev: bool = False
    """Minibatch standard deviation of the smallest picture of a planned network."""
    hidden: Natural | Auto = 0
    """Features of a linear row before a planned network's logit; 0: none, as in the paper; auto: 8
    for each filter beside the image."""
    pack: Positive = 1
    """Images it judges together, stacked as channels (PacGAN)."""


class ModelConfig(Section):
    """Both networks and the latent between them."""

    condition: str | None = None
    """Train on labels: the factor whose classes G draws on request, mostly label; none: do not."""
    latent: LatentConfig = LatentConfig()
    generator: GeneratorConfig = GeneratorConfig()
    discriminator: DiscriminatorConfig = DiscriminatorConfig()


PENALTIES = ("r1", "r2", "wgan_gp", "dragan")
"""The settings of the objective that are weights of penalties on D's gradient."""


class ObjectiveConfig(Section):
    """What the two players minimise."""

    loss: LossName = "non-saturating"
    """What D and G minimise; saturating is the minimax game as first written."""
    real_target: Annotated[float, Field(gt=0.5, le=1)] = 1.0
    """D's target on real images; below 1 is one-sided label smoothing."""
    fake_target: Annotated[float, Field(ge=0, lt=0.5)] = 0.0
    """D's target on generated images; above 0 is two-sided smoothing, refused unless forced."""
    force_two_sided: bool = False
    """Smooth both sides although it rewards G for what it already does."""
    r1: Annotated[float, Field(ge=0)] | Auto = 0.0
    """Weight (gamma) of the R1 penalty on D's gradient at real images; 0: off; auto: 3 for grey
    pictures, 1 for colour."""
    r2: Annotated[float, Field(ge=0)] = 0.0
    """Weight (gamma) of the R2 penalty, the same at generated images; 0: off."""
    wgan_gp: Annotated[float, Field(ge=0)] = 0.0
    """Weight (lambda) of the WGAN-GP penalty between real and generated images; 0: off."""
    dragan: Annotated[float, Field(ge=0)] = 0.0
    """Weight (lambda) of the DRAGAN penalty around real images; 0: off."""
    penalty_interval: Positive = 8
    """Apply the penalties every this many D steps, scaled up by the same factor."""
    penalties_fade_from: Natural = 0
    """Images seen after which the penalties' weights go down as 1 / images seen; 0: they stay."""
    penalties_fade_to: Annotated[float, Field(ge=0, le=1)] = 0.1
    """Share of them that stays."""
    clip_weights: Annotated[float, Field(gt=0)] | None = None
    """Put D's weights back into plus or minus this after each step; none: off."""
    top_k: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Share of the generated images, the most convincing, from which G learns in the end."""
    top_k_ramp: Natural = 0
    """Images seen until that share is reached, falling geometrically from all of them."""
    information: Annotated[float, Field(ge=0)] = 1.0
    """Weight of InfoGAN's loss, by which codes are read from generated images."""
    information_continuous: Annotated[float, Field(ge=0)] = 0.1
    """Weight of continuous codes within it."""


class AugmentConfig(Section):
    """Differentiable augmentation of what D sees, real and generated images alike."""

    policy: Policy | Auto = "none"
    """none, or colour, translation and cutout joined by +; auto: all three for small data."""
    probability: Annotated[float, Field(ge=0, le=1)] | Literal["adaptive"] = 1.0
    """Of each operation for each image; adaptive: from the second epoch on steered by D's certainty
    on real images."""
    target: Annotated[float, Field(gt=0, lt=1)] = 0.6
    """Mean sign of D's logits on real images that an adaptive probability aims at."""
    images_to_one: Positive = 500_000
    """Images in which an adaptive probability goes from 0 to 1 at most."""


class PlayerConfig(Section):
    """One player's optimiser."""

    algorithm: Optimiser = "adam"
    """Which optimiser."""
    lr: Annotated[float, Field(gt=0)] | Auto = 2e-4
    """Learning rate; auto: 2e-3 up to 16 filters beside the image, and the less the more there are
    (1e-3 for 32)."""
    betas: tuple[Annotated[float, Field(ge=0, lt=1)], Annotated[float, Field(ge=0, lt=1)]] = (
        0.5,
        0.999,
    )
    """Decay of Adam's two moments."""
    weight_decay: Annotated[float, Field(ge=0)] = 0.0
    """Weight decay (decoupled in AdamW)."""
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Momentum of SGD."""
    clip_norm: Annotated[float, Field(gt=0)] | None = None
    """Greatest norm of the whole gradient, scaled down beyond it; none: off."""


class OptimConfig(Section):
    """How both players learn."""

    batch: Positive | Auto = "auto"
    """Real images per D step."""
    generator: PlayerConfig = PlayerConfig()
    discriminator: PlayerConfig = PlayerConfig()
    micro_batch: Positive | Auto = "auto"
    """Images that go through the networks at a time; gradients of a batch's parts add up. auto: all
    of it, or what fits into a GPU's memory."""
    recompute: bool = False
    """Keep only each row's input until the backward pass, and compute the rest again: for large
    images."""
    batch_norm: BatchNormStatistics = "all"
    """Whether batch norm's moments are those of the whole batch where several processes share it,
    or of each process's own share."""
    discriminator_steps: Positive = 1
    """D steps per G step."""
    schedule: LearningRateSchedule = "constant"
    """How both learning rates fall over the run's length."""
    schedule_start: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Share of the run after which they begin to fall."""
    schedule_end: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Share of the rates that is left at the end."""


class AverageConfig(Section):
    """Exponential moving average of the generator's weights (EMA)."""

    half_life: Annotated[int, Field(ge=0)] = 0
    """Images until an old weight counts half; 0: no averaging."""
    ramp_up: Annotated[float, Field(ge=0, le=1)] = 0.05
    """Early on, the half-life is at most this share of the images seen; 0: no such bound."""


class LengthConfig(Section):
    """How long to train: exactly one of the three, or auto."""

    images: Positive | Auto | None = None
    """Real images shown to D."""
    epochs: Positive | None = None
    """Passes over the data."""
    minutes: Annotated[float, Field(gt=0)] | None = None
    """Minutes of training."""


class RecordsConfig(Section):
    """What is written into the run folder, and how often."""

    log_every: Positive | Auto = "auto"
    """Images between log lines, fewer at the start of a run; auto: 50 batches, or a hundredth of a
    short run."""
    sheets: Positive = 40
    """Fixed-latent sheets, dense early and sparse late; in a run bounded by minutes, each
    comes a quarter later than the last."""
    sheet_images: Positive = 64
    """Images on a sheet."""
    checkpoint_every: Positive | Auto = "auto"
    """Images between checkpoints; auto: a tenth of the run."""
    checkpoint_minutes: Annotated[float, Field(gt=0)] = 5.0
    """A checkpoint at the latest after this time; it stays only while it is the newest."""
    keep: Positive = 3
    """How many of the newest checkpoints stay."""
    keep_best: Annotated[int, Field(ge=1)] = 1
    """How many of the best checkpoints stay, by what was measured while training."""
    keep_every: Positive | None = None
    """The first checkpoint after each so many images stays; none: only the newest and best."""
    tensorboard: bool = True
    """Also write TensorBoard event files."""


class MetricsConfig(Section):
    """How the averaged generator is measured while it trains, to find the best checkpoint."""

    measure: Distance | Literal["off"] = "frechet"
    """Distance between real and generated images: frechet, kernel (squared MMD), or off."""
    extractor: str = "random"
    """Features it is taken on: random, classifier, inception, or a file; as for evaluate."""
    images: Annotated[int, Field(ge=50)] = 2000
    """Generated images of one measurement, always of the same latents, and as many real ones."""
    every: Positive | Auto = "auto"
    """Images from one measurement to the next, fewer at the start of a run; auto: counted from the
    arithmetic of training and measuring, for the share below."""
    share: Annotated[float, Field(gt=0, le=1)] = 0.05
    """Share of the training time that measuring takes in a long run, about."""
    patience: Positive | None = None
    """Stop when so many images seen have brought nothing better; none: never."""


class RunConfig(Section):
    """The whole resolved configuration of a run."""

    recipe: str = "auto"
    """The recipe this began from."""
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    """Seed of weights, latents, data order and noise."""
    device: Device = "auto"
    """auto, cpu, cuda, cuda:N or mps."""
    precision: Auto | Precision = "auto"
    """Of matrix products; auto: what trains faster, by timing a few steps where the hardware has
    bf16, and fp32 elsewhere."""
    threads: Threads = "auto"
    """Threads that compute on a CPU; auto: what trains fastest when the run starts, by timing a few
    steps, and changed at a checkpoint when other programs come or go. 2,1@12288 repeats a run that
    changed from 2 to 1 at 12,288 images."""
    deterministic: bool = False
    """Only deterministic algorithms: exact resume on a GPU too, and slower there."""
    data: DataConfig = DataConfig()
    model: ModelConfig = ModelConfig()
    objective: ObjectiveConfig = ObjectiveConfig()
    augment: AugmentConfig = AugmentConfig()
    optim: OptimConfig = OptimConfig()
    average: AverageConfig = AverageConfig()
    length: LengthConfig = LengthConfig()
    metrics: MetricsConfig = MetricsConfig()
    records: RecordsConfig = RecordsConfig()
