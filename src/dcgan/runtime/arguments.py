"""DATA and RUN as users give them, checked before anything slow: this needs no torch.

What does not exist is refused in one line that names the nearest thing that does.
"""

from __future__ import annotations

from pathlib import Path

from dcgan.errors import RunError, SourceNotFound
from dcgan.runtime.datasets import DATASETS
from dcgan.runtime.files import StrPath, expanded
from dcgan.runtime.nearest import exists, nearest_name, nearest_path
from dcgan.runtime.shell import command

RUNS = Path("runs")
"""Where runs lie whose folder nobody chose."""

_OF_A_RUN = ("networks.json", "config.yaml")
_SHOWN = 3


def is_name(data: str) -> bool:
    """Whether DATA is, or begins with, the name of a known set."""
    name = data.partition(":")[0].partition("/")[0]
    return name in DATASETS and (name == "lsun" or "/" not in data.partition(":")[0])


def is_address(data: str) -> bool:
    """Whether DATA is an address for fsspec rather than a path."""
    return "://" in data


def is_pattern(data: str) -> bool:
    """Whether DATA may name several files at once."""
    return any(sign in data for sign in "*?[{")


def refuse_no_data(data: str) -> None:
    """Raise ``SourceNotFound`` where DATA is no name, address or pattern, and no such path exists.

    The message names the dataset or path that is spelled most like it.
    """
    if not data.strip():
        raise SourceNotFound("DATA is empty. Give a path, an address or the name of a dataset")
    path = expanded(data)
    if is_name(data) or is_address(data) or is_pattern(data) or exists(path):
        return
    whole, colon, split = data.rpartition(":")
    if colon and split and exists(expanded(whole)):  # such as photos:val
        return
    before_split, colon, _ = data.rpartition(":")
    if colon and exists(expanded(before_split)):
        return
    said = f"{data}: no such file or folder, nor the name of a dataset"
    near = nearest_path(path)
    names = [str(near)] if near else []
    found = nearest_name(data, [*names, *DATASETS]) or (names[0] if names else None)
    if found is not None:
        raise SourceNotFound(f"{said}. Did you mean {found!r}?")
    raise SourceNotFound(f"{said}. The names are {', '.join(DATASETS)}; else give a path")


def is_run(path: Path) -> bool:
    """Whether a folder holds a run, finished or not."""
    return any((path / name).is_file() for name in _OF_A_RUN)


def refuse_no_run(path: StrPath) -> None:
    """Raise ``RunError`` where a path is no run folder; names the run that may be meant."""
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
        raise RunError(f"{text}: a part of a run. Give the run folder itself: {str(around)!r}")
    if not folder.is_dir():
        raise RunError(f"{text}: a file, not a run folder{nearest_run(folder)}")
    inside = _listed(_runs_in(folder))
    if inside:
        raise RunError(f"{text}: not a run folder, but it holds some. Give one of {inside}")
    raise RunError(f"{text}: not a run folder, it has no networks.json{nearest_run(folder)}")


def refuse_nothing_to_resume(path: Path) -> None:
    """Raise ``RunError`` where a folder that is to be resumed holds no run."""
    if not (path / "config.yaml").is_file():
        raise RunError(
            f"{path}: no run to resume there; to begin one, leave out --resume{nearest_run(path)}"
        )


def nearest_run(path: Path) -> str:
    """The tail of a message about a missing run: the run meant, the newest ones, or how to get one.

    Runs beside the path and those below ``runs/`` are looked at.
    """
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
    """A few of the runs below ``runs/``, such as ``'runs/b', 'runs/a'``; empty where none is."""
    return _listed(_runs_in(RUNS))


def _runs_in(folder: Path) -> list[Path]:
    """The runs that lie in a folder, newest first."""
    try:
        found = [one for one in folder.iterdir() if is_run(one)]
        return sorted(found, key=lambda one: one.stat().st_mtime, reverse=True)
    except OSError:
        return []


def _listed(runs: list[Path]) -> str:
    return ", ".join(repr(str(one)) for one in runs[:_SHOWN])
