"""Set the class and the InfoGAN codes of latents."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from dcgan.errors import ConfigError, did_you_mean
from dcgan.runs.networks import Networks


def with_conditions(
    networks: Networks,
    latent_BZ: Tensor,
    *,
    label: str | None = None,
    codes: Mapping[int, float] | None = None,
) -> Tensor:
    """Latents with a class and codes set.

    ``label`` is the name of a class. ``codes`` maps the number of a code (from 1, categorical codes
    first) to its value: a category (from 0), or a number in about [-1, 1]. Raises ``ConfigError``
    for an unknown class, code or category.
    """
    latent = networks.latent
    if label is not None:
        refuse_no_classes(networks, "label", label)
        if label not in networks.class_names:
            raise ConfigError(
                "label", label, f"no such class; {did_you_mean(label, networks.class_names)}"
            )
        latent_BZ = latent.with_class(latent_BZ, networks.class_names.index(label))
    for number, value in (codes or {}).items():
        there = len(latent.categorical) + latent.continuous
        if not 1 <= number <= there:
            raise ConfigError(
                "codes",
                {number: value},
                f"use a code from 1 to {there}"
                if there
                else "this run has no codes. Train one with `model.latent.categorical=10`",
            )
        if number > len(latent.categorical):
            place = number - len(latent.categorical) - 1
            latent_BZ = latent.with_continuous(latent_BZ, place, value)
            continue
        values = latent.categorical[number - 1]
        if value not in range(values):
            raise ConfigError("codes", {number: value}, f"use a category from 0 to {values - 1}")
        latent_BZ = latent.with_category(latent_BZ, number - 1, int(value))
    return latent_BZ


def refuse_no_classes(networks: Networks, name: str, value: object) -> None:
    """Raise ``ConfigError`` for an argument that needs a run trained with labels."""
    if not networks.class_names:
        raise ConfigError(
            name,
            value,
            "this run has learned no classes. Train one with `model.condition=label`, or"
            " `model.condition=clusters`",
        )
