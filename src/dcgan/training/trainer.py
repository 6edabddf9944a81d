"""One run, from its newest checkpoint to its end; it returns to a checkpoint if it diverges."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

from PIL import Image

from dcgan.data import Batches
from dcgan.errors import Diverged, Interrupted
from dcgan.render.animation import save_gif
from dcgan.render.curves import gradient_curves, loss_and_score_curves
from dcgan.report import write_finished
from dcgan.runs.checkpoints import read_state
from dcgan.runs.logs import of_training
from dcgan.runs.scores import draw_quality, settle_best
from dcgan.runtime.device import make_current, make_deterministic
from dcgan.runtime.reporting import Reporter
from dcgan.runtime.rng import seed_everything
from dcgan.runtime.shell import command
from dcgan.runtime.torch_settings import no_tf32, set_threads
from dcgan.training.build import (
    build_batches,
    build_extractor,
    build_plan,
    build_state,
    build_tensorboard,
)
from dcgan.training.context import RunContext
from dcgan.training.health_hook import HealthHook
from dcgan.training.hooks import CheckpointHook, LogHook, SheetHook
from dcgan.training.loop import Hook, Plan, StopRequest, fit, stopping_on_signals
from dcgan.training.metrics_hook import MeasureHook, measured_images
from dcgan.training.micro_batch import parts_on_device
from dcgan.training.planning.metrics_interval import resolve_interval
from dcgan.training.provenance import (
    newest_whole_checkpoint,
    write_beginning,
)
from dcgan.training.resume_command import complete_already, resume_call
from dcgan.training.rollback import (
    ROLLBACKS,
    SLOWER,
    give_up_after_too_many,
    returns_so_far,
    set_aside_unproven,
)
from dcgan.training.starting_weights import StartingWeights, read_starting_weights
from dcgan.training.state import TrainingState
from dcgan.training.threads_hook import ThreadsHook

_ENDS = ("finished", "stopped early", "signal", "diverged", "rollback")
"""Events at the end of a run, or before it resumes elsewhere."""


def train_run(run: RunContext) -> None:
    """Train until the end or a signal, from the newest checkpoint if there is one.

    Of several processes, only the first reads and writes anything but checkpoints.

    Raises
    ------
    Interrupted
        A signal asked to stop; everything is saved.
    Diverged
        For the fourth time, after three returns to a checkpoint with lower learning rates.
    """
    make_current(run.device)  # or what names no GPU would use the first one
    if run.config.deterministic:
        make_deterministic()
    state, checkpoint = _fresh_state(run)
    batches = build_batches(run.config, run.networks, run.dataset, run.device, run.ranks)
    plan = build_plan(run.config, batches, run.networks.latent, run.device)
    if _is_complete(run, plan, state, checkpoint):
        return
    if run.ranks.is_first:
        run = _with_metrics(run)
        write_beginning(run)
    if checkpoint is not None:
        state.restore(checkpoint)
        run.reporter.note(f"resumes at {state.images_seen:,} images seen, in {run.folder.path}")
    # a kill right after a return must not bring the higher rates back
    returns = returns_so_far(run.folder) if run.ranks.is_first else (0, 1.0)
    state.rollbacks, state.rate_factor = run.ranks.broadcast(returns)
    if batches.with_replacement:
        run.reporter.note(
            f"{len(run.dataset)} images are fewer than a batch of {batches.batch}: each batch"
            " repeats some of them"
        )
    with ExitStack() as stack:
        stack.enter_context(no_tf32())
        if run.config.optim.micro_batch == "auto" and run.device.type == "cuda":
            plan = _in_parts(run, plan, state, batches)
        stop = stack.enter_context(stopping_on_signals())
        run.reporter.begin(state.images_seen, plan.images, plan.minutes)
        stack.callback(run.reporter.end)
        while True:
            ended: Diverged | Interrupted | None = None
            try:
                with _recorded(run, batches, plan, state, stop) as hooks:
                    fit(state, batches, plan, hooks, stop)
            except (Diverged, Interrupted) as error:
                ended = error
            ended = run.ranks.broadcast(ended)
            if ended is None:
                return
            if isinstance(ended, Interrupted):
                raise ended
            state = _rolled_back(run, state, ended)


def _is_complete(
    run: RunContext, plan: Plan, state: TrainingState, checkpoint: Path | None
) -> bool:
    """Whether a run has its length and all that it leaves behind, so that nothing may be changed.

    Notes it, with how to make the run longer.
    """
    if checkpoint is None or not run.ranks.broadcast(run.ranks.is_first and _has_ended(run)):
        return False
    stored = read_state(checkpoint)
    state.images_seen, state.seconds = stored["images_seen"], float(stored.get("seconds", 0))
    if not plan.is_done(state):
        return False
    run.reporter.note(complete_already(run, state))
    return True


def _has_ended(run: RunContext) -> bool:
    """Whether the last that happened in a run is that it ended at its newest checkpoint."""
    newest = run.folder.latest_checkpoint()
    marks = [one for one in run.folder.events.read() if one.get("event") in _ENDS]
    if newest is None or not marks:
        return False
    return bool(marks[-1]["event"] == "finished" and marks[-1].get("images") == int(newest.name))


def _fresh_state(run: RunContext) -> tuple[TrainingState, Path | None]:
    """The state at the start of the run, and the checkpoint to restore it from, if there is one."""
    checkpoint = newest_whole_checkpoint(run) if run.ranks.is_first else None
    checkpoint = run.ranks.broadcast(checkpoint)
    threads, images = run.threads, 0
    if checkpoint is not None:
        stored = read_state(checkpoint)
        images = stored["images_seen"]
        threads = threads.resumed(stored.get("threads"), images)  # earlier versions stored none
    set_threads(threads.at(images))  # fresh weights are computed by as many as the steps
    seed_everything(run.config.seed)
    count = len(run.dataset)
    weights = None
    if checkpoint is None and run.config.start.weights is not None:
        weights = run.ranks.broadcast(_starting_weights(run) if run.ranks.is_first else None)
    state = build_state(
        run.config, run.networks, run.device, run.ranks, dataset_size=count, weights=weights
    )
    state.threads = threads
    return state, checkpoint


def _starting_weights(run: RunContext) -> StartingWeights:
    """The weights that a new run starts from; noted, with the layers that start at random."""
    assert run.config.start.weights is not None
    weights = read_starting_weights(Path(run.config.start.weights))
    frozen = run.config.start.freeze_discriminator
    run.reporter.note(weights.in_words(run.networks, frozen))
    return weights


def _with_metrics(run: RunContext) -> RunContext:
    """The run with its feature extractor, and how many images lie between two scores."""
    extractor = build_extractor(run)
    if extractor is None:
        return run
    count = measured_images(run.config, run.dataset)
    config = resolve_interval(run.config, run.networks, extractor, count, run.device.type)
    return replace(run, config=config, extractor=extractor)


def _in_parts(run: RunContext, plan: Plan, state: TrainingState, batches: Batches) -> Plan:
    """The plan, with each batch in as many parts as memory needs."""
    pack = run.config.model.discriminator.pack
    shape = run.networks.image_shape
    parts = parts_on_device(state.players, plan.rules, shape, batches.share, pack=pack)
    if parts > 1:
        run.reporter.note(
            f"a batch of {batches.share} images does not fit into the GPU's memory: it goes through"
            f" the networks in {parts} parts, whose gradients add up to the same"
        )
    return replace(plan, rules=replace(plan.rules, parts=parts))


def _rolled_back(run: RunContext, broken: TrainingState, error: Diverged) -> TrainingState:
    """The last good state, with lower rates; the same error if that has not helped."""
    count = broken.rollbacks + 1
    if run.ranks.is_first:
        set_aside_unproven(run, is_again=broken.rollbacks > 0)
        settle_best(run.folder)
    if count > ROLLBACKS and run.ranks.is_first:
        _write_report(run)  # says why
    give_up_after_too_many(run, error, count)
    threads = broken.threads
    if threads.chosen == "timed":  # what was chosen after the checkpoint is forgotten
        threads = threads.changed(0, threads.at(0))
    state, checkpoint = _fresh_state(replace(run, threads=threads))
    if checkpoint is not None:
        state.restore(checkpoint)
    state.rollbacks, state.rate_factor = count, SLOWER**count
    state.seconds = broken.seconds  # they were spent
    if not run.ranks.is_first:
        return state
    images, origin = state.images_seen, {"from": broken.images_seen}
    run.event("rollback", images=images, **origin, rate_factor=state.rate_factor)
    run.reporter.note(
        f"{error}: back to {images:,} images, with {state.rate_factor:g} of the learning rates"
        f" ({count} of {ROLLBACKS})"
    )
    return state


@contextmanager
def _recorded(
    run: RunContext, batches: Batches, plan: Plan, state: TrainingState, stop: StopRequest
) -> Iterator[Sequence[Hook]]:
    """Give the hooks of the loop, and save and finish the run after it; other processes have none.

    Raises
    ------
    Interrupted
        A signal stopped the loop; everything is saved.
    """
    if not run.ranks.is_first:
        yield ()
        return
    with ExitStack() as stack:
        tensorboard = build_tensorboard(run, state.images_seen)
        if tensorboard is not None:
            stack.callback(tensorboard.close)
        run.folder.forget_beyond(state.images_seen)
        settle_best(run.folder)
        timing = ThreadsHook(run, state.threads.at(state.images_seen))
        log = LogHook(run, plan, batches, tensorboard)
        sheets = SheetHook(run, plan, batches, tensorboard)
        checkpoints = CheckpointHook(run, timing)
        hooks: list[Hook] = [timing.after_step, log.after_step, sheets.after_step]
        if state.images_seen == 0:
            sheets.write(state)
        measuring = None
        if run.extractor is not None:
            measuring = MeasureHook(run, stop, checkpoints.save, tensorboard)
            measuring.begin(state, batches.batch)
            hooks.append(measuring.after_step)
        health = HealthHook(run, stop, batches.batch)
        hooks.append(health.after_step)
        was_complete = plan.is_done(state)
        yield [*hooks, checkpoints.after_step, timing.begin_step]
        if not was_complete:  # a command that trains nothing deletes no checkpoint
            checkpoints.save(state)
        images = state.images_seen
        if stop.signal is not None and not plan.is_done(state):
            run.event("signal", signal=stop.signal.name, images=images)
            _write_report(run)
            raise Interrupted(
                f"stopped by {stop.signal.name} after {images:,} images. Everything is saved. To"
                f" resume: {resume_call(run.folder.path, run.config)}"
            )
        if stop.reason is not None:
            run.reporter.note(stop.reason)
            run.event("stopped early", images=images)
        if measuring is not None:
            measuring.finish(state)
        log.write(state)
        sheets.write(state)
        if not was_complete:
            checkpoints.save(state)  # deletes what was best before the last score
            if stop.reason is None:
                health.look(state)
        _finish(run, images)


def _finish(run: RunContext, images_seen: int) -> None:
    """Write curves, the animation and the report, and note once by name what was skipped."""
    folder, dataset = run.folder, run.dataset
    run.reporter.end()  # notes from here on follow the last line of training
    run.reporter.note("writing figures and the report")
    has_ended_before = any(one.get("event") == "finished" for one in folder.events.read())
    records = of_training(folder.log.read())
    draw_quality(folder)
    if records:
        loss_and_score_curves(records, folder.curves)
        gradient_curves(records, folder.gradients)
    frames = [_frame(path, run.reporter) for path in folder.sheets()]
    whole = [frame for frame in frames if frame is not None]
    if whole:
        save_gif(whole, folder.animation)
    unreadable = () if has_ended_before else dataset.skipped
    for skipped in unreadable[:20]:
        run.reporter.note(f"skipped {skipped.title}: {skipped.reason}")
    if len(unreadable) > 20:
        run.reporter.note(f"skipped {len(unreadable) - 20} more unreadable images")
    for line in dataset.remarks.lines() if dataset.is_slow else []:
        run.reporter.note(line)  # of images that are decoded in advance, it was noted then
    run.event("finished", images=images_seen)
    _write_report(run)


def _write_report(run: RunContext) -> None:
    """Write ``report.html``, also of a run that was stopped or is lost.

    A failure is noted and does not fail the training.
    """
    try:
        write_finished(run.folder, run.dataset)
    except Exception as error:  # a page about the run, not a part of it
        run.reporter.note(
            f"{run.folder.report}: not written ({error}). To write it:"
            f" {command('report', run.folder.path)}"
        )


def _frame(path: Path, reporter: Reporter) -> Image.Image | None:
    """A sheet of the animation; None, with a note, if it is damaged or may not be read."""
    try:
        with Image.open(path) as frame:
            return frame.copy()
    except Exception as error:  # whatever Pillow raises for a damaged file
        reason = getattr(error, "strerror", None) or "damaged"
        reporter.note(f"{path}: {reason}. The animation leaves it out")
        return None
