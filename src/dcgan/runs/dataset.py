"""The pictures that a finished run was trained on, or others seen the same way."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal, TypedDict

import numpy as np
from numpy.typing import NDArray
from pydantic import ConfigDict, Field, InstanceOf

from dcgan.data import ImageDataset, Source, load_dataset, open_items, open_source
from dcgan.data.cache import Cache
from dcgan.data.image_view import View
from dcgan.data.selection import Drops, select
from dcgan.data.sources.named import named_test_of
from dcgan.data.stream import STREAMED
from dcgan.data.survey import values_of
from dcgan.data.values import UNKNOWN, Values
from dcgan.errors import DataError, RunError
from dcgan.runs.folder import RunFolder
from dcgan.runs.networks import Networks
from dcgan.runs.schema import Number, Share, Stored, Text
from dcgan.runs.settings import stored_section
from dcgan.runtime.cache import cache_folder
from dcgan.runtime.files import StrPath
from dcgan.runtime.reading import NotJson, read_json
from dcgan.runtime.reporting import SILENT, Reporter
from dcgan.vocabulary import CachePlace, Fit, Frames, KeepOrDrop

FROM_PYTHON = "(python)"
"""Stands for pictures that a program gave, where a configuration names its source."""


class _Fitting(TypedDict):
    how: Fit
    background: str


def open_dataset(
    folder: RunFolder,
    networks: Networks,
    data: StrPath | None = None,
    *,
    data_root: StrPath | None = None,
    reporter: Reporter = SILENT,
) -> ImageDataset:
    """Pictures at the size and with the channels of a run's networks.

    Parameters
    ----------
    folder : RunFolder
    networks : Networks
    data : str, optional
        As for :func:`dcgan.data.open_source`; default what the run was trained on.
    data_root : path, optional
        Where named sets lie; default where they lay then, else the variable ``DCGAN_DATA``.
    reporter
        As for :func:`dcgan.data.load_dataset`.

    Raises
    ------
    DataError
        They cannot be found or read, or came from a program that must give them again.
    RunError
        The run's configuration is damaged.
    """
    section = _data_section(folder) if data is None or folder.config.exists() else _DataSection()
    own = section.source
    if data is None and own == FROM_PYTHON:
        raise DataError(f"{folder.path}: its pictures came from Python; say which to compare with")
    is_own = data is None
    if is_own and Path(own).is_absolute():
        reporter.note(f"images: {own} (named in {folder.config})")
    root = data_root or section.root
    source = open_source(
        data or own,
        root,
        frames=section.frames,
        split=section.split if is_own else "auto",
        labels=section.labels if is_own else "auto",
    )
    if not is_own:
        for line in source.notes:
            reporter.note(line)
    if is_own:
        source = _selected(section, source, reporter)
    how = section.fit
    dataset = load_dataset(
        source,
        networks.image_shape[1:],
        networks.image_shape[0],
        **_fit(section),
        max_unreadable=section.max_unreadable,
        cache=_cache(section, folder),
        values=_values(section, source, is_own=data is None),
        reporter=reporter,
    )
    if data is None and how != "cover-random":
        _say_if_changed(folder, dataset, reporter)
    return dataset


def read_files(folder: RunFolder, networks: Networks, files: Sequence[Path]) -> NDArray[np.uint8]:
    """Single picture files, fitted as those of the run were, uint8 (N, C, H, W).

    Raises
    ------
    DataError
        One is missing or no picture.
    """
    shape = networks.image_shape
    section = _data_section(folder)
    source = open_items(list(files))
    values = _values(section, source, is_own=False)
    view = View(shape[1:], shape[0], **_fit(section), values=values)
    return np.stack([view.of(source, number) for number in range(len(files))])


def held_out_name(folder: RunFolder) -> str | None:
    """The test split of a run's data, where it was trained on a named set that has one.

    >>> held_out_name(RunFolder(Path("no such run"))) is None
    True
    """
    if not folder.config.is_file():
        return None
    section = _data_section(folder)
    if section.split not in {"auto", "train"}:
        return None
    return named_test_of(section.source)


class _DataSection(Stored):
    """What is read again of a run's ``data`` settings."""

    model_config = ConfigDict(extra="ignore")

    source: Text = ""
    root: Text | None = None
    frames: Frames = "first"
    split: Text = "auto"
    labels: Text = "auto"
    duplicates: KeepOrDrop = "keep"
    blank: KeepOrDrop = "keep"
    channels: int | Literal["auto"] = "auto"
    values: InstanceOf[Values] | None = None
    fit: Fit = "crop"
    background: Annotated[str, Field(pattern=r"^#[0-9a-fA-F]{6}$")] = "#ffffff"
    max_unreadable: Share = 0.05
    cache: CachePlace = "user"
    cache_gb: Annotated[Number, Field(gt=0)] = 50.0


def _data_section(folder: RunFolder) -> _DataSection:
    try:
        stored = stored_section(folder, "data")
        found = _DataSection.read(stored | {"values": Values.stored(stored)})
        if not found.source:
            raise NotJson("source is missing")
        return found
    except (ValueError, KeyError, TypeError) as error:
        raise RunError(
            f"{folder.config}: damaged (data.{error}); restore it or train again"
        ) from error


def _fit(section: _DataSection) -> _Fitting:
    how = section.fit
    return {
        "how": "crop" if how == "cover-random" else how,  # the same pictures, cut about the centre
        "background": section.background,
    }


def _selected(section: _DataSection, source: Source, reporter: Reporter) -> Source:
    """Without the images that the run went without."""
    on_white = section.background.lower() == "#ffffff"
    drops = Drops(
        section.duplicates,
        section.blank,
        vanishing=on_white and section.channels not in {2, 4},
    )
    known = None if section.cache == "off" else cache_folder() / "selections"
    return select(source, drops, known=known, reporter=reporter)


def _values(section: _DataSection, source: Source, *, is_own: bool) -> Values:
    """Black and white as in the run's images; where those have none, as these tell."""
    stored = section.values
    return stored if stored and is_own else values_of(source, stored or UNKNOWN)


def _cache(section: _DataSection, folder: RunFolder) -> Cache | None:
    match section.cache:
        case "off":
            return None
        case "run":
            place = folder.cache
        case _:
            place = cache_folder() / "pictures"
    return Cache(place, int(section.cache_gb * 1e9))


def _say_if_changed(folder: RunFolder, dataset: ImageDataset, reporter: Reporter) -> None:
    try:
        about = read_json(folder.provenance).get("data")
    except (OSError, ValueError):
        return
    seen = about.get("fingerprint") if isinstance(about, dict) else None
    if not isinstance(seen, str):
        return
    comparable = seen.startswith(STREAMED) == dataset.fingerprint.startswith(STREAMED)
    if comparable and seen != dataset.fingerprint:
        reporter.note(f"{folder.path}: the pictures have changed since it was trained on them")
