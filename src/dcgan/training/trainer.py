"""One run, from its newest checkpoint to its end; rolled back where it diverges."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import torch
from PIL import Image

from dcgan.config import RunConfig
from dcgan.data import Batches, ImageDataset
from dcgan.errors import Diverged, Interrupted
from dcgan.metrics.extractor import Extractor
from dcgan.render.animation import save_gif
from dcgan.render.curves import gradient_curves, loss_and_score_curves
from dcgan.runs.checkpoints import read_state
from dcgan.runs.folder import RunFolder
from dcgan.runs.logs import now, of_training
from dcgan.runs.networks import Networks
from dcgan.runs.scores import draw_quality, settle_best
from dcgan.runtime.device import choose_device, make_deterministic, no_tf32
from dcgan.runtime.ranks import ALONE, Ranks
from dcgan.runtime.reporting import Reporter
from dcgan.runtime.rng import seed_everything
from dcgan.runtime.torch_settings import set_threads
from dcgan.training.build import (
    build_batches,
    build_extractor,
    build_hooks,
    build_measuring,
    build_plan,
    build_planned,
    build_state,
    build_tensorboard,
    measured_images,
)
from dcgan.training.loop import Hook, Plan, StopRequest, fit, stopping_on_signals
from dcgan.training.planning.metrics_interval import resolve_interval
from dcgan.training.micro_batch import parts_on_device
from dcgan.training.provenance import newest_whole_checkpoint, write_beginning
from dcgan.training.resume_command import complete_already, resume_call
from dcgan.training.rollback import (
    ROLLBACKS,
    SLOWER,
    give_up_after_too_many,
    returns_so_far,
    set_aside_unproven,
)
from dcgan.training.state import TrainingState
from dcgan.training.planning.threads import StepStart, Threads, ThreadsHook


def train_run(
    folder: RunFolder,
    config: RunConfig,
    networks: Networks,
    dataset: ImageDataset,
    reporter: Reporter,
    threads: Threads,
    ranks: Ranks = ALONE,
) -> None:
    """Train until the end or a signal, from the newest checkpoint if there is one.

    Where several processes train, only the first reads or writes anything but checkpoints.

    Raises
    ------
    Interrupted
        A signal asked to stop; everything is saved.
    Diverged
        Again after it had been set back to a checkpoint, with lower rates, three times.
    """
    device = choose_device(config.device)
    if device.type == "cuda":
        torch.cuda.set_device(device)  # what names no GPU shall not begin one on the first
    if config.deterministic:
        make_deterministic()
    checkpoint = _newest(folder, reporter, ranks)
    state = _fresh_state(config, networks, ranks, len(dataset), threads, checkpoint)
    extractor = None
    if ranks.is_first:
        config, extractor = _with_extractor(folder, config, networks, dataset, device, reporter)
        write_beginning(folder, config, networks, dataset, device)
    _restore(state, checkpoint, folder, reporter)
    batches = build_batches(config, networks, dataset, device, ranks)
    if batches.with_replacement:
        reporter.note(
            f"only {len(dataset)} pictures for a batch of {batches.batch}: each batch is"
            " drawn with replacement"
        )
    plan = build_plan(config, batches, networks.latent, device)
    with ExitStack() as stack:
        stack.enter_context(no_tf32())
        if config.optim.micro_batch == "auto" and device.type == "cuda":
            pack = config.model.discriminator.pack
            plan = _in_parts(plan, state, batches, networks, pack, reporter)
        if plan.is_done(state):
            reporter.note(complete_already(folder.path, config, state))
        stop = stack.enter_context(stopping_on_signals())
        reporter.begin(state.images_seen, plan.images, plan.minutes)
        stack.callback(reporter.end)
        while True:
            ended: Diverged | Interrupted | None = None
            try:
                if ranks.is_first:
                    _train(
                        *(folder, config, networks, dataset, extractor),
                        *(batches, plan, state, stop, reporter),
                    )
                else:
                    fit(state, batches, plan, (), stop)
            except (Diverged, Interrupted) as error:
                ended = error
            ended = ranks.broadcast(ended)
            if ended is None:
                return
            if isinstance(ended, Interrupted):
                raise ended
            count = len(dataset)
            state = _rolled_back(folder, config, networks, count, state, ended, reporter)


def _with_extractor(
    folder: RunFolder,
    config: RunConfig,
    networks: Networks,
    dataset: ImageDataset,
    device: torch.device,
    reporter: Reporter,
) -> tuple[RunConfig, Extractor | None]:
    """What to measure on, and the configuration that says how often."""
    extractor = build_extractor(config, folder, dataset, device, reporter)
    if extractor is not None:
        count = measured_images(config, dataset)
        config = resolve_interval(config, networks, extractor, count, device.type)
    return config, extractor


def _in_parts(
    plan: Plan,
    state: TrainingState,
    batches: Batches,
    networks: Networks,
    pack: int,
    reporter: Reporter,
) -> Plan:
    """The plan, with each batch in as many parts as memory asks for."""
    parts = parts_on_device(
        state.players, plan.rules, networks.image_shape, batches.share, pack=pack
    )
    if parts > 1:
        reporter.note(
            f"a batch of {batches.share} images does not fit into the GPU's memory: {parts} parts,"
            " one after the other, whose gradients add up to the same"
        )
    return replace(plan, rules=replace(plan.rules, parts=parts))


def _fresh_state(
    config: RunConfig,
    networks: Networks,
    ranks: Ranks,
    dataset_size: int,
    threads: Threads,
    checkpoint: Path | None,
) -> TrainingState:
    """The state at the run's beginning, computed by as many threads as what follows."""
    images = 0
    if checkpoint is not None:
        stored = read_state(checkpoint)
        images = stored["images_seen"]
        threads = threads.resumed(stored.get("threads"), images)  # earlier versions stored none
    set_threads(threads.at(images))
    seed_everything(config.seed)
    device = choose_device(config.device)
    state = build_state(config, networks, device, ranks, dataset_size=dataset_size)
    state.threads = threads
    return state


def _restore(
    state: TrainingState, checkpoint: Path | None, folder: RunFolder, reporter: Reporter
) -> None:
    """Put a fresh state to where the run stands."""
    ranks = state.players.ranks
    if checkpoint is not None:
        state.restore(checkpoint)
        reporter.note(f"resumes at {state.images_seen:,} images seen, in {folder.path}")
    # a kill right after a return must not bring the higher rates back
    returns = returns_so_far(folder) if ranks.is_first else (0, 1.0)
    state.rollbacks, state.rate_factor = ranks.broadcast(returns)


def _newest(folder: RunFolder, reporter: Reporter, ranks: Ranks) -> Path | None:
    """The checkpoint from which all go on."""
    found = newest_whole_checkpoint(folder, reporter) if ranks.is_first else None
    return ranks.broadcast(found)


def _rolled_back(
    folder: RunFolder,
    config: RunConfig,
    networks: Networks,
    dataset_size: int,
    broken: TrainingState,
    error: Diverged,
    reporter: Reporter,
) -> TrainingState:
    """The last good state, with lower rates; the same error where that has not helped."""
    count, ranks = broken.rollbacks + 1, broken.players.ranks
    if ranks.is_first:
        planned = build_planned(config)
        set_aside_unproven(folder, reporter, planned, is_again=broken.rollbacks > 0)
        settle_best(folder)
    give_up_after_too_many(folder, config, error, count)
    checkpoint = _newest(folder, reporter, ranks)
    threads = broken.threads
    if threads.chosen == "timed":  # what was chosen after the checkpoint is forgotten
        threads = threads.changed(0, threads.at(0))
    state = _fresh_state(config, networks, ranks, dataset_size, threads, checkpoint)
    if checkpoint is not None:
        state.restore(checkpoint)
    state.rollbacks, state.rate_factor = count, SLOWER**count
    state.seconds = broken.seconds  # they were spent
    if not ranks.is_first:
        return state
    images = state.images_seen
    folder.events.append(
        {"time": now(), "event": "rollback", "images": images, "from": broken.images_seen}
        | {"rate_factor": state.rate_factor}
    )
    reporter.note(
        f"{error}: back to {images:,} images, with {state.rate_factor:g} of the learning rates"
        f" ({count} of {ROLLBACKS})"
    )
    return state


def _train(
    folder: RunFolder,
    config: RunConfig,
    networks: Networks,
    dataset: ImageDataset,
    extractor: Extractor | None,
    batches: Batches,
    plan: Plan,
    state: TrainingState,
    stop: StopRequest,
    reporter: Reporter,
) -> None:
    """From a state to the end of the run."""
    with ExitStack() as stack:
        tensorboard = build_tensorboard(config, folder, state.images_seen, reporter)
        if tensorboard is not None:
            stack.callback(tensorboard.close)
        folder.forget_beyond(state.images_seen)
        settle_best(folder)
        timing = ThreadsHook(folder, reporter, state.threads.at(state.images_seen))
        log, sheets, checkpoints = build_hooks(
            *(config, folder, networks, batches, plan), *(tensorboard, reporter, timing)
        )
        measuring = None
        if extractor is not None:
            measuring = build_measuring(
                *(config, folder, networks, dataset, extractor),
                *(tensorboard, reporter, stop, checkpoints.save),
            )
        if state.images_seen == 0:
            sheets.draw(state)
        if measuring is not None:
            measuring.begin(state, batches.batch)
        hooks: list[Hook] = [timing, log, sheets, *([measuring] if measuring else []), checkpoints]
        hooks.append(StepStart(timing))
        fit(state, batches, plan, hooks, stop)
        checkpoints.save(state)
        if stop.signal is not None and not plan.is_done(state):
            raise _interrupted(stop.signal.name, config, folder, state)
        if stop.reason is not None:
            reporter.note(stop.reason)
            folder.events.append(
                {"time": now(), "event": "stopped early", "images": state.images_seen}
            )
        if measuring is not None:
            measuring.finish(state)
        log.write(state)
        sheets.draw(state)
        _finish(folder, state, dataset, reporter)


def _interrupted(
    signal: str, config: RunConfig, folder: RunFolder, state: TrainingState
) -> Interrupted:
    images = state.images_seen
    folder.events.append({"time": now(), "event": "signal", "signal": signal, "images": images})
    return Interrupted(
        f"stopped by {signal} after {images:,} images; everything is saved. To resume:"
        f" {resume_call(folder.path, config)}"
    )


def _frame(path: Path, reporter: Reporter) -> Image.Image | None:
    """A sheet of the animation; None, and a word, where it is damaged or may not be read."""
    try:
        with Image.open(path) as frame:
            return frame.copy()
    except Exception as error:  # whatever Pillow makes of a damaged file
        reason = getattr(error, "strerror", None) or "damaged"
        reporter.note(f"{path}: {reason}; the animation is made without it")
        return None


def _finish(
    folder: RunFolder, state: TrainingState, dataset: ImageDataset, reporter: Reporter
) -> None:
    """Curves and the animation, and what was skipped by name."""
    records = of_training(folder.log.read())
    draw_quality(folder)
    if records:
        loss_and_score_curves(records, folder.curves)
        gradient_curves(records, folder.gradients)
    frames = [frame for path in folder.sheets() if (frame := _frame(path, reporter)) is not None]
    if frames:
        save_gif(frames, folder.animation)
    for skipped in dataset.skipped[:20]:
        reporter.note(f"skipped {skipped.title}: {skipped.reason}")
    for line in dataset.remarks.lines() if dataset.is_slow else []:
        reporter.note(line)  # of those decoded beforehand it was said then
    if len(dataset.skipped) > 20:
        reporter.note(f"skipped {len(dataset.skipped) - 20} more unreadable pictures")
    folder.events.append({"time": now(), "event": "finished", "images": state.images_seen})
