"""What a run can reach in its time: the measured speed, and the images that it needs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import torch

from dcgan.config import RunConfig, load_recipe, merge, parse_config, resolved, with_settings
from dcgan.data.quality.survey import Survey
from dcgan.health.expectation import images_needed
from dcgan.layer_tables import resolve_networks
from dcgan.runs.networks import Networks
from dcgan.runtime.wording import duration, rounded
from dcgan.training.planning.auto import choose_size, resolve_auto
from dcgan.training.planning.memory_check import refuse_beyond_memory

SpeedTest = Callable[[RunConfig, Networks, torch.device], float]
"""Images per second of a configuration: :func:`dcgan.training.trial.images_per_second`."""

_TRAINING_SHARE = 0.85
"""Of a run's time; the rest goes to sheets, metrics, checkpoints and loading."""

_SMALLEST = 32
"""Nothing can be recognized in smaller images."""

_STEP = 8
"""Smaller sizes are multiples of this, so that networks can halve them three times."""


@dataclass(frozen=True)
class Expectation:
    """What to expect of a run at one size.

    Parameters
    ----------
    size : (height, width)
    speed : float
        Images per second, all included.
    needed : int
        Images until objects in samples can be recognized.
    images : int
        Of the whole run, unless it is bounded by time.
    """

    size: tuple[int, int]
    speed: float
    needed: int
    images: int

    def images_in(self, minutes: float) -> int:
        """How many images the run sees in this time."""
        return round(60 * minutes * self.speed)

    def time_of(self, images: int) -> str:
        """How long so many images take, in words."""
        return duration(images / self.speed / 60)


def can_be_planned(config: RunConfig) -> bool:
    """Whether the length is open or a time, and the networks are those whose needs are known."""
    is_open = config.length.minutes is not None or config.length.images == "auto"
    networks = (config.model.generator, config.model.discriminator)
    return is_open and all(network.layers is None for network in networks)


def plan_size(
    config: RunConfig,
    seen: Survey,
    device: torch.device,
    speed_of: SpeedTest,
    processes: int = 1,
) -> tuple[RunConfig, list[str], int | None]:
    """Choose a size that reaches a recognizable result in time, and say what to expect.

    If ``data.size`` is ``auto`` and ``length.minutes`` is set, the size is the largest of the usual
    one, three quarters, half and so on of it for which the measured speed allows enough images; the
    smallest if none does. A size that is set stays.

    Returns
    -------
    (RunConfig, list of str, int or None)
        The strings are short lines about images, time and size. The number is how many images the
        run is expected to see, if it is bounded by time.
    """
    minutes = config.length.minutes
    if minutes is None or config.data.size != "auto":
        expected = expect(config, seen, device, speed_of, processes)
        images = None if minutes is None else expected.images_in(minutes)
        return config, _in_lines(expected, minutes), images
    sizes = []
    for size in _sizes_from(choose_size(seen.median_size, device.type)):
        asked = with_settings(config, {"data": {"size": size}})
        sizes.append(expect(asked, seen, device, speed_of, processes))
        if sizes[-1].images_in(minutes) >= sizes[-1].needed:
            break
    usual, chosen = sizes[0], sizes[-1]
    lines = _in_lines(chosen, minutes)
    if chosen is not usual:
        height, width = usual.size
        keep = height if height == width else _by(usual.size)
        lines.insert(
            0,
            f"training at {_by(chosen.size)}: at {_by(usual.size)}, {duration(minutes)} would be"
            f" about {rounded(usual.images_in(minutes)):,} of the {rounded(usual.needed):,}"
            f" images needed. `size={keep}` keeps {_by(usual.size)}",
        )
    config = with_settings(config, {"data": {"size": chosen.size}})
    return config, lines, chosen.images_in(minutes)


def expect(
    config: RunConfig,
    seen: Survey,
    device: torch.device,
    speed_of: SpeedTest,
    processes: int = 1,
) -> Expectation:
    """Measure the speed of this configuration on this machine."""
    config, _ = resolve_auto(config, seen, device, processes)
    size, channels = resolved(config.data.size), resolved(config.data.channels)
    networks = resolve_networks(config)
    refuse_beyond_memory(config, networks, device)
    speed = _TRAINING_SHARE * speed_of(config, networks, device) * processes
    needed = images_needed(size, channels)
    return Expectation(size, speed, needed, resolved(config.length.images or 0))


def still_needed(config: RunConfig, seen: int) -> int | None:
    """How many images recognizable ones need, if a run has seen fewer; known of planned networks
    only."""
    if config.model.generator.layers is not None:
        return None
    needed = images_needed(resolved(config.data.size), resolved(config.data.channels))
    return needed if seen < needed else None


def time_needed(
    seen: Survey, size: tuple[int, int], channels: int, device: torch.device, speed_of: SpeedTest
) -> str:
    """How long the default recipe takes at this size on this machine, in words."""
    settings = {"data": {"size": size, "channels": channels}}
    asked = parse_config(merge(load_recipe("auto"), settings))
    # the time does not depend on which values are black and white, which may still be unknown
    seen = replace(seen, spreads=())
    return "; ".join(_in_lines(expect(asked, seen, device, speed_of), None))


def _sizes_from(usual: tuple[int, int]) -> Iterator[tuple[int, int]]:
    """The usual size, then smaller ones of about its aspect."""
    yield usual
    longest = max(usual)
    for part in (0.75, 0.5, 0.375, 0.25):
        side = _STEP * round(part * longest / _STEP)
        if _SMALLEST <= side < longest:
            height, width = (max(16, 4 * round(side * one / longest / 4)) for one in usual)
            yield height, width


def _in_lines(chosen: Expectation, minutes: float | None) -> list[str]:
    """How long the run takes or how many images it sees, and when to expect what."""
    needed = f"{rounded(chosen.needed):,} images seen"
    expected = f"expect recognizable images after about {chosen.time_of(chosen.needed)} ({needed})"
    if minutes is None:
        time = chosen.time_of(chosen.images)
        return [f"the run takes about {time} on this machine at its present load", expected]
    seen = chosen.images_in(minutes)
    lines = [f"in {duration(minutes)}, training sees about {rounded(seen):,} images"]
    if seen >= chosen.needed:
        return [*lines, expected]
    return [
        *lines,
        f"expect blurred images: recognizable ones need about {needed} at {_by(chosen.size)}, in"
        f" about {chosen.time_of(chosen.needed)}",
    ]


def _by(size: tuple[int, int]) -> str:
    return f"{size[0]}x{size[1]}"
