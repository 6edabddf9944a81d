"""What happens between steps: log lines, sample sheets, checkpoints."""

from __future__ import annotations

import time
from math import isfinite
from pathlib import Path

import torch

from dcgan.config import resolved
from dcgan.data import Batches
from dcgan.errors import Diverged
from dcgan.models.batch_norm import STATISTICS_IMAGES
from dcgan.render.sheet import save_image, sheet
from dcgan.runs.checkpoints import prune_checkpoints, write_checkpoint
from dcgan.runs.scores import best_names
from dcgan.runtime.rng import derived_seed
from dcgan.training.context import RunContext
from dcgan.training.descent import gradient_magnitudes
from dcgan.training.loop import Plan
from dcgan.training.planning.planned_checkpoints import PlannedCheckpoints
from dcgan.training.planning.triggers import Geometric, Widening
from dcgan.training.rules import Statistics
from dcgan.training.state import TrainingState
from dcgan.training.tensorboard_log import TensorBoardLog
from dcgan.training.threads_hook import ThreadsHook

_LOST = 1e5
"""A mean loss beyond this counts as diverged. No run was seen to recover from it, although it may
stay finite: at learning rates of 1 and 10, losses on digits stay between 3e4 and 1e12 and samples
are noise; at 0.1 they recovered from 128. Wasserstein losses are exempt: they are as large as D's
weights allow, and do recover."""

_EARLY_LINES = 30
"""The first steps have one log line each; later the distance grows with the images seen, up to
``records.log_every``. So curves have as many points in any run of as many steps, however slow the
machine is."""


_SEEN = 3
"""Images seen between two sheets, for each image that is generated for one, including those for the
statistics of batch norm. A generated image takes about a seventh of the time of an image seen, so
sheets take at most a twentieth of it."""


class LogHook:
    """Averages statistics on the device; when due, one transfer turns them into a log line.

    A line also holds the settings that change during the run, such as a scheduled learning rate.
    Raises ``Diverged`` if a loss is not finite, or too large to recover.
    """

    def __init__(
        self, run: RunContext, plan: Plan, batches: Batches, tensorboard: TensorBoardLog | None
    ) -> None:
        every = resolved(run.config.records.log_every)
        self._schedule = Widening(min(batches.batch, every), every, _EARLY_LINES)
        self._run = run
        self._plan = plan
        self._epoch_images = batches.epoch_images
        self._tensorboard = tensorboard
        self._has_begun = False
        self._since = (0, time.perf_counter())

    def after_step(self, before: int, state: TrainingState, statistics: Statistics) -> None:
        state.means.add(statistics)
        is_due = self._schedule.passed(before, state.images_seen)
        if not self._has_begun:
            self._has_begun = True
            # the speed does not count the first step, which warms up, unless it is the only one
            start = self._since[1] if is_due else time.perf_counter()
            self._since = (before if is_due else state.images_seen, start)
        if is_due:
            self.write(state)
        self._run.reporter.tick(state.images_seen, state.seconds)

    def write(self, state: TrainingState) -> None:
        """Write the means since the last line; nothing if no step was taken since."""
        if not self._has_begun or not state.means.counts:
            return
        means = state.means.take()
        layers, magnitudes = gradient_magnitudes(state.players.discriminator)
        numbers = torch.cat(
            [torch.stack(list(means.values())).float(), magnitudes.flatten().float()]
        ).tolist()  # the one sync
        values = dict(zip(means, numbers, strict=False))
        gradients = numbers[len(means) :]
        images, began = self._since
        clock = time.perf_counter()
        record = {
            "images": state.images_seen,
            "epoch": round(state.images_seen / self._epoch_images, 4),
            "seconds": round(state.seconds, 3),
            "images_per_second": round((state.images_seen - images) / max(clock - began, 1e-9), 1),
            "waiting": round(min(1.0, state.waiting / max(clock - began, 1e-9)), 3),
            **_rounded(values),
            **_rounded(self._plan.moving(state)),
            "gradient_mean": _rounded(dict(zip(layers, gradients, strict=False))),
            "gradient_max": _rounded(dict(zip(layers, gradients[len(layers) :], strict=True))),
        }
        self._since = (state.images_seen, clock)
        state.waiting = 0.0
        broken = [name for name, value in values.items() if not isfinite(value)]
        if broken:
            raise _divergence(self._run, f"{' and '.join(broken)} not finite", state)
        objective = self._plan.rules.objective
        has_scale = objective.has_level or objective.is_relativistic
        losses = ("loss_d", "loss_g") if has_scale else ()
        lost = [name for name in losses if abs(values.get(name, 0.0)) > _LOST]
        if lost:
            raise _divergence(self._run, f"{' and '.join(lost)} beyond {_LOST:,.0f}", state)
        self._run.folder.log.append(record)
        self._run.reporter.record(record)
        if self._tensorboard is not None:
            self._tensorboard.write_record(record)


class SheetHook:
    """Generates the same latents again and again, to show how they become images."""

    def __init__(
        self, run: RunContext, plan: Plan, batches: Batches, tensorboard: TensorBoardLog | None
    ) -> None:
        records = run.config.records
        first = max(4 * batches.batch, (plan.images or 0) // 200)
        apart = _SEEN * (STATISTICS_IMAGES + records.sheet_images)
        # without a planned number of images, each sheet comes a quarter later than the last
        self._schedule = (
            Geometric.spread(first, plan.images, records.sheets, apart)
            if plan.images
            else Geometric(first, 1.25, apart)
        )
        self._run = run
        seed = derived_seed(run.config.seed, "sheet")
        self._latent_BZ = run.networks.latent.numbered(seed, 0, records.sheet_images)
        self._tensorboard = tensorboard

    def after_step(self, before: int, state: TrainingState, statistics: Statistics) -> None:
        del statistics
        if self._schedule.passed(before, state.images_seen):
            self.write(state)

    def write(self, state: TrainingState) -> None:
        """Save the sheet of this moment."""
        generator = state.average.ready(state.players.generator)
        with torch.inference_mode():
            image_BCHW = generator(self._latent_BZ.to(state.device))
        image = sheet(self._run.networks.scale.denormalize(image_BCHW).cpu().numpy())
        save_image(image, self._run.folder.sheet(state.images_seen))
        if self._tensorboard is not None:
            self._tensorboard.write_sheet(image, state.images_seen)


class CheckpointHook:
    """Saves everything when enough images have been seen, enough time has passed, or the number of
    threads changes.

    The last two depend on the machine. Such a checkpoint only stays while it is the newest, so that
    what a run leaves behind does not depend on the machine.
    """

    def __init__(self, run: RunContext, threads: ThreadsHook) -> None:
        self._run = run
        self._records = run.config.records
        self._planned = PlannedCheckpoints.of(run.config)
        self._threads = threads
        self._saved_at = time.perf_counter()

    def after_step(self, before: int, state: TrainingState, statistics: Statistics) -> None:
        del before, statistics
        seconds = time.perf_counter() - self._saved_at
        is_late = seconds > 60 * self._records.checkpoint_minutes
        # a checkpoint that was saved at this moment already holds the number of threads
        can_change = self._threads.can_choose(state) and not self._path(state).exists()
        changes = can_change and self._threads.choose(state)
        if changes or is_late or self._planned.is_due(state.images_seen):
            self.save(state)

    def save(self, state: TrainingState) -> str:
        """Save this moment, delete checkpoints beyond those to keep, and return its name.

        Raises ``Diverged``, and saves nothing, if a weight is not finite.
        """
        players, folder = state.players, self._run.folder
        for name, network in (("G", players.generator), ("D", players.discriminator)):
            if not all(bool(weight.isfinite().all()) for weight in network.parameters()):
                raise _divergence(self._run, f"{name}'s weights are not finite", state)
        is_new = not self._path(state).exists()
        checkpoint = write_checkpoint(
            folder.checkpoints, state.images_seen, state.parts(), state.plain()
        )
        prune_checkpoints(
            folder.checkpoints,
            self._records.keep,
            best=best_names(folder, self._records.keep_best),
            sound=folder.last_logged(),
            every=self._records.keep_every,
            passing=self._planned.others(folder),
        )
        self._saved_at = time.perf_counter()
        if is_new:
            path = f"checkpoints/{checkpoint.name}"
            self._run.event("checkpoint", images=state.images_seen, path=path)
        return checkpoint.name

    def _path(self, state: TrainingState) -> Path:
        return self._run.folder.checkpoints / f"{state.images_seen:09d}"


def _divergence(run: RunContext, what: str, state: TrainingState) -> Diverged:
    """The error, also noted among the events."""
    run.event("diverged", images=state.images_seen, what=what)
    return Diverged(f"{what} after {state.images_seen:,} images")


def _rounded(values: dict[str, float]) -> dict[str, float]:
    """Six digits: enough for any curve, and half the file."""
    return {name: float(f"{value:.6g}") for name, value in values.items()}
