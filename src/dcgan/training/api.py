"""``dcgan.train``: one call from images to a trained run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from os import PathLike, fspath
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from dcgan.config import RunConfig, parse_config, resolved, validate_combinations
from dcgan.data import Source, open_items, survey
from dcgan.data.quality.survey import LOOKED_AT, class_counts
from dcgan.evaluation.extractors import refuse_unknown
from dcgan.layer_tables import resolve_networks
from dcgan.runs.dataset import FROM_PYTHON
from dcgan.runs.folder import RunFolder
from dcgan.runs.networks import Networks
from dcgan.runs.run import Run, open_run, read_networks
from dcgan.runtime.datasets import DEFAULT_DATA
from dcgan.runtime.device import choose_device
from dcgan.runtime.files import StrPath
from dcgan.runtime.isolation import isolated
from dcgan.runtime.launch import has_restarted
from dcgan.runtime.progress import chosen_reporter
from dcgan.runtime.ranks import Ranks, joined
from dcgan.runtime.reporting import SILENT, Reporter
from dcgan.runtime.signatures import checked
from dcgan.training.build import build_dataset, build_scale, build_source
from dcgan.training.context import RunContext
from dcgan.training.planning.advice import (
    blank_or_copied,
    cropped,
    few_images,
    model_to_start_from,
    start_hint,
)
from dcgan.training.planning.arguments import (
    collect_settings,
    named_as_given,
    outside_the_recipe,
)
from dcgan.training.planning.auto import fill_auto, resolve_auto
from dcgan.training.planning.classes import (
    refuse_labels_named_clusters,
    refuse_missing_condition,
    refuse_other_classes,
    with_classes,
)
from dcgan.training.planning.clusters import (
    clusters_of,
    label_clusters,
    refuse_no_clusters,
    resolve_clusters,
)
from dcgan.training.planning.device_limits import refuse_random_recompute, refuse_uneven
from dcgan.training.planning.memory_check import refuse_beyond_memory
from dcgan.training.planning.run_choice import choose_folder, claimed, refuse_conflict
from dcgan.training.planning.speed_choice import resolve_speed
from dcgan.training.planning.threads import Threads
from dcgan.training.planning.time_plan import Expectation, can_be_planned, plan_size
from dcgan.training.provenance import refuse_other_dataset
from dcgan.training.trainer import train_run
from dcgan.training.trial import compare_speeds, images_per_second
from dcgan.vocabulary import CLUSTERS

_P = ParamSpec("_P")
_T = TypeVar("_T")


@checked
@isolated()
def train(
    data: object = None,
    *,
    recipe: StrPath | RunConfig | None = None,
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
    init: StrPath | None = None,
    settings: Mapping[str, Any] | None = None,
    reporter: Reporter | None = None,
    progress: bool = True,
) -> Run:
    """Train a DCGAN on a dataset of images.

    Parameters
    ----------
    data : str, path, array, tensor, sequence or iterable, default "digits"
        A path or name as for :func:`dcgan.data.open_source`, or the images themselves as for
        :func:`dcgan.data.open_items`.
    recipe : str, path or RunConfig, optional
        The name of a built-in recipe, a YAML file, or what :func:`dcgan.recipe` returned. The
        default is ``auto`` or, if ``out`` holds a run to resume, the configuration of that run.
    out : path, optional
        The run folder. The default is a new folder below ``runs/``. If the folder holds an
        unfinished run with the same settings, that run is resumed.
    resume : bool, default False
        Resume a run, which may also be made longer. With ``out``, the run in that folder is
        resumed; data and settings that are not given are those of the run. Without ``out``, the
        newest run below ``runs/`` with the same data and settings is resumed.
    size : int, str or (height, width), optional
        The size of the training images in pixels, such as 64 or "157x128". The default depends on
        the images, the device and ``minutes``.
    images, epochs, minutes : number, optional
        The length of the run in images seen, passes over the dataset, or minutes; at most one of
        them. The default is 100 epochs within limits.
    batch : int, optional
        Real images per step; default 32 on a CPU and 64 on a GPU.
    seed : int, default 0
        The seed of weights, latents, data order and noise.
    device : {"auto", "cpu", "cuda", "cuda:N", "mps"}, default "auto"
        Where to train; ``auto`` uses a GPU if there is one.
    precision : {"auto", "fp32", "bf16"}, default "auto"
        The precision of matrix products; ``auto`` uses the faster one on this machine.
    threads : int, "auto" or str, default "auto"
        Number of CPU threads; ``auto`` uses the fastest number. A str such as "2,1@12288" repeats
        a run that changed from 2 threads to 1 at 12,288 images seen. The number that PyTorch used
        before the call is restored afterwards.
    data_root : path, optional
        The folder of datasets chosen by name; default the environment variable ``DCGAN_DATA``.
    init : path, optional
        A run whose weights training starts from, instead of random ones. Networks, size and
        channels are those of that run unless they are given; layers of another shape start at
        random, and a note names them.
    settings : mapping, optional
        Any other settings, nested as in a recipe, such as
        ``{"optim": {"generator": {"lr": 5e-4}}}``.
    reporter : Reporter, optional
        Receives notes and progress, which are then not shown on the screen.
    progress : bool, default True
        Show progress and notes on stderr or, in a notebook, below the cell.

    Returns
    -------
    Run
        The finished run, opened at its best checkpoint.

    Raises
    ------
    ConfigError, DataError, RunError
        The arguments cannot work. Nothing has been changed.
    Interrupted
        A signal stopped the run. A checkpoint is saved.
    Diverged
        Losses or weights diverged, even with lower learning rates.

    Examples
    --------
    >>> run = dcgan.train("digits", size=16, images=256, out="/tmp/run")  # doctest: +SKIP
    >>> run.sample(4).shape  # doctest: +SKIP
    (4, 1, 16, 16)
    """
    shortcuts = {
        "size": size,
        "images": images,
        "epochs": epochs,
        "minutes": minutes,
        "batch": batch,
        "seed": seed,
        "device": device,
        "precision": precision,
        "threads": threads,
        "init": None if init is None else fspath(init),
    }
    path = fspath(data) if isinstance(data, str | PathLike) else None
    given = None if data is None or path is not None else open_items(data)
    with named_as_given(shortcuts | {"data_root": data_root}), joined() as ranks:
        resume = resume or (out is None and has_restarted())
        reporter = chosen_reporter(reporter, progress=progress, is_first=ranks.is_first)
        if ranks.is_first:
            asked = parse_config(
                collect_settings(
                    FROM_PYTHON if given else path,
                    recipe=recipe,
                    out=out,
                    resume=resume,
                    data_root=data_root,
                    shortcuts=shortcuts,
                    settings=settings or {},
                )
            )
            if recipe is not None:
                named = recipe.recipe if isinstance(recipe, RunConfig) else fspath(recipe)
                for line in outside_the_recipe(named, asked):
                    reporter.note(line)
            decided = _decided(asked, given, out, resume, ranks, reporter)
        else:
            decided = _followed(given, ranks)
        has_begun = False
        try:
            with decided as run:
                has_begun = True
                train_run(run)
        except KeyboardInterrupt as error:  # once training has begun, mostly Interrupted
            if has_begun:
                raise
            raise KeyboardInterrupt(
                "stopped before training began: no run folder was written or changed"
            ) from error
        return open_run(run.folder.path)


@contextmanager
def _decided(
    asked: RunConfig,
    given: Source | None,
    out: StrPath | None,
    resume: bool,
    ranks: Ranks,
    reporter: Reporter,
) -> Iterator[RunContext]:
    """Decide everything, claim the run folder, load the images, and tell other processes."""
    may_change = asked.threads == "auto"
    folder, stored = choose_folder(asked, out=out, resume=resume)
    if stored is not None:
        asked = fill_auto(asked, stored)
    config, source, networks, threads, expected = _resolve(
        asked, given, reporter, ranks.size, may_change=may_change, is_new=stored is None
    )
    if folder is not None and stored is not None:
        refuse_conflict(config, stored, folder, longer=resume)
    # nothing that was asked for is refused from here on: the folder may be made
    with claimed(folder, config, stored) as folder:
        reporter.note(f"run folder: {folder.path}")
        try:
            dataset = build_dataset(config, source, folder, reporter)
            # first, as other images may also have other classes
            refuse_other_dataset(folder, config, dataset)
            repeated = blank_or_copied(dataset) if stored is None else None
            if repeated:
                reporter.note(repeated)
        except BaseException:
            reporter.end()
            raise
        clusters = None
        if config.model.condition == CLUSTERS:
            is_choice = asked.model.condition == "auto"
            config, said = resolve_clusters(config, dataset, folder, is_choice=is_choice)
            if said:
                reporter.note(said)
        if config.model.condition == CLUSTERS:
            clusters = clusters_of(dataset)
        networks = with_classes(networks, config, dataset)
        # of a start that was killed before it wrote a configuration, nothing is used
        if stored is not None and folder.networks.is_file():
            stored_networks = read_networks(folder)
            refuse_other_classes(networks, stored_networks, folder.path)
            networks = stored_networks
        else:
            networks = replace(networks, scale=build_scale(config, dataset))
        asked_threads = None if may_change else threads.number
        ranks.broadcast((config, networks, folder.path, asked_threads, clusters))
        yield RunContext(
            folder,
            config,
            networks,
            dataset,
            threads,
            ranks,
            reporter,
            expected=expected,
        )


@contextmanager
def _followed(given: Source | None, ranks: Ranks) -> Iterator[RunContext]:
    """What the first process has decided, on the others."""
    nothing: tuple[RunConfig, Networks, Path, int | None, NDArray[np.uint8] | None] | None = None
    decided = ranks.broadcast(nothing)
    assert decided is not None
    config, networks, path, asked_threads, clusters = decided
    folder = RunFolder(path)
    dataset = build_dataset(config, build_source(config, given, SILENT), folder, SILENT)
    if clusters is not None:
        label_clusters(dataset, clusters)
    most = torch.get_num_threads()
    threads = Threads(((0, asked_threads or most),), most)
    yield RunContext(folder, config, networks, dataset, threads, ranks, SILENT)


def _resolve(
    config: RunConfig,
    given: Source | None,
    reporter: Reporter,
    processes: int,
    *,
    may_change: bool,
    is_new: bool,
) -> tuple[RunConfig, Source, Networks, Threads, Expectation | None]:
    """Fill every ``auto`` from the images and by timing, and refuse what cannot work.

    The expectation is that of a run that is new and bounded by time.
    """
    is_default = "source" not in config.data.model_fields_set
    # before anything is opened
    validate_combinations(config)
    if config.metrics.metric != "off":
        refuse_unknown(config.metrics.extractor, "metrics.extractor")
    device = choose_device(config.device)
    timed = _Said(reporter, "timing a few training steps on this machine")
    source = build_source(config, given, reporter)
    # the labels of a Python dataset may take reading all of it
    if config.model.condition not in {None, "auto"}:
        refuse_missing_condition(config.model.condition, source.labels)
    if config.model.condition == CLUSTERS:
        refuse_no_clusters(len(source))
        if is_new:
            refuse_labels_named_clusters(source.labels)
    seen = survey(source, LOOKED_AT)
    if config.model.condition == "auto":
        seen = replace(seen, labels=class_counts(source))
    expectation: list[str] = []
    expected: Expectation | None = None
    if is_new and can_be_planned(config):
        config, expectation, expected = plan_size(
            config, seen, device, timed.before(images_per_second), processes
        )
    config, choice = resolve_auto(config, seen, device, processes)
    refuse_uneven(config, processes)
    refuse_random_recompute(config, device)
    networks = resolve_networks(config)
    refuse_beyond_memory(config, networks, device)
    config, threads, speed = resolve_speed(
        config, networks, device, timed.before(compare_speeds), processes, may_change=may_change
    )
    speed = speed and f"auto chose {speed}, by timing a few steps"
    size = resolved(config.data.size)
    dataset = [few_images(len(source)), cropped(seen, size, config.data.fit)]
    start = model_to_start_from(len(source), size, resolved(config.data.channels))
    if start and config.recipe == "auto" and config.start.weights is None:
        dataset.append(f"starts {start_hint(start)}")
    notes = [f"no `data` given: training on {DEFAULT_DATA}" if is_default else None]
    notes += [*(dataset if is_new else ()), choice, speed, *validate_combinations(config)]
    if config.start.weights is not None:  # what is known of the time is known of random weights
        expectation, expected = [], None
    for line in (*notes, *expectation):
        if line:
            reporter.note(line)
    return config, source, networks, threads, expected


class _Said:
    """A note before the first call of functions that take long."""

    def __init__(self, reporter: Reporter, text: str) -> None:
        self._reporter, self._text = reporter, text
        self._is_said = False

    def before(self, function: Callable[_P, _T]) -> Callable[_P, _T]:
        def call(*args: _P.args, **kwargs: _P.kwargs) -> _T:
            if not self._is_said:
                self._is_said = True
                self._reporter.note(self._text)
            return function(*args, **kwargs)

        return call
