"""A run as a folder of weights and JSON, with a model card: the layout of a model on the hub."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib import metadata
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import numpy as np
import torch
import yaml
from numpy.typing import NDArray
from torch import Tensor

from dcgan.errors import ConfigError, DcganError
from dcgan.exchange.card import model_card
from dcgan.exchange.checks import (
    Compute,
    generator_difference,
    refuse_difference,
    refuse_overflow,
)
from dcgan.exchange.result import Exported, sizes_of
from dcgan.exchange.standalone import StandaloneGenerator
from dcgan.models.spectral import plain_weights
from dcgan.runs.checkpoints import FORMAT
from dcgan.runs.exported import CONFIG, GENERATOR, MANIFEST, MODEL, NETWORKS, origin_file
from dcgan.runs.run import Run
from dcgan.runs.scores import read_best
from dcgan.runs.settings import stored_settings
from dcgan.runtime.files import as_json, folder_written_whole, write_json
from dcgan.runtime.reading import read_json, sha256
from dcgan.runtime.shell import command
from dcgan.runtime.tensors import load_tensors, save_tensors

CARD = "README.md"
SHEET = "samples.png"

_SHEET_IMAGES = 64
_LOCAL = {"file", "local"}
"""Schemes of addresses that are paths of this machine."""

_PARTS = {"generator": ("generator",), "both": ("generator", "discriminator")}


def write_weights(run: Run, out: Path, *, part: str, precision: str, licence: str) -> Exported:
    """Write the averaged generator, and what is needed to use it, into a new folder.

    The folder appears complete, by one rename. For its files see :mod:`dcgan.runs.exported`.

    Parameters
    ----------
    run : Run
    out : Path
        A folder that is missing or empty.
    part : {"generator", "both"}
    precision : {"fp32", "fp16"}
        ``fp16`` stores weights of two or more axes in half precision. They are computed with in
        single precision, since batch norm's statistics may exceed what half precision holds.
    licence : str
        For the model card, such as ``mit``, as the hub names licences.

    Raises
    ------
    ConfigError
        The folder is in use.
    """
    refuse_in_use(out)
    networks = run.networks.without_spectral_norm()
    parts = {name: _stored(getattr(run, name), precision) for name in _PARTS[part]}
    with folder_written_whole(out, last=MODEL) as unfinished:
        for name, tensors in parts.items():
            save_tensors(tensors, unfinished / f"{name}.safetensors", shown=out)
        difference = generator_difference(run, _reader(run, unfinished / GENERATOR), "float")
        refuse_difference(difference, str(out), precision)
        (unfinished / NETWORKS).write_text(as_json(networks.to_json()), "utf-8")
        about = _about(run, precision)
        (unfinished / MODEL).write_text(as_json(about), "utf-8")
        sums = {path.name: sha256(path) for path in sorted(unfinished.iterdir())}
        (unfinished / MANIFEST).write_text(as_json(sums), "utf-8")
        settings = _settings(run)
        if settings:
            text = yaml.safe_dump(settings, sort_keys=False, default_flow_style=None, width=100)
            (unfinished / CONFIG).write_text(text, "utf-8")
        best = _best(run)
        if best:
            (unfinished / "best.json").write_text(as_json(best), "utf-8")
        for name, direction in _directions(run).items():
            write_json(unfinished / "directions" / name, direction)
        run.sheet(_SHEET_IMAGES).save(unfinished / SHEET, format="PNG")
        card = model_card(run, about, name=out.resolve().name, licence=licence, sheet=SHEET)
        (unfinished / CARD).write_text(card, "utf-8")
    use = command("sample", out), f"dcgan.load({str(out)!r}).sample(64)"
    return Exported(out, sizes_of(out), f"weights, {precision}", use, difference)


def refuse_in_use(out: Path) -> None:
    """Raise ``ConfigError`` if something is at the place of a new folder."""
    if out.is_dir():
        if any(out.iterdir()):
            raise ConfigError(
                "out", str(out), "the folder has files in it. Choose a new folder, or empty it"
            )
    elif out.exists():
        raise ConfigError("out", str(out), "a file; the export is a folder. Choose a new folder")


def _stored(network: torch.nn.Module, precision: str) -> dict[str, Tensor]:
    weights = plain_weights(network)
    if precision == "fp32":
        return weights
    halved = {
        key: value.half() if value.is_floating_point() and value.dim() > 1 else value
        for key, value in weights.items()
    }
    refuse_overflow(halved.values())
    return halved


def _reader(run: Run, path: Path) -> Compute:
    """Computes images with the generator of a file."""
    generator = run.networks.without_spectral_norm().build_generator()
    generator.load_state_dict(load_tensors(path))
    networks = run.networks
    module = StandaloneGenerator(generator, networks.latent, networks.scale, "float").eval()

    def compute(inputs: Sequence[NDArray[np.generic]]) -> Sequence[NDArray[np.generic]]:
        return [module(*(torch.from_numpy(one) for one in inputs)).numpy()]

    return compute


def _about(run: Run, precision: str) -> dict[str, Any]:
    """The content of ``model.json``."""
    return {
        "format": FORMAT,
        "images_seen": run.images_seen,
        "precision": precision,
        "versions": {
            "dcgan": metadata.version("dcgan"),
            "torch": torch.__version__,
            "python": platform.python_version(),
        },
        "data": _data(run),
    }


def _data(run: Run) -> dict[str, Any]:
    """The name and the number of the training images, as far as they are known."""
    try:
        stored = read_json(origin_file(run.path)).get("data")
    except (OSError, ValueError):
        return {}
    if not isinstance(stored, dict):
        return {}
    kinds = {"source": str, "count": int}  # a run of somebody else may hold anything
    found = {key: stored[key] for key, kind in kinds.items() if isinstance(stored.get(key), kind)}
    return without_places(found)


def _settings(run: Run) -> dict[str, Any]:
    try:
        return without_places(stored_settings(run.folder))
    except DcganError:  # images are generated without them
        return {}


def _best(run: Run) -> dict[str, Any] | None:
    """The content of ``best.json``, if this is the best checkpoint."""
    try:
        best = read_best(run.folder)
    except DcganError:
        return None
    if best is None or str(best.checkpoint) != run.checkpoint_name:
        return None
    return read_json(run.folder.best)


def _directions(run: Run) -> dict[str, Any]:
    """File names and contents of the named directions of this checkpoint; damaged ones are left
    out."""
    found = {}
    for path in sorted(run.folder.directions.glob("*.json")):
        with suppress(OSError, ValueError):
            direction = read_json(path)
            if direction.get("checkpoint") == run.checkpoint_name:
                found[path.name] = direction
    return found


def without_places(tree: Mapping[str, Any]) -> dict[str, Any]:
    """Settings whose absolute paths, also as ``file://``, are cut down to the last name, and other
    URLs without passwords: where somebody's files are is not published.

    >>> without_places({"data": {"source": "/home/ann/photos", "root": None, "split": "auto"}})
    {'data': {'source': 'photos', 'root': None, 'split': 'auto'}}
    """
    return {key: _without_place(value) for key, value in tree.items()}


def _without_place(value: Any) -> Any:
    if isinstance(value, Mapping):
        return without_places(value)
    if isinstance(value, list):
        return [_without_place(one) for one in value]
    if isinstance(value, str) and "://" in value:
        parts = urlsplit(value)  # a name, a password or a token may be in it
        if parts.scheme in _LOCAL:
            return PurePosixPath(parts.path).name
        return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
    if isinstance(value, str):
        for kind in (PurePosixPath, PureWindowsPath):
            if kind(value).is_absolute() or value.startswith("~"):
                return kind(value).name
    return value
