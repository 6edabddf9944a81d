"""The tensors of a file, grouped by the layer that they belong to."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import torch
from torch import Tensor

from dcgan.errors import WeightsError
from dcgan.exchange.reading import WeightFile, natural

_GENERATORS, _DISCRIMINATORS = ("generator", "netG", "gen"), ("discriminator", "netD", "disc")

_WRAPPERS = re.compile(rf"^((module|_orig_mod|{'|'.join((*_GENERATORS, *_DISCRIMINATORS))})\.)+")
"""What DataParallel, torch.compile and a module of both networks put before every name."""

_NAMES = {
    "weight": "weight",
    "weight_orig": "original",
    "weight_u": "_u",
    "weight_v": "_v",
    "bias": "bias",
    "running_mean": "running_mean",
    "running_var": "running_var",
    "parametrizations.weight.original": "original",
    "parametrizations.weight.0._u": "_u",
    "parametrizations.weight.0._v": "_v",
}
"""Names of a module's tensors: those of both forms of spectral norm become one."""

_NOT_WEIGHTS = ("num_batches_tracked",)

_WEIGHT_NORM = ("weight_g", "parametrizations.weight.original0")


@dataclass
class Part:
    """The tensors of one layer or one norm.

    Parameters
    ----------
    name : str
        Of the module, as in the file; empty for a module by itself.
    tensors : dict of str to Tensor
        ``weight``; or ``original``, ``_u`` and ``_v`` under spectral norm; ``bias``,
        ``running_mean``, ``running_var``.
    """

    name: str
    tensors: dict[str, Tensor] = field(default_factory=dict)

    @property
    def weight(self) -> Tensor:
        """The weight, without spectral norm."""
        return self.tensors["original" if self.is_spectral else "weight"]

    @property
    def is_spectral(self) -> bool:
        """Whether the weight is under spectral norm."""
        return "original" in self.tensors

    @property
    def is_norm(self) -> bool:
        """Whether it normalizes: weights of layers have 2 or 4 axes, those of norms 1 or 3."""
        return self.weight.dim() % 2 == 1

    def called(self, leaf: str) -> str:
        """The full name of one of its tensors."""
        return f"{self.name}.{leaf}" if self.name else leaf


def parts_of(file: WeightFile) -> list[Part]:
    """The layers and norms of a state dict, in the order of the file.

    Raises
    ------
    WeightsError
        A tensor that belongs to no layer or norm that a layer table has.
    """
    _refuse_both(file)
    found: dict[str, Part] = {}
    for name, tensor in file.tensors.items():
        bare = _WRAPPERS.sub("", name)
        if bare.rpartition(".")[2] in _NOT_WEIGHTS:
            continue
        module, leaf = _split(bare)
        if leaf is None:
            raise WeightsError(f"{file.path}: {name}: {_cure(bare)}")
        found.setdefault(module, Part(module)).tensors[leaf] = tensor
    for part in found.values():
        if part.tensors.keys() == {"running_mean", "running_var"}:  # of a norm without weights
            mean = part.tensors["running_mean"]
            part.tensors |= {"weight": torch.ones_like(mean), "bias": torch.zeros_like(mean)}
        if not {"weight", "original"} & part.tensors.keys():
            missing = part.called("weight")
            raise WeightsError(f"{file.path}: {missing} is missing. {_AGAIN}")
        if part.is_spectral and not {"_u", "_v"} <= part.tensors.keys():
            missing = part.called("weight_u and weight_v")
            raise WeightsError(f"{file.path}: {missing} of spectral norm are missing. {_AGAIN}")
        if part.weight.dim() not in {1, 2, 3, 4}:
            raise WeightsError(
                f"{file.path}: {part.called('weight')} has {part.weight.dim()} axes. Layers of a"
                " DCGAN are linear, or convolutions of images"
            )
    return list(found.values())


def _refuse_both(file: WeightFile) -> None:
    """Refuse the state of a module that holds both networks."""
    first = {name.partition(".")[0] for name in file.tensors}
    found = [[name for name in names if name in first] for names in (_GENERATORS, _DISCRIMINATORS)]
    if all(found):
        one, other = found[0][0], found[1][0]
        raise WeightsError(
            f"{file.path}: holds two networks, {one} and {other}. Save each in a file of its own:"
            f" torch.save(model.{one}.state_dict(), 'weights.pth')"
        )


_AGAIN = "Save the whole state dict: torch.save(model.state_dict(), 'weights.pth')"


def _split(name: str) -> tuple[str, str | None]:
    """The module of a tensor, and our name for the tensor."""
    for theirs, ours in _NAMES.items():
        if name == theirs or name.endswith(f".{theirs}"):
            return name.removesuffix(theirs).removesuffix("."), ours
    return name, None


def _cure(name: str) -> str:
    if name.endswith(_WEIGHT_NORM):
        return (
            "weight norm is not supported. Call torch.nn.utils.remove_weight_norm on each layer"
            " and save the state dict again"
        )
    return (
        "not a weight of a linear, convolution or norm layer, which are all that a layer table has"
    )


def in_natural_order(parts: list[Part]) -> list[Part]:
    """Parts sorted by name, numbers as numbers."""
    return sorted(parts, key=lambda part: natural(part.name))
