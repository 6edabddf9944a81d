"""One call from DATA to a folder of prepared pictures."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any

from dcgan.config import merge, parse_config, resolved
from dcgan.data import Source, open_items, open_source, survey
from dcgan.data.image_view import View
from dcgan.data.sources.prepared import PreparedSource
from dcgan.data.store import prepare_dataset
from dcgan.data.survey import LOOKED_AT
from dcgan.data.values import written
from dcgan.data.variation import varies
from dcgan.errors import ConfigError, DataError
from dcgan.runtime.device import choose_device
from dcgan.runtime.files import StrPath, expanded
from dcgan.runtime.isolation import isolated
from dcgan.runtime.memory import in_words
from dcgan.runtime.reporting import Reporter, chosen_reporter
from dcgan.training.planning.auto import resolve_auto
from dcgan.training.build import build_selection, build_values


@isolated()
def prepare(
    data: object,
    out: StrPath,
    *,
    size: int | str | tuple[int, int] | None = None,
    data_root: StrPath | None = None,
    settings: Mapping[str, Any] | None = None,
    reporter: Reporter | None = None,
    progress: bool = True,
) -> Source:
    """Decode, fit and pack a collection into a folder that later runs map into memory.

    Parameters
    ----------
    data : str, path, array, tensor, sequence or iterable
        As for :func:`dcgan.train`.
    out : path
        A folder that does not exist yet, or is empty; it appears when it is whole.
    size : int, str or (height, width), optional
        Such as 64 or "157x128"; default what training would choose.
    data_root : path, optional
        Where named data sets lie; default the variable ``DCGAN_DATA``.
    settings : mapping, optional
        Other settings of the section ``data``, such as ``{"fit": "pad", "channels": 1}``.
    reporter : Reporter, optional
        Told about progress, in place of the screen.
    progress : bool, default True
        Show progress on stderr or, in a notebook, below the cell.

    Returns
    -------
    Source
        The prepared pictures, opened.

    Raises
    ------
    ConfigError, DataError
        What was asked for cannot be done; nothing is left behind.
    """
    reporter = chosen_reporter(reporter, progress=progress, is_first=True)
    asked: dict[str, Any] = {"data": merge({"size": size} if size else {}, settings or {})}
    config = parse_config(asked)
    if config.data.fit == "cover-random":
        raise ConfigError(
            "data.fit",
            "cover-random",
            "cuts anew each time a picture is shown, so nothing can be prepared; say it to train",
        )
    folder = expanded(out).resolve()
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise DataError(f"{folder}: exists already; take another --out")
    if isinstance(data, str | PathLike):
        source = open_source(
            data,
            data_root,
            frames=config.data.frames,
            split=config.data.split,
            labels=config.data.labels,
            reporter=reporter,
        )
    else:
        source = open_items(data)
    for note in source.notes:
        reporter.note(note)
    try:
        source = build_selection(config, source, reporter)
    finally:
        reporter.end()
    seen = survey(source, LOOKED_AT)
    config, _ = resolve_auto(config, seen, choose_device("auto"))
    values = build_values(config)
    for spread in seen.spreads:
        found = getattr(values, spread.kind)
        if found is None:
            continue  # strays
        black_to_white = written(found)
        reporter.note(f"black to white is {black_to_white}; images hold {spread.in_words()}")
    view = View(
        resolved(config.data.size),
        resolved(config.data.channels),
        config.data.fit,
        config.data.background,
        values,
    )
    if varies(source):
        reporter.note(
            f"{source.name}: the same item gives another image each time it is fetched, as with"
            " random transforms: what is prepared holds one of them"
        )
    _refuse_full_disk(folder, len(source) * view.image_bytes)
    try:
        prepare_dataset(
            source,
            view,
            folder,
            max_unreadable=config.data.max_unreadable,
            reporter=reporter,
        )
    finally:
        reporter.end()
    prepared = PreparedSource(folder)
    for line in prepared.dataset.remarks.lines():
        reporter.note(line)
    return prepared


def _refuse_full_disk(folder: Path, needed: int) -> None:
    place = next(parent for parent in folder.parents if parent.exists())
    free = shutil.disk_usage(place).free
    if needed > free:
        raise DataError(
            f"{folder}: needs {in_words(needed)}, and the disk has {in_words(free)} free;"
            " take a smaller --size or another disk"
        )
