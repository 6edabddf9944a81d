"""Signs of trouble inside the networks are seen, and nothing is changed by looking."""

from __future__ import annotations

import copy

import pytest
import torch

from dcgan.evaluation.network_signs import network_signs
from dcgan.models.discriminator import Discriminator
from dcgan.models.generator import Generator
from dcgan.models.table import Layer

FROM_LATENT = {"operation": "conv_transpose", "kernel": (4, 4), "bias": True}
WIDER = {"operation": "conv_transpose", "kernel": (4, 4), "stride": (2, 2), "padding": (1, 1)}


@pytest.fixture
def generator():
    torch.manual_seed(0)
    return Generator(
        [
            Layer(channels=8, norm="batch", activation="relu", **FROM_LATENT),
            Layer(channels=4, norm="batch", activation="relu", **WIDER),
            Layer(channels=1, activation="tanh", **WIDER),
        ],
        latent_dim=6,
    ).eval()


@pytest.fixture
def discriminator():
    conv = {"operation": "conv", "kernel": (4, 4), "stride": (2, 2), "padding": (1, 1)}
    return Discriminator(
        [
            Layer(channels=4, activation="relu", norm="batch", **conv),
            Layer(channels=4, activation="leaky_relu", **conv),
            Layer(channels=1, operation="conv", kernel=(4, 4)),
        ],
        (1, 16, 16),
    )


LATENT = torch.randn(32, 6, generator=torch.Generator().manual_seed(1))


def set_statistics(generator, latent_BZ):
    """Let the running statistics be those of one batch."""
    generator.train()
    for module in generator.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = None
            module.reset_running_stats()
    for _ in range(20):
        generator(latent_BZ)
    generator.eval()


def test_healthy_networks(generator, discriminator):
    set_statistics(generator, LATENT)
    signs = network_signs(generator, discriminator, LATENT, 32)
    assert signs["batch_norm_gap"] < 0.05
    assert signs["dead_generator"] == 0
    assert signs["dead_discriminator"] == 0


def test_dead_channels_are_counted(generator, discriminator):
    set_statistics(generator, LATENT)
    norms = [module for module in generator.modules() if isinstance(module, torch.nn.BatchNorm2d)]
    with torch.no_grad():
        norms[0].bias[:3] = -1000.0
    signs = network_signs(generator, discriminator, LATENT, 32)
    assert signs["dead_generator"] == pytest.approx(3 / 12)


def test_other_statistics_than_those_of_the_batch_are_a_gap(generator, discriminator):
    set_statistics(generator, LATENT)
    near = network_signs(generator, discriminator, LATENT, 32)["batch_norm_gap"]
    for module in generator.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_var *= 25
    assert network_signs(generator, discriminator, LATENT, 32)["batch_norm_gap"] > 0.5 > 10 * near


def test_the_gap_grows_as_batches_get_smaller(generator, discriminator):
    set_statistics(generator, LATENT)
    gaps = [
        network_signs(generator, discriminator, LATENT, batch)["batch_norm_gap"]
        for batch in (32, 8, 2)
    ]
    assert gaps == sorted(gaps)
    assert gaps[2] > 0.2


def test_looking_changes_nothing(generator, discriminator):
    discriminator.train()
    before = [copy.deepcopy(one.state_dict()) for one in (generator, discriminator)]
    network_signs(generator, discriminator, LATENT, 32)
    for one, state in zip((generator, discriminator), before, strict=True):
        assert one.state_dict().keys() == state.keys()
        for name, tensor in one.state_dict().items():
            torch.testing.assert_close(tensor, state[name], rtol=0, atol=0)
        assert not any(module._forward_hooks for module in one.modules())
    assert discriminator.training
    assert not generator.training


def test_networks_without_relu_and_batch_norm_have_no_such_signs(discriminator):
    plain = Generator(
        [Layer(channels=1, activation="tanh", **FROM_LATENT | {"kernel": (16, 16)})], latent_dim=6
    )
    signs = network_signs(plain.eval(), discriminator, LATENT, 32)
    assert set(signs) == {"dead_discriminator"}
