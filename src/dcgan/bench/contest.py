"""Time our steps and those of the standard example, with equal networks, batches and images.

N images · C channels · H, W sides
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, partial
from math import prod

import numpy as np
import torch
from numpy.typing import NDArray

from dcgan.bench.plain import PlainLoop
from dcgan.config import RunConfig, merge, parse_config, resolved
from dcgan.data import load_dataset, open_items
from dcgan.layer_tables import resolve_networks
from dcgan.runtime.device import DTYPES, synchronize
from dcgan.runtime.work import Work, work_of
from dcgan.training.build import build_batches, build_plan, build_state
from dcgan.training.rules import Batch, Players, Statistics
from dcgan.training.step import update

IMAGES, PIXELS = 2048, 2**25
"""Random images and their total pixels: fewer large images, so that a step needs more memory."""

WARM_UP = 3
"""Steps before timing, for allocations and the choice of kernels."""

Step = Callable[[], object]
"""One update of both players."""

Update = Callable[[Batch], Statistics]
"""One update of both players on a batch."""

Change = Callable[[Players, Update, Batch], Update]
"""Another way to compute the same update, given a batch like those that follow."""


@dataclass(frozen=True)
class Contestant:
    """A way to train. ``build`` returns its step function; ``rival`` is compared with it."""

    name: str
    build: Callable[[], Step]
    device: torch.device
    batch: int
    precision: torch.dtype = torch.float32
    rival: str | None = None

    @cached_property
    def step(self) -> Step:
        """One update of both players."""
        return self.build()


@dataclass(frozen=True)
class Result:
    """Images per second of each round, these divided by the rival's, and the work of one step."""

    contestant: Contestant
    rates: tuple[float, ...]
    ratios: tuple[float, ...]
    work: Work


def random_images(shape: tuple[int, int, int], least: int = 64) -> NDArray[np.uint8]:
    """Random images, uint8 (N, C, H, W), with N at least ``least``."""
    count = max(least, min(IMAGES, PIXELS // prod(shape)))
    return np.random.default_rng(0).integers(0, 256, (count, *shape), dtype=np.uint8)


def contestants(
    config: RunConfig, device: torch.device, precisions: Sequence[str], workers: int
) -> list[Contestant]:
    """The standard example and dcgan, each with its data loader and as a step alone.

    ``config`` has no ``auto``. ``precisions`` are those of dcgan's steps, ``workers`` the processes
    of the example's DataLoader.
    """
    batch = resolved(config.optim.batch)

    def enter(
        name: str, build: Callable[[], Step], dtype: torch.dtype = torch.float32, rival: str = ""
    ) -> Contestant:
        return Contestant(name, build, device, batch, dtype, rival or None)

    found = [
        enter("plain loop", partial(plain_steps, config, device, workers)),
        enter("plain step", partial(plain_step, config, device)),
    ]
    for precision in precisions:
        dtype = DTYPES[precision]
        ours = parse_config(merge(config.model_dump(mode="json"), {"precision": precision}))
        loop, alone = (partial(our_steps, ours, device, fresh=fresh) for fresh in (True, False))
        found += [
            enter(f"ours, {precision}", loop, dtype, "plain loop"),
            enter(f"our step, {precision}", alone, dtype, "plain step"),
        ]
    return found


def plain_steps(config: RunConfig, device: torch.device, workers: int) -> Step:
    """Steps of the standard example with its DataLoader."""
    pixels = random_images(resolve_networks(config).image_shape, resolved(config.optim.batch))
    steps = PlainLoop(config, pixels, workers=workers, device=device).steps()
    return lambda: next(steps)


def plain_step(config: RunConfig, device: torch.device) -> Step:
    """Steps of the standard example, always with the same images."""
    shape = resolve_networks(config).image_shape
    batch = resolved(config.optim.batch)
    loop = PlainLoop(config, random_images(shape, batch), workers=0, device=device)
    real_BCHW = torch.randn(batch, *shape, device=device).clamp(-1, 1)
    return lambda: loop.step(real_BCHW, loop.noise(batch))


def our_steps(
    config: RunConfig,
    device: torch.device,
    *,
    fresh: bool,
    tf32: bool = False,
    change: Change | None = None,
) -> Step:
    """Steps of :func:`dcgan.training.loop.fit`, with new batches or always the same.

    Training uses no TF32 and no ``change``.
    """
    networks = resolve_networks(config)
    shape = networks.image_shape
    pixels = random_images(shape, resolved(config.optim.batch))
    dataset = load_dataset(open_items(pixels), shape[1:], shape[0])
    state = build_state(config, networks, device)
    batches = build_batches(config, networks, dataset, device)
    plan = build_plan(config, batches, networks.latent, device)
    endless = batches.with_classes(0)
    first = next(endless)

    def next_batch(*, fresh: bool) -> Batch:
        real_BCHW, class_BK = next(endless) if fresh else first
        return Batch(real_BCHW, networks.latent.sample(batches.batch, state.latents), class_BK)

    def update_both(batch: Batch) -> Statistics:
        return update(state.players, batch, plan.rules, plan.step_plan(state))

    one_update: Update = update_both
    if change is not None:
        plan.prepare(state)
        with tf32_set_to(tf32):
            one_update = change(state.players, update_both, next_batch(fresh=False))

    def step() -> None:
        plan.prepare(state)
        with tf32_set_to(tf32):
            one_update(next_batch(fresh=fresh))
        state.images_seen += batches.batch
        state.discriminator_steps += 1
        state.average.update(state.players.generator, state.images_seen, batches.batch)

    return step


@contextmanager
def tf32_set_to(is_allowed: bool) -> Iterator[None]:
    """Whether a GPU may compute fp32 convolutions and matrix products in TF32."""
    convolutions, products = torch.backends.cudnn, torch.backends.cuda.matmul
    before = convolutions.allow_tf32, products.allow_tf32
    convolutions.allow_tf32 = products.allow_tf32 = is_allowed
    try:
        yield
    finally:
        convolutions.allow_tf32, products.allow_tf32 = before


def compete(
    entered: Sequence[Contestant], *, rounds: int, seconds: float
) -> Iterator[tuple[int, Mapping[str, float]]]:
    """Let each train for about ``seconds`` per round; yields images per second by name."""
    steps = {one.name: _steps_in(one, seconds) for one in entered}
    for number in range(rounds):
        found = {}
        for one in entered:
            took = _time(one, steps[one.name])
            found[one.name] = steps[one.name] * one.batch / took
        yield number, found


def results(entered: Sequence[Contestant], rates: Sequence[Mapping[str, float]]) -> list[Result]:
    """The rates of :func:`compete` by contestant."""
    return [
        Result(
            one,
            tuple(found[one.name] for found in rates),
            tuple(found[one.name] / found[one.rival] for found in rates) if one.rival else (),
            work_of(one.step),
        )
        for one in entered
    ]


def _steps_in(one: Contestant, seconds: float) -> int:
    """The number of steps that take about this long, timed after warm-up."""
    _time(one, WARM_UP)
    return max(1, round(seconds / _time(one, WARM_UP) * WARM_UP))


def _time(one: Contestant, steps: int) -> float:
    """Seconds that some steps take."""
    synchronize(one.device)
    began = time.perf_counter()
    for _ in range(steps):
        one.step()
    synchronize(one.device)
    return time.perf_counter() - began
