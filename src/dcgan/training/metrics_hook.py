"""Scores the averaged generator during training, so that the best checkpoint is known and kept."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import numpy as np
import torch
from numpy.typing import NDArray

from dcgan.config import RunConfig, resolved
from dcgan.data import ImageDataset
from dcgan.errors import DataError
from dcgan.evaluation.network_signs import network_signs
from dcgan.evaluation.score_and_signs import ScoreAndSigns
from dcgan.runs.scores import Measured, Scoreboard, read_scores
from dcgan.runtime.memory import is_out_of_memory
from dcgan.runtime.rng import derived_seed
from dcgan.training.context import RunContext
from dcgan.training.loop import StopRequest
from dcgan.training.planning.triggers import Widening
from dcgan.training.rules import Statistics
from dcgan.training.state import TrainingState
from dcgan.training.tensorboard_log import TensorBoardLog

_BATCH = 64

_EARLY = 8
"""The first score comes after the interval divided by this, the next after twice as many images
seen, and so on up to the interval: a short run has several scores, too."""

_LATE = 50
"""From so many intervals on, images seen grow by one part in this many between scores. In a long
run more scores would say nothing new, and the luckiest of many noisy ones would count as best."""


def measuring_schedule(every: int) -> Widening:
    """When to score, by images seen; ``every`` is the usual interval."""
    return Widening(first=every / _EARLY, every=every, dense=1, sparse=_LATE)


def measured_images(config: RunConfig, dataset: ImageDataset) -> int:
    """Generated images of one score; as many real ones are needed twice, the second time for the
    real-image baseline."""
    return min(config.metrics.images, len(dataset) // 2)


class MeasureHook:
    """Scores when enough images have been seen, saves the checkpoints worth keeping, and stops a
    run that no longer improves.

    It only reads the training state: scoring more or less often changes nothing in it.

    Parameters
    ----------
    run : RunContext
    stop : StopRequest
    save : callable
        Saves a checkpoint of the state and returns its name.
    tensorboard : TensorBoardLog, optional
    """

    def __init__(
        self,
        run: RunContext,
        stop: StopRequest,
        save: Callable[[TrainingState], str],
        tensorboard: TensorBoardLog | None,
    ) -> None:
        self._run = run
        self._stop = stop
        self._save = save
        self._tensorboard = tensorboard
        self._count = measured_images(run.config, run.dataset)
        self._schedule = measuring_schedule(resolved(run.config.metrics.every))
        self._places = run.config.records.keep_best
        self._compare: ScoreAndSigns | None = None
        self._is_broken = False
        earlier = read_scores(run.folder)
        self._measured_at = earlier[-1].images if earlier else 0
        self._board: Scoreboard | None = None
        if earlier:
            self._board = Scoreboard(run.folder, earlier[-1].score.protocol, self._places)

    def begin(self, state: TrainingState, batch: int) -> None:
        """Compute the score that a kill prevented, and ask to stop where patience has ended.

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
        """Score the end of a run that was scored before: an earlier checkpoint must not count as
        best only because the end has no score."""
        if 0 < self._measured_at < state.images_seen:
            self.measure(state)

    def measure(self, state: TrainingState) -> None:
        """Score this moment; save it if it is among the best, and note it in ``best.json``."""
        try:
            self._measure_once(state)
        except Exception as error:
            if not (isinstance(error, DataError) or is_out_of_memory(error)):
                raise
            # training continues without scores
            self._is_broken = True
            self._run.reporter.note(f"no more scores in this run: {' '.join(str(error).split())}")

    def _measure_once(self, state: TrainingState) -> None:
        if self._is_broken:
            return
        began = time.perf_counter()
        if self._compare is None:
            self._compare = self._comparison()
        score, signs = self._compare.of(self._images(state))
        signs |= self._network_signs(state)
        if self._board is None or self._board.protocol != score.protocol:
            self._board = Scoreboard(self._run.folder, score.protocol, self._places)
        name = self._save(state) if self._board.has_place_for(score) else None
        self._measured_at = state.images_seen
        cost = time.perf_counter() - began
        is_best = self._board.enter(Measured(state.images_seen, score, name, cost, signs))
        self._run.reporter.measured(state.images_seen, score, is_best)
        if self._tensorboard is not None:
            self._tensorboard.write_score(state.images_seen, score, self._board.best()[0].score)
        self._stop_if_over()

    def _stop_if_over(self) -> None:
        """Ask to stop where patience has ended."""
        patience = self._run.config.metrics.patience
        if patience is None or self._board is None:
            return
        if self._board.since_gain() >= patience:
            self._stop.reason = (
                f"stopped early: the best score is that at {self._board.last_gain():,} images, and"
                f" `metrics.patience={patience}` more images brought none better. To train longer,"
                " set a larger one"
            )

    def _comparison(self) -> ScoreAndSigns:
        """What generated images are compared with."""
        metric, extractor = self._run.config.metrics.metric, self._run.extractor
        assert metric != "off" and extractor is not None
        seed = derived_seed(self._run.config.seed, "metrics")
        return ScoreAndSigns(metric, extractor, self._run.dataset, self._count, seed=seed)

    def _network_signs(self, state: TrainingState) -> dict[str, float]:
        seed = derived_seed(self._run.config.seed, "metrics")
        latent_BZ = self._run.networks.latent.numbered(seed, 0, _BATCH).to(state.device)
        generator = state.average.ready(state.players.generator)
        batch = min(_BATCH, max(2, resolved(self._run.config.optim.batch)))
        return network_signs(generator, state.players.discriminator, latent_BZ, batch)

    def _images(self, state: TrainingState) -> Iterator[NDArray[np.uint8]]:
        """Images of the same latents every time, in batches."""
        generator = state.average.ready(state.players.generator)
        latent, scale = self._run.networks.latent, self._run.networks.scale
        seed = derived_seed(self._run.config.seed, "metrics")
        for start in range(0, self._count, _BATCH):
            stop = min(self._count, start + _BATCH)
            latent_BZ = latent.numbered(seed, start, stop).to(state.device)
            with torch.inference_mode():
                pixel_BCHW = scale.denormalize(generator(latent_BZ)).cpu()
            yield pixel_BCHW.numpy()
