"""Measuring the averaged generator now and then, so that the best checkpoint is known and kept."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import numpy as np
import torch
from numpy.typing import NDArray

from dcgan.data import ImageDataset, PixelScale
from dcgan.errors import DataError
from dcgan.evaluation.real_images import two_samples
from dcgan.metrics.distance import DistanceToReal
from dcgan.metrics.extractor import Extractor
from dcgan.models.latents import LatentSpace
from dcgan.runs.folder import RunFolder
from dcgan.runs.scores import Measured, Scoreboard, read_scores
from dcgan.runtime.reporting import Reporter
from dcgan.runtime.rng import derived_seed
from dcgan.training.loop import StopRequest
from dcgan.training.rules import Statistics
from dcgan.training.state import TrainingState
from dcgan.training.tensorboard_log import TensorBoardLog
from dcgan.training.planning.triggers import Widening
from dcgan.vocabulary import Distance

_BATCH = 64

_EARLY = 8
"""The first measurement comes after this part of the interval, the next after twice as many images
seen, and so on until the interval is reached: a short run has several, too."""

_LATE = 50
"""Intervals from which on images seen grow by this part from one measurement to the next: in a long
run more of them would tell nothing new, and the luckiest of many noisy numbers would pass for the
best."""


def measuring_schedule(every: int) -> Widening:
    """When to measure, by images seen; ``every`` is the usual interval."""
    return Widening(first=every / _EARLY, every=every, dense=1, sparse=_LATE)


class MeasureHook:
    """Measures when enough images have been seen, has the checkpoints worth keeping saved, and
    stops a run that no longer gets better.

    The training state is only looked at: measuring more or less often changes nothing in it.

    Parameters
    ----------
    measure, extractor
        See :class:`dcgan.metrics.distance.DistanceToReal`.
    dataset : Pictures
        The real ones; at most half of them are compared with, the other half gives the floor.
    count : int
        Generated images of one measurement, at most half as many as there are real ones, so that
        value and floor rest on equal counts.
    schedule : Widening
    patience : int, optional
        Ask to stop when so many images seen have brought nothing better.
    places : int
        How many of the best checkpoints are saved and kept.
    save : callable
        Saves a checkpoint of the state and returns its name.
    tensorboard : TensorBoardLog, optional
    """

    def __init__(
        self,
        folder: RunFolder,
        reporter: Reporter,
        stop: StopRequest,
        save: Callable[[TrainingState], str],
        *,
        measure: Distance,
        extractor: Extractor,
        dataset: ImageDataset,
        count: int,
        schedule: Widening,
        patience: int | None,
        places: int,
        latent: LatentSpace,
        scale: PixelScale,
        seed: int,
        tensorboard: TensorBoardLog | None,
    ) -> None:
        self._folder = folder
        self._reporter = reporter
        self._stop = stop
        self._save = save
        self._measure: Distance = measure
        self._extractor = extractor
        self._dataset = dataset
        self._count = count
        self._schedule = schedule
        self._patience = patience
        self._places = places
        self._latent = latent
        self._scale = scale
        self._seed = seed
        self._tensorboard = tensorboard
        self._distance_to_real: DistanceToReal | None = None
        self._is_broken = False
        earlier = read_scores(folder)
        self._measured_at = earlier[-1].images if earlier else 0
        self._board: Scoreboard | None = None
        if earlier:
            self._board = Scoreboard(folder, earlier[-1].score.protocol, places)

    def begin(self, state: TrainingState, batch: int) -> None:
        """Take the measurement that a kill cut short, and ask to stop when patience was at an end
        already.

        Parameters
        ----------
        batch : int
            Images per step.
        """
        images = state.images_seen
        if images > self._measured_at and self._schedule.passed(images - batch, images):
            self.measure(state)
        self._stop_if_over()

    def after_step(self, before: int, state: TrainingState, statistics: Statistics) -> None:
        del statistics
        if self._schedule.passed(before, state.images_seen):
            self.measure(state)

    def finish(self, state: TrainingState) -> None:
        """Measure the end of a run that was measured before: what came earlier must not pass for
        the best merely because the end was not measured."""
        if 0 < self._measured_at < state.images_seen:
            self.measure(state)

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
        began = time.perf_counter()
        if self._distance_to_real is None:
            self._distance_to_real = self._new_distance()
        score = self._distance_to_real.score(self._images(state))
        if self._board is None or self._board.protocol != score.protocol:
            self._board = Scoreboard(self._folder, score.protocol, self._places)
        name = self._save(state) if self._board.has_place_for(score) else None
        self._measured_at = state.images_seen
        cost = time.perf_counter() - began
        is_best = self._board.enter(Measured(state.images_seen, score, name, cost))
        self._reporter.measured(state.images_seen, score, is_best)
        if self._tensorboard is not None:
            self._tensorboard.write_score(state.images_seen, score, self._board.best()[0].score)
        self._stop_if_over()

    def _stop_if_over(self) -> None:
        """Ask to stop when patience is at an end."""
        if self._patience is None or self._board is None:
            return
        if self._board.since_gain() >= self._patience:
            self._stop.reason = (
                f"stopped early: nothing better than at {self._board.last_gain():,} images in"
                f" metrics.patience = {self._patience:,} images; a larger one goes on"
            )

    def _new_distance(self) -> DistanceToReal:
        reference, others, split = two_samples(self._dataset, self._count)
        return DistanceToReal.between(
            self._measure,
            self._extractor,
            reference,
            others,
            split=split,
            seed=derived_seed(self._seed, "metrics"),
        )

    def _images(self, state: TrainingState) -> Iterator[NDArray[np.uint8]]:
        """Of the same latents every time, in batches."""
        generator = state.average.ready(
            state.players.generator, self._latent, derived_seed(self._seed, "batch norm")
        )
        seed = derived_seed(self._seed, "metrics")
        for start in range(0, self._count, _BATCH):
            stop = min(self._count, start + _BATCH)
            latent_BZ = self._latent.numbered(seed, start, stop).to(state.device)
            with torch.inference_mode():
                pixel_BCHW = self._scale.denormalize(generator(latent_BZ)).cpu()
            yield pixel_BCHW.numpy()
