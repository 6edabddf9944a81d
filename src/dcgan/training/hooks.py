"""What happens between steps: log lines, fixed-latent sheets, checkpoints."""

from __future__ import annotations

import time
from math import isfinite
from pathlib import Path

import torch

from dcgan.data.scale import PixelScale
from dcgan.errors import Diverged
from dcgan.models.latents import LatentSpace
from dcgan.render.sheet import save_image, sheet
from dcgan.runs.checkpoints import prune_checkpoints, write_checkpoint
from dcgan.runs.folder import RunFolder
from dcgan.runs.logs import now
from dcgan.runs.scores import best_names
from dcgan.runtime.reporting import Reporter
from dcgan.runtime.rng import derived_seed
from dcgan.training.descent import gradient_magnitudes
from dcgan.training.loop import Plan
from dcgan.training.planning.planned_checkpoints import PlannedCheckpoints
from dcgan.training.rules import Statistics
from dcgan.training.state import TrainingState
from dcgan.training.tensorboard_log import TensorBoardLog
from dcgan.training.planning.threads import ThreadsHook
from dcgan.training.planning.triggers import Geometric, Widening

_LOST = 1e5
"""A mean loss from which no run was seen to come back, although it may never reach infinity: at
rates of 1 and 10 digits stay between 3e4 and 1e12, with noise for samples; at 0.1 they returned
from 128. Wasserstein's is left alone: it is as large as D's weights allow, and does come back."""


class LogHook:
    """Averages statistics on the device; when due, one transfer makes them a log line.

    Beside them stand the settings that move, as ``plan`` has them at that moment. Raises
    ``Diverged`` when a loss is not finite, or too large to come back.
    """

    def __init__(
        self,
        folder: RunFolder,
        reporter: Reporter,
        *,
        plan: Plan,
        schedule: Widening,
        epoch_images: int,
        tensorboard: TensorBoardLog | None,
    ) -> None:
        self._folder = folder
        self._log = folder.log
        self._reporter = reporter
        self._plan = plan
        self._schedule = schedule
        self._epoch_images = epoch_images
        self._tensorboard = tensorboard
        self._has_begun = False
        self._since = (0, time.perf_counter())

    def after_step(self, before: int, state: TrainingState, statistics: Statistics) -> None:
        state.means.add(statistics)
        is_due = self._schedule.passed(before, state.images_seen)
        if not self._has_begun:
            self._has_begun = True
            # speed does not count the first step, which includes warming up, unless it is all
            # there is
            start = self._since[1] if is_due else time.perf_counter()
            self._since = (before if is_due else state.images_seen, start)
        if is_due:
            self.write(state)
        self._reporter.tick(state.images_seen, state.seconds)

    def write(self, state: TrainingState) -> None:
        """Write what has been gathered since the last line, unless no step has been taken."""
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
            **{name: _rounded(value) for name, value in values.items()},
            **{name: _rounded(value) for name, value in self._plan.moving(state).items()},
            "gradient_mean": _by_layer(layers, gradients[: len(layers)]),
            "gradient_max": _by_layer(layers, gradients[len(layers) :]),
        }
        self._since = (state.images_seen, clock)
        broken = [name for name, value in values.items() if not isfinite(value)]
        if broken:
            what = f"{' and '.join(broken)} not finite"
            raise _divergence(self._folder, what, state.images_seen)
        objective = self._plan.rules.objective
        has_scale = objective.has_level or objective.is_relativistic
        losses = ("loss_d", "loss_g") if has_scale else ()
        lost = [name for name in losses if abs(values.get(name, 0.0)) > _LOST]
        if lost:
            what = f"{' and '.join(lost)} beyond {_LOST:,.0f}"
            raise _divergence(self._folder, what, state.images_seen)
        self._log.append(record)
        self._reporter.record(record)
        if self._tensorboard is not None:
            self._tensorboard.write_record(record)


class SheetHook:
    """Draws the same latents again and again, to see them become images."""

    def __init__(
        self,
        folder: RunFolder,
        *,
        schedule: Geometric,
        count: int,
        latent: LatentSpace,
        scale: PixelScale,
        seed: int,
        tensorboard: TensorBoardLog | None,
    ) -> None:
        self._folder = folder
        self._schedule = schedule
        self._latent = latent
        self._scale = scale
        self._seed = seed
        self._latent_BZ = latent.numbered(derived_seed(seed, "sheet"), 0, count)
        self._tensorboard = tensorboard

    def after_step(self, before: int, state: TrainingState, statistics: Statistics) -> None:
        del statistics
        if self._schedule.passed(before, state.images_seen):
            self.draw(state)

    def draw(self, state: TrainingState) -> None:
        """Draw the sheet of this moment."""
        seed = derived_seed(self._seed, "batch norm")
        generator = state.average.ready(state.players.generator, self._latent, seed)
        with torch.inference_mode():
            image_BCHW = generator(self._latent_BZ.to(state.device))
        drawn = sheet(self._scale.denormalize(image_BCHW).cpu().numpy())
        save_image(drawn, self._folder.sheet(state.images_seen))
        if self._tensorboard is not None:
            self._tensorboard.write_sheet(drawn, state.images_seen)


class CheckpointHook:
    """Saves everything when enough images have been seen, enough time has passed, or the number of
    threads changes.

    How often time or threads ask for a checkpoint depends on the machine. Such a checkpoint only
    stays while it is the newest, so that what a run leaves behind does not depend on it.
    """

    def __init__(
        self,
        folder: RunFolder,
        *,
        planned: PlannedCheckpoints,
        minutes: float,
        keep: int,
        keep_best: int,
        keep_every: int | None,
        latent: LatentSpace,
        seed: int,
        threads: ThreadsHook,
    ) -> None:
        self._folder = folder
        self._threads = threads
        self._planned = planned
        self._seconds = 60 * minutes
        self._keep = keep
        self._keep_best = keep_best
        self._keep_every = keep_every
        self._latent = latent
        self._seed = seed
        self._saved_at = time.perf_counter()

    def after_step(self, before: int, state: TrainingState, statistics: Statistics) -> None:
        del before, statistics
        is_late = time.perf_counter() - self._saved_at > self._seconds
        # where a measurement has saved already, that checkpoint says how many threads continue
        can_change = self._threads.can_choose(state) and not self._path(state).exists()
        changes = can_change and self._threads.choose(state)
        if changes or is_late or self._planned.is_due(state.images_seen):
            self.save(state)

    def save(self, state: TrainingState) -> str:
        """Save this moment, let go of checkpoints beyond those to keep, and return its name.

        Raises ``Diverged``, and saves nothing, when a weight is not finite.
        """
        players = state.players
        for name, network in (("G", players.generator), ("D", players.discriminator)):
            if not all(bool(weight.isfinite().all()) for weight in network.parameters()):
                what = f"{name}'s weights are not finite"
                raise _divergence(self._folder, what, state.images_seen)
        is_new = not self._path(state).exists()
        seed = derived_seed(self._seed, "batch norm")
        checkpoint = write_checkpoint(
            self._folder.checkpoints,
            state.images_seen,
            state.parts(self._latent, seed),
            state.plain(),
        )
        prune_checkpoints(
            self._folder.checkpoints,
            self._keep,
            best=best_names(self._folder, self._keep_best),
            sound=self._folder.last_logged(),
            every=self._keep_every,
            passing=self._planned.others(self._folder),
        )
        self._saved_at = time.perf_counter()
        if is_new:
            self._folder.events.append(
                {"time": now(), "event": "checkpoint", "images": state.images_seen}
                | {"path": f"checkpoints/{checkpoint.name}"}
            )
        return checkpoint.name

    def _path(self, state: TrainingState) -> Path:
        return self._folder.checkpoints / f"{state.images_seen:09d}"


def _divergence(folder: RunFolder, what: str, images_seen: int) -> Diverged:
    """Note it among the events, and say what happened."""
    folder.events.append({"time": now(), "event": "diverged", "images": images_seen, "what": what})
    return Diverged(f"{what} after {images_seen:,} images")


def _by_layer(layers: list[str], values: list[float]) -> dict[str, float]:
    return {layer: _rounded(value) for layer, value in zip(layers, values, strict=True)}


def _rounded(value: float) -> float:
    """Six digits: enough for any curve, and half the file."""
    return float(f"{value:.6g}")
