"""Run folders, which hold generated images and no dataset."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import yaml

from dcgan.data.sources.base import Source
from dcgan.errors import DataError
from dcgan.plain_yaml import load_yaml

_SHEETS = "samples"
"""The folder of a run in which its sheets lie."""

_FEW = 10
"""So many images beside run folders are sheets of them, such as ``compare.png``."""


def is_run_folder(folder: Path) -> bool:
    """Whether a folder holds a run."""
    return (folder / "networks.json").is_file()


def refuse_run_folder(folder: Path) -> None:
    """Refuse the folder of a run, or of its sheets.

    Raises
    ------
    DataError
        With the dataset of the run.
    """
    here = folder.resolve()
    run = next((one for one in _places(here) if is_run_folder(one)), None)
    if run is not None:
        raise DataError(
            f"{folder}: a run folder, which holds generated images and no dataset. {_advice([run])}"
        )


def refuse_folder_of_runs(folder: Path, source: Source) -> None:
    """Refuse a folder in which run folders lie, and next to them at most a few sheets.

    Raises
    ------
    DataError
        With the dataset of a run.
    """
    if len(source) >= _FEW:
        return
    runs = sorted(one for one in folder.iterdir() if is_run_folder(one))
    if runs:
        raise DataError(f"{folder}: holds run folders and no dataset. {_advice(runs)}")


def _places(folder: Path) -> list[Path]:
    return [folder, folder.parent] if folder.name == _SHEETS else [folder]


def _advice(runs: list[Path]) -> str:
    for run in runs:
        with suppress(OSError, ValueError, KeyError, TypeError, yaml.YAMLError):
            stored = load_yaml((run / "config.yaml").read_text(encoding="utf-8"))
            return f"Name a dataset, such as {stored['data']['source']}, on which it was trained"
    return "Name a dataset"
