"""``dcgan.prepare``: one call from images to a folder of prepared images."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from os import PathLike, fspath
from pathlib import Path
from typing import Any

from dcgan.config import merge, parse_config, refuse_loose_switches, resolved
from dcgan.data import Source, open_items, survey
from dcgan.data.image_view import View
from dcgan.data.pixels.values import written
from dcgan.data.quality.survey import LOOKED_AT
from dcgan.data.quality.variation import varies
from dcgan.data.sources.prepared import PreparedSource
from dcgan.data.store import prepare_dataset
from dcgan.errors import ConfigError, DataError
from dcgan.runs.dataset import FROM_PYTHON
from dcgan.runtime.device import choose_device
from dcgan.runtime.files import StrPath, expanded
from dcgan.runtime.isolation import isolated
from dcgan.runtime.memory import in_words
from dcgan.runtime.progress import chosen_reporter
from dcgan.runtime.reporting import Reporter
from dcgan.runtime.signatures import checked
from dcgan.training.build import build_source
from dcgan.training.planning.arguments import named_as_given
from dcgan.training.planning.auto import resolve_auto, stated_values


@checked
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
    """Decode, fit and pack a dataset into a folder that later runs map into memory.

    Parameters
    ----------
    data : str, path, array, tensor, sequence or iterable
        As for :func:`dcgan.train`.
    out : path
        The folder to write. It must be empty or not exist. It appears when it is complete.
    size : int, str or (height, width), optional
        The size in pixels, such as 64 or "157x128"; default the size that training would choose.
    data_root : path, optional
        The folder of datasets chosen by name; default the environment variable ``DCGAN_DATA``.
    settings : mapping, optional
        Other settings of the section ``data``, such as ``{"fit": "pad", "channels": 1}``.
    reporter : Reporter, optional
        Receives notes and progress, which are then not shown on the screen.
    progress : bool, default True
        Show progress on stderr or, in a notebook, below the cell.

    Returns
    -------
    Source
        The prepared images, opened.

    Raises
    ------
    ConfigError, DataError
        The arguments cannot work. No folder is written.
    """
    reporter = chosen_reporter(reporter, progress=progress, is_first=True)
    path = fspath(data) if isinstance(data, str | PathLike) else None
    given = open_items(data) if path is None else None
    named = {"source": path or FROM_PYTHON}
    root = {} if data_root is None else {"root": fspath(data_root)}
    asked = merge({} if size is None else {"size": size}, settings or {}, named, root)
    refuse_loose_switches({"data": asked})
    with named_as_given({"size": size}):
        config = parse_config({"data": asked})
    if config.data.fit == "cover-random":
        raise ConfigError(
            "data.fit",
            "cover-random",
            "crops differently each epoch, so it cannot be prepared in advance. Prepare with"
            " another `data.fit`, or train on the original images",
        )
    folder = expanded(out).resolve()
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise DataError(f"{folder}: exists already. Choose another `out`")
    try:
        source = build_source(config, given, reporter)
    finally:
        reporter.end()
    seen = survey(source, LOOKED_AT)
    config, _ = resolve_auto(config, seen, choose_device("auto"))
    values = stated_values(config)
    for spread in seen.spreads:
        found = getattr(values, spread.kind)
        if found is None:
            continue  # a few images of another kind
        reporter.note(f"black to white is {written(found)}; images hold {spread.in_words()}")
    view = View(
        resolved(config.data.size),
        resolved(config.data.channels),
        config.data.fit,
        config.data.background,
        values,
    )
    if varies(source):
        reporter.note(
            f"{source.name}: an item is another image each time it is fetched, as with random"
            " transforms. The prepared folder holds only one of them"
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
            f"{folder}: needs {in_words(needed)}, and the disk has {in_words(free)} free. Use a"
            " smaller `size`, or choose an `out` on another disk"
        )
