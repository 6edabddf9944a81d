"""What a run can reach in the time it is given: measured speed against the images it needs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch

from dcgan.config import RunConfig, load_recipe, merge, parse_config, resolved
from dcgan.data.survey import Survey
from dcgan.training.planning.auto import choose_size, resolve_auto
from dcgan.training.planning.memory_check import refuse_beyond_memory
from dcgan.training.planning.tables import resolve_networks
from dcgan.training.trial import images_per_second

_NEEDED_PER_PIXEL = {"gray": 360, "colour": 900}
"""Images until objects in samples can be recognized, for each pixel of the longer side. Read from
the sheets of real runs of the default recipe: digits of MNIST at 28x28 after 10,000 images, faces
and figures of emoji at 32x32 after about 30,000 and at 64x64 after about 60,000."""

_TRAINING_SHARE = 0.85
"""Of a run's time; the rest goes to sheets, metrics, checkpoints and loading."""

_SMALLEST = 32
"""Smaller images train faster, but nothing can be recognized in them."""

_STEP = 8
"""Smaller sizes are multiples of this, so that networks can halve them three times."""


@dataclass(frozen=True)
class Plan:
    """What to expect of a run at one size.

    Parameters
    ----------
    size : (height, width)
    speed : float
        Images per second, all included.
    needed : int
        Images until objects in samples can be recognized.
    images : int
        Of the whole run, where time does not end it.
    """

    size: tuple[int, int]
    speed: float
    needed: int
    images: int

    def images_in(self, minutes: float) -> int:
        """How many images the run sees in this time."""
        return round(60 * minutes * self.speed)

    @property
    def minutes_needed(self) -> float:
        """How long it takes until objects can be recognized."""
        return self.needed / self.speed / 60


def can_be_planned(config: RunConfig) -> bool:
    """Whether time is the question, and the networks are those for which needs were measured."""
    is_open = config.length.minutes is not None or config.length.images == "auto"
    networks = (config.model.generator, config.model.discriminator)
    return is_open and all(network.layers is None for network in networks)


def plan_size(
    config: RunConfig, seen: Survey, device: torch.device, processes: int = 1
) -> tuple[RunConfig, str]:
    """Choose a size that reaches a recognizable result in time, and say what to expect.

    Where ``data.size`` is ``auto`` and ``length.minutes`` is given, the size is the largest of
    the usual one, three quarters, half and so on of it for which the measured speed allows
    enough images; the smallest if none does. A size that is given is kept.

    Returns
    -------
    (RunConfig, str)
        The string is one line about images, time and size.
    """
    minutes = config.length.minutes
    usual = choose_size(seen.median_size, device.type)
    is_open = config.data.size == "auto"
    if minutes is None or not is_open:
        chosen = expect(config, seen, device, processes)
        return config, _expectation(chosen, minutes, None)
    plans = []
    for size in _sizes_from(usual):
        plans.append(expect(_with(config, {"data": {"size": size}}), seen, device, processes))
        if plans[-1].images_in(minutes) >= plans[-1].needed:
            break
    chosen, larger = plans[-1], plans[0] if len(plans) > 1 else None
    return _with(config, {"data": {"size": chosen.size}}), _expectation(chosen, minutes, larger)


def expect(config: RunConfig, seen: Survey, device: torch.device, processes: int = 1) -> Plan:
    """Time a few steps of this configuration on this machine."""
    config, _ = resolve_auto(config, seen, device, processes)
    size, channels = resolved(config.data.size), resolved(config.data.channels)
    networks = resolve_networks(config)
    refuse_beyond_memory(config, networks, device, resolve_networks)
    speed = images_per_second(config, networks, device) * processes
    kind = "colour" if channels > 2 else "gray"
    needed = _NEEDED_PER_PIXEL[kind] * max(size)
    return Plan(size, _TRAINING_SHARE * speed, needed, resolved(config.length.images or 0))


def time_needed(seen: Survey, size: tuple[int, int], channels: int, device: torch.device) -> str:
    """How long the default recipe takes at this size on this machine, in words."""
    settings = {"data": {"size": size, "channels": channels}}
    asked = parse_config(merge(load_recipe("auto"), settings))
    # the time is the same whatever is black and white, which may still have to be given
    seen = replace(seen, spreads=())
    return _expectation(expect(asked, seen, device), None, None)


def _sizes_from(usual: tuple[int, int]) -> Iterator[tuple[int, int]]:
    """The usual size, then smaller ones of about its aspect."""
    yield usual
    longest = max(usual)
    for part in (0.75, 0.5, 0.375, 0.25):
        side = _STEP * round(part * longest / _STEP)
        if _SMALLEST <= side < longest:
            height, width = (max(16, 4 * round(side * one / longest / 4)) for one in usual)
            yield height, width


def _expectation(chosen: Plan, minutes: float | None, larger: Plan | None) -> str:
    """One line: how many images, whether they suffice, and what else could be done."""
    needs = f"recognizable images need about {_rounded(chosen.needed):,} at {_by(chosen.size)}"
    if minutes is None:
        whole = _in_words(chosen.images / chosen.speed / 60)
        return (
            f"the whole run takes about {whole} at the present speed; {needs}, about"
            f" {_in_words(chosen.minutes_needed)}"
        )
    reached = f"about {_rounded(chosen.images_in(minutes)):,} images in {_in_words(minutes)}"
    if larger is not None:
        side = str(larger.size[0]) if larger.size[0] == larger.size[1] else _by(larger.size)
        reached += (
            f"; at {_by(larger.size)} it would be about {_rounded(larger.images_in(minutes)):,} of"
            f" the {_rounded(larger.needed):,} needed for recognizable images: using"
            f" {_by(chosen.size)}; --size {side} keeps {_by(larger.size)}"
        )
    if chosen.images_in(minutes) >= chosen.needed:
        return reached if larger is not None else f"{reached}; {needs}"
    return f"{reached}; {needs}: expect blurs. About {_in_words(chosen.minutes_needed)} would do"


def _rounded(count: float) -> int:
    """Two digits: no estimate is more exact.

    >>> _rounded(18_432), _rounded(7)
    (18000, 7)
    """
    return int(float(f"{count:.2g}"))


def _in_words(minutes: float) -> str:
    """
    >>> _in_words(5), _in_words(0.4), _in_words(130)
    ('5 minutes', '24 seconds', '2.2 hours')
    """
    if minutes < 1:
        return f"{60 * minutes:.0f} seconds"
    return f"{minutes:.2g} minutes" if minutes < 100 else f"{minutes / 60:.2g} hours"


def _by(size: tuple[int, int]) -> str:
    return f"{size[0]}x{size[1]}"


def _with(config: RunConfig, settings: Mapping[str, Any]) -> RunConfig:
    return parse_config(merge(config.model_dump(mode="json"), settings))
