"""Checks of datasets and run folders before anything slow. Needs no torch.

A missing one is refused in one line that names the most similar one that exists.
"""

from __future__ import annotations

import re
from pathlib import Path

from dcgan.errors import ConfigError, DataError, RunError, SourceNotFound
from dcgan.runtime.built_in import model_names
from dcgan.runtime.changes import newest_first
from dcgan.runtime.datasets import DATASETS
from dcgan.runtime.files import StrPath, expanded
from dcgan.runtime.nearest import exists, nearest_name, nearest_path
from dcgan.runtime.run_names import is_exported
from dcgan.runtime.shell import DATA, call
from dcgan.vocabulary import DEVICE, NO_DEVICE

RUNS = Path("runs")
"""The folder of runs without `out`."""

DATA_FILES = (".zip", ".tar", ".npy", ".npz", ".parquet")
"""Suffixes of the files that are datasets."""

_IMAGES = (".bmp", ".gif", ".jpeg", ".jpg", ".png", ".ppm", ".tga", ".tif", ".tiff", ".webp")

_PACKED = (".7z", ".bz2", ".gz", ".rar", ".tgz", ".xz", ".zst")

_NAMES = ", ".join({"hub": "hub:OWNER/NAME", "lsun": "lsun/CATEGORY"}.get(n, n) for n in DATASETS)

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


def refuse_seed(seed: int) -> None:
    """Raise ``ConfigError`` for a seed that no random generator takes."""
    if not 0 <= seed < 2**63:
        raise ConfigError("seed", seed, "use a whole number from 0 to 2^63 - 1")


def refuse_no_device(wanted: str) -> None:
    """Raise ``ConfigError`` for a word that names no kind of device."""
    if not re.fullmatch(DEVICE, wanted):
        raise ConfigError("device", wanted, NO_DEVICE)


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
    near = nearest_path(path, _may_be_data)
    names = [str(near)] if near else []
    similar = nearest_name(data, [*names, *DATASETS]) or (names[0] if names else None)
    if similar is not None:
        raise SourceNotFound(f"{problem}. Did you mean {similar!r}?")
    raise SourceNotFound(f"{problem}. Use a path or one of {_NAMES}")


def refuse_other_files(data: str) -> None:
    """Raise ``DataError`` for a file that is no dataset by its kind, such as an image or a text.

    What is inside a folder or a file is checked when it is opened.
    """
    path = expanded(data)
    if is_name(data) or is_address(data):
        return
    if not path.is_file() or path.suffix.lower() in DATA_FILES:
        return
    kinds = f"a folder, {', '.join(DATA_FILES[:-1])} or {DATA_FILES[-1]}"
    suffix = path.suffix.lower()
    if suffix in _PACKED:
        raise DataError(f"{data}: a compressed file. Unpack it and use the folder, or use {kinds}")
    if suffix in _IMAGES:
        raise DataError(f"{data}: a single image. Put images into a folder, and use the folder")
    raise DataError(f"{data}: not a dataset. Use {kinds}")


def refuse_run_as_data(data: str) -> None:
    """Raise ``DataError`` for a run folder where a dataset is expected."""
    if not is_name(data) and not is_address(data) and (expanded(data) / "networks.json").is_file():
        raise DataError(
            f"{data}: a run, not a dataset. To resume it: {call('train', out=data, resume=True)}."
            " Otherwise use a dataset"
        )


def _may_be_data(path: Path) -> bool:
    """Whether a path may be suggested as a dataset."""
    return path.suffix.lower() in DATA_FILES or (path.is_dir() and not is_run(path))


def is_run(path: Path) -> bool:
    """Whether a folder holds a run, finished or not."""
    return any((path / name).is_file() for name in _OF_A_RUN)


def refuse_no_run(path: StrPath) -> None:
    """Raise ``RunError`` if a path is not a run folder; the message suggests one."""
    folder = expanded(path)
    if is_run(folder):
        return
    text = str(path)
    if not exists(folder):
        if is_name(text):
            if text.startswith("hub:"):
                raise RunError(f"{text}: a name, not a run folder. Use {call('load', text)}")
            train = call("train", text)
            raise RunError(f"{text}: a dataset, not a run folder. To train a run on it: {train}")
        raise RunError(f"{text}: no such run folder{nearest_run(folder)}")
    around = next((one for one in folder.parents if is_run(one)), None)
    if around is not None and around != Path():
        raise RunError(f"{text}: a part of a run. Choose the run folder: {str(around)!r}")
    if not folder.is_dir() and folder.suffix.lower() in DATA_FILES:
        train = call("train", text)
        raise RunError(f"{text}: a file, not a run folder. To train a run on it: {train}")
    if not folder.is_dir():
        raise RunError(f"{text}: a file, not a run folder{nearest_run(folder)}")
    inside = _listed(_runs_in(folder))
    if inside:
        raise RunError(f"{text}: not a run folder, but it holds some. Choose one of {inside}")
    raise RunError(f"{text}: not a run folder: it has no networks.json{nearest_run(folder)}")


def refuse_exported(path: Path) -> None:
    """Raise ``RunError`` for an exported model where training would write or resume."""
    if is_exported(path):
        recipe = path / "config.yaml"
        raise RunError(
            f"{path}: an exported model, which has no training state. Resume the run that it came"
            f" from, or train a new run with `recipe={recipe}` and another `out`"
        )


def refuse_nothing_to_resume(path: Path) -> None:
    """Raise ``RunError`` if a folder holds no run to resume."""
    path = expanded(path)
    refuse_exported(path)
    if (path / "config.yaml").is_file():
        return
    if is_run(path):
        raise RunError(
            f"{path}: holds a run without its config.yaml, so it cannot be resumed. Restore that"
            " file, or choose another `out`"
        )
    if not exists(path) and str(path) in model_names():
        start = call("train", DATA, init=str(path))
        raise RunError(
            f"{path}: a built-in model, which has no training state. To start from it: {start}"
        )
    problem = f"{path}: no run to resume: {_there(path)}"
    inside = _listed(_runs_in(path))
    if inside:
        raise RunError(f"{problem}. Choose one of the runs in it: {inside}")
    near = _similar_run(path)
    is_free = not exists(path) or (path.is_dir() and not any(path.iterdir()))
    start = ". To start a run there, leave out `resume`"
    raise RunError(problem + (near or (start if is_free else ". Choose the folder of a run")))


def _there(path: Path) -> str:
    """What is at a path, in words."""
    if not path.is_dir():
        return "it is a file" if exists(path) else "it does not exist"
    try:
        names = sorted(one.name for one in path.iterdir())
    except OSError:
        return "it cannot be listed"
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"it holds {', '.join(names[:_SHOWN])}{more}" if names else "it is empty"


def nearest_run(path: Path) -> str:
    """The end of a message about a missing run: a similar run, the newest runs, or how to train
    one. Considers runs in the same folder and in ``runs/``."""
    near = _similar_run(path)
    if near:
        return near
    return f". {newest_runs() or where_runs_come_from()}"


def _similar_run(path: Path) -> str:
    near = nearest_path(path, is_run)
    if near is not None and is_run(near):
        return f". Did you mean {str(near)!r}?"
    runs = {one.name: str(one) for one in _runs_in(RUNS)}
    known = {name: name for name in model_names()} | runs
    name = nearest_name(path.name, list(known))
    return "" if name is None else f". Did you mean {known[name]!r}?"


def where_runs_come_from() -> str:
    """How to get a run where there is none, in words."""
    return f"To train one: {call('train', DATA)}. Built-in models: {', '.join(model_names())}"


def newest_runs() -> str:
    """The newest runs in ``runs/``, in words; empty without runs."""
    runs = _runs_in(RUNS)
    are = "run is" if len(runs) == 1 else "runs are"
    return f"The newest {are} {_listed(runs)}" if runs else ""


def _runs_in(folder: Path) -> list[Path]:
    """The runs in a folder, newest first."""
    try:
        return newest_first(one for one in folder.iterdir() if is_run(one))
    except OSError:
        return []


def _listed(runs: list[Path]) -> str:
    return ", ".join(repr(str(one)) for one in runs[:_SHOWN])
