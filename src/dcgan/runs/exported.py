"""An exported model: the weights of one checkpoint in a folder of their own, to use or to publish.

::

    MODEL/
      generator.safetensors      the averaged generator, in single or half precision
      discriminator.safetensors  only if it was exported too
      networks.json              layer tables, latent, classes and pixel scale
      config.yaml                the settings of training
      model.json                 format version, images seen, versions, precision
      manifest.json              SHA-256 of weights, networks.json and model.json
      best.json                  the score, if this was the best checkpoint
      directions/                the named directions, if there are any
      samples.png, README.md     a sample sheet and the model card

It opens like a run folder. Weights under spectral norm are stored divided by their norm, so no
layer of ``networks.json`` has spectral norm.
"""

from __future__ import annotations

from pathlib import Path

from dcgan.runtime.run_names import is_exported

__all__ = [
    "CONFIG",
    "GENERATOR",
    "MANIFEST",
    "MODEL",
    "NETWORKS",
    "is_exported",
    "origin_file",
    "part_file",
    "state_file",
]

MODEL = "model.json"
MANIFEST = "manifest.json"
NETWORKS = "networks.json"
CONFIG = "config.yaml"
GENERATOR = "generator.safetensors"


def part_file(checkpoint: Path, part: str) -> Path:
    """The file with the weights of ``ema``, ``discriminator`` or another part of a checkpoint."""
    if part == "ema" and is_exported(checkpoint):
        return checkpoint / GENERATOR
    return checkpoint / f"{part}.safetensors"


def state_file(checkpoint: Path) -> Path:
    """The JSON file with the images seen."""
    return checkpoint / (MODEL if is_exported(checkpoint) else "state.json")


def origin_file(run: Path) -> Path:
    """The JSON file with the dataset and the versions that a run was trained with."""
    return run / (MODEL if is_exported(run) else "run.json")
