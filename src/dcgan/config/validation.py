"""Combinations of settings that cannot work, refused before any work.

Whether a layer table's kernels fit is a question of shapes, answered by ``models.geometry`` when
the networks are planned, which is also before any work.
"""

from __future__ import annotations

from operator import attrgetter

from dcgan.config.tree import PENALTIES, DiscriminatorConfig, NetworkConfig, RunConfig
from dcgan.config.unused_settings import refuse_unused
from dcgan.errors import ConfigError

_LOOKING_AT_ALL = (
    ("objective.top_k", 1.0, "chooses among"),
    ("objective.dragan", 0.0, "takes the deviation of"),
    ("model.discriminator.minibatch_stddev", False, "takes the deviation of"),
)
"""Settings of what is a batch's and not an image's: key, value that turns it off, what it does."""

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
    """The activation of a network's last row; ``planned`` is what the planner would give it."""
    if network.layers is None:
        return planned
    return network.layers[-1].activation or network.activation


def uses_norm(network: NetworkConfig, norm: str) -> bool:
    """Whether any row of a network has this norm."""
    if network.layers is None:
        return norm in network.norm.split("+")
    return any(norm in (row.norm or network.norm).split("+") for row in network.layers)


def _one_length(config: RunConfig) -> None:
    given = {name: value for name, value in config.length if value is not None}
    if len(given) > 1:
        raise ConfigError("length", given, "give one of images, epochs and minutes")
    if not given:
        raise ConfigError("length", None, "give one of images, epochs and minutes, or images: auto")


def _latent_shape(config: RunConfig) -> None:
    latent = config.model.latent
    if latent.shape is not None:
        channels, height, width = latent.shape
        if channels * height * width != latent.dim:
            raise ConfigError(
                "model.latent.shape",
                list(latent.shape),
                f"holds {channels * height * width} numbers, model.latent.dim says {latent.dim}",
            )


def _conditions_need_a_vector(config: RunConfig) -> None:
    latent = config.model.latent
    if latent.shape is not None and _has_conditions(config):
        raise ConfigError(
            "model.latent.shape",
            list(latent.shape),
            "classes and codes are numbers beside the noise, which a latent viewed as a picture has"
            " no place for; leave the shape out",
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
            "images of a pack have one class and one code between them; set it to 1, or train"
            " without classes and codes",
        )
    if batch != "auto" and batch % pack != 0:
        raise ConfigError(
            "model.discriminator.pack", pack, f"it must divide the batch of {batch} images"
        )


def _one_image_is_no_batch(config: RunConfig) -> None:
    key = "batch" if config.optim.batch == 1 else "micro_batch"
    if getattr(config.optim, key) != 1:
        return
    option = "--batch" if key == "batch" else "--optim.micro-batch"
    for name in ("generator", "discriminator"):
        if uses_norm(getattr(config.model, name), "batch"):
            raise ConfigError(
                f"optim.{key}",
                1,
                f"batch norm in the {name} cannot normalise one image; take {option} 2 or more,"
                f" or --model.{name}.norm none",
            )
    if _uses_deviation(config.model.discriminator):
        raise ConfigError(
            f"optim.{key}",
            1,
            f"one image does not vary, as minibatch_stddev would have it; take {option} 2 or more",
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
            "a tanh generator only reaches [-1, 1] and standardised pixels lie outside; take"
            " symmetric, or give the generator's last row activation none",
        )


def _penalty_without_batch_norm(config: RunConfig) -> None:
    for name in PENALTIES:
        weight = getattr(config.objective, name)
        if weight != 0 and uses_norm(config.model.discriminator, "batch"):
            raise ConfigError(
                f"objective.{name}",
                weight,
                "a gradient penalty needs one gradient per image, and batch norm in the"
                " discriminator mixes them; take --model.discriminator.norm none or spectral",
            )


def _recomputed_weights_are_the_same(config: RunConfig) -> None:
    for name in ("generator", "discriminator"):
        if config.optim.recompute and uses_norm(getattr(config.model, name), "spectral"):
            raise ConfigError(
                "optim.recompute",
                True,
                f"spectral norm in the {name} moves its weights in every pass, so that a second one"
                f" is another; take --model.{name}.norm none, or a smaller --optim.micro-batch",
            )


def _smoothing_needs_targets(config: RunConfig) -> None:
    objective = config.objective
    for name, plain in (("real_target", 1.0), ("fake_target", 0.0)):
        value = getattr(objective, name)
        if value != plain and objective.loss not in _WITH_TARGETS:
            raise ConfigError(
                f"objective.{name}",
                value,
                f"loss {objective.loss} has no targets to smooth; leave it at {plain:g}, or take"
                f" --objective.loss {' or '.join(_WITH_TARGETS)}",
            )


def _smoothing_is_one_sided(config: RunConfig) -> None:
    objective = config.objective
    if objective.fake_target > 0 and not objective.force_two_sided:
        raise ConfigError(
            "objective.fake_target",
            objective.fake_target,
            "smoothing the target of generated images too makes D reward G for what it already"
            " draws; smooth real_target alone, or insist with --objective.force-two-sided",
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
            "nothing bounds the discriminator's slope, so its loss has no minimum; add"
            " --objective.wgan-gp 10, or --model.discriminator.norm spectral",
        )


def _warnings(config: RunConfig) -> list[str]:
    found = []
    generator = config.model.generator
    rows = generator.layers or ()
    if config.data.scaling == "standardized":
        found.append(
            "data.scaling standardized: no generator activation matches its range; symmetric"
            " scaling with tanh is the safe choice"
        )
    if generator.noise > 0 or any(row.noise for row in rows):
        found.append("instance noise in the generator keeps it from drawing clean images early on")
    if generator.dropout > 0 or any(row.dropout for row in rows):
        found.append("dropout in the generator leads to poor images; it belongs in D")
    if config.augment.policy == "colour" and config.data.channels in (1, 2):
        found.append("augment.policy colour: grey pictures have none, so nothing is augmented")
    micro, batch = config.optim.micro_batch, config.optim.batch
    if micro != "auto" and batch != "auto" and micro < batch:
        for name in ("generator", "discriminator"):
            if uses_norm(getattr(config.model, name), "batch"):
                found.append(
                    f"optim.micro_batch {micro}: batch norm in the {name} sees so many images, not"
                    f" the batch of {batch}"
                )
        for key, value, sees in _LOOKING_AT_ALL:
            if attrgetter(key)(config) != value:
                found.append(f"optim.micro_batch {micro}: {key} {sees} so many images at a time")
    if rows and "batch" in (rows[-1].norm or generator.norm).split("+"):
        found.append("batch norm on the generator's output blurs its images (S2, model 1)")
    return found
