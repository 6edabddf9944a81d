"""One call from DATA to a trained run: prepare, begin or go on, train, finish."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from os import PathLike, fspath
from pathlib import Path
from typing import Any

import torch

from dcgan.config import RunConfig, parse_config, resolved, validate_combinations
from dcgan.data import ImageDataset, Source, load_dataset, open_items, open_source, survey
from dcgan.data.survey import LOOKED_AT
from dcgan.errors import DataError
from dcgan.evaluation.extractors import refuse_unknown
from dcgan.runs.dataset import FROM_PYTHON
from dcgan.runs.folder import RunFolder
from dcgan.runs.networks import Networks
from dcgan.runs.run import Run, open_run, read_networks
from dcgan.runtime.device import choose_device
from dcgan.runtime.files import StrPath
from dcgan.runtime.isolation import isolated
from dcgan.runtime.launch import has_restarted
from dcgan.runtime.ranks import Ranks, joined
from dcgan.runtime.reporting import Reporter, chosen_reporter
from dcgan.training.planning.advice import cropped, few_images
from dcgan.training.planning.arguments import collect_settings, outside_the_recipe, starting_settings
from dcgan.training.planning.auto import fill_auto, resolve_auto
from dcgan.training.build import (
    build_cache,
    build_scale,
    build_selection,
    build_values,
)
from dcgan.training.planning.memory_check import refuse_beyond_memory
from dcgan.training.micro_batch import refuse_drawn_anew, refuse_uneven
from dcgan.training.planning.run_choice import choose_folder, claimed, refuse_conflict
from dcgan.training.planning.speed_choice import resolve_speed
from dcgan.training.planning.tables import refuse_other_classes, resolve_networks, with_classes
from dcgan.training.planning.threads import Threads
from dcgan.training.planning.time_plan import can_be_planned, plan_size
from dcgan.training.trainer import train_run


@isolated()
def train(
    data: object = None,
    *,
    recipe: StrPath | None = None,
    out: StrPath | None = None,
    resume: bool = False,
    size: int | str | tuple[int, int] | None = None,
    images: int | None = None,
    epochs: int | None = None,
    minutes: float | None = None,
    batch: int | None = None,
    seed: int | None = None,
    device: str | None = None,
    precision: str | None = None,
    threads: int | str | None = None,
    data_root: StrPath | None = None,
    settings: Mapping[str, Any] | None = None,
    reporter: Reporter | None = None,
    progress: bool = True,
) -> Run:
    """Train a DCGAN on a collection of pictures.

    Parameters
    ----------
    data : str, path, array, tensor, sequence or iterable, default "digits"
        A path or name as for :func:`dcgan.data.open_source`; or the pictures themselves, as for
        :func:`dcgan.data.open_items`.
    recipe : str or path, optional
        A built-in recipe or a YAML file; default ``auto``, or what the run to resume in ``out`` was
        begun with.
    out : path, optional
        The run folder; default a new one below ``runs/``. A folder that holds the same run
        unfinished is gone on with.
    resume : bool
        Resume an earlier run, which may now be longer than first planned. Of a run in ``out``,
        data and settings that are not given are its own.
    size : int, str or (height, width), optional
        Such as 64 or "157x128".
    images, epochs, minutes : number, optional
        How long; at most one of them.
    batch, seed : int, optional
    device : {"auto", "cpu", "cuda", "cuda:N", "mps"}, optional
    precision : {"auto", "fp32", "bf16"}, optional
    threads : int, "auto" or str, optional
        Threads that compute on a CPU. The caller's own number is put back afterwards.
    data_root : path, optional
        Where named data sets lie; default the variable ``DCGAN_DATA``.
    settings : mapping, optional
        Any other settings, nested as in a recipe.
    reporter : Reporter, optional
        Told about the course of the run, in place of the screen.
    progress : bool, default True
        Show progress and notes on stderr or, in a notebook, below the cell.

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
        Losses or weights went out of bounds, again and again.

    Examples
    --------
    >>> run = dcgan.train("digits", size=16, images=256, out="/tmp/run")  # doctest: +SKIP
    >>> run.sample(4).shape  # doctest: +SKIP
    (4, 1, 16, 16)
    """
    with joined() as ranks:
        return _train_together(
            ranks,
            data,
            recipe=recipe,
            out=out,
            resume=resume or (out is None and has_restarted()),
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
                "threads": threads,
            },
            settings=settings or {},
            reporter=chosen_reporter(reporter, progress=progress, is_first=ranks.is_first),
        )


def _train_together(
    ranks: Ranks,
    data: object,
    *,
    recipe: StrPath | None,
    out: StrPath | None,
    resume: bool,
    data_root: StrPath | None,
    shortcuts: Mapping[str, Any],
    settings: Mapping[str, Any],
    reporter: Reporter,
) -> Run:
    """Of several processes the first chooses everything and writes it; the others follow."""
    path = fspath(data) if isinstance(data, str | PathLike) else None
    given = None if data is None or path is not None else open_items(data)
    if not ranks.is_first:
        return _follow(ranks, given)
    named = FROM_PYTHON if given else path
    asked = parse_config(
        collect_settings(
            recipe=starting_settings(recipe, out=out, resume=resume),
            data=named,
            data_root=data_root,
            shortcuts=shortcuts,
            settings=settings,
        )
    )
    if recipe is not None:
        for line in outside_the_recipe(fspath(recipe), asked):
            reporter.note(line)
    may_change = asked.threads == "auto"
    folder, stored = choose_folder(asked, out=out, resume=resume)
    if stored is not None:
        asked = fill_auto(asked, stored)
    config, source, networks, threads = _resolve(
        asked, given, reporter, ranks.size, may_change=may_change, is_new=stored is None
    )
    if folder is not None and stored is not None:
        refuse_conflict(config, stored, folder, longer=resume)
    # all that was said is possible: from here on, the folder is ours alone
    with claimed(folder, config, stored) as folder:
        reporter.note(f"run folder: {folder.path}")
        try:
            dataset = _load(config, source, folder, reporter)
        except BaseException:
            reporter.end()
            raise
        networks = with_classes(networks, config, dataset)
        if folder.networks.is_file():
            stored_networks = read_networks(folder)
            refuse_other_classes(networks, stored_networks, folder.path)
            networks = stored_networks
        else:
            networks = replace(networks, scale=build_scale(config, dataset))
        asked_threads = None if may_change else threads.number
        ranks.broadcast((config, networks, folder.path, asked_threads))
        train_run(folder, config, networks, dataset, reporter, threads, ranks)
    return open_run(folder.path)


def _follow(ranks: Ranks, given: Source | None) -> Run:
    """Train as the first process says, once it has made everything ready."""
    nothing: tuple[RunConfig, Networks, Path, int | None] | None = None
    told = ranks.broadcast(nothing)
    assert told is not None
    config, networks, path, asked_threads = told
    folder, silent = RunFolder(path), Reporter()
    source = given or _open(config, silent)
    source = build_selection(config, source, silent)
    dataset = _load(config, source, folder, silent)
    most = torch.get_num_threads()
    train_run(
        folder,
        config,
        networks,
        dataset,
        silent,
        Threads(((0, asked_threads or most),), most),
        ranks,
    )
    return open_run(path)


def _resolve(
    config: RunConfig,
    source: Source | None,
    reporter: Reporter,
    processes: int,
    *,
    may_change: bool,
    is_new: bool,
) -> tuple[RunConfig, Source, Networks, Threads]:
    """Fill what is open from a look at the data and by timing, and refuse what cannot work."""
    # before anything is opened
    validate_combinations(config)
    if config.metrics.measure != "off":
        refuse_unknown(config.metrics.extractor, "metrics.extractor")
    device = choose_device(config.device)
    if source is None:
        if config.data.source == FROM_PYTHON:
            raise DataError(
                "the images of this run came from Python: resume it with"
                " dcgan.train(images, resume=True)"
            )
        source = _open(config, reporter)
    for note in source.notes:
        reporter.note(note)
    source = build_selection(config, source, reporter)
    seen = survey(source, LOOKED_AT)
    expectation = None
    if is_new and can_be_planned(config):
        config, expectation = plan_size(config, seen, device, processes)
    config, choice = resolve_auto(config, seen, device, processes)
    refuse_uneven(config, processes)
    refuse_drawn_anew(config, device)
    networks = resolve_networks(config)
    refuse_beyond_memory(config, networks, device, resolve_networks)
    config, threads, timed = resolve_speed(
        config, networks, device, processes, may_change=may_change
    )
    timed = timed and f"auto chose {timed}, by timing a few steps"
    crop = cropped(seen, resolved(config.data.size), config.data.fit)
    notes = (few_images(len(source)), choice, crop, timed, expectation)
    for line in (*notes, *validate_combinations(config)):
        if line:
            reporter.note(line)
    return config, source, networks, threads


def _open(config: RunConfig, reporter: Reporter) -> Source:
    data = config.data
    return open_source(
        data.source,
        data.root,
        frames=data.frames,
        split=data.split,
        labels=data.labels,
        reporter=reporter,
    )


def _load(config: RunConfig, source: Source, folder: RunFolder, reporter: Reporter) -> ImageDataset:
    memory = config.data.memory_gb
    told = len(source.notes)
    dataset = load_dataset(
        source,
        resolved(config.data.size),
        resolved(config.data.channels),
        how=config.data.fit,
        background=config.data.background,
        max_unreadable=config.data.max_unreadable,
        cache=build_cache(config, folder),
        memory=None if memory == "auto" else int(memory * 1e9),
        shown=_images_shown(config, len(source)),
        values=build_values(config),
        reporter=reporter,
    )
    for note in source.notes[told:]:  # what a program gives tells its labels while it is read
        reporter.note(note)
    return dataset


def _images_shown(config: RunConfig, count: int) -> int | None:
    """How many images the run will see, where its length does not depend on time."""
    if config.length.epochs is not None:
        return config.length.epochs * count
    return None if config.length.minutes is not None else resolved(config.length.images)
