"""Refuses combinations of settings that cannot work, before any work.

Whether the shapes of a layer table fit is checked by ``models.geometry``, also before any work.
"""

from __future__ import annotations

from operator import attrgetter

from dcgan.config.model import DiscriminatorConfig, NetworkConfig
from dcgan.config.tree import PENALTIES, RunConfig
from dcgan.config.unused_settings import refuse_unused
from dcgan.errors import ConfigError

_LOOKING_AT_ALL = (
    ("objective.top_k", 1.0, "chooses among"),
    ("objective.dragan", 0.0, "takes the deviation of"),
    ("model.discriminator.minibatch_stddev", False, "takes the deviation of"),
)
"""Settings that depend on the whole batch: key, value that turns it off, what it does."""

_WITH_TARGETS = ("non-saturating", "saturating", "least-squares")


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
    _one_length(config)
    _latent_shape(config)
    _conditions_need_a_vector(config)
    _packs_are_whole(config)
    _one_image_is_no_batch(config)
    _tanh_needs_symmetric_pixels(config)
    _penalty_without_batch_norm(config)
    _recomputed_weights_are_the_same(config)
    _smoothing_needs_targets(config)
    _smoothing_is_one_sided(config)
    _wasserstein_needs_a_bound(config)
    refuse_unused(config)
    return _warnings(config)


def output_activation(network: NetworkConfig, planned: str) -> str:
    """The activation of a network's output layer; ``planned`` is that of a planned network."""
    if network.layers is None:
        return planned
    return network.layers[-1].activation or network.activation


def uses_norm(network: NetworkConfig, norm: str) -> bool:
    """Whether any layer of a network has this norm."""
    if network.layers is None:
        return norm in network.norm.split("+")
    return any(norm in (row.norm or network.norm).split("+") for row in network.layers)


def _one_length(config: RunConfig) -> None:
    given = {name: value for name, value in config.length if value is not None}
    if len(given) != 1:
        problem = "must be only one of `images`, `epochs`, `minutes`"
        raise ConfigError("length", given or None, problem + ("" if given else ", or images: auto"))


def _latent_shape(config: RunConfig) -> None:
    latent = config.model.latent
    if latent.shape is not None:
        channels, height, width = latent.shape
        if channels * height * width != latent.dim:
            raise ConfigError(
                "model.latent.shape",
                list(latent.shape),
                f"has {channels * height * width} numbers, but `model.latent.dim` is {latent.dim}",
            )


def _conditions_need_a_vector(config: RunConfig) -> None:
    latent = config.model.latent
    if latent.shape is not None and _has_conditions(config):
        raise ConfigError(
            "model.latent.shape",
            list(latent.shape),
            "a latent with a shape has no room for classes and codes. Leave the shape out",
        )


def _has_conditions(config: RunConfig) -> bool:
    latent = config.model.latent
    return config.model.condition is not None or bool(latent.categorical) or latent.continuous > 0


def _packs_are_whole(config: RunConfig) -> None:
    pack, batch = config.model.discriminator.pack, config.optim.batch
    if pack == 1:
        return
    if _has_conditions(config):
        raise ConfigError(
            "model.discriminator.pack",
            pack,
            "the images of a pack cannot have classes or codes of their own. Set it to 1, or train"
            " without classes and codes",
        )
    if batch != "auto" and batch % pack != 0:
        raise ConfigError(
            "model.discriminator.pack", pack, f"must divide the batch of {batch} images"
        )


def _one_image_is_no_batch(config: RunConfig) -> None:
    key = "batch" if config.optim.batch == 1 else "micro_batch"
    if getattr(config.optim, key) != 1:
        return
    larger = "`batch=2`" if key == "batch" else "`optim.micro_batch=2`"
    for name in ("generator", "discriminator"):
        if uses_norm(getattr(config.model, name), "batch"):
            raise ConfigError(
                f"optim.{key}",
                1,
                f"batch norm in the {name} cannot normalize one image. Use {larger} or more, or"
                f" `model.{name}.norm=none`",
            )
    if _uses_deviation(config.model.discriminator):
        raise ConfigError(
            f"optim.{key}",
            1,
            f"minibatch_stddev needs images to compare. Use {larger} or more",
        )


def _uses_deviation(network: DiscriminatorConfig) -> bool:
    return network.minibatch_stddev or any(row.minibatch_stddev for row in network.layers or ())


def _tanh_needs_symmetric_pixels(config: RunConfig) -> None:
    if config.data.scaling != "standardized":
        return
    if output_activation(config.model.generator, planned="tanh") == "tanh":
        raise ConfigError(
            "data.scaling",
            "standardized",
            "a generator that ends in tanh reaches [-1, 1], and standardized pixels lie outside."
            " Use `data.scaling=symmetric`, or a table whose output layer has activation none",
        )


def _penalty_without_batch_norm(config: RunConfig) -> None:
    for name in PENALTIES:
        weight = getattr(config.objective, name)
        if weight != 0 and uses_norm(config.model.discriminator, "batch"):
            raise ConfigError(
                f"objective.{name}",
                weight,
                "a gradient penalty needs one gradient per image, and batch norm in the"
                " discriminator mixes them. Use `model.discriminator.norm=none` or spectral",
            )


def _recomputed_weights_are_the_same(config: RunConfig) -> None:
    for name in ("generator", "discriminator"):
        if config.optim.recompute and uses_norm(getattr(config.model, name), "spectral"):
            raise ConfigError(
                "optim.recompute",
                True,
                f"spectral norm in the {name} changes its weights in every pass, so that a second"
                f" pass gives another result. Use `model.{name}.norm=none`, or a smaller"
                " `optim.micro_batch` instead",
            )


def _smoothing_needs_targets(config: RunConfig) -> None:
    objective = config.objective
    for name, plain in (("real_target", 1.0), ("fake_target", 0.0)):
        value = getattr(objective, name)
        if value != plain and objective.loss not in _WITH_TARGETS:
            raise ConfigError(
                f"objective.{name}",
                value,
                f"loss {objective.loss} has no targets. Set it to {plain:g}, or use"
                f" `objective.loss={_WITH_TARGETS[0]}` or {' or '.join(_WITH_TARGETS[1:])}",
            )


def _smoothing_is_one_sided(config: RunConfig) -> None:
    objective = config.objective
    if objective.fake_target > 0 and not objective.force_two_sided:
        raise ConfigError(
            "objective.fake_target",
            objective.fake_target,
            "a smoothed target of generated images makes the discriminator reward the generator"
            " for what it already generates. Use only `objective.real_target`, or"
            " `objective.force_two_sided=true`",
        )


def _wasserstein_needs_a_bound(config: RunConfig) -> None:
    objective = config.objective
    lasts = objective.penalties_fade_from == 0 or objective.penalties_fade_to > 0
    bounded = (
        (lasts and any(getattr(objective, name) != 0 for name in PENALTIES))
        or objective.clip_weights is not None
        or uses_norm(config.model.discriminator, "spectral")
    )
    if objective.loss == "wasserstein" and not bounded:
        raise ConfigError(
            "objective.loss",
            "wasserstein",
            "nothing bounds the discriminator's slope, so its loss has no minimum. Add"
            " `objective.wgan_gp=10`, or `model.discriminator.norm=spectral`",
        )


def _warnings(config: RunConfig) -> list[str]:
    found = []
    generator = config.model.generator
    rows = generator.layers or ()
    if config.data.scaling == "standardized":
        found.append(
            "`data.scaling=standardized`: no activation of a generator has its range."
            " `data.scaling=symmetric` with tanh is the safe choice"
        )
    if generator.noise > 0 or any(row.noise for row in rows):
        found.append(
            "`model.generator.noise`: keeps the generator from clean images early in training"
        )
    if generator.dropout > 0 or any(row.dropout for row in rows):
        found.append("`model.generator.dropout`: makes images worse; use it in the discriminator")
    if config.augment.policy == "colour" and config.data.channels in (1, 2):
        found.append("`augment.policy=colour`: gray images have no color, so nothing is augmented")
    micro, batch = config.optim.micro_batch, config.optim.batch
    if micro != "auto" and batch != "auto" and micro < batch:
        for name in ("generator", "discriminator"):
            if uses_norm(getattr(config.model, name), "batch"):
                found.append(
                    f"`optim.micro_batch={micro}`: batch norm in the {name} sees so many images,"
                    f" not the batch of {batch}"
                )
        for key, value, sees in _LOOKING_AT_ALL:
            if attrgetter(key)(config) != value:
                found.append(
                    f"`optim.micro_batch={micro}`: `{key}` {sees} so many images at a time"
                )
    if rows and "batch" in (rows[-1].norm or generator.norm).split("+"):
        found.append("batch norm on the generator's output blurs its images")
    return found
