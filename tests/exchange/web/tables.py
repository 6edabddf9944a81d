"""Layer tables of generators: one for each operation, and random ones."""

from __future__ import annotations

from dataclasses import replace
from random import Random

from dcgan.data.pixels.scale import PixelScale
from dcgan.errors import GeometryError
from dcgan.models import plan_generator
from dcgan.models.geometry import layer_shapes
from dcgan.models.latents import LatentSpace
from dcgan.models.table import CENTERED, Layer
from dcgan.runs.networks import Networks

UP = {"operation": "conv_transpose", "channels": 4, "kernel": (3, 3)}
SEED = Layer(**UP | {"channels": 6})
FLAT = {"operation": "linear", "channels": 48, "reshape": (6, 4, 2)}
END = Layer(operation="conv_transpose", channels=3, kernel=(4, 4), stride=(2, 2), padding=(1, 1))

BY_HAND = {
    "planned": plan_generator((20, 28), 3, width=5),
    "odd sides": plan_generator((17, 21), 1, width=3),
    "bilinear": plan_generator((16, 16), 2, width=4, upsampling="bilinear"),
    "nearest": plan_generator((19, 16), 4, width=4, upsampling="nearest"),
    "spectral": plan_generator((16, 16), 1, width=4, norm="spectral+batch"),
    "pixel": plan_generator((16, 16), 1, width=4, norm="pixel", activation="leaky_relu"),
    "both norms": plan_generator((16, 16), 1, width=4, norm="batch+pixel", activation="selu"),
    "norm last": plan_generator((16, 16), 1, width=4, order="activation-norm", activation="tanh"),
    "noise and dropout": plan_generator((16, 16), 1, width=4, noise=0.5, dropout=0.3),
    "linear": (
        Layer(operation="linear", channels=10, norm="batch", activation="relu"),
        Layer(operation="linear", channels=60, reshape=(5, 4, 3), norm="batch", activation="relu"),
        Layer(operation="conv_transpose", channels=1, kernel=(2, 3), stride=(3, 2)),
    ),
    "linear only": (Layer(operation="linear", channels=24, reshape=(2, 3, 4)),),
    "linear after an image": (SEED, Layer(operation="linear", channels=27, reshape=(3, 3, 3))),
    "flat norm last": (
        Layer(operation="linear", channels=9, norm="batch", order="activation-norm"),
        Layer(operation="linear", channels=9, norm="pixel", activation="tanh", reshape=(1, 3, 3)),
    ),
    "output padding": (SEED, Layer(**UP, stride=(3, 2), padding=(1, 0), output_padding=(2, 1))),
    "holes": (SEED, Layer(**UP | {"kernel": (2, 1)}, stride=(4, 3))),
    "kernel as large as the input": (
        SEED,
        Layer(operation="conv", channels=7, kernel=(3, 3)),
        Layer(operation="conv_transpose", channels=3, kernel=(4, 5)),
    ),
    "strided conv": (
        Layer(**UP | {"kernel": (7, 9)}),
        Layer(operation="conv", channels=3, kernel=(3, 2), stride=(2, 3), padding=(2, 1)),
    ),
    "smaller": (
        Layer(**UP | {"kernel": (9, 8)}),
        Layer(operation="conv", channels=2, kernel=(1, 1), resize=(5, 3)),
        Layer(operation="conv", channels=2, resize=(11, 7), interpolation="nearest"),
    ),
    "sigmoid": (replace(SEED, activation="sigmoid"), replace(END, activation="sigmoid")),
    "eps": (
        Layer(**FLAT, norm="batch", eps=0.8, activation="relu"),
        replace(END, norm="batch", eps=1e-3, order="activation-norm", activation="tanh"),
    ),
    **{
        f"{norm} {order}": (
            Layer(
                **UP | {"channels": 8},
                norm=f"spectral+{norm}",
                eps=0.01,
                activation="selu",
                order=order,
                **{"norm_groups": 4} if norm == "group" else {},
            ),
            END,
        )
        for norm in ("group", "instance", "layer")
        for order in ("norm-activation", "activation-norm")
    },
    "features": (
        Layer(operation="linear", channels=12, norm="group", norm_groups=3, activation="relu"),
        Layer(operation="linear", channels=12, norm="layer"),
        Layer(operation="linear", channels=12, reshape=(3, 2, 2), norm="instance"),
    ),
    **{
        f"{norm} of features": (
            Layer(
                **FLAT, norm=norm, norm_features=True, order="activation-norm", activation="tanh"
            ),
            END,
        )
        for norm in ("batch", "batch+pixel", "pixel", "group", "layer")
    },
    "features folded": (
        Layer(**FLAT, norm="batch", norm_features=True, bias=False, activation="leaky_relu"),
        replace(END, operation="conv", stride=(1, 1)),
    ),
    "uneven padding": (
        Layer(**UP | {"kernel": (9, 8)}, padding=(2, 0), end_padding=(1, 3), norm="batch"),
        Layer(
            operation="conv",
            channels=5,
            kernel=(5, 4),
            stride=(2, 1),
            padding=(0, 3),
            end_padding=(4, 1),
            norm="batch",
            activation="relu",
        ),
        Layer(
            operation="conv_transpose",
            channels=2,
            kernel=(5, 5),
            stride=(2, 2),
            padding=(1, 2),
            end_padding=(2, 0),
            output_padding=(1, 1),
        ),
    ),
    "more pixels than a block": (
        Layer(**UP | {"kernel": (13, 11)}),
        Layer(operation="conv", channels=17, kernel=(3, 3), padding=(1, 1), activation="selu"),
        Layer(operation="conv_transpose", channels=3, kernel=(4, 4), stride=(2, 2), padding=(1, 1)),
    ),
}

NORMS = (
    *("none", "batch", "pixel", "spectral", "batch+pixel", "spectral+batch+pixel"),
    *("group", "instance", "layer", "spectral+group"),
)


def random_table(number: int) -> tuple[Layer, ...]:
    """A table of two to five rows that no rule of a plan restricts."""
    random = Random(number)
    while True:
        rows = [_row(random, is_last=place == 0) for place in range(random.randint(1, 4), -1, -1)]
        try:
            *_, sides = layer_shapes(rows, (8, 1, 1))
        except GeometryError:
            continue
        if len(sides) == 3 and sides[0] <= 4 and max(sides[1:]) <= 40:
            return tuple(rows)


def _row(random: Random, *, is_last: bool) -> Layer:
    operation = random.choice(["conv", "conv_transpose", "conv_transpose", "linear"])
    settings = {
        "operation": operation,
        "channels": random.randint(1, 4 if is_last else 20),
        "bias": random.random() < 0.5,
        "norm": random.choice(NORMS),
        "activation": random.choice(["none", "relu", "leaky_relu", "selu", "tanh", "sigmoid"]),
        "slope": random.choice([0.0, 0.1, 0.3]),
        "order": random.choice(["norm-activation", "activation-norm"]),
    }
    if set(settings["norm"].split("+")) & set(CENTERED):
        settings["eps"] = random.choice([1e-3, 0.1])
    if "group" in settings["norm"]:
        groups = random.randint(1, 3)
        settings |= {
            "norm_groups": groups,
            "channels": groups * random.randint(1, 1 if is_last else 6),
        }
    if operation == "linear":
        shape = (settings["channels"], random.randint(1, 5), random.randint(1, 5))
        channels = shape[0] * shape[1] * shape[2]
        settings |= {"channels": channels, "reshape": shape}
        return Layer(**settings, norm_features=random.random() < 0.5)

    def pair(least: int, most: int) -> tuple[int, int]:
        return random.randint(least, most), random.randint(least, most)

    stride = pair(1, 3)
    settings |= {"kernel": pair(1, 6), "stride": stride, "padding": pair(0, 2)}
    if random.random() < 0.3:
        settings["end_padding"] = pair(0, 2)
    if operation == "conv_transpose":
        settings["output_padding"] = tuple(random.randint(0, side - 1) for side in stride)
    if random.random() < 0.3:
        interpolation = random.choice(["bilinear", "nearest"])
        settings |= {"resize": pair(1, 14), "interpolation": interpolation}
    return Layer(**settings)


def networks(
    table: tuple[Layer, ...],
    space: LatentSpace,
    latent_shape: tuple[int, int, int] | None = None,
    **more: PixelScale,
) -> Networks:
    """Networks without a discriminator."""
    image = layer_shapes(table, latent_shape or (space.width, 1, 1))[-1]
    return Networks(
        generator=table,
        discriminator=(),
        image_shape=image,
        latent=space,
        latent_shape=latent_shape,
        **more,
    )
