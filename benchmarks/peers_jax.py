"""The step of a DCGAN in JAX, compiled as a whole by ``jit``, with the networks of any recipe.

Images and feature maps are (B, H, W, C), the order that XLA prefers on CPUs.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import lax, nn
from peers_turns import random_images, take_turns

Rows = Sequence[dict[str, Any]]
Weights = list[dict[str, Any]]

_LAYOUT = ("NHWC", "HWIO", "NHWC")
_ACTIVATIONS = {
    "none": lambda x: x,
    "relu": nn.relu,
    "leaky_relu": partial(nn.leaky_relu, negative_slope=0.2),
    "tanh": jnp.tanh,
}


def first_weights(rows: Rows, shape: tuple[int, ...], key: Any) -> Weights:
    """Normal weights of deviation 0.02; ``shape`` (H, W, C) is that of the input."""
    weights, x = [], jnp.zeros((2, *shape))
    for row, drawn in zip(rows, jax.random.split(key, len(rows)), strict=True):
        if row["operation"] == "linear":
            form = (x[0].size, row["channels"])
        else:
            form = (*row["kernel"], x.shape[-1], row["channels"])
        own = {"weight": 0.02 * jax.random.normal(drawn, form)}
        if row.get("bias", True):
            own["bias"] = jnp.zeros(row["channels"])
        if row.get("norm", "none") == "batch":
            own |= {"scale": jnp.ones(row["channels"]), "shift": jnp.zeros(row["channels"])}
        weights.append(own)
        x = _apply_row(row, own, x)
    return weights


def apply(rows: Rows, weights: Weights, x: Any) -> Any:
    """The output of a network."""
    for row, own in zip(rows, weights, strict=True):
        x = _apply_row(row, own, x)
    return x


def _apply_row(row: dict[str, Any], own: dict[str, Any], x: Any) -> Any:
    if row["operation"] == "linear":
        x = x.reshape(len(x), -1) @ own["weight"]
    else:
        x = _convolved(row, own["weight"], x)
    x = x + own["bias"] if "bias" in own else x
    steps = [partial(_normalized, own), _ACTIVATIONS[row.get("activation", "none")]]
    ordered: Iterable[Any] = steps
    if row.get("order") == "activation-norm":
        ordered = reversed(steps)
    for one in ordered:
        x = one(x)
    return x


def _convolved(row: dict[str, Any], weight: Any, x: Any) -> Any:
    strides = tuple(row.get("stride", [1, 1]))
    sides = zip(row["kernel"], row.get("padding", [0, 0]), strict=True)
    if row["operation"] == "conv":
        around = [(padding, padding) for _, padding in sides]
        return lax.conv_general_dilated(x, weight, strides, around, dimension_numbers=_LAYOUT)
    around = [(kernel - 1 - padding,) * 2 for kernel, padding in sides]
    return lax.conv_transpose(x, weight, strides, around, dimension_numbers=_LAYOUT)


def _normalized(own: dict[str, Any], x: Any) -> Any:
    if "scale" not in own:
        return x
    axes = tuple(range(x.ndim - 1))
    mean, variance = x.mean(axes), x.var(axes)
    return (x - mean) * lax.rsqrt(variance + 1e-5) * own["scale"] + own["shift"]


def training_step(task: dict[str, Any]) -> Callable[[Any, Any], tuple[Any, Any]]:
    """From a state and uint8 images to the next state and D's loss."""
    of_g, of_d, latent = task["networks"]["generator"], task["networks"]["discriminator"], _z(task)
    adam_g, adam_d = (optax.adam(*_rates(task[name])) for name in ("generator", "discriminator"))

    def loss_of_d(weights: Weights, real: Any, fake: Any) -> Any:
        real_logit, fake_logit = apply(of_d, weights, real), apply(of_d, weights, fake)
        return nn.softplus(-real_logit).mean() + nn.softplus(fake_logit).mean()

    def loss_of_g(weights: Weights, judge: Weights, noise: Any) -> Any:
        return nn.softplus(-apply(of_d, judge, apply(of_g, weights, noise))).mean()

    @partial(jax.jit, donate_argnums=0)
    def step(state: Any, pixels: Any) -> tuple[Any, Any]:
        g, d, moments_g, moments_d, key = state
        key, drawn = jax.random.split(key)
        noise = jax.random.normal(drawn, (task["batch"], 1, 1, latent))
        real = pixels.astype(jnp.float32) / 127.5 - 1
        loss_d, gradient = jax.value_and_grad(loss_of_d)(d, real, apply(of_g, g, noise))
        change, moments_d = adam_d.update(gradient, moments_d)
        d = optax.apply_updates(d, change)
        # XLA sees that this pass of G has been made above
        change, moments_g = adam_g.update(jax.grad(loss_of_g)(g, d, noise), moments_g)
        return (optax.apply_updates(g, change), d, moments_g, moments_d, key), loss_d

    return step


def build(task: dict[str, Any]) -> tuple[Callable[[], float], int]:
    """The step, and the number of trained weights."""
    if task["threads"] == 1:  # read when JAX first computes
        os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false"
    channels, height, width = task["networks"]["image_shape"]
    key_g, key_d, key = jax.random.split(jax.random.key(0), 3)
    weights_g = first_weights(task["networks"]["generator"], (1, 1, _z(task)), key_g)
    weights_d = first_weights(task["networks"]["discriminator"], (height, width, channels), key_d)
    moments = (optax.adam(1).init(weights) for weights in (weights_g, weights_d))
    state = [(weights_g, weights_d, *moments, key)]
    train_step, images, random = training_step(task), random_images(task), np.random.default_rng(1)

    def step() -> float:
        chosen = images[random.integers(0, len(images), task["batch"])]
        state[0], loss_d = train_step(state[0], chosen)
        return float(loss_d)

    return step, sum(leaf.size for leaf in jax.tree.leaves((weights_g, weights_d)))


def _z(task: dict[str, Any]) -> int:
    dim: int = task["networks"]["latent"]["dim"]
    return dim


def _rates(settings: tuple[float, tuple[float, float]]) -> tuple[float, float, float]:
    rate, (first, second) = settings
    return rate, first, second


if __name__ == "__main__":
    take_turns(build)
