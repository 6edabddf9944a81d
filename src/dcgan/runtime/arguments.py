"""Checks of datasets and run folders before anything slow. Needs no torch.

A missing one is refused in one line that names the most similar one that exists.
"""

from __future__ import annotations

from pathlib import Path

from dcgan.errors import RunError, SourceNotFound
from dcgan.runtime.datasets import DATASETS
from dcgan.runtime.files import StrPath, expanded
from dcgan.runtime.nearest import exists, nearest_name, nearest_path
from dcgan.runtime.shell import command

RUNS = Path("runs")
"""The folder of runs without `out`."""

_OF_A_RUN = ("networks.json", "config.yaml")
_SHOWN = 3


def is_name(data: str) -> bool:
    """Whether ``data`` is, or begins with, the name of a known dataset."""
    name = data.partition(":")[0].partition("/")[0]
    return name in DATASETS and (name == "lsun" or "/" not in data.partition(":")[0])


def is_address(data: str) -> bool:
    """Whether ``data`` is a URL for fsspec."""
    return "://" in data


def is_pattern(data: str) -> bool:
    """Whether ``data`` may be a pattern for several files."""
    return any(sign in data for sign in "*?[{")


def refuse_no_data(data: str) -> None:
    """Raise ``SourceNotFound`` if ``data`` is no name, URL, pattern or existing path."""
    if not data.strip():
        raise SourceNotFound("`data` is empty. Choose a path, a URL or the name of a dataset")
    path = expanded(data)
    if is_name(data) or is_address(data) or is_pattern(data) or exists(path):
        return
    before_split, colon, _ = data.rpartition(":")
    if colon and exists(expanded(before_split)):  # such as photos:val
        return
    problem = f"{data}: no such file or folder, nor the name of a dataset"
    near = nearest_path(path)
    names = [str(near)] if near else []
    similar = nearest_name(data, [*names, *DATASETS]) or (names[0] if names else None)
    if similar is not None:
        raise SourceNotFound(f"{problem}. Did you mean {similar!r}?")
    raise SourceNotFound(f"{problem}. Choose a path or one of {', '.join(DATASETS)}")


def is_run(path: Path) -> bool:
    """Whether a folder holds a run, finished or not."""
    return any((path / name).is_file() for name in _OF_A_RUN)


def refuse_no_run(path: StrPath) -> None:
    """Raise ``RunError`` if a path is not a run folder; the message suggests one."""
    folder = Path(path)
    if is_run(folder):
        return
    text = str(path)
    if not exists(folder):
        if is_name(text):
            train = command("train", text)
            raise RunError(f"{text}: a dataset, not a run folder. To train a run on it: {train}")
        raise RunError(f"{text}: no such run folder{nearest_run(folder)}")
    around = next((one for one in folder.parents if is_run(one)), None)
    if around is not None and around != Path():
        raise RunError(f"{text}: a part of a run. Choose the run folder: {str(around)!r}")
    if not folder.is_dir():
        raise RunError(f"{text}: a file, not a run folder{nearest_run(folder)}")
    inside = _listed(_runs_in(folder))
    if inside:
        raise RunError(f"{text}: not a run folder, but it holds some. Choose one of {inside}")
    raise RunError(f"{text}: not a run folder: it has no networks.json{nearest_run(folder)}")


def refuse_nothing_to_resume(path: Path) -> None:
    """Raise ``RunError`` if a folder holds no run to resume."""
    if not (path / "config.yaml").is_file():
        raise RunError(
            f"{path}: no run to resume. To begin a run, remove `resume`{nearest_run(path)}"
        )


def nearest_run(path: Path) -> str:
    """The end of a message about a missing run: a similar run, the newest runs, or how to train
    one. Considers runs in the same folder and in ``runs/``."""
    near = nearest_path(path)
    if near is not None and is_run(near):
        return f". Did you mean {str(near)!r}?"
    known = _runs_in(RUNS)
    name = nearest_name(path.name, [one.name for one in known])
    if name is not None:
        return f". Did you mean {str(RUNS / name)!r}?"
    if known:
        return f". The newest runs are {newest_runs()}"
    return f". To train one: {command('train')} DATA"


def newest_runs() -> str:
    """The newest runs in ``runs/``, such as ``'runs/b', 'runs/a'``; empty without runs."""
    return _listed(_runs_in(RUNS))


def _runs_in(folder: Path) -> list[Path]:
    """The runs in a folder, newest first."""
    try:
        found = [one for one in folder.iterdir() if is_run(one)]
        return sorted(found, key=lambda one: one.stat().st_mtime, reverse=True)
    except OSError:
        return []


def _listed(runs: list[Path]) -> str:
    return ", ".join(repr(str(one)) for one in runs[:_SHOWN])
