"""What the parts of `gpu.sh` share: configurations, images, and the names of the machine.

With ``asked.quick``, networks and datasets are tiny, so that a CPU needs seconds.
"""

from __future__ import annotations

import argparse
import platform
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from gpu import line_of
from numpy.typing import NDArray
from PIL import Image

import dcgan
from dcgan.bench.report import open_config
from dcgan.config import RunConfig, load_recipe, merge
from dcgan.runtime.device import choose_device, device_name

Found = dict[str, Any]
Asked = argparse.Namespace

CPU = torch.device("cpu")


def machine(asked: Asked) -> Iterator[Found]:
    """Versions and names."""
    device = choose_device(asked.device)
    found = {
        "device": device_name(device),
        "driver": _driver() if device.type == "cuda" else None,
        "torch": torch.__version__,
        "CUDA": torch.version.cuda,
        "cuDNN": torch.backends.cudnn.version(),  # type: ignore[no-untyped-call]
        "Python": platform.python_version(),
        "dcgan": dcgan.__version__,
    }
    yield {"rows": [{"": name, "value": value} for name, value in found.items()]}


def _driver() -> str:
    query = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
    try:
        return subprocess.run(query, check=True, capture_output=True, text=True).stdout.split()[0]
    except (OSError, subprocess.CalledProcessError, IndexError) as error:
        return f"unknown: {line_of(error)}"


def config_of(
    recipe: str, asked: Asked, *, batch: int, settings: Mapping[str, Any] | None = None
) -> RunConfig:
    """The recipe's configuration; with ``quick``, few filters and a small batch. fp32 if neither
    the recipe nor ``settings`` says otherwise."""
    settings = merge({"precision": "fp32"}, settings or {})
    if asked.quick:
        settings, batch = merge(settings, narrow(recipe)), 4
    return open_config(recipe, None, batch, CPU, settings)


def narrow(recipe: str) -> dict[str, Any]:
    """Settings that give a recipe few filters."""
    model = load_recipe(recipe)["model"] if recipe != "auto" else {}
    if not model:
        player = {"width": 4}
        return {"data": {"size": 16}, "model": {"generator": player, "discriminator": player}}
    return {"model": narrower(model)}


def narrower(model: Mapping[str, Any]) -> dict[str, Any]:
    """The layers of both networks with a 64th of their filters."""
    return {
        player: {
            "layers": [
                {
                    key: max(1, value // 64) if _is_wide(key, value) else value
                    for key, value in layer.items()
                }
                for layer in model[player]["layers"]
            ]
        }
        for player in ("generator", "discriminator")
    }


def _is_wide(key: str, value: object) -> bool:
    return key in {"conv", "conv_transpose"} and isinstance(value, int) and value > 3


def save_images(pixel_NCHW: NDArray[np.uint8], folder: Path) -> None:
    folder.mkdir()
    for number, pixel_CHW in enumerate(pixel_NCHW):
        Image.fromarray(pixel_CHW.transpose(1, 2, 0)).save(folder / f"{number:05}.png")
