"""Refuses combinations of settings that cannot work, before any work.

Whether the shapes of a layer table fit is checked by ``models.geometry``, also before any work.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from operator import attrgetter

from dcgan.config.fields import Section
from dcgan.config.model import DiscriminatorConfig, NetworkConfig
from dcgan.config.tree import PENALTIES, TARGET_NOISE, RunConfig
from dcgan.config.unused_settings import refuse_unused
from dcgan.errors import ConfigError

_PLAYERS = ("generator", "discriminator")

_OF_WHOLE_BATCHES = (
    ("objective.top_k", 1.0, "chooses among"),
    ("objective.dragan", 0.0, "takes the deviation of"),
    ("model.discriminator.minibatch_stddev", False, "takes the deviation of"),
)
"""Settings that depend on the whole batch: key, value that turns it off, what it does."""

_RANGES = {"tanh": ("symmetric", "[-1, 1]"), "sigmoid": ("unit", "[0, 1]")}
"""Activations of the output layer: the scaling of pixels that fits, and what they reach."""

_OTHERS = {
    "symmetric": "pixels are in [-1, 1]",
    "unit": "pixels are in [0, 1]",
    "standardized": "standardized pixels lie outside",
}

_WITH_TARGETS = (
    "non-saturating",
    "non-saturating-on-probabilities",
    "saturating",
    "least-squares",
)


def validate_combinations(config: RunConfig) -> list[str]:
    """Check how settings go together.

    Returns
    -------
    list of str
        Warnings: allowed, but known to hurt.

    Raises
    ------
    ConfigError
        The settings contradict each other.
    """
    problems = chain(_of_model(config), _of_batches(config), _of_objective(config))
    for key, problem in problems:
        value = attrgetter(key)(config)
        if isinstance(value, Section):
            value = value.model_dump(exclude_none=True)
        raise ConfigError(key, value, problem)
    refuse_unused(config)
    return list(_warnings(config))


def uses_norm(network: NetworkConfig, norm: str) -> bool:
    """Whether any layer of a network has this norm."""
    if network.layers is None:
        return norm in network.norm.split("+")
    return any(norm in (row.norm or network.norm).split("+") for row in network.layers)


def _uses_minibatch_stddev(network: DiscriminatorConfig) -> bool:
    rows = network.layers or ()
    return network.minibatch_stddev or any(row.minibatch_stddev for row in rows)


def _of_model(config: RunConfig) -> Iterator[tuple[str, str]]:
    """Keys whose values cannot work, each with the problem."""
    latent, generator = config.model.latent, config.model.generator
    lengths = [value for _, value in config.length if value is not None]
    if len(lengths) != 1:
        problem = "must be only one of `images`, `epochs`, `minutes`"
        yield "length", problem + ("" if lengths else ", or images: auto")

    has_codes = bool(latent.categorical) or latent.continuous > 0
    conditions = config.model.condition not in {None, "auto"} or has_codes
    if latent.shape is not None:
        channels, height, width = latent.shape
        numbers = channels * height * width
        if numbers != latent.dim:
            problem = f"has {numbers} numbers, but `model.latent.dim` is {latent.dim}"
            yield "model.latent.shape", problem
        if conditions:
            problem = "a latent with a shape has no room for classes and codes. Leave the shape out"
            yield "model.latent.shape", problem

    if config.model.discriminator.pack > 1 and conditions:
        yield (
            "model.discriminator.pack",
            "the images of a pack cannot have classes or codes of their own. Set it to 1, or train"
            " without classes and codes",
        )
    for name in _PLAYERS:
        network = getattr(config.model, name)
        if network.layers is None and network.width != "auto" and network.width > network.max_width:
            yield (
                f"model.{name}.width",
                f"at most `model.{name}.max_width`, {network.max_width:,}. Choose a smaller width,"
                " or raise both",
            )
    last = generator.layers[-1].activation or generator.activation if generator.layers else "tanh"
    scaling = config.data.scaling
    if last in _RANGES and scaling != _RANGES[last][0]:
        fitting, reached = _RANGES[last]
        yield (
            "data.scaling",
            f"a generator that ends in {last} reaches {reached}, and {_OTHERS[scaling]}."
            f" Use `data.scaling={fitting}`, or a table whose output layer has activation none",
        )


def _of_batches(config: RunConfig) -> Iterator[tuple[str, str]]:
    optim, discriminator = config.optim, config.model.discriminator
    networks = {name: getattr(config.model, name) for name in _PLAYERS}
    if optim.batch != "auto" and optim.batch % discriminator.pack != 0:
        yield "model.discriminator.pack", f"must divide the batch of {optim.batch} images"

    key = "batch" if optim.batch == 1 else "micro_batch"
    if getattr(optim, key) == 1:
        larger = "`batch=2`" if key == "batch" else "`optim.micro_batch=2`"
        for name, network in networks.items():
            if uses_norm(network, "batch"):
                yield (
                    f"optim.{key}",
                    f"batch norm in the {name} cannot normalize one image. Use {larger} or more, or"
                    f" `model.{name}.norm=none`",
                )
        if _uses_minibatch_stddev(discriminator):
            yield (
                f"optim.{key}",
                f"minibatch_stddev needs images to compare. Use {larger} or more",
            )

    if optim.joint_batch and not uses_norm(discriminator, "batch"):
        yield (
            "optim.joint_batch",
            "it changes what batch norm computes, and the discriminator has none. Set"
            " `model.discriminator.norm=batch`, or leave `optim.joint_batch` out",
        )
    if optim.joint_batch and _uses_minibatch_stddev(discriminator):
        yield (
            "optim.joint_batch",
            "minibatch_stddev compares generated images with each other, not with real ones. Leave"
            " one of them out",
        )

    for name, network in networks.items():
        if optim.recompute and uses_norm(network, "spectral"):
            yield (
                "optim.recompute",
                f"spectral norm in the {name} changes its weights in every pass, so that a second"
                f" pass gives another result. Use `model.{name}.norm=none`, or a smaller"
                " `optim.micro_batch` instead",
            )


def _of_objective(config: RunConfig) -> Iterator[tuple[str, str]]:
    objective, discriminator = config.objective, config.model.discriminator
    penalties = [name for name in PENALTIES if getattr(objective, name) != 0]
    if penalties and uses_norm(discriminator, "batch"):
        yield (
            f"objective.{penalties[0]}",
            "a gradient penalty needs one gradient per image, and batch norm in the discriminator"
            " mixes them. Use `model.discriminator.norm=none` or spectral",
        )
    noise = [(name, 0.0) for name in TARGET_NOISE]
    for name, plain in [("real_target", 1.0), ("fake_target", 0.0), *noise]:
        if getattr(objective, name) != plain and objective.loss not in _WITH_TARGETS:
            yield (
                f"objective.{name}",
                f"loss {objective.loss} has no targets. Set it to {plain:g}, or use"
                f" `objective.loss={_WITH_TARGETS[0]}` or {' or '.join(_WITH_TARGETS[1:])}",
            )
    if objective.fake_target > 0 and not objective.force_two_sided:
        yield (
            "objective.fake_target",
            "a smoothed target of generated images makes the discriminator reward the generator for"
            " what it already generates. Use only `objective.real_target`, or"
            " `objective.force_two_sided=true`",
        )
    lasts = objective.penalties_fade_from == 0 or objective.penalties_fade_to > 0
    is_bounded = (
        (lasts and bool(penalties))
        or objective.clip_weights is not None
        or uses_norm(discriminator, "spectral")
    )
    if objective.loss == "wasserstein" and not is_bounded:
        yield (
            "objective.loss",
            "nothing bounds the discriminator's slope, so its loss has no minimum. Add"
            " `objective.wgan_gp=10`, or `model.discriminator.norm=spectral`",
        )


def _warnings(config: RunConfig) -> Iterator[str]:
    generator = config.model.generator
    rows = generator.layers or ()
    if config.data.scaling == "standardized":
        yield (
            "`data.scaling=standardized`: no activation of a generator has its range."
            " `data.scaling=symmetric` with tanh is the safe choice"
        )
    if generator.noise > 0 or any(row.noise for row in rows):
        yield "`model.generator.noise`: keeps the generator from clean images early in training"
    if generator.dropout > 0 or any(row.dropout for row in rows):
        yield "`model.generator.dropout`: makes images worse; use it in the discriminator"
    if config.augment.policy == "color" and config.data.channels in (1, 2):
        yield "`augment.policy=color`: gray images have no color, so nothing is augmented"
    micro, batch = config.optim.micro_batch, config.optim.batch
    if micro != "auto" and batch != "auto" and micro < batch:
        setting = f"`optim.micro_batch={micro}`"
        for name in _PLAYERS:
            if uses_norm(getattr(config.model, name), "batch"):
                yield (
                    f"{setting}: batch norm in the {name} uses {micro} images at a time, not"
                    f" {batch}"
                )
        for key, off, does in _OF_WHOLE_BATCHES:
            if attrgetter(key)(config) != off:
                yield f"{setting}: `{key}` {does} so many images at a time"
    if rows and "batch" in (rows[-1].norm or generator.norm).split("+"):
        yield "batch norm on the generator's output blurs its images"
