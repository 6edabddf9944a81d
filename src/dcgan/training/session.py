"""One call from DATA to a trained run: prepare, begin or go on, train, finish."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from PIL import Image

from dcgan.config import RunConfig, parse_config, resolved, validate_combinations
from dcgan.data import Pictures, Source, load_pictures, open_items, open_source, survey
from dcgan.errors import DataError, Interrupted
from dcgan.render.animation import save_gif
from dcgan.render.curves import gradient_curves, loss_and_score_curves
from dcgan.runs.extractors import refuse_unknown
from dcgan.runs.folder import RunFolder
from dcgan.runs.logs import by_images, now
from dcgan.runs.networks import Networks
from dcgan.runs.pictures import FROM_PYTHON
from dcgan.runs.run import Run, open_run, read_networks
from dcgan.runs.scores import draw_quality, settle_best
from dcgan.runtime.device import choose_device, make_deterministic
from dcgan.runtime.random import seed_everything
from dcgan.training.auto import fill_auto, resolve_auto
from dcgan.training.build import (
    build_batches,
    build_cache,
    build_hooks,
    build_measuring,
    build_plan,
    build_scale,
    build_state,
    build_tensorboard,
)
from dcgan.training.loop import Hook, fit, stopping_on_signals
from dcgan.training.reporting import Reporter
from dcgan.training.settings import collect_settings
from dcgan.training.starting import (
    choose_folder,
    claimed,
    newest_whole_checkpoint,
    refuse_conflict,
    write_beginning,
)
from dcgan.training.state import TrainingState
from dcgan.training.tables import resolve_networks

_LOOKED_AT = 256
"""Pictures opened to see what a collection is like, before anything is chosen."""


def train(
    data: object = None,
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
    data : str, path, array, tensor, sequence or iterable, default "digits"
        A path or name as for :func:`dcgan.data.open_source`; or the pictures themselves, as for
        :func:`dcgan.data.open_items`.
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
    given = None if data is None or isinstance(data, str | Path) else open_items(data)
    named = FROM_PYTHON if given else None if data is None else str(data)
    asked = parse_config(
        collect_settings(
            recipe=recipe,
            data=named,
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
    config, source = _resolve(asked, given, reporter)
    networks = resolve_networks(config)
    if folder is not None and stored is not None:
        refuse_conflict(config, stored, folder, longer=resume)
    # all that was said is possible: from here on, the folder is ours alone
    with claimed(folder, config, stored) as folder:
        try:
            pictures = _load(config, source, folder, reporter)
        except BaseException:
            reporter.end()
            raise
        begun = folder.networks.is_file()
        scale = read_networks(folder).scale if begun else build_scale(config, pictures)
        networks = replace(networks, scale=scale)
        _run(folder, config, networks, pictures, reporter)
    return open_run(folder.path)


def _resolve(
    config: RunConfig, source: Source | None, reporter: Reporter
) -> tuple[RunConfig, Source]:
    """Fill what is open from a look at the data, and refuse what cannot work."""
    # before anything is opened
    validate_combinations(config)
    if config.metrics.measure != "off":
        refuse_unknown(config.metrics.extractor, "metrics.extractor")
    device = choose_device(config.device)
    if source is None:
        if config.data.source == FROM_PYTHON:
            raise DataError(
                "this run's pictures came from Python: go on with dcgan.train(pictures)"
            )
        source = open_source(
            config.data.source,
            config.data.root,
            frames=config.data.frames,
            progress=reporter.fetching,
        )
    config, choice = resolve_auto(config, survey(source, limit=_LOOKED_AT), device)
    for line in (choice, *validate_combinations(config)):
        if line:
            reporter.note(line)
    return config, source


def _load(config: RunConfig, source: Source, folder: RunFolder, reporter: Reporter) -> Pictures:
    memory = config.data.memory_gb
    return load_pictures(
        source,
        resolved(config.data.size),
        resolved(config.data.channels),
        how=config.data.fit,
        background=config.data.background,
        max_unreadable=config.data.max_unreadable,
        cache=build_cache(config, folder),
        memory=None if memory == "auto" else int(memory * 1e9),
        shown=_images_shown(config, len(source)),
        progress=reporter.decoding,
        note=reporter.note,
    )


def _images_shown(config: RunConfig, count: int) -> int | None:
    """How many images the run will see, where its length does not depend on time."""
    if config.length.epochs is not None:
        return config.length.epochs * count
    return None if config.length.minutes is not None else resolved(config.length.images)


def _run(
    folder: RunFolder,
    config: RunConfig,
    networks: Networks,
    pictures: Pictures,
    reporter: Reporter,
) -> None:
    """Train until the end or a signal, from the newest checkpoint if there is one."""
    device = choose_device(config.device)
    if config.deterministic:
        make_deterministic()
    seed_everything(config.seed)
    state = build_state(config, networks, device)
    checkpoint = newest_whole_checkpoint(folder, reporter)
    write_beginning(folder, config, networks, pictures, device)
    if checkpoint is not None:
        state.restore(checkpoint)
        reporter.note(f"goes on from {state.images_seen:,} images seen, in {folder.path}")
    batches = build_batches(config, networks, pictures, device)
    if batches.with_replacement:
        reporter.note(
            f"only {len(pictures)} pictures for a batch of {batches.batch}: each batch is"
            " drawn with replacement"
        )
    plan = build_plan(config, batches, networks.latent, device)
    if plan.is_done(state):
        reporter.note(f"complete already, with {state.images_seen:,} images seen")
    with ExitStack() as stack:
        stop = stack.enter_context(stopping_on_signals())
        writer = build_tensorboard(config, folder, state.images_seen)
        if writer is not None:
            stack.callback(writer.close)
        folder.forget_beyond(state.images_seen)
        settle_best(folder)
        log, sheets, checkpoints = build_hooks(
            config, folder, networks, batches, plan, writer, reporter
        )
        measuring = build_measuring(
            config, folder, networks, pictures, device, reporter, stop, checkpoints.save
        )
        if state.images_seen == 0:
            sheets.draw(state)
        reporter.begin(state.images_seen, plan.images, plan.minutes)
        stack.callback(reporter.end)
        if measuring is not None:
            measuring.stop_if_over()  # it may have been stopped for this already
        hooks: list[Hook] = [log, sheets, *([measuring] if measuring else []), checkpoints]
        fit(state, batches, plan, hooks, stop)
        checkpoints.save(state)
        if stop.signal is not None and not plan.is_done(state):
            raise _interrupted(stop.signal.name, folder, state)
        if stop.reason is not None:
            reporter.note(stop.reason)
            folder.events.append(
                {"time": now(), "event": "stopped early", "images": state.images_seen}
            )
        if measuring is not None:
            measuring.finish(state)
        log.write(state)
        sheets.draw(state)
        _finish(folder, state, pictures, reporter)


def _interrupted(signal: str, folder: RunFolder, state: TrainingState) -> Interrupted:
    images = state.images_seen
    folder.events.append({"time": now(), "event": "signal", "signal": signal, "images": images})
    return Interrupted(
        f"stopped by {signal} after {images:,} images; all is saved in {folder.path}: the same"
        f" command with --out {folder.path} goes on from here"
    )


def _finish(
    folder: RunFolder, state: TrainingState, pictures: Pictures, reporter: Reporter
) -> None:
    """Curves and the animation, and what was skipped by name."""
    records = by_images(folder.log.read())
    draw_quality(folder)
    if records:
        loss_and_score_curves(records, folder.curves)
        gradient_curves(records, folder.gradients)
    frames = []
    for path in folder.sheets():
        with Image.open(path) as frame:
            frames.append(frame.copy())
    save_gif(frames, folder.animation)
    for skipped in pictures.skipped[:20]:
        reporter.note(f"skipped {skipped.title}: {skipped.reason}")
    if len(pictures.skipped) > 20:
        reporter.note(f"skipped {len(pictures.skipped) - 20} more unreadable pictures")
    folder.events.append({"time": now(), "event": "finished", "images": state.images_seen})
