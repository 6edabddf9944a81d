"""What a run can reach in its time: the measured speed, and the images that it needs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

import torch

from dcgan.config import RunConfig, load_recipe, merge, parse_config, resolved, with_settings
from dcgan.data.quality.survey import Survey
from dcgan.health.expectation import images_needed
from dcgan.layer_tables import resolve_networks
from dcgan.runs.networks import Networks
from dcgan.runtime.wording import duration, rounded, size_text
from dcgan.training.planning.auto import choose_size, narrowed, resolve_auto
from dcgan.training.planning.memory_check import refuse_beyond_memory

SpeedTest = Callable[[RunConfig, Networks, torch.device], float]
"""Images per second of a configuration: :func:`dcgan.training.trial.images_per_second`."""

_TRAINING_SHARE = 0.85
"""Of a run's time; the rest goes to sheets, metrics, checkpoints and loading."""

_WIDE_FROM = 140_000
"""Images of usual width from which on wide networks learn more in the same time than narrow ones
(benchmarks/search.md)."""

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
        Images per second, all included, with networks of the usual width.
    needed : int
        Images until objects in samples can be recognized.
    images : int
        Of the whole run, unless it is bounded by time.
    narrow_speed : float, optional
        Images per second with narrow networks, where a run bounded by a short time gets them.
    """

    size: tuple[int, int]
    speed: float
    needed: int
    images: int
    narrow_speed: float | None = None

    def is_narrow_in(self, minutes: float) -> bool:
        """Whether a run of this time gets narrow networks."""
        return self.narrow_speed is not None and self.wide_images_in(minutes) < _WIDE_FROM

    def wide_images_in(self, minutes: float) -> int:
        """How many images networks of the usual width see in this time."""
        return round(60 * minutes * self.speed)

    def minutes_of(self, images: int) -> float:
        """How long so many images take with networks of the usual width."""
        return images / self.speed / 60

    def images_in(self, minutes: float) -> int:
        """How many images the run sees in this time."""
        return round(60 * minutes * self._speed_in(minutes))

    def until_recognizable(self, minutes: float) -> str:
        """How long the needed images take in a run of this time, in words."""
        return duration(self.needed / self._speed_in(minutes) / 60)

    def _speed_in(self, minutes: float) -> float:
        if self.narrow_speed is not None and self.is_narrow_in(minutes):
            return self.narrow_speed
        return self.speed


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
) -> tuple[RunConfig, list[str], Expectation | None]:
    """Choose a size that reaches a recognizable result in time, and say what to expect.

    If ``data.size`` is ``auto`` and ``length.minutes`` is set, the size is the largest of the usual
    one, three quarters, half and so on of it for which the measured speed allows enough images; the
    smallest if none does. A size that is set stays. Where networks of the usual width would see few
    images in the time, both get half of it, if neither width is set.

    Returns
    -------
    (RunConfig, list of str, Expectation or None)
        The strings are short lines about images, time, size and widths. The expectation is that of
        a run that is bounded by time.
    """
    minutes = config.length.minutes
    lines = list[str]()
    if minutes is None or config.data.size != "auto":
        chosen = expect(config, seen, device, speed_of, processes, minutes=minutes)
    else:
        usual_size = choose_size(seen.median_size, device.type)
        expected = partial(expect, config, seen, device, speed_of, processes, minutes=minutes)
        sizes = (expected(size=size) for size in _sizes_from(usual_size))
        usual, chosen = _chosen(sizes, minutes)
        if chosen is not usual:
            lines.append(_smaller(chosen, usual, minutes))
        config = with_settings(config, {"data": {"size": chosen.size}})
    if minutes is None:
        return config, _in_lines(chosen, None), None
    if chosen.is_narrow_in(minutes):
        resolved_config, _ = resolve_auto(config, seen, device, processes)
        config = narrowed(config, resolved_config) or config
        lines.append(
            f"networks of half the usual width, {config.model.generator.width}: with"
            f" {resolved_config.model.generator.width}, training would see about"
            f" {rounded(chosen.wide_images_in(minutes)):,} images in {duration(minutes)}, and learn"
            " less"
        )
    return config, lines + _in_lines(chosen, minutes), chosen


def _smaller(chosen: Expectation, usual: Expectation, minutes: float) -> str:
    """Why a smaller size than the usual one, and how to keep that."""
    height, width = usual.size
    larger = size_text(usual.size)
    return (
        f"training at {size_text(chosen.size)}: at {larger}, {duration(minutes)} would be about"
        f" {rounded(usual.images_in(minutes)):,} of the {usual.needed:,} images needed."
        f" `size={height if height == width else larger}` keeps {larger}"
    )


def _chosen(sizes: Iterable[Expectation], minutes: float) -> tuple[Expectation, Expectation]:
    """The usual size, which is the first, and the first that becomes recognizable in time; the
    last if none does."""
    looked_at = []
    for one in sizes:
        looked_at.append(one)
        if one.images_in(minutes) >= one.needed:
            break
    return looked_at[0], looked_at[-1]


def expect(
    config: RunConfig,
    seen: Survey,
    device: torch.device,
    speed_of: SpeedTest,
    processes: int = 1,
    *,
    size: tuple[int, int] | None = None,
    minutes: float | None = None,
) -> Expectation:
    """Measure the speed of this configuration on this machine, at its own size or another. Where
    the usual networks would see few images in these ``minutes``, narrow ones are measured, too."""
    if size is not None:
        config = with_settings(config, {"data": {"size": size}})

    def measured(config: RunConfig) -> float:
        networks = resolve_networks(config)
        refuse_beyond_memory(config, networks, device)
        return _TRAINING_SHARE * speed_of(config, networks, device) * processes

    usual, _ = resolve_auto(config, seen, device, processes)
    size, images = resolved(usual.data.size), resolved(usual.length.images or 0)
    needed = images_needed(size, resolved(usual.data.channels))
    expected = Expectation(size, measured(usual), needed, images)
    narrow = narrowed(config, usual)
    if minutes is None or narrow is None or expected.wide_images_in(minutes) >= _WIDE_FROM:
        return expected
    narrow, _ = resolve_auto(narrow, seen, device, processes)
    return replace(expected, narrow_speed=measured(narrow))


def still_needed(config: RunConfig, seen: int) -> int | None:
    """How many images recognizable ones need, if a run has seen fewer; known of planned networks
    only."""
    if config.model.generator.layers is not None:
        return None
    needed = images_needed(resolved(config.data.size), resolved(config.data.channels))
    return needed if seen < needed else None


def measure_sizes(
    seen: Survey, size: tuple[int, int], channels: int, device: torch.device, speed_of: SpeedTest
) -> list[Expectation]:
    """What to expect of the default recipe at this size and at the smaller ones that
    :func:`plan_size` may choose instead, largest first."""
    asked = parse_config(merge(load_recipe("auto"), {"data": {"channels": channels}}))
    # the time does not depend on which values are black and white, which may still be unknown
    seen = replace(seen, spreads=())
    # of no time at all: the length of the run is chosen later, and may be short
    expected = partial(expect, asked, seen, device, speed_of, minutes=0.0)
    return [expected(size=one) for one in _sizes_from(size)]


def outlook(
    sizes: Sequence[Expectation],
    *,
    minutes: float | None = None,
    images: int | None = None,
    size: tuple[int, int] | None = None,
) -> str | None:
    """What to expect of a run, in words; None of a size that has not been measured.

    Parameters
    ----------
    sizes : sequence of Expectation
        Of :func:`measure_sizes`.
    minutes, images : optional
        The length of the run: one of them.
    size : (height, width), optional
        Default: the size that :func:`plan_size` chooses.
    """
    if minutes is None:  # a run bounded by images has the usual networks
        sizes = [replace(one, narrow_speed=None) for one in sizes]
    if size is not None:
        found = [one for one in sizes if one.size == size]
        if not found:
            return None
        chosen = found[0]
    else:
        chosen = sizes[0] if minutes is None else _chosen(sizes, minutes)[1]
    long = chosen.minutes_of(images or 0) if minutes is None else minutes
    others = [
        f"at {size_text(one.size)}, about {one.until_recognizable(long)}"
        for one in reversed(sizes)
        if one is not chosen
    ]
    return "; ".join([outlook_at(chosen, long), *others])


def outlook_at(chosen: Expectation, minutes: float) -> str:
    """What to expect at one size, in words."""
    size, time = size_text(chosen.size), chosen.until_recognizable(minutes)
    if chosen.images_in(minutes) >= chosen.needed:
        return f"expect recognizable images at {size} after about {time}"
    return (
        f"in {duration(minutes)}, expect blurred images at {size}; recognizable ones need about"
        f" {time}"
    )


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
    if minutes is None:
        long = chosen.minutes_of(chosen.images)
        first = f"the run takes about {duration(long)} on this machine at its present load"
    else:
        seen, long = chosen.images_in(minutes), minutes
        first = f"in {duration(minutes)}, training sees about {rounded(seen):,} images"
    return [first, f"{outlook_at(chosen, long)} ({chosen.needed:,} images seen)"]
