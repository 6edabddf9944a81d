"""Settings without effect: the user's own are refused, a recipe's are reset.

Whoever sets something expects an effect. A recipe's setting that loses its effect because of the
user's settings is no mistake.
"""

from __future__ import annotations

from collections.abc import Mapping
from operator import attrgetter
from typing import Any

from dcgan.config.parsing import parse_config
from dcgan.config.recipes import merge, nested
from dcgan.config.tree import PENALTIES, RunConfig
from dcgan.errors import ConfigError

_OF_PLANS = ("width", "max_width", "dropout", "noise", "upsampling", "minibatch_stddev", "hidden")

_OF_ROWS = ("dropout", "noise")
"""Those that the rows of a table have, too."""

_DEFAULTS = RunConfig()


def refuse_unused(config: RunConfig) -> None:
    """Raise ConfigError for the first setting that has no effect because of the others."""
    for key, reason in _unused(config).items():
        raise ConfigError(key, attrgetter(key)(config), f"has no effect because {reason}")
    for player in ("generator", "discriminator"):
        network = getattr(config.model, player)
        if network.layers is None:
            continue
        for name, field in type(network).model_fields.items():
            value = getattr(network, name)
            if name in _OF_PLANS and value not in (field.default, "auto"):
                raise _no_effect_on_table(config, f"model.{player}.{name}", value)


def forget_unused(recipe: Mapping[str, Any], asked: Mapping[str, Any]) -> dict[str, Any]:
    """The user's settings over a recipe, without settings of the recipe that then have no effect.

    Examples
    --------
    >>> recipe = {"objective": {"r1": 1.0, "penalties_fade_from": 400_000}}
    >>> forget_unused(recipe, {"objective": {"r1": 0.0}})["objective"]
    {'r1': 0.0, 'penalties_fade_from': 0}

    Raises
    ------
    ConfigError
        The user switches off what the rows of a layer table have themselves, such as dropout.
    """
    settings = merge(recipe, asked)
    config = parse_config(settings)
    for player in ("generator", "discriminator"):
        network = getattr(config.model, player)
        for name in _OF_ROWS:
            key, value = f"model.{player}.{name}", getattr(network, name)
            is_kept = any((getattr(row, name) or 0) != value for row in network.layers or ())
            if is_kept and _is_in(asked, key):
                raise _no_effect_on_table(config, key, value)
    while found := [key for key in _unused(parse_config(settings)) if not _is_in(asked, key)]:
        for key in found:
            settings = merge(settings, nested(key, attrgetter(key)(_DEFAULTS)))
    return settings


def _no_effect_on_table(config: RunConfig, key: str, value: object) -> ConfigError:
    return ConfigError(
        key,
        value,
        f"has no effect on the layer table of recipe {config.recipe!r}. Set it in the layers of the"
        " table, or use `recipe=auto`, which plans networks",
    )


def _is_in(settings: Mapping[str, Any], key: str) -> bool:
    first, dot, rest = key.partition(".")
    return first in settings and (not dot or _is_in(settings[first] or {}, rest))


def _unused(config: RunConfig) -> dict[str, str]:
    """Settings that differ from their default and have no effect, each with the reason."""
    needs: list[tuple[str, object, str]] = []
    for player in ("generator", "discriminator"):
        network, optimizer = getattr(config.model, player), getattr(config.optim, player)
        rows = network.layers or ()
        activations = [row.activation or network.activation for row in rows]
        needs += [
            (
                f"model.{player}.noise_until",
                network.noise > 0 or any(row.noise for row in rows),
                f"there is no noise to fade. Set `model.{player}.noise=0.1`",
            ),
            (
                f"model.{player}.slope",
                "leaky_relu" in (activations or [network.activation]),
                f"no layer uses leaky_relu. Set `model.{player}.activation=leaky_relu`",
            ),
            (
                f"optim.{player}.momentum",
                optimizer.algorithm == "sgd",
                f"it is for SGD; Adam has betas. Set `optim.{player}.algorithm=sgd`",
            ),
            (
                f"optim.{player}.betas",
                optimizer.algorithm != "sgd",
                f"they are for Adam; SGD has momentum. Set `optim.{player}.algorithm=adam`",
            ),
        ]
    objective, latent = config.objective, config.model.latent
    has_penalty = any(getattr(objective, name) for name in PENALTIES)
    is_adaptive = config.augment.probability == "adaptive"
    falls = config.optim.schedule != "constant"
    is_scored = config.metrics.metric != "off"
    constant = "the learning rates are constant. Set `optim.schedule=linear` or cosine"
    fixed = "the probability is fixed. Set `augment.probability=adaptive`"
    off = "there are no scores. Set `metrics.metric=frechet`"
    needs += [
        (
            "objective.force_two_sided",
            objective.fake_target,
            "the target of generated images is not smoothed. Set `objective.fake_target=0.1`",
        ),
        ("objective.penalty_interval", has_penalty, "there is no penalty. Set `objective.r1=1`"),
        (
            "objective.penalties_fade_from",
            has_penalty,
            "there is no penalty to fade. Set `objective.r1=1`",
        ),
        (
            "objective.penalties_fade_to",
            objective.penalties_fade_from,
            "penalties do not fade. Set `objective.penalties_fade_from=400000`",
        ),
        (
            "objective.top_k_ramp",
            objective.top_k < 1,
            "the generator learns from all its images. Set `objective.top_k=0.5`",
        ),
        (
            "objective.information",
            latent.categorical or latent.continuous,
            "the latent has no codes. Set `model.latent.categorical=10`",
        ),
        (
            "objective.information_continuous",
            latent.continuous,
            "the latent has no continuous codes. Set `model.latent.continuous=2`",
        ),
        (
            "augment.probability",
            config.augment.policy != "none",
            "nothing is augmented. Set `augment.policy=color+translation+cutout`",
        ),
        ("augment.target", is_adaptive, fixed),
        ("augment.images_to_one", is_adaptive, fixed),
        ("optim.schedule_start", falls, constant),
        ("optim.schedule_end", falls, constant),
        (
            "average.ramp_up",
            config.average.half_life,
            "nothing is averaged. Set `average.half_life=5000`",
        ),
        ("metrics.every", is_scored, off),
        ("metrics.patience", is_scored, off),
    ]
    return {
        key: reason
        for key, is_used, reason in needs
        if not is_used and attrgetter(key)(config) != attrgetter(key)(_DEFAULTS)
    }
