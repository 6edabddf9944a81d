"""Weights of another run that training starts from: fine-tuning."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from dcgan.errors import ConfigError
from dcgan.models.discriminator import Discriminator
from dcgan.models.generator import Generator
from dcgan.models.spectral import ORIGINAL, VECTORS, find_singular_vectors
from dcgan.runs.checkpoints import read_part
from dcgan.runs.networks import Networks
from dcgan.runs.run import open_run

Weights = Mapping[str, Tensor]

_BLOCKS = "blocks."
"""Names of the weights of a layer begin with this and its number."""


@dataclass(frozen=True)
class StartingWeights:
    """The weights of a run at its best checkpoint.

    A layer is taken where all of its weights have the same shapes. Layers are counted from the
    input or from the output, whichever way more weights fit: with other channels or another size,
    all layers are taken but those at the image, and those that only one of the networks has. An
    exported model has no spectral norm: its weights, divided already, fit layers that have it, too.

    Parameters
    ----------
    origin : str
        The run, for people.
    generator, average : mapping of str to tensor
        The generator as trained, and averaged; the same where a run has only one.
    discriminator : mapping of str to tensor
        Empty where a run has none.
    """

    origin: str
    generator: Weights
    average: Weights
    discriminator: Weights

    def enter(self, generator: Generator, discriminator: Discriminator) -> None:
        """Write the weights into both networks."""
        _enter(generator, self.generator)
        _enter(discriminator, self.discriminator)

    def enter_average(self, generator: nn.Module) -> None:
        """Write the averaged weights into the averaged generator."""
        _enter(generator, self.average)

    def in_words(self, networks: Networks, frozen: int = 0) -> str:
        """What is taken, and which layers are not, because their shapes differ.

        Parameters
        ----------
        networks : Networks
            Those of the new run.
        frozen : int
            Layers of the discriminator that will not be trained.

        Raises
        ------
        ConfigError
            Nothing can be taken, or a frozen layer cannot.
        """
        with torch.device("meta"):  # only shapes are needed
            generator = networks.build_generator()
            discriminator = networks.build_discriminator()
        missing = {
            "generator": _missing(generator, self.average),
            "discriminator": _missing(discriminator, self.discriminator),
        }
        counts = {
            "generator": len(_layers(generator)),
            "discriminator": len(_layers(discriminator)),
        }
        if all(len(missing[name]) == counts[name] for name in counts):
            raise ConfigError(
                "init",
                self.origin,
                "no layer has the shape and the norms that this run needs. Leave out `recipe` and"
                " `size`, which then are those of the other run",
            )
        random = [layer for layer in missing["discriminator"] if layer in _numbers(frozen)]
        if random:
            raise ConfigError(
                "start.freeze_discriminator",
                frozen,
                f"layer {random[0]} of the discriminator has another shape than in {self.origin}:"
                " it starts at random and must be trained. Leave the setting out, or use the same"
                " channels",
            )
        if not any(missing.values()):
            return f"starts from {self.origin}: all layers of both networks"
        parts = [_taken(name, missing[name], counts[name]) for name in counts]
        return f"starts from {self.origin}: {' and '.join(parts)}"


def _taken(name: str, missing: list[str], count: int) -> str:
    if not missing:
        return f"all layers of the {name}"
    if len(missing) == count:
        return f"no layer of the {name}"
    word = "layer" if len(missing) == 1 else "layers"
    return f"all layers of the {name} but {word} {', '.join(missing)}"


def _numbers(layers: int) -> set[str]:
    return {str(number) for number in range(1, layers + 1)}


def read_starting_weights(path: Path) -> StartingWeights:
    """The weights of a run folder at its best checkpoint.

    Raises
    ------
    RunError, CheckpointError
        It is no run folder, or its checkpoint is damaged.
    """
    run = open_run(path)
    parts = {
        name: read_part(run.checkpoint, name)
        for name in ("generator", "ema", "discriminator")
        if (run.checkpoint / f"{name}.safetensors").is_file()
    }
    average = parts.get("ema") or parts["generator"]
    return StartingWeights(
        f"{path.name} ({run.images_seen:,} images seen)",
        parts.get("generator", average),
        average,
        parts.get("discriminator", {}),
    )


def freeze(discriminator: Discriminator, layers: int) -> None:
    """Keep the first layers, which see the image first, from training (Mo et al. 2020,
    arXiv:2002.10964).

    Raises
    ------
    ConfigError
        There are no more layers than that, so that nothing would be left to train.
    """
    count = len(discriminator.blocks)
    if layers >= count:
        raise ConfigError(
            "start.freeze_discriminator",
            layers,
            f"the discriminator has {count} layers, and the last must learn. Use at most"
            f" {count - 1}",
        )
    for block in list(discriminator.blocks)[:layers]:
        block.requires_grad_(False)


@torch.no_grad()
def _enter(network: nn.Module, weights: Weights) -> None:
    own = network.state_dict()
    pairs = _pairs(network, weights)
    for key, there in pairs.items():
        own[key].copy_(weights[there])
        if key.endswith(ORIGINAL) and not there.endswith(ORIGINAL):
            find_singular_vectors(network.get_submodule(key.removesuffix(f".{ORIGINAL}")))


def _missing(network: nn.Module, weights: Weights) -> list[str]:
    """The layers that cannot be taken."""
    pairs = _pairs(network, weights)
    return [layer for layer, keys in _layers(network).items() if pairs.keys().isdisjoint(keys)]


def _pairs(network: nn.Module, weights: Weights) -> dict[str, str]:
    """The name there of each weight that can be taken, by its name here."""
    ends = {key.split(".")[1] for key in weights if key.startswith(_BLOCKS)}
    longer = sum(name.isdigit() for name in _layers(network)) - len(ends)
    found = [_pairs_at(network, weights, shift) for shift in dict.fromkeys((0, longer))]
    own = network.state_dict()
    return max(found, key=lambda pairs: sum(own[key].numel() for key in pairs))


def _pairs_at(network: nn.Module, weights: Weights, shift: int) -> dict[str, str]:
    """The same, if layer ``shift`` here is the first one there."""
    own = network.state_dict()
    pairs: dict[str, str] = {}
    for keys in _layers(network).values():
        same = {key: _shifted(key, -shift) for key in keys}
        divided = {
            key: name.replace(ORIGINAL, "weight")
            for key, name in same.items()
            if not name.endswith(VECTORS)
        }
        for there in (same, divided):
            if all(
                name in weights and weights[name].shape == own[key].shape
                for key, name in there.items()
            ):
                pairs |= there
                break
    return pairs


def _shifted(key: str, shift: int) -> str:
    if not key.startswith(_BLOCKS):
        return key
    _, number, rest = key.split(".", 2)
    return f"{_BLOCKS}{int(number) + shift}.{rest}"


def _layers(network: nn.Module) -> dict[str, list[str]]:
    """The names of the weights of each layer, by its number; other parts by their name."""
    layers: dict[str, list[str]] = {}
    for key in network.state_dict():
        first, number, *_ = key.split(".")
        layer = str(int(number) + 1) if key.startswith(_BLOCKS) else first
        layers.setdefault(layer, []).append(key)
    return layers
