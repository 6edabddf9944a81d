"""The published file of the Inception weights: find, download and check it."""

from __future__ import annotations

import pickle
import shutil
from http.client import HTTPException
from pathlib import Path
from urllib.request import Request, urlopen

import torch
from torch import Tensor

from dcgan.errors import DataError, Unreachable
from dcgan.runtime.cache import cache_folder
from dcgan.runtime.files import written_whole
from dcgan.runtime.network import offline
from dcgan.runtime.reading import sha256

FILE_NAME = "weights-inception-2015-12-05-6726825d.pth"
URL = f"https://github.com/toshas/torch-fidelity/releases/download/v0.2.0/{FILE_NAME}"
_NAMES = (FILE_NAME, "pt_inception-2015-12-05-6726825d.pth")
"""Names of the same file in torch-fidelity and pytorch-fid."""

_CHECKSUM = "6726825d"
"""First letters of its SHA-256, as in its name."""

_PATIENCE = 30.0
"""Seconds without a byte after which a connection counts as lost."""


def weights_file(given: Path | None, *, download: bool) -> tuple[Path, str]:
    """The weights file, by default in the cache under either of its names, and its SHA-256 in hex.

    Raises ``DataError`` if it is missing or another file, and ``Unreachable`` if the download fails
    or is forbidden.
    """
    path = given or _kept()
    if path is None:
        path = cache_folder() / "extractors" / FILE_NAME
        if not download:
            raise DataError(
                f"the Inception weights are not in {path.parent}. Set `download` to download them"
                f" (91 MB), or put {FILE_NAME} there, from {URL}"
            )
        _fetch(path)
    elif not path.is_file():
        raise DataError(f"{path}: no such file. Choose the file {FILE_NAME}, from {URL}")
    digest = sha256(path)
    if not digest.startswith(_CHECKSUM):
        raise DataError(
            f"{path}: not the Inception weights of 2015-12-05. Its SHA-256 begins with"
            f" {digest[: len(_CHECKSUM)]}; {_CHECKSUM} is needed. Download the file from {URL}"
        )
    return path, digest


def read_weights(path: Path) -> dict[str, Tensor]:
    """The tensors in the file by name; nothing in it is executed.

    Raises ``DataError`` if it contains anything else.
    """
    try:
        stored = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
        raise DataError(f"{path}: {error}. Download the file from {URL}") from error
    if not isinstance(stored, dict):
        raise DataError(f"{path}: contains no weights by name. Download the file from {URL}")
    return stored


def _kept() -> Path | None:
    folder = cache_folder() / "extractors"
    return next((folder / name for name in _NAMES if (folder / name).is_file()), None)


def _fetch(path: Path) -> None:
    by_hand = f"put {FILE_NAME} into {path.parent} by hand, from {URL}"
    if offline():
        raise Unreachable(
            f"the environment variable DCGAN_OFFLINE forbids downloads. Unset it, or {by_hand}"
        )
    try:
        with (
            urlopen(Request(URL, headers={"User-Agent": "dcgan"}), timeout=_PATIENCE) as answer,
            written_whole(path) as unfinished,
        ):
            with unfinished.open("wb") as file:
                shutil.copyfileobj(answer, file)
            if not sha256(unfinished).startswith(_CHECKSUM):
                raise DataError(
                    "the downloaded Inception weights are damaged and were deleted. Try again, or"
                    f" {by_hand}"
                )
    except (OSError, HTTPException) as error:
        raise Unreachable(
            f"the Inception weights cannot be downloaded ({error}). Try again later, or {by_hand}"
        ) from error
