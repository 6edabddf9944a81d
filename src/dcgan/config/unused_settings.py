"""Settings that would go unnoticed: who gives one expects it to do something, so it is refused.

A recipe's own that somebody's settings leave without effect are no mistake: they are forgotten.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import reduce
from operator import attrgetter
from typing import Any, NamedTuple

from dcgan.config.parsing import parse_config
from dcgan.config.recipes import merge
from dcgan.config.tree import PENALTIES, RunConfig
from dcgan.errors import ConfigError

_OF_PLANS = ("width", "max_width", "dropout", "noise", "upsampling", "minibatch_stddev", "hidden")


class _Dependent(NamedTuple):
    """A setting that needs another one."""

    key: str
    is_used: Callable[[RunConfig], object]
    problem: str


def refuse_unused(config: RunConfig) -> None:
    """Raise ConfigError for the first setting that has no effect beside the others."""
    for one in _unused(config):
        raise ConfigError(one.key, attrgetter(one.key)(config), one.problem)
    _plan_settings_need_a_plan(config)


def forget_unused(recipe: Mapping[str, Any], asked: Mapping[str, Any]) -> dict[str, Any]:
    """A recipe with what was asked for on top, without what of the recipe has no effect then.

    Examples
    --------
    >>> recipe = {"objective": {"r1": 1.0, "penalties_fade_from": 400_000}}
    >>> forget_unused(recipe, {"objective": {"r1": 0.0}})["objective"]
    {'r1': 0.0, 'penalties_fade_from': 0}
    """
    settings = merge(recipe, asked)
    while True:
        found = [one for one in _unused(parse_config(settings)) if not _is_in(asked, one.key)]
        if not found:
            return settings
        for one in found:
            section, _, name = one.key.rpartition(".")
            default: Any = {name: attrgetter(one.key)(_DEFAULTS)}
            settings = merge(
                settings, reduce(lambda inner, key: {key: inner}, section.split(".")[::-1], default)
            )


def _unused(config: RunConfig) -> list[_Dependent]:
    """Those that are set to something and do nothing."""
    return [
        one
        for one in _DEPENDENT
        if attrgetter(one.key)(config) != attrgetter(one.key)(_DEFAULTS) and not one.is_used(config)
    ]


def _is_in(settings: Mapping[str, Any], key: str) -> bool:
    first, dot, rest = key.partition(".")
    return first in settings and (not dot or _is_in(settings[first] or {}, rest))


_DEFAULTS = RunConfig()
_SCHEDULE = "the rates are constant; add --optim.schedule linear or cosine"
_STEERED = "the probability is not steered; add --augment.probability adaptive"


def _has_noise(player: str) -> Callable[[RunConfig], object]:
    def has_noise(config: RunConfig) -> bool:
        network = getattr(config.model, player)
        return network.noise > 0 or any(row.noise for row in network.layers or ())

    return has_noise


def _uses_sgd(player: str) -> Callable[[RunConfig], object]:
    return lambda config: getattr(config.optim, player).algorithm == "sgd"


def _uses_adam(player: str) -> Callable[[RunConfig], object]:
    return lambda config: getattr(config.optim, player).algorithm != "sgd"


def _leaks(player: str) -> Callable[[RunConfig], object]:
    def leaks(config: RunConfig) -> bool:
        network = getattr(config.model, player)
        rows = network.layers or ()
        own = [row.activation or network.activation for row in rows] or [network.activation]
        return "leaky_relu" in own

    return leaks


def _augments(config: RunConfig) -> bool:
    return config.augment.policy != "none"


def _is_adaptive(config: RunConfig) -> bool:
    return config.augment.probability == "adaptive"


_DEPENDENT = (
    *(
        _Dependent(
            f"model.{player}.noise_until",
            _has_noise(player),
            f"there is no noise to fade; add --model.{player}.noise 0.1",
        )
        for player in ("generator", "discriminator")
    ),
    _Dependent(
        "objective.force_two_sided",
        lambda config: config.objective.fake_target,
        "one side is not smoothed; add --objective.fake-target 0.1",
    ),
    _Dependent(
        "objective.penalty_interval",
        lambda config: any(getattr(config.objective, name) for name in PENALTIES),
        "there is no penalty; add --objective.r1 1",
    ),
    _Dependent(
        "objective.penalties_fade_from",
        lambda config: any(getattr(config.objective, name) for name in PENALTIES),
        "there is no penalty to fade; add --objective.r1 1",
    ),
    _Dependent(
        "objective.penalties_fade_to",
        lambda config: config.objective.penalties_fade_from,
        "penalties do not fade; add --objective.penalties-fade-from 400000",
    ),
    _Dependent(
        "objective.top_k_ramp",
        lambda config: config.objective.top_k < 1,
        "G learns from all its images; add --objective.top-k 0.5",
    ),
    _Dependent(
        "objective.information",
        lambda config: config.model.latent.categorical or config.model.latent.continuous,
        "there are no codes to read; add --model.latent.categorical 10",
    ),
    _Dependent(
        "objective.information_continuous",
        lambda config: config.model.latent.continuous,
        "there are no continuous codes to read; add --model.latent.continuous 2",
    ),
    _Dependent(
        "augment.probability",
        _augments,
        "nothing is augmented; add --augment.policy colour+translation+cutout",
    ),
    _Dependent("augment.target", _is_adaptive, _STEERED),
    _Dependent("augment.images_to_one", _is_adaptive, _STEERED),
    *(
        _Dependent(
            f"optim.{player}.momentum",
            _uses_sgd(player),
            f"is SGD's, Adam has betas; add --optim.{player}.algorithm sgd",
        )
        for player in ("generator", "discriminator")
    ),
    *(
        _Dependent(
            f"optim.{player}.betas",
            _uses_adam(player),
            f"are Adam's, SGD has momentum; add --optim.{player}.algorithm adam",
        )
        for player in ("generator", "discriminator")
    ),
    *(
        _Dependent(
            f"model.{player}.slope",
            _leaks(player),
            f"no row leaks; add --model.{player}.activation leaky_relu",
        )
        for player in ("generator", "discriminator")
    ),
    *(
        _Dependent(key, lambda config: config.optim.schedule != "constant", _SCHEDULE)
        for key in ("optim.schedule_start", "optim.schedule_end")
    ),
    _Dependent(
        "average.ramp_up",
        lambda config: config.average.half_life,
        "nothing is averaged; add --average.half-life 5000",
    ),
    _Dependent(
        "metrics.every",
        lambda config: config.metrics.measure != "off",
        "nothing is measured; leave it out, or use --metrics.measure frechet",
    ),
    _Dependent(
        "metrics.patience",
        lambda config: config.metrics.measure != "off",
        "has nothing to go by when metrics.measure is off; take kernel or frechet",
    ),
)


def _plan_settings_need_a_plan(config: RunConfig) -> None:
    for player in ("generator", "discriminator"):
        network = getattr(config.model, player)
        if network.layers is None:
            continue
        for name, field in type(network).model_fields.items():
            value = getattr(network, name)
            if name in _OF_PLANS and value not in (field.default, "auto"):
                raise ConfigError(
                    f"model.{player}.{name}",
                    value,
                    f"has no effect on the layer table of recipe {config.recipe!r}; write it into"
                    " the table's rows, or take --recipe auto, which plans networks",
                )
