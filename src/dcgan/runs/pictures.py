"""The pictures that a finished run was trained on, or others seen the same way."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypedDict

import numpy as np
import yaml
from numpy.typing import NDArray

from dcgan.data import Pictures, Source, load_pictures, open_items, open_source
from dcgan.data.cache import Cache
from dcgan.data.fit import Fit
from dcgan.data.selection import Drops, select
from dcgan.data.sources.opening import named_test_of
from dcgan.data.stream import STREAMED
from dcgan.data.survey import values_of
from dcgan.data.values import UNKNOWN, Values
from dcgan.data.view import View
from dcgan.errors import DataError, RunError
from dcgan.plain_yaml import load_yaml
from dcgan.runs.folder import RunFolder
from dcgan.runs.networks import Networks
from dcgan.runtime.cache import cache_folder
from dcgan.runtime.files import StrPath

FROM_PYTHON = "(python)"
"""Stands for pictures that a program gave, where a configuration names its source."""


class _Fitting(TypedDict):
    how: Fit
    background: str


def open_pictures(
    folder: RunFolder,
    networks: Networks,
    data: StrPath | None = None,
    *,
    data_root: StrPath | None = None,
    note: Callable[[str], None] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Pictures:
    """Pictures at the size and with the channels of a run's networks.

    Parameters
    ----------
    folder : RunFolder
    networks : Networks
    data : str, optional
        As for :func:`dcgan.data.open_source`; default what the run was trained on.
    data_root : path, optional
        Where named sets lie; default where they lay then, else the variable ``DCGAN_DATA``.
    note, progress
        As for :func:`dcgan.data.load_pictures`.

    Raises
    ------
    DataError
        They cannot be found or read, or came from a program that must give them again.
    RunError
        The run's configuration is damaged.
    """
    section = _data_section(folder)
    own = str(section["source"])
    if data is None and own == FROM_PYTHON:
        raise DataError(f"{folder.path}: its pictures came from Python; say which to compare with")
    root = data_root or section.get("root")
    is_own = data is None
    source = open_source(
        data or own,
        root,
        frames=section.get("frames", "first"),
        split=section.get("split", "auto") if is_own else "auto",
        labels=section.get("labels", "auto") if is_own else "auto",
    )
    if note is not None and not is_own:
        for line in source.notes:
            note(line)
    if is_own:
        source = _selected(section, source, note)
    how = section.get("fit", "crop")
    pictures = load_pictures(
        source,
        networks.image_shape[1:],
        networks.image_shape[0],
        **_fit(section),
        max_unreadable=section.get("max_unreadable", 0.05),
        cache=_cache(section, folder),
        values=_values(section, source, is_own=data is None),
        progress=progress,
        note=note,
    )
    if data is None and note is not None and how != "cover-random":
        _say_if_changed(folder, pictures, note)
    return pictures


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
    if section.get("split", "auto") not in {"auto", "train"}:
        return None
    return named_test_of(str(section["source"]))


def _data_section(folder: RunFolder) -> dict[str, Any]:
    try:
        stored = load_yaml(folder.config.read_text(encoding="utf-8"))["data"]
        Values.stored(stored)
        return {"source": stored["source"], **stored}
    except (OSError, ValueError, KeyError, TypeError, yaml.YAMLError) as error:
        words = " ".join(str(error).split())
        raise RunError(f"{folder.config}: damaged ({words}); restore it or train again") from error


def _fit(section: dict[str, Any]) -> _Fitting:
    how = section.get("fit", "crop")
    return {
        "how": "crop" if how == "cover-random" else how,  # the same pictures, cut about the centre
        "background": section.get("background", "#ffffff"),
    }


def _selected(
    section: dict[str, Any], source: Source, note: Callable[[str], None] | None
) -> Source:
    """Without the images that the run went without."""
    on_white = section.get("background", "#ffffff").lower() == "#ffffff"
    drops = Drops(
        section.get("duplicates", "keep"),
        section.get("blank", "keep"),
        vanishing=on_white and section.get("channels") not in {2, 4},
    )
    known = None if section.get("cache") == "off" else cache_folder() / "selections"
    return select(source, drops, known=known, note=note)


def _values(section: dict[str, Any], source: Source, *, is_own: bool) -> Values:
    """Black and white as in the run's images; where those have none, as these tell."""
    stored = Values.stored(section)
    return stored if stored and is_own else values_of(source, stored or UNKNOWN)


def _cache(section: dict[str, Any], folder: RunFolder) -> Cache | None:
    match section.get("cache", "user"):
        case "off":
            return None
        case "run":
            place = folder.cache
        case _:
            place = cache_folder() / "pictures"
    return Cache(place, int(section.get("cache_gb", 50.0) * 1e9))


def _say_if_changed(folder: RunFolder, pictures: Pictures, note: Callable[[str], None]) -> None:
    try:
        seen = json.loads(folder.provenance.read_text(encoding="utf-8"))["data"]["fingerprint"]
    except (OSError, ValueError, KeyError, TypeError):
        return
    comparable = seen.startswith(STREAMED) == pictures.fingerprint.startswith(STREAMED)
    if comparable and seen != pictures.fingerprint:
        note(f"{folder.path}: the pictures have changed since it was trained on them")
