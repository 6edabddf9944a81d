"""Run folders with untrained networks of every kind, written without training."""

from __future__ import annotations

import json

import pytest
import torch

import dcgan
from dcgan.data.pixels.scale import UNIT, PixelScale
from dcgan.models import plan_discriminator, plan_generator
from dcgan.models.batch_norm import reestimate_batch_norm
from dcgan.models.latents import LatentSpace
from dcgan.models.table import Layer
from dcgan.runs.checkpoints import write_checkpoint
from dcgan.runs.networks import Networks

CONDITIONS = LatentSpace(6, classes=(0.7, 0.2, 0.1), categorical=(4, 2), continuous=2)
CLASSES = ("cat", "dog", "ﬁsh")


def _planned(size, channels, norm, latent, **more):
    return Networks(
        generator=plan_generator(size, channels, width=4, norm=norm),
        discriminator=plan_discriminator(size, width=4, norm="spectral", hidden=8),
        image_shape=(channels, *size),
        latent=latent,
        **more,
    )


KINDS = {
    "plain": _planned((16, 16), 1, "batch", LatentSpace(8)),
    "conditional": _planned(
        (17, 20), 3, "spectral+batch", CONDITIONS, class_names=CLASSES,
        scale=PixelScale((100.0, 110.0, 120.0), (50.0, 60.0, 70.0)),
    ),
    "uniform": _planned((16, 16), 2, "spectral+pixel", LatentSpace(8, distribution="uniform")),
    "odd": Networks(
        generator=(
            Layer(
                operation="linear", channels=4 * 4 * 4, reshape=(4, 4, 4), norm="batch",
                activation="selu", order="activation-norm",
            ),
            Layer(
                operation="conv", channels=4, kernel=(3, 3), padding=(1, 1), resize=(9, 8),
                norm="spectral+batch", activation="leaky_relu", slope=0.3, dropout=0.4,
            ),
            Layer(
                operation="conv_transpose", channels=1, kernel=(5, 4), stride=(2, 2),
                padding=(2, 1), output_padding=(1, 0), activation="tanh", bias=False,
            ),
        ),
        discriminator=plan_discriminator((18, 16), width=4),
        image_shape=(1, 18, 16),
        latent=LatentSpace(12),
        latent_shape=(3, 2, 2),
    ),
    # what only imported models have, and minibatch_stddev
    "imported": Networks(
        generator=(
            Layer(
                operation="linear", channels=6 * 4 * 4, reshape=(6, 4, 4), norm="group",
                norm_groups=3, norm_features=True, eps=0.1, activation="relu",
            ),
            Layer(
                operation="conv_transpose", channels=4, kernel=(5, 5), stride=(2, 2),
                padding=(1, 1), end_padding=(2, 0), norm="batch", eps=0.8, activation="sigmoid",
            ),
            Layer(
                operation="conv_transpose", channels=4, kernel=(3, 3), stride=(2, 2),
                padding=(1, 1), output_padding=(1, 1), norm="instance", activation="leaky_relu",
            ),
            Layer(
                operation="conv", channels=4, norm="layer", minibatch_stddev=True,
                resize=(11, 7), interpolation="nearest",
            ),
            Layer(
                operation="conv", channels=3, kernel=(4, 4), padding=(1, 2), end_padding=(2, 1),
                activation="sigmoid", resize=(16, 20),
            ),
        ),
        discriminator=(
            Layer(
                operation="conv", channels=6, kernel=(5, 5), stride=(2, 2), padding=(1, 2),
                end_padding=(2, 1), norm="instance", activation="leaky_relu",
            ),
            Layer(operation="conv", channels=6, norm="group", norm_groups=2, activation="selu"),
            Layer(operation="conv", channels=6, norm="pixel", minibatch_stddev=True),
            Layer(operation="linear", channels=6, norm="layer", activation="tanh"),
            Layer(operation="linear", channels=1),
        ),
        image_shape=(3, 16, 20),
        latent=LatentSpace(8),
        scale=UNIT,
    ),
}  # fmt: skip


def write_run(path, networks, images_seen=512, seed=0):
    """A run folder with one checkpoint of new weights; batch norm and biases are not trivial."""
    torch.manual_seed(seed)
    generator, discriminator = networks.build_generator(), networks.build_discriminator()
    for network in (generator, discriminator):
        for weight in network.parameters():
            if weight.dim() in (1, 3):  # of a norm, or a bias
                weight.data += 0.2 * torch.randn_like(weight)
            else:
                weight.data *= 2  # images with contrast
    reestimate_batch_norm(generator.train(), networks.latent, 0)
    path.mkdir(parents=True)
    (path / "networks.json").write_text(json.dumps(networks.to_json()))
    (path / "config.yaml").write_text(
        "{recipe: auto, data: {source: /home/ann/photos, root: /data/sets, size: 16}}"
    )
    (path / "run.json").write_text(
        json.dumps({"format": 1, "data": {"source": "/home/ann/photos", "count": 1234}})
    )
    parts = {"ema": generator.state_dict(), "discriminator": discriminator.state_dict()}
    write_checkpoint(path / "checkpoints", images_seen, parts, {"images_seen": images_seen})
    return dcgan.open_run(path)


@pytest.fixture(scope="session")
def runs(tmp_path_factory):
    """One run of each kind, by name."""
    folder = tmp_path_factory.mktemp("kinds")
    return {name: write_run(folder / name, networks) for name, networks in KINDS.items()}


@pytest.fixture(params=list(KINDS))
def any_run(request, runs):
    return runs[request.param]
