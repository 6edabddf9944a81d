"""Tensors as JSON: each map as bytes with its own scale.

N images · M maps · H, W sides
"""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import numpy as np
from torch import Tensor

from dcgan.studio.inside.session import SHOWN, Session
from dcgan.studio.inside.tensors import Tensors


def encode_state(session: Session, tensors: Tensors) -> dict[str, Any]:
    """What the page shows of a session.

    The first :data:`SHOWN` images of the batch are there with their feature maps; of the whole
    batch there are D's probabilities. ``gradient`` of a layer is the mean absolute gradient of G's
    loss with respect to its output, over the batch.
    """
    latent_gradient, *gradients = (gradient.abs().mean().item() for gradient in tensors.gradients)
    depth = len(tensors.generator)
    return {
        "seed": session.seed,
        "step": session.step,
        "loss": {
            "generator": tensors.loss_generator.item(),
            "discriminator": tensors.loss_discriminator.item(),
        },
        "probability": {
            "generated": _rounded(tensors.logit_generated_B.sigmoid()),
            "real": _rounded(tensors.logit_real_B.sigmoid()),
        },
        "latent": {
            "maps": encode_maps(tensors.latent_BZ[:SHOWN, None, None]),
            "gradient": latent_gradient,
        },
        "generator": _layers(tensors.generator, gradients[:depth]),
        "on_generated": _layers(tensors.on_generated, gradients[depth:]),
        "on_real": _layers(tensors.on_real),
        "real": encode_maps(tensors.real_BCHW[:SHOWN]),
        "image_gradient": encode_maps(tensors.image_gradient[:SHOWN]),
    }


def encode_maps(map_NMHW: Tensor) -> dict[str, Any]:
    """Maps as bytes in base64: a value is low + (high - low) · byte / 255, with its map's scale.

    ``low`` and ``high`` are little-endian float32 (N, M), ``values`` uint8 (N, M, H, W).
    """
    maps = map_NMHW.numpy().astype("<f4")
    low, high = maps.min((2, 3), keepdims=True), maps.max((2, 3), keepdims=True)
    span = np.where(high > low, high - low, 1)
    return {
        "shape": list(maps.shape),
        "low": _base64(low),
        "high": _base64(high),
        "values": _base64(np.rint((maps - low) / span * 255).astype(np.uint8)),
    }


def _layers(outputs: list[Tensor], gradients: list[float] | None = None) -> list[dict[str, Any]]:
    layers: list[dict[str, Any]] = [{"maps": encode_maps(output[:SHOWN])} for output in outputs]
    for layer, gradient in zip(layers, gradients or [], strict=False):
        layer["gradient"] = gradient
    return layers


def _rounded(numbers: Tensor) -> list[float]:
    return [round(number, 4) for number in numbers.tolist()]


def _base64(array: np.ndarray[Any, Any]) -> str:
    return b64encode(array.tobytes()).decode()
