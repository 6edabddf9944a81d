"""A layer table from shapes, as far as shapes tell; the user fills in the rest.

What they do not tell is marked ``FILL_IN``: strides, paddings, activations, the range of the
output.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import isqrt
from pathlib import Path
from typing import Any

import yaml

from dcgan.errors import ConfigError
from dcgan.exchange.parts import Part
from dcgan.runtime.files import write_text

FILL_IN = "FILL_IN"

Row = dict[str, Any]

_WORDS = {
    "stride": "stride",
    "padding": "padding",
    "activation": "activation",
    "resize": "resize",
    "interpolation": "interpolation",
    "norm": "norm",
    "reshape": "reshape",
    "scaling": "output range",
}
"""How a message names what is missing."""


def infer_rows(parts: Sequence[Part], *, is_generator: bool) -> list[Row]:
    """The rows of a layer table in the form of a recipe.

    A convolution whose input and output have the same number of channels may also be transposed.
    It is taken for what the other convolutions are; in a generator, for a transposed one.
    """
    layers = [part for part in parts if not part.is_norm]
    norms = [part for part in parts if part.is_norm]
    kinds = _kinds(layers, is_generator=is_generator)
    rows: list[Row] = []
    for place, (part, kind) in enumerate(zip(layers, kinds, strict=True)):
        weight = part.weight
        made = int(weight.shape[1 if kind == "conv_transpose" else 0])
        row: Row = {kind: made}
        following = layers[place + 1] if place + 1 < len(layers) else None
        if kind == "linear" and following is not None and following.weight.dim() == 4:
            row["reshape"] = _reshape(made, _inputs(following, kinds[place + 1]))
        if kind != "linear":
            height, width = map(int, weight.shape[2:])
            row["kernel"] = height if height == width else [height, width]
            # from a single pixel, a transposed convolution makes its kernel whatever the stride
            if not (is_generator and place == 0):
                row |= {"stride": FILL_IN, "padding": FILL_IN}
            if is_generator and kind == "conv":
                row |= {"resize": FILL_IN, "interpolation": FILL_IN}
        row["bias"] = "bias" in part.tensors
        row |= _norm(part, norms, made, row.get("reshape"))
        is_last = following is None
        row["activation"] = FILL_IN if is_generator or not is_last else "none"
        rows.append(row)
    return rows


def _kinds(layers: Sequence[Part], *, is_generator: bool) -> list[str]:
    """The operation of each layer: channels must go on from one to the next."""
    kinds: list[str | None] = []
    made: int | None = None
    for place, part in enumerate(layers):
        if part.weight.dim() == 2:
            kinds.append("linear")
            made = None
            continue
        first, second = map(int, part.weight.shape[:2])
        after = layers[place + 1].weight.shape[:2] if place + 1 < len(layers) else ()
        fits = {"conv_transpose": (first, second), "conv": (second, first)}
        possible = [
            kind
            for kind, (into, out) in fits.items()
            if (made is None or into == made) and (not after or len(after) < 2 or out in after)
        ]
        kind = possible[0] if len(possible) == 1 else None
        kinds.append(kind)
        made = fits[kind][1] if kind else None
    sure = {kind for kind in kinds if kind not in (None, "linear")}
    usual = "conv_transpose" if is_generator else "conv"
    other = sure.pop() if len(sure) == 1 else usual
    return [kind or other for kind in kinds]


def _inputs(part: Part, kind: str) -> int:
    return int(part.weight.shape[0 if kind == "conv_transpose" else 1])


def _reshape(features: int, channels: int) -> list[int] | str:
    """A square image of the channels that the next layer takes."""
    side = isqrt(features // channels)
    return [channels, side, side] if channels * side * side == features else FILL_IN


def _norm(part: Part, norms: list[Part], made: int, reshape: object) -> Row:
    """The norm behind a layer: the next one of the file, if it has as many numbers."""
    spectral = "spectral" if part.is_spectral else ""
    sizes = [made, reshape[0]] if isinstance(reshape, list) else [made]
    if not norms or norms[0].weight.shape[0] not in sizes:
        return {"norm": spectral or "none"}
    norm = norms.pop(0)
    kind = "batch" if "running_mean" in norm.tensors else FILL_IN
    if norm.weight.dim() == 3:
        kind = "layer"
    row: Row = {"norm": f"{spectral}+{kind}" if spectral and kind != FILL_IN else kind}
    if isinstance(reshape, list) and norm.weight.shape[0] == made != reshape[0]:
        row["norm_features"] = True
    return row


def gaps(settings: Mapping[str, Any], path: str = "") -> Iterator[str]:
    """The dotted paths of settings that are still to be filled in."""
    for key, value in settings.items():
        name = f"{path}{key}"
        if value == FILL_IN or (isinstance(value, str) and FILL_IN in value):
            yield name
        elif isinstance(value, Mapping):
            yield from gaps(value, f"{name}.")
        elif isinstance(value, list):
            for place, row in enumerate(value):
                if isinstance(row, Mapping):
                    yield from gaps(row, f"{name}[{place}].")


def what_is_missing(settings: Mapping[str, Any]) -> str:
    """The kinds of settings to be filled in, in words.

    >>> what_is_missing({"layers": [{"stride": FILL_IN}], "data": {"scaling": FILL_IN}})
    'stride and output range'
    """
    last = dict.fromkeys(name.rpartition(".")[2] for name in gaps(settings))
    *most, end = [_WORDS.get(name, name) for name in last] or ["whether the table is right"]
    return f"{', '.join(most)} and {end}" if most else end


def refuse_gaps(path: object, settings: Mapping[str, Any]) -> None:
    """Raise ConfigError if a table still has settings to be filled in."""
    found = list(gaps(settings))
    if found:
        more = f" and {len(found) - 1} more" if len(found) > 1 else ""
        raise ConfigError(
            "like",
            str(path),
            f"{found[0]}{more} still say {FILL_IN}. Replace each by its value, as in the program"
            " that trained the model",
        )


def write_table(path: Path, settings: Mapping[str, Any], about: str) -> None:
    """Write a table to fill in, with comments that say what is allowed."""
    text = yaml.safe_dump(
        dict(settings), sort_keys=False, default_flow_style=None, width=2**20, allow_unicode=True
    )
    head = "\n".join(f"# {line}".rstrip() for line in [about, *_HELP])
    write_text(path, f"{head}\n{text}")


_HELP = (
    "",
    f"Replace each {FILL_IN} by its value in the program that trained the model:",
    "  stride, padding: a number, or [height, width]; add output_padding or end_padding if used",
    "  activation: none, relu, leaky_relu, selu, tanh or sigmoid",
    "  norm: batch, group, instance or layer; add eps if it is not 1e-5",
    "  resize, interpolation: the size before the convolution, and nearest or bilinear;",
    "    remove both from a layer that does not upsample",
    "  data.scaling: symmetric for images in [-1, 1] (tanh), unit for images in [0, 1] (sigmoid)",
    "Also check the distribution of the latent (normal, or uniform on [-1, 1]), add slope to the",
    "network if leaky_relu has another slope than 0.2, and order: activation-norm to rows whose",
    "activation comes before the norm.",
)
