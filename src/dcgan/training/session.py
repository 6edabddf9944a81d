"""One call from DATA to a trained run: prepare, begin or go on, train, finish."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout
from PIL import Image

from dcgan.config import RunConfig, parse_config, resolved, validate_combinations
from dcgan.data import Batches, Pictures, PixelScale, Source, load_pictures, open_source, survey
from dcgan.errors import Interrupted, RunError
from dcgan.render.animation import save_gif
from dcgan.render.curves import gradient_curves, loss_and_score_curves
from dcgan.runs.folder import RunFolder
from dcgan.runs.logs import by_images, now
from dcgan.runs.networks import Networks
from dcgan.runs.run import Run, open_run
from dcgan.runtime.device import choose_device
from dcgan.runtime.random import derived_seed, seed_everything
from dcgan.training.auto import fill_auto, resolve_auto
from dcgan.training.build import build_networks, build_rules, build_state
from dcgan.training.hooks import CheckpointHook, LogHook, SheetHook
from dcgan.training.loop import Plan, fit, stopping_on_signals
from dcgan.training.reporting import Reporter
from dcgan.training.schedule import Geometric
from dcgan.training.settings import collect_settings
from dcgan.training.starting import (
    choose_folder,
    newest_whole_checkpoint,
    refuse_conflict,
    write_beginning,
)
from dcgan.training.state import TrainingState

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

_LOOKED_AT = 256
"""Pictures opened to see what a collection is like, before anything is chosen."""


def train(
    data: str | None = None,
    *,
    recipe: str = "auto",
    out: str | Path | None = None,
    resume: bool = False,
    size: int | str | tuple[int, int] | None = None,
    images: int | None = None,
    epochs: int | None = None,
    minutes: float | None = None,
    batch: int | None = None,
    seed: int | None = None,
    device: str | None = None,
    precision: str | None = None,
    data_root: str | Path | None = None,
    settings: Mapping[str, Any] | None = None,
    reporter: Reporter | None = None,
) -> Run:
    """Train a DCGAN on a collection of pictures.

    Parameters
    ----------
    data : str, default "digits"
        A folder, ``.zip``, ``.npy`` or ``.npz``, or a name: digits, shapes, mnist, fashion-mnist.
    recipe : str, default "auto"
        A built-in recipe or a YAML file.
    out : path, optional
        The run folder; default a new one below ``runs/``. A folder that holds the same run
        unfinished is gone on with.
    resume : bool
        Go on with an earlier run, which may now be longer than first planned.
    size : int, str or (height, width), optional
        Such as 64 or "157x128".
    images, epochs, minutes : number, optional
        How long; at most one of them.
    batch, seed : int, optional
    device : {"auto", "cpu", "cuda", "cuda:N", "mps"}, optional
    precision : {"auto", "fp32", "bf16"}, optional
    data_root : path, optional
        Where named data sets lie; default the variable ``DCGAN_DATA``.
    settings : mapping, optional
        Any other settings, nested as in a recipe.
    reporter : Reporter, optional
        Told about the course of the run; default silent.

    Returns
    -------
    Run
        The finished run, opened.

    Raises
    ------
    ConfigError, DataError, RunError
        What was asked for cannot be done; nothing has been changed.
    Interrupted
        A signal asked to stop; everything is saved.
    Diverged
        A loss became infinite or not a number.

    Examples
    --------
    >>> run = dcgan.train("digits", size=16, images=256, out="/tmp/run")  # doctest: +SKIP
    >>> run.sample(4).shape  # doctest: +SKIP
    (4, 1, 16, 16)
    """
    reporter = reporter or Reporter()
    asked = parse_config(
        collect_settings(
            recipe=recipe,
            data=data,
            data_root=data_root,
            shortcuts={
                "size": size,
                "images": images,
                "epochs": epochs,
                "minutes": minutes,
                "batch": batch,
                "seed": seed,
                "device": device,
                "precision": precision,
            },
            settings=settings or {},
        )
    )
    folder, stored = choose_folder(asked, out=out, resume=resume)
    if stored is not None:
        asked = fill_auto(asked, stored)
    config, source = _resolve(asked, reporter)
    networks = build_networks(config)
    if stored is not None:
        refuse_conflict(config, stored, folder, longer=resume)
    pictures = _load(config, source, reporter)
    if config.data.scaling == "standardized":
        networks = replace(networks, scale=PixelScale.standardizing(pictures.images))
    folder.path.mkdir(parents=True, exist_ok=True)
    with _lock(folder):
        _run(folder, config, networks, pictures, reporter)
    return open_run(folder.path)


def _resolve(config: RunConfig, reporter: Reporter) -> tuple[RunConfig, Source]:
    """Fill what is open from a look at the data, and refuse what cannot work."""
    validate_combinations(config)  # before anything is opened
    device = choose_device(config.device)
    source = open_source(config.data.source, config.data.root)
    config, choice = resolve_auto(config, survey(source, limit=_LOOKED_AT), device)
    for line in (choice, *validate_combinations(config)):
        if line:
            reporter.note(line)
    return config, source


def _load(config: RunConfig, source: Source, reporter: Reporter) -> Pictures:
    return load_pictures(
        source,
        resolved(config.data.size),
        resolved(config.data.channels),
        how=config.data.fit,
        background=config.data.background,
        max_unreadable=config.data.max_unreadable,
        progress=reporter.decoding,
    )


def _run(
    folder: RunFolder,
    config: RunConfig,
    networks: Networks,
    pictures: Pictures,
    reporter: Reporter,
) -> None:
    """Train in a folder that is ours alone, until the end or a signal."""
    device = choose_device(config.device)
    seed_everything(config.seed)
    state = build_state(config, networks, device)
    checkpoint = newest_whole_checkpoint(folder, reporter)
    write_beginning(folder, config, networks, pictures, device)
    if checkpoint is not None:
        state.restore(checkpoint)
        reporter.note(f"goes on from {state.images_seen:,} images seen, in {folder.path}")
    batches = Batches(
        pictures.images,
        resolved(config.optim.batch),
        seed=derived_seed(config.seed, "order"),
        device=device,
        scale=networks.scale,
    )
    if batches.with_replacement:
        reporter.note(
            f"only {len(pictures.images)} pictures for a batch of {batches.batch}: each batch is"
            " drawn with replacement"
        )
    plan = Plan(
        rules=build_rules(config, device),
        latent=networks.latent,
        images=_planned_images(config, batches),
        minutes=config.length.minutes,
        discriminator_steps=config.optim.discriminator_steps,
    )
    with ExitStack() as stack:
        stop = stack.enter_context(stopping_on_signals())
        writer = _tensorboard(config, folder, state.images_seen)
        if writer is not None:
            stack.callback(writer.close)
        log, sheets, checkpoints = _hooks(config, folder, networks, batches, plan, writer, reporter)
        if state.images_seen == 0:
            sheets.draw(state)
        if plan.is_done(state):
            reporter.note(f"complete already, with {state.images_seen:,} images seen")
        reporter.begin(state.images_seen, plan.images, plan.minutes)
        stack.callback(reporter.end)
        fit(state, batches, plan, (log, sheets, checkpoints), stop)
        checkpoints.save(state)
        if stop.signal is not None and not plan.is_done(state):
            name = stop.signal.name
            folder.events.append(
                {"time": now(), "event": "signal", "signal": name, "images": state.images_seen}
            )
            raise Interrupted(
                f"stopped by {name} after {state.images_seen:,} images; all is saved in"
                f" {folder.path}: the same command with --out {folder.path} goes on from here"
            )
        log.write(state)
        sheets.draw(state)
    _finish(folder, state, pictures, reporter)


def _hooks(
    config: RunConfig,
    folder: RunFolder,
    networks: Networks,
    batches: Batches,
    plan: Plan,
    writer: SummaryWriter | None,
    reporter: Reporter,
) -> tuple[LogHook, SheetHook, CheckpointHook]:
    records = config.records
    log = LogHook(
        folder,
        reporter,
        every=resolved(records.log_every),
        epoch_images=batches.epoch_images,
        writer=writer,
    )
    first = max(4 * batches.batch, (plan.images or 0) // 200)
    sheets = SheetHook(
        folder,
        # without a planned number of images, each sheet comes a quarter later than the last
        schedule=Geometric.spread(first, plan.images, records.sheets)
        if plan.images
        else Geometric(first, 1.25),
        count=records.sheet_images,
        latent=networks.latent,
        scale=networks.scale,
        seed=config.seed,
        writer=writer,
    )
    checkpoints = CheckpointHook(
        folder,
        every=resolved(records.checkpoint_every),
        minutes=records.checkpoint_minutes,
        keep=records.keep,
        latent=networks.latent,
        seed=config.seed,
    )
    return log, sheets, checkpoints


def _planned_images(config: RunConfig, batches: Batches) -> int | None:
    """The run's end in images; none when it is bounded by time."""
    if config.length.epochs is not None:
        return config.length.epochs * batches.epoch_images
    return resolved(config.length.images)


def _finish(
    folder: RunFolder, state: TrainingState, pictures: Pictures, reporter: Reporter
) -> None:
    """Curves and the animation, and what was skipped by name."""
    records = by_images(folder.log.read())
    if records:
        loss_and_score_curves(records, folder.curves)
        gradient_curves(records, folder.gradients)
    frames = [Image.open(path) for path in folder.sheets()]
    if frames:
        save_gif(frames, folder.animation)
    for skipped in pictures.skipped[:20]:
        reporter.note(f"skipped {skipped.title}: {skipped.reason}")
    if len(pictures.skipped) > 20:
        reporter.note(f"skipped {len(pictures.skipped) - 20} more unreadable pictures")
    folder.events.append({"time": now(), "event": "finished", "images": state.images_seen})


def _tensorboard(config: RunConfig, folder: RunFolder, images_seen: int) -> SummaryWriter | None:
    if not config.records.tensorboard:
        return None
    from torch.utils.tensorboard import SummaryWriter

    # what a killed run wrote after its last checkpoint is written again from there
    return SummaryWriter(str(folder.tensorboard), purge_step=images_seen + 1)


@contextmanager
def _lock(folder: RunFolder) -> Iterator[None]:
    """Keep other processes from training in the same folder; falls with the process."""
    lock = FileLock(folder.path / ".lock")
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise RunError(
            f"{folder.path}: another process is training in it; wait, or take another --out"
        ) from error
    try:
        yield
    finally:
        lock.release()
