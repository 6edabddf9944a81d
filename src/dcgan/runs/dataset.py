"""The training images of a finished run, or other images prepared in the same way."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import ConfigDict, Field, InstanceOf

from dcgan.data import ImageDataset, Source, load_dataset, open_items, open_source
from dcgan.data.cache import cache_by_settings
from dcgan.data.image_view import View
from dcgan.data.pixels.values import UNKNOWN, Values
from dcgan.data.quality.selection import select_by_settings
from dcgan.data.quality.survey import values_of
from dcgan.data.sources.named import named_test_of
from dcgan.data.stream import STREAMED
from dcgan.errors import DataError, RunError
from dcgan.runs.folder import RunFolder
from dcgan.runs.networks import Networks
from dcgan.runs.schema import Number, Share, Stored, Text
from dcgan.runs.settings import section_of, stored_section
from dcgan.runtime.files import StrPath
from dcgan.runtime.reading import NotJson, read_json
from dcgan.runtime.reporting import SILENT, Reporter
from dcgan.vocabulary import CachePlace, Fit, Frames, KeepOrDrop

FROM_PYTHON = "(python)"
"""The ``data.source`` of a run on images that a Python program passed."""


IMPORTED = "(imported)"
"""The ``data.source`` of an imported model, whose training images are not known."""

_NO_IMAGES = {
    FROM_PYTHON: "its images came from Python",
    IMPORTED: "the training images of an imported model are not known",
}


def open_dataset(
    folder: RunFolder,
    networks: Networks,
    data: StrPath | None = None,
    *,
    data_root: StrPath | None = None,
    reporter: Reporter = SILENT,
) -> ImageDataset:
    """Open images at the size and with the channels of a run's networks.

    ``data`` is as for :func:`dcgan.data.open_source`, by default the run's training data, and
    ``data_root`` the folder of datasets chosen by name, by default that of the run. Raises
    ``DataError`` if they cannot be read or a program passed them, ``RunError`` if the run's
    configuration is damaged.
    """
    is_own = data is None
    section = _data_section(folder) if is_own or folder.config.exists() else _DataSection()
    if is_own and section.source in _NO_IMAGES:
        reason = _NO_IMAGES[section.source]
        raise DataError(f"{folder.path}: {reason}. Choose images to compare with by `data`")
    if is_own and Path(section.source).is_absolute():
        reporter.note(f"images: {section.source} (named in {folder.config})")
    source = open_source(
        data or section.source,
        data_root or section.root,
        frames=section.frames,
        split=section.split if is_own else "auto",
        labels=section.labels if is_own else "auto",
    )
    if is_own:
        source = select_by_settings(
            source,
            section.duplicates,
            section.blank,
            background=section.background,
            channels=section.channels,
            cache=section.cache,
            reporter=reporter,
        )
    else:
        for line in source.notes:
            reporter.note(line)
    dataset = load_dataset(
        source,
        networks.image_shape[1:],
        networks.image_shape[0],
        how=section.how,
        background=section.background,
        max_unreadable=section.max_unreadable,
        cache=cache_by_settings(section.cache, section.cache_gb, folder.cache),
        values=_values(section, source, is_own=is_own),
        reporter=reporter,
    )
    if is_own and section.fit != "cover-random":
        _note_changes(folder, dataset, reporter)
    return dataset


def read_files(folder: RunFolder, networks: Networks, files: Sequence[Path]) -> NDArray[np.uint8]:
    """Read image files, fitted like the run's training images, uint8 (N, C, H, W)."""
    shape = networks.image_shape
    section = _data_section(folder)
    source = open_items(list(files))
    values = _values(section, source, is_own=False)
    view = View(shape[1:], shape[0], section.how, section.background, values=values)
    return np.stack([view.of(source, number) for number in range(len(files))])


def held_out_name(folder: RunFolder) -> str | None:
    """The test split of a run's dataset, if it was chosen by name and has one.

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
    """The settings ``data`` that matter after training."""

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

    @property
    def how(self) -> Fit:
        """How images are fitted; random crops become center crops."""
        return "crop" if self.fit == "cover-random" else self.fit


def _data_section(folder: RunFolder) -> _DataSection:
    try:
        stored = stored_section(folder, "data")
        found = _DataSection.read(stored | {"values": Values.stored(stored)})
        if not found.source:
            raise NotJson("source is missing")
        return found
    except (ValueError, KeyError, TypeError) as error:
        raise RunError(
            f"{folder.config}: damaged (data.{error}). Restore it or train again"
        ) from error


def _values(section: _DataSection, source: Source, *, is_own: bool) -> Values:
    """The run's values for black and white, else those found in these images."""
    stored = section.values
    return stored if stored and is_own else values_of(source, stored or UNKNOWN)


def _note_changes(folder: RunFolder, dataset: ImageDataset, reporter: Reporter) -> None:
    try:
        seen = section_of(read_json(folder.provenance), "data").get("fingerprint")
    except (OSError, ValueError):
        return
    if not isinstance(seen, str):
        return
    comparable = seen.startswith(STREAMED) == dataset.fingerprint.startswith(STREAMED)
    if comparable and seen != dataset.fingerprint:
        reporter.note(f"{folder.path}: the images have changed since training")
