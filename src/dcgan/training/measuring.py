"""Measuring the averaged generator now and then, so that the best checkpoint is known and kept."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import torch
from numpy.typing import NDArray

from dcgan.data import Pictures, PixelScale
from dcgan.errors import DataError
from dcgan.metrics.extractor import Extractor
from dcgan.metrics.yardstick import Measure, Yardstick, distance_between
from dcgan.models.latents import LatentSpace
from dcgan.runs.folder import RunFolder
from dcgan.runs.real import chosen_order, take, two_samples
from dcgan.runs.scores import Measured, Scoreboard, read_scores
from dcgan.runtime.random import derived_seed
from dcgan.runtime.reporting import Reporter
from dcgan.training.loop import StopRequest
from dcgan.training.rules import Statistics
from dcgan.training.state import TrainingState

_BATCH = 64

_APART = 1.02
"""Images seen grow by at least this factor from one measurement to the next: in a long run more of
them would tell nothing new, and the luckiest of many noisy numbers would pass for the best."""

_TRIED_AT = 0.1
"""Seconds of allowance at which the cost of a measurement is first tried out; again whenever the
allowance has doubled, as one trial in a busy moment must not speak for a whole run."""


class MeasureHook:
    """Measures when it is affordable, has the checkpoints worth keeping saved, and stops a run
    that no longer gets better.

    The training state is only looked at: measuring more or less often changes nothing in it.

    Parameters
    ----------
    measure, extractor
        See :class:`dcgan.metrics.yardstick.Yardstick`.
    pictures : Pictures
        The real ones; at most half of them are compared with, the other half gives the floor.
    count : int
        Generated images of one measurement; where there are not twice as many real ones, half of
        those, so that value and floor rest on equal counts.
    share : float
        Most of the training time that measuring may take.
    patience : int, optional
        Ask to stop when so many images seen have brought nothing better.
    places : int
        How many of the best checkpoints are saved and kept.
    save : callable
        Saves a checkpoint of the state and returns its name.
    """

    def __init__(
        self,
        folder: RunFolder,
        reporter: Reporter,
        stop: StopRequest,
        save: Callable[[TrainingState], str],
        *,
        measure: Measure,
        extractor: Extractor,
        pictures: Pictures,
        count: int,
        share: float,
        patience: int | None,
        places: int,
        latent: LatentSpace,
        scale: PixelScale,
        seed: int,
    ) -> None:
        self._folder = folder
        self._reporter = reporter
        self._stop = stop
        self._save = save
        self._measure: Measure = measure
        self._extractor = extractor
        self._pictures = pictures
        self._count = min(count, len(pictures) // 2)
        self._share = share
        self._patience = patience
        self._places = places
        self._latent = latent
        self._scale = scale
        self._seed = seed
        self._yardstick: Yardstick | None = None
        self._cost: float | None = None
        self._tried_at = _TRIED_AT
        self._is_broken = False
        earlier = read_scores(folder)
        self._spent = self._told = sum(one.cost for one in earlier)
        self._measured_at = earlier[-1].images if earlier else 0
        self._board: Scoreboard | None = None
        if earlier:
            self._board = Scoreboard(folder, earlier[-1].score.protocol, places)

    def after_step(self, before: int, state: TrainingState, statistics: Statistics) -> None:
        del before, statistics
        # twice: what is left must do for the end as well
        if state.images_seen >= _APART * self._measured_at and self._affords(state, times=2):
            self.measure(state)

    def finish(self, state: TrainingState) -> None:
        """Measure the end of the run: what was measured before it must not pass for the best
        merely because the end was not. Where nothing was, only if it is affordable."""
        is_new = state.images_seen > self._measured_at
        if is_new and (self._measured_at > 0 or self._affords(state, times=1)):
            self.measure(state)

    def stop_if_over(self) -> None:
        """Ask to stop when patience is at an end."""
        if self._patience is None or self._board is None:
            return
        if self._board.since_gain() >= self._patience:
            self._stop.reason = (
                f"stopped early: nothing better than at {self._board.last_gain():,} images in"
                f" metrics.patience = {self._patience:,} images; a larger one goes on"
            )

    def measure(self, state: TrainingState) -> None:
        """Measure this moment; save it if it is among the best, and say so in ``best.json``."""
        try:
            self._measure_once(state)
        except (DataError, torch.OutOfMemoryError) as error:
            # what cannot be measured can still be trained
            self._is_broken = True
            self._reporter.note(f"not measured any more: {' '.join(str(error).split())}")

    def _measure_once(self, state: TrainingState) -> None:
        if self._is_broken:
            return
        if self._yardstick is None:
            with self._counted():
                self._yardstick = self._made_yardstick()
        began = self._spent
        with self._counted():
            score = self._yardstick.score(self._images(state, self._count))
            if self._board is None or self._board.protocol != score.protocol:
                self._board = Scoreboard(self._folder, score.protocol, self._places)
            name = self._save(state) if self._board.has_place_for(score) else None
        self._cost = self._spent - began
        self._measured_at = state.images_seen
        # with what was spent since the last entry on real images and on trying
        cost, self._told = self._spent - self._told, self._spent
        is_best = self._board.enter(Measured(state.images_seen, score, name, cost))
        self._reporter.measured(state.images_seen, score, is_best)
        self.stop_if_over()

    def _affords(self, state: TrainingState, *, times: int) -> bool:
        allowance = self._share * state.seconds - self._spent
        if self._is_broken or allowance < _TRIED_AT:
            return False
        if self._yardstick is None and allowance >= self._tried_at:
            before = self._spent
            cost = self._tried(state)
            self._cost = cost if self._cost is None else min(cost, self._cost)
            self._tried_at = max(2 * allowance, 4 * (self._spent - before))
        if self._cost is None:
            return False
        # at first, the real images and those of the floor are yet to be looked at
        return self._cost * (times if self._yardstick else times + 2) <= allowance

    def _tried(self, state: TrainingState) -> float:
        """What a measurement will cost, by two batches of it: the first makes ready."""
        batches = self._images(state, 2 * _BATCH)
        began = self._spent
        with self._counted():
            first = self._extractor(next(batches))
        of_start, began = self._spent - began, self._spent
        with self._counted():
            second = self._extractor(next(batches))
            rows = chosen_order(len(self._pictures))[:_BATCH]
            take(self._pictures, rows)  # decoded only now, where they are not held
        of_batch, began = self._spent - began, self._spent
        with self._counted():
            distance_between(self._measure, first, second)
        return of_start + of_batch * self._count / _BATCH + self._spent - began

    def _made_yardstick(self) -> Yardstick:
        reference, others, split = two_samples(self._pictures, self._count)
        return Yardstick.between(
            self._measure,
            self._extractor,
            reference,
            others,
            split=split,
            seed=derived_seed(self._seed, "metrics"),
        )

    def _images(self, state: TrainingState, count: int) -> Iterator[NDArray[np.uint8]]:
        """The same latents every time, in batches."""
        generator = state.average.ready(
            state.players.generator, self._latent, derived_seed(self._seed, "batch norm")
        )
        seed = derived_seed(self._seed, "metrics")
        for start in range(0, count, _BATCH):
            stop = min(count, start + _BATCH)
            latent_BZ = self._latent.numbered(seed, start, stop).to(state.device)
            with torch.inference_mode():
                pixel_BCHW = self._scale.denormalize(generator(latent_BZ)).cpu()
            yield pixel_BCHW.numpy()

    @contextmanager
    def _counted(self) -> Iterator[None]:
        began = time.perf_counter()
        yield
        self._spent += time.perf_counter() - began
