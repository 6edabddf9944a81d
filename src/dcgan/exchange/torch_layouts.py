"""Public DCGANs in PyTorch, recognized by the names and shapes of their weights."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from math import isqrt

from dcgan.exchange.layouts import LOGIT, Layout, Row, normal
from dcgan.exchange.parts import Part


def generator_layout(parts: Sequence[Part]) -> Layout | None:
    """The known generator with such parts."""
    return _first([_pytorch_example, _pytorch_gan], parts)


def discriminator_layout(parts: Sequence[Part]) -> Layout | None:
    """The known discriminator with such parts."""
    return _first([_pytorch_example_discriminator, _pytorch_gan_discriminator], parts)


def _first(
    known: Sequence[Callable[[Sequence[Part]], Layout | None]], parts: Sequence[Part]
) -> Layout | None:
    found = (recognize(parts) for recognize in known)
    return next((layout for layout in found if layout is not None), None)


def _named(parts: Sequence[Part], prefix: str) -> dict[int, Part]:
    """Parts of a ``Sequential`` by their number; empty if any other part is there."""
    numbered = {}
    for part in parts:
        module, _, number = part.name.rpartition(".")
        if module != prefix or not number.isdecimal():
            return {}
        numbered[int(number)] = part
    return numbered


# The DCGAN example and tutorial of PyTorch: main.N, images of 64x64 ------------------------------

_EXAMPLE = "the DCGAN example of PyTorch"
_EXAMPLE_CONV = {"kernel": 4, "bias": False}
_DOUBLES = {"stride": 2, "padding": 1}


def _pytorch_example(parts: Sequence[Part]) -> Layout | None:
    found = _named(parts, "main")
    if set(found) != {0, 1, 3, 4, 6, 7, 9, 10, 12}:
        return None
    layers = [found[number] for number in (0, 3, 6, 9, 12)]
    if not _are_plain(layers, kernel=4) or not _chained(layers, transposed=True):
        return None
    rows: list[Row] = []
    for place, layer in enumerate(layers):
        is_last = place == len(layers) - 1
        rows.append(
            {"conv_transpose": layer.weight.shape[1], **_EXAMPLE_CONV}
            | (_DOUBLES if place else {})
            | ({"norm": "none", "activation": "tanh"} if is_last else _BATCH_RELU)
        )
    return Layout(_EXAMPLE, rows, normal(layers[0].weight.shape[0]))


def _pytorch_example_discriminator(parts: Sequence[Part]) -> Layout | None:
    found = _named(parts, "main")
    if set(found) != {0, 2, 3, 5, 6, 8, 9, 11}:
        return None
    layers = [found[number] for number in (0, 2, 5, 8, 11)]
    if not _are_plain(layers, kernel=4) or not _chained(layers, transposed=False):
        return None
    rows: list[Row] = [
        {"conv": layer.weight.shape[0], **_EXAMPLE_CONV, **_DOUBLES}
        | {"norm": "batch" if place else "none", "activation": "leaky_relu"}
        for place, layer in enumerate(layers[:-1])
    ]
    rows.append({"conv": layers[-1].weight.shape[0], **_EXAMPLE_CONV, **LOGIT})
    return Layout(_EXAMPLE, rows)


# DCGAN of PyTorch-GAN: linear, batch norm, and twice nearest neighbors with a convolution --------

_PYTORCH_GAN = "the DCGAN of PyTorch-GAN"
_EPS = 0.8
"""It passes 0.8 as the second argument of batch norm, which is eps and not the momentum."""

_SAME_3 = {"kernel": 3, "padding": 1, "bias": True}


def _pytorch_gan(parts: Sequence[Part]) -> Layout | None:
    named = {part.name: part for part in parts}
    prefix = next((one for one in ("conv_blocks", "conv_model") if f"{one}.0" in named), None)
    names = [f"{prefix}.{number}" for number in (0, 2, 3, 6, 7, 9)]
    if prefix is None or set(named) != {"l1.0", *names}:
        return None
    linear, first = named["l1.0"], named[names[0]]
    convolutions = [named[names[place]] for place in (1, 3, 5)]
    channels, features = first.weight.shape[0], linear.weight.shape[0]
    side = isqrt(features // channels)
    if not _are_plain(convolutions, kernel=3, bias=True) or channels * side**2 != features:
        return None
    reshape = [channels, side, side]
    rows: list[Row] = [
        {
            "linear": features,
            "reshape": reshape,
            "bias": True,
            "norm": "batch",
            "activation": "none",
        }
    ]
    for place, layer in enumerate(convolutions):
        row: Row = {"conv": layer.weight.shape[0], **_SAME_3}
        if place < 2:
            row |= {"resize": side * 2 ** (place + 1), "interpolation": "nearest"}
            row |= {"norm": "batch", "eps": _EPS, "activation": "leaky_relu"}
        else:
            row |= {"norm": "none", "activation": "tanh"}
        rows.append(row)
    return Layout(_PYTORCH_GAN, rows, normal(linear.weight.shape[1]))


def _pytorch_gan_discriminator(parts: Sequence[Part]) -> Layout | None:
    named = {part.name: part for part in parts}
    norms = {"model.6", "model.10", "model.14"} & named.keys()
    layers = ["model.0", "model.3", "model.7", "model.11"]
    if set(named) != {*layers, *norms, "adv_layer.0"} or {"model.6", "model.10"} - norms:
        return None
    if not _are_plain([named[name] for name in layers], kernel=3, bias=True):
        return None
    rows: list[Row] = []
    for place, name in enumerate(layers):
        has_norm = place in {1, 2} or (place == 3 and "model.14" in norms)
        row: Row = {"conv": named[name].weight.shape[0], **_SAME_3, "stride": 2}
        row |= {"activation": "leaky_relu", "order": "activation-norm", "dropout": 0.25}
        row |= {"norm": "batch", "eps": _EPS} if has_norm else {"norm": "none"}
        rows.append(row)
    rows.append({"linear": named["adv_layer.0"].weight.shape[0], "bias": True, **LOGIT})
    return Layout(_PYTORCH_GAN, rows)


# -------------------------------------------------------------------------------------------------

_BATCH_RELU = {"norm": "batch", "activation": "relu"}


def _are_plain(layers: Sequence[Part], *, kernel: int, bias: bool = False) -> bool:
    """Whether layers are convolutions of one kernel size, all with or all without a bias."""
    return all(
        layer.weight.dim() == 4
        and tuple(layer.weight.shape[2:]) == (kernel, kernel)
        and ("bias" in layer.tensors) == bias
        and not layer.is_spectral
        for layer in layers
    )


def _chained(layers: Sequence[Part], *, transposed: bool) -> bool:
    """Whether each layer takes the channels that the one before makes."""
    inputs, outputs = (0, 1) if transposed else (1, 0)
    pairs = pairwise(layers)
    return all(one.weight.shape[outputs] == two.weight.shape[inputs] for one, two in pairs)
