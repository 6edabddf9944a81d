"""The published file of Inception's weights: finding, fetching and checking it."""

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
"""What torch-fidelity and pytorch-fid call the same file."""

_CHECKSUM = "6726825d"
"""How its SHA-256 begins; published in its name."""

_PATIENCE = 30.0
"""Seconds without a byte after which a connection counts as lost."""


def weights_file(given: Path | None, *, download: bool) -> tuple[Path, str]:
    """The weights file that is there, or has been fetched, and its SHA-256 in hex.

    Parameters
    ----------
    given : path, optional
        Where it is; default: where downloads are kept, under either of its names.
    download : bool
        Whether to fetch it where it is not.

    Raises
    ------
    DataError
        There is none, or another file in its place.
    Unreachable
        It cannot be fetched, or ``DCGAN_OFFLINE`` forbids it.
    """
    path = given or _kept()
    if path is None:
        path = cache_folder() / "extractors" / FILE_NAME
        if not download:
            raise DataError(
                f"the Inception weights are not in {path.parent}; allow the download (91 MB), or"
                f" put {FILE_NAME} there, from {URL}"
            )
        _fetch(path)
    elif not path.is_file():
        raise DataError(f"{path}: no such file; give that of {FILE_NAME}, from {URL}")
    digest = sha256(path)
    if not digest.startswith(_CHECKSUM):
        raise DataError(
            f"{path}: not the Inception weights of 2015-12-05, whose SHA-256 begins with"
            f" {_CHECKSUM}: this one's with {digest[: len(_CHECKSUM)]}; take the file from {URL}"
        )
    return path, digest


def read_weights(path: Path) -> dict[str, Tensor]:
    """The tensors in the file; nothing in it is executed.

    Raises
    ------
    DataError
        No tensors by name.
    """
    try:
        stored = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
        raise DataError(f"{path}: {error}; take the file from {URL}") from error
    if not isinstance(stored, dict):
        raise DataError(f"{path}: no weights by name; take the file from {URL}")
    return stored


def _kept() -> Path | None:
    folder = cache_folder() / "extractors"
    return next((folder / name for name in _NAMES if (folder / name).is_file()), None)


def _fetch(path: Path) -> None:
    by_hand = f"put {FILE_NAME} into {path.parent} by hand, from {URL}"
    if offline():
        raise Unreachable(f"no network is used while the variable DCGAN_OFFLINE is set; {by_hand}")
    try:
        with (
            urlopen(Request(URL, headers={"User-Agent": "dcgan"}), timeout=_PATIENCE) as answer,
            written_whole(path) as unfinished,
        ):
            with unfinished.open("wb") as file:
                shutil.copyfileobj(answer, file)
            if not sha256(unfinished).startswith(_CHECKSUM):
                raise DataError(
                    "the Inception weights arrived damaged, and were not kept: try again, or"
                    f" {by_hand}"
                )
    except (OSError, HTTPException) as error:
        raise Unreachable(
            f"the Inception weights cannot be fetched ({error}); try again later, or {by_hand}"
        ) from error
