"""Open a model from a folder or from the Hugging Face hub."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from urllib.parse import quote

import torch

from dcgan.errors import RunError
from dcgan.runs.exported import CONFIG, GENERATOR, MANIFEST, MODEL, NETWORKS
from dcgan.runs.run import Run, open_run
from dcgan.runtime.cache import cache_folder
from dcgan.runtime.files import StrPath
from dcgan.runtime.network import offline
from dcgan.runtime.shell import install
from dcgan.runtime.signatures import checked

HUB = "hub:"

_NAME = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
_FILES = (
    *(GENERATOR, "discriminator.safetensors", NETWORKS, CONFIG, MODEL, MANIFEST),
    *("best.json", "directions/*.json"),
)
"""What is downloaded: data, and nothing that could run."""

_LONGEST_MESSAGE = 300


@checked
def load(model: StrPath, *, device: torch.device | str = "cpu", revision: str | None = None) -> Run:
    """Open an exported model, or a run.

    Parameters
    ----------
    model : path or str
        A folder that ``dcgan export --to weights`` wrote, a run folder, or ``hub:OWNER/NAME`` for a
        model on the Hugging Face hub, which is downloaded into the cache once.
    device : torch.device or str, default "cpu"
        Where the networks compute.
    revision : str, optional
        A branch, tag or commit on the hub.

    Returns
    -------
    Run
        As :func:`dcgan.open_run` gives it. An exported model has one checkpoint and no training
        state; it may have no discriminator.

    Raises
    ------
    RunError
        There is no such model, or the hub cannot be reached.

    Examples
    --------
    >>> dcgan.load("digits-weights").sample(64)  # doctest: +SKIP
    """
    if isinstance(model, str) and model.startswith(HUB):
        return open_run(from_hub(model, revision), device=device)
    return open_run(model, device=device)


def from_hub(address: str, revision: str | None = None) -> Path:
    """Download a model of the hub, or find it in the cache; returns its folder."""
    name = address.removeprefix(HUB)
    if not _NAME.fullmatch(name):
        raise RunError(f"{address}: must be hub:OWNER/NAME, such as hub:ann/digits")
    library = _library(address)
    owner, _, model = name.partition("/")
    # a folder for each revision: files of one are not taken for those of another
    place = owner if revision is None else f"{owner}/@{quote(revision, safe='')}"
    folder = cache_folder() / "hub" / "models" / place / model
    try:
        library.snapshot_download(
            repo_id=name,
            revision=revision,
            allow_patterns=list(_FILES),
            local_dir=str(folder),
            local_files_only=offline(),
        )
    except Exception as error:  # the library raises errors of many kinds
        message = " ".join(str(error).split())[:_LONGEST_MESSAGE] or type(error).__name__
        why = "DCGAN_OFFLINE is set, and the model is not in the cache" if offline() else message
        raise RunError(f"{address}: cannot be downloaded ({why})") from error
    if not (folder / NETWORKS).is_file():
        raise RunError(f"{address}: not a model of dcgan: it has no {NETWORKS}")
    return folder


def _library(address: str) -> Any:
    try:
        import huggingface_hub
    except ImportError as error:
        raise RunError(
            f"{address}: needs the package huggingface_hub. Install it: {install('hub')}"
        ) from error
    return huggingface_hub
