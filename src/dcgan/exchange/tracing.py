"""A standalone network as a graph with any batch size, by ``torch.export``."""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata
from typing import Any

import torch

from dcgan.exchange.checks import refuse_overflow
from dcgan.exchange.standalone import (
    Pixels,
    Standalone,
    inputs_of,
    standalone_discriminator,
    standalone_generator,
)
from dcgan.runs.run import Run

BATCH = "batch"
"""The name of the batch axis."""


def standalone(run: Run, part: str, pixels: Pixels, *, half: bool) -> Standalone:
    """The generator or the discriminator of a run as other programs use it, on the CPU."""
    build = standalone_generator if part == "generator" else standalone_discriminator
    module = build(run, pixels, half=half)
    if half:
        # of a discriminator, batch norm and its statistics stay
        refuse_overflow((*module.parameters(), *module.buffers()))
    return module


def traced(module: Standalone, run: Run) -> torch.export.ExportedProgram:
    """The graph of a standalone network, whose inputs may have any batch size."""
    networks = run.networks
    # two examples: an axis of 1 would be taken for a constant
    inputs = inputs_of(networks.latent, networks.latent.numbered(0, 0, 2))
    if hasattr(module, "discriminator"):
        kind = torch.uint8 if module.pixels == "uint8" else torch.float32
        image_BCHW = torch.zeros((2, *networks.image_shape), dtype=kind)
        inputs = (image_BCHW, *(inputs[1:2] if networks.latent.classes else ()))
    batch = torch.export.Dim(BATCH)
    first, *rest = ({0: batch} for _ in inputs)
    shapes = (first, tuple(rest)) if rest else (first,)  # the rest is one argument, *conditions
    with quiet():
        return torch.export.export(module, inputs, dynamic_shapes=shapes)


def facts(run: Run, part: str, pixels: Pixels, precision: str) -> dict[str, str]:
    """What a program needs to know of an exported network, as texts for its metadata."""
    networks = run.networks
    latent = networks.latent
    channels, height, width = networks.image_shape
    found: dict[str, Any] = {
        "dcgan_version": metadata.version("dcgan"),
        "part": part,
        "images_seen": run.images_seen,
        "size": f"{height}x{width}",
        "channels": channels,
        "pixels": pixels,
        "pixel_scale": networks.scale.to_json(),
        "precision": precision,
    }
    if part == "generator":
        found |= {"latent_dim": latent.dim, "latent_distribution": latent.distribution}
        if latent.categorical or latent.continuous:
            found["codes"] = {"categorical": latent.categorical, "continuous": latent.continuous}
    if latent.classes:
        names = networks.class_names or tuple(map(str, range(len(latent.classes))))
        found |= {"classes": names, "class_shares": latent.classes}
    return {
        key: value if isinstance(value, str) else json.dumps(value) for key, value in found.items()
    }


@contextmanager
def quiet() -> Iterator[None]:
    """Hide what the exporters of PyTorch warn about themselves, which no user can change."""
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "torch.export", "onnxscript")]
    levels = [one.level for one in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
