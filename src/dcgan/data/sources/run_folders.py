"""Run folders, which hold generated images and no dataset."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import yaml

from dcgan.data.sources.base import Source
from dcgan.errors import DataError
from dcgan.plain_yaml import load_yaml
from dcgan.runtime.shell import call

_SHEETS = "samples"
"""The folder of sheets in a run folder."""

_FEW = 10
"""Up to 10 images next to run folders are sheets, such as ``compare.png``."""


def is_run_folder(folder: Path) -> bool:
    """Whether a folder holds a run; False if permissions hide it."""
    try:
        return (folder / "networks.json").is_file()
    except OSError:
        return False


def refuse_run_folder(folder: Path) -> None:
    """Raise ``DataError`` for a run folder, or its folder of sheets, and name the run's dataset."""
    run = folder.resolve()
    if run.name == _SHEETS and is_run_folder(run.parent):
        run = run.parent
    if is_run_folder(run):
        raise DataError(
            f"{folder}: a run folder, which holds generated images and no dataset."
            f" {_advice([run])}. To resume the run: {call('train', out=run, resume=True)}"
        )


def refuse_folder_of_runs(folder: Path, source: Source) -> None:
    """Raise ``DataError`` for a folder of run folders with at most a few sheets."""
    if len(source) >= _FEW:
        return
    runs: list[Path] = []
    with suppress(OSError):  # a folder that may not be read is counted as closed
        runs = sorted(one for one in folder.iterdir() if is_run_folder(one))
    if runs:
        raise DataError(f"{folder}: holds run folders and no dataset. {_advice(runs)}")


def _advice(runs: list[Path]) -> str:
    for run in runs:
        with suppress(OSError, ValueError, KeyError, TypeError, yaml.YAMLError):
            stored = load_yaml((run / "config.yaml").read_text(encoding="utf-8"))
            return f"Use a dataset, such as {stored['data']['source']}, on which it was trained"
    return "Use a dataset"
