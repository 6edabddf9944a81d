"""TensorFlow's DCGAN tutorial with the networks of any recipe: Keras layers, the step as a graph.

B batch · H, W sides · C channels
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import tensorflow as tf
from peers_turns import random_images, take_turns

keras = tf.keras


def layers_of(rows: Iterable[dict[str, Any]], shape: tuple[int, int, int]) -> Any:
    """A Keras model from a layer table; ``shape`` (H, W, C) is that of its input."""
    x = image = keras.Input(shape)
    for row in rows:
        for layer in _row(row, x.shape[1:]):
            x = layer(x)
    return keras.Model(image, x)


def _row(row: dict[str, Any], shape: tuple[int, ...]) -> Iterable[Any]:
    bias, channels = row.get("bias", True), row["channels"]
    if row["operation"] == "linear":
        if len(shape) > 1:
            yield keras.layers.Flatten()
        yield keras.layers.Dense(channels, use_bias=bias)
    else:
        stride, (kernel, kernel_width) = row.get("stride", [1, 1]), row["kernel"]
        padding = tuple(row.get("padding", [0, 0]))
        # with these, "same" is the padding of the table
        is_same = stride == [2, 2] and row["kernel"] == [4, 4] and padding == (1, 1)
        settings = {"strides": stride, "use_bias": bias, "padding": "same" if is_same else "valid"}
        sides = (kernel, kernel_width)
        if row["operation"] == "conv":
            if not is_same and any(padding):
                yield keras.layers.ZeroPadding2D(padding)
            yield keras.layers.Conv2D(channels, sides, **settings)
        else:
            yield keras.layers.Conv2DTranspose(channels, sides, **settings)
            if not is_same and any(padding):
                yield keras.layers.Cropping2D(padding)
    norm = [keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5)]
    after = norm if row.get("norm", "none") == "batch" else []
    activation = _activation(row.get("activation", "none"))
    yield from activation + after if row.get("order") == "activation-norm" else after + activation


def _activation(name: str) -> list[Any]:
    found = {
        "none": [],
        "relu": [keras.layers.ReLU()],
        "leaky_relu": [keras.layers.LeakyReLU(negative_slope=0.2)],
        "tanh": [keras.layers.Activation("tanh")],
    }
    return found[name]


def build(task: dict[str, Any]) -> tuple[Callable[[], float], int]:
    """The tutorial's step, and the number of trained weights."""
    tf.config.threading.set_intra_op_parallelism_threads(task["threads"])
    tf.config.threading.set_inter_op_parallelism_threads(task["threads"])
    networks, batch = task["networks"], task["batch"]
    channels, height, width = networks["image_shape"]
    latent = networks["latent"]["dim"]
    generator = layers_of(networks["generator"], (1, 1, latent))
    discriminator = layers_of(networks["discriminator"], (height, width, channels))
    cross_entropy = keras.losses.BinaryCrossentropy(from_logits=True)
    (rate_g, betas_g), (rate_d, betas_d) = task["generator"], task["discriminator"]
    of_generator = keras.optimizers.Adam(rate_g, *betas_g)
    of_discriminator = keras.optimizers.Adam(rate_d, *betas_d)

    @tf.function
    def train_step(real_BHWC: Any) -> Any:
        noise_BZ = tf.random.normal([batch, 1, 1, latent])
        with tf.GradientTape() as tape_g, tf.GradientTape() as tape_d:
            fake_BHWC = generator(noise_BZ, training=True)
            real_B = discriminator(real_BHWC, training=True)
            fake_B = discriminator(fake_BHWC, training=True)
            loss_g = cross_entropy(tf.ones_like(fake_B), fake_B)
            loss_d = cross_entropy(tf.ones_like(real_B), real_B)
            loss_d += cross_entropy(tf.zeros_like(fake_B), fake_B)
        for tape, loss, model, optimizer in (
            (tape_g, loss_g, generator, of_generator),
            (tape_d, loss_d, discriminator, of_discriminator),
        ):
            gradients = tape.gradient(loss, model.trainable_variables)
            optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
        return loss_d

    pixels = random_images(task)
    images = (pixels.astype("float32") - 127.5) / 127.5
    dataset = tf.data.Dataset.from_tensor_slices(images).shuffle(len(images)).repeat()
    batches = iter(dataset.batch(batch, drop_remainder=True).prefetch(tf.data.AUTOTUNE))
    weights = sum(int(tf.size(one)) for one in discriminator.trainable_variables)
    weights += sum(int(tf.size(one)) for one in generator.trainable_variables)
    return lambda: float(train_step(next(batches))), weights


if __name__ == "__main__":
    take_turns(build)
