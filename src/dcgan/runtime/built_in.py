"""The trained models that come with the package. A name can be used in place of a run. No torch.

Each is a folder of ``dcgan/built_in`` that ``dcgan export --to weights`` wrote.
"""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import dataclass
from os import fspath
from pathlib import Path

from dcgan.errors import DcganError
from dcgan.runtime.cache import cache_folder
from dcgan.runtime.files import StrPath, expanded, folder_written_whole
from dcgan.runtime.reading import read_json

_PLACE = Path(__file__).parents[1] / "built_in"


@dataclass(frozen=True)
class BuiltInModel:
    """A trained model that comes with the package.

    Attributes
    ----------
    name : str
        Such as ``mnist-demo``.
    data : str
        The dataset that it was trained on.
    image_shape : (channels, height, width)
    images_seen : int
        Training images seen.
    classes : tuple of str
        The labels that ``dcgan sample --label`` takes; empty without classes.
    directions : tuple of str
        The names that ``dcgan sample --move`` takes.
    size : int
        Bytes of all its files.
    """

    name: str
    data: str
    image_shape: tuple[int, int, int]
    images_seen: int
    classes: tuple[str, ...]
    directions: tuple[str, ...]
    size: int


def list_models() -> list[BuiltInModel]:
    """The trained models that come with the package, by name.

    Examples
    --------
    >>> for model in dcgan.list_models():  # doctest: +SKIP
    ...     dcgan.open_run(model.name).sheet().save(f"{model.name}.png")
    """
    return [_described(folder) for folder in _folders()]


def model_names() -> list[str]:
    """The names of the models."""
    return [folder.name for folder in _folders()]


def run_path(run: StrPath) -> Path:
    """The folder of a run: a path with ``~`` expanded; for a built-in model, its copy in the cache.

    A file or folder of the same name is preferred. Commands keep evaluations, directions and pages
    beside a run, so they get a copy, and the package stays as it was installed.
    """
    path, name = expanded(run), fspath(run)
    if path.exists() or name not in model_names():
        return path
    return _copied(_PLACE / name)


def is_built_in(path: Path) -> bool:
    """Whether a folder is that of a built-in model, or its copy in the cache."""
    place = path.parent.parent if path.parent != _PLACE else None
    return path.name in model_names() and place in (None, _copies())


def _folders() -> list[Path]:
    return sorted(path.parent for path in _PLACE.glob("*/model.json"))


def _described(folder: Path) -> BuiltInModel:
    about, networks = read_json(folder / "model.json"), read_json(folder / "networks.json")
    channels, height, width = networks["image_shape"]
    return BuiltInModel(
        folder.name,
        str(about["data"]["source"]),
        (channels, height, width),
        int(about["images_seen"]),
        tuple(networks.get("class_names") or ()),
        tuple(sorted(path.stem for path in folder.glob("directions/*.json"))),
        sum(path.stat().st_size for path in _files(folder)),
    )


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _copies() -> Path:
    return cache_folder() / "models"


def _copied(folder: Path) -> Path:
    """A copy in the cache, one for each content; the original if there is no place for a copy."""
    content = hashlib.sha256()
    for path in _files(folder):
        content.update(path.relative_to(folder).as_posix().encode() + path.read_bytes())
    copy = _copies() / content.hexdigest()[:12] / folder.name
    if copy.is_dir():
        return copy
    try:
        with folder_written_whole(copy) as unfinished:
            shutil.copytree(folder, unfinished, dirs_exist_ok=True, copy_function=shutil.copyfile)
    except (OSError, DcganError):  # read-only or full; or another process was faster
        return copy if copy.is_dir() else folder
    return copy
