"""Named tensors of PyTorch → the state of a network of the same layers.

Layers are matched by their order and their shapes, not by their names, which everybody chooses.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrize import is_parametrized

from dcgan.errors import WeightsError
from dcgan.exchange.parts import Part, in_natural_order
from dcgan.models.discriminator import Discriminator
from dcgan.models.generator import Generator
from dcgan.models.table import Layer
from dcgan.runtime.wording import shape_text

Network = Generator | Discriminator

_UNDER_NORM = {
    "original": "parametrizations.weight.original",
    "_u": "parametrizations.weight.0._u",
    "_v": "parametrizations.weight.0._v",
}


class Misfit(WeightsError):
    """Tensors that do not fit the layers of a network.

    ``progress`` counts the layers and norms that fit, to tell which of several attempts came
    nearest.
    """

    def __init__(self, message: str, progress: int = 0) -> None:
        super().__init__(message)
        self.progress = progress


@dataclass(frozen=True)
class Slot:
    """A place for tensors: a layer, or a norm behind it.

    Parameters
    ----------
    row : int
        Number of the row in the layer table, from 1.
    layer : Layer
    given : tuple of int
        The shape of the row's input, without the batch axis.
    key : str
        The name of the module in the network.
    module : nn.Module
    """

    row: int
    layer: Layer
    given: tuple[int, ...]
    key: str
    module: nn.Module

    @property
    def is_norm(self) -> bool:
        return not isinstance(self.module, nn.Linear | nn.Conv2d | nn.ConvTranspose2d)

    @property
    def is_spectral(self) -> bool:
        return is_parametrized(self.module)

    @property
    def weight_shape(self) -> tuple[int, ...]:
        name = _UNDER_NORM["original"] if self.is_spectral else "weight"
        return tuple(self.module.get_parameter(name).shape)

    @property
    def has_bias(self) -> bool:
        return getattr(self.module, "bias", None) is not None

    @property
    def has_statistics(self) -> bool:
        return isinstance(self.module, nn.BatchNorm1d | nn.BatchNorm2d)

    def __str__(self) -> str:
        operation = self.layer.operation
        return f"row {self.row} ({operation}{f', {self.layer.norm} norm' if self.is_norm else ''})"


def slots_of(network: Network, layers: Sequence[Layer], given: tuple[int, ...]) -> list[Slot]:
    """The places for tensors of a network with a layer table, in the order of its layers.

    ``given`` is the shape of its input.
    """
    found = []
    for place, (layer, made) in enumerate(zip(layers, network.shapes, strict=True)):
        block = network.blocks[place]
        names = [layer.operation, *(name for name in layer.norms if name not in _WITHOUT_WEIGHTS)]
        for name in names:
            key = f"blocks.{place}.{name}"
            found.append(Slot(place + 1, layer, given, key, block.get_submodule(name)))
        given = made
    return found


_WITHOUT_WEIGHTS = ("spectral", "pixel")


def fit(slots: Sequence[Slot], parts: Sequence[Part], about: str) -> dict[str, Tensor]:
    """The state of a network, from named parts.

    Norms and layers are matched separately, so names that sort all norms before all layers are
    right as well. Statistics of batch norm that the file does not have are left out.

    Parameters
    ----------
    about : str
        What is fitted, for messages, such as ``g.pth does not fit the generator of recipe paper``.

    Raises
    ------
    Misfit
        Says where the shapes differ first.
    """
    attempts = [list(parts), in_natural_order(list(parts))]
    errors = []
    for attempt in attempts:
        try:
            return _fit_in_order(slots, attempt, about)
        except Misfit as error:
            errors.append(error)
    # of two that are as near, the one in the order of the names
    raise max(reversed(errors), key=lambda error: error.progress)


def _fit_in_order(slots: Sequence[Slot], parts: Sequence[Part], about: str) -> dict[str, Tensor]:
    state: dict[str, Tensor] = {}
    for is_norm in (False, True):
        wanted = [slot for slot in slots if slot.is_norm == is_norm]
        found = [part for part in parts if part.is_norm == is_norm]
        if is_norm and len(found) < len(wanted):
            # PyTorch's instance norm has no weights by default
            bare = [slot for slot in wanted if isinstance(slot.module, nn.InstanceNorm2d)]
            if len(found) == len(wanted) - len(bare):
                wanted = [slot for slot in wanted if slot not in bare]
                for slot in bare:
                    state |= {f"{slot.key}.{key}": v for key, v in slot.module.state_dict().items()}
        for slot, part in zip_longest(wanted, found):
            if slot is None or part is None:
                noun = "norms" if is_norm else "layers"
                which = f"{part.called('weight')} is one too many" if part else f"{slot} has none"
                raise Misfit(
                    f"{about}: the file has {len(found)} {noun} with weights, and the table"
                    f" {len(wanted)}; {which}. {CURE}",
                    len(state),
                )
            state |= _placed(slot, part, about, len(state))
    return state


CURE = "Choose another recipe, or a table of these layers, by `like`"


def _placed(slot: Slot, part: Part, about: str, progress: int) -> dict[str, Tensor]:
    """The tensors of a part under their names in the network."""
    if tuple(part.weight.shape) != slot.weight_shape:
        raise Misfit(
            f"{about}: {part.called('weight')} is {shape_text(part.weight.shape)}, and {slot} needs"
            f" {shape_text(slot.weight_shape)}. {CURE}",
            progress,
        )
    if part.is_spectral != slot.is_spectral:
        has, needs = ("has", "has none") if part.is_spectral else ("has no", "has")
        raise Misfit(
            f"{about}: {part.called('weight')} {has} spectral norm, and {slot} {needs}. {CURE}",
            progress,
        )
    wanted = ["original", "_u", "_v"] if slot.is_spectral else ["weight"]
    if slot.has_bias:
        wanted.append("bias")
    statistics = ["running_mean", "running_var"] if slot.has_statistics else []
    present = [name for name in statistics if name in part.tensors]
    if present and len(present) == len(statistics):
        wanted += statistics
    _refuse_other_tensors(slot, part, [*wanted, *present], about, progress)
    found = {}
    for name in wanted:
        target = slot.module.state_dict()[_UNDER_NORM.get(name, name)]
        tensor = part.tensors[name]
        if tensor.shape != target.shape:
            raise Misfit(
                f"{about}: {part.called(name)} is {shape_text(tensor.shape)}, and {slot} needs"
                f" {shape_text(target.shape)}. {CURE}",
                progress,
            )
        found[f"{slot.key}.{_UNDER_NORM.get(name, name)}"] = tensor
    return found


def _refuse_other_tensors(
    slot: Slot, part: Part, wanted: list[str], about: str, progress: int
) -> None:
    missing = [name for name in wanted if name not in part.tensors]
    if len({"running_mean", "running_var"} & set(part.tensors)) == 1:
        missing += [one for one in ("running_mean", "running_var") if one not in part.tensors]
    extra = [name for name in part.tensors if name not in wanted]
    if missing:
        problem = f"{part.called(missing[0])} is missing, and {slot} needs it"
    elif extra:
        problem = f"{slot} has no {extra[0]}, and the file has {part.called(extra[0])}"
    else:
        return
    raise Misfit(f"{about}: {problem}. {CURE}", progress)


def load(network: Network, state: dict[str, Tensor]) -> bool:
    """Put a state into a network; whether batch norm has its statistics."""
    own = network.state_dict()
    missing = [name for name in own if name not in state]
    left = [name for name in missing if not name.endswith("num_batches_tracked")]
    with torch.no_grad():
        network.load_state_dict(own | state)
    return not left
