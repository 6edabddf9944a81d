"""Weights under spectral norm, divided once and for all."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.utils import parametrizations
from torch.utils._python_dispatch import TorchDispatchMode

from dcgan.models import Discriminator, Generator, plan_discriminator, plan_generator
from dcgan.models.spectral import plain_weights, spectral_norm, table_without_spectral_norm


class Called(TorchDispatchMode):
    """Notes the names of all operations."""

    def __init__(self):
        super().__init__()
        self.names = set()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.names.add(str(func.overloadpacket))
        return func(*args, **(kwargs or {}))


def test_spectral_norm_is_pytorchs_without_what_mps_lacks():
    found = []
    for norm in (spectral_norm, parametrizations.spectral_norm):
        torch.manual_seed(0)
        layer = nn.Conv2d(3, 4, 3)
        norm(layer)
        with Called() as called:
            out = layer(layer(torch.ones(1, 3, 5, 5))[:, :3])  # twice, as in a step
            out.square().sum().backward()
        layer.eval()
        weight = layer.parametrizations.weight.original
        found.append([out, weight.grad, layer.weight, *layer.state_dict().values()])
        assert ("aten.vdot" in called.names) is (norm is not spectral_norm)
    assert all(torch.equal(ours, theirs) for ours, theirs in zip(*found, strict=True))


def test_a_generator_without_spectral_norm_makes_the_same_images():
    table = plan_generator((16, 16), 3, width=4, norm="spectral+batch")
    network = Generator(table, latent_dim=8).eval()
    plain = Generator(table_without_spectral_norm(table), latent_dim=8).eval()
    weights = plain_weights(network)
    plain.load_state_dict(weights)
    latent = torch.randn(5, 8)
    assert torch.equal(plain(latent), network(latent))
    assert not [key for key in weights if "parametrizations" in key]
    assert "spectral" not in str(table_without_spectral_norm(table))


def test_the_class_term_of_a_discriminator_is_divided_too():
    table = plan_discriminator((16, 16), width=4, norm="spectral")
    network = Discriminator(table, (1, 16, 16), classes=3, codes=2).eval()
    plain = Discriminator(
        table_without_spectral_norm(table), (1, 16, 16), classes=3, codes=2
    ).eval()
    plain.load_state_dict(plain_weights(network))
    image, classes = torch.randn(4, 1, 16, 16), torch.eye(3)[[0, 1, 2, 1]]
    assert torch.equal(plain(image, classes), network(image, classes))
    assert torch.equal(
        plain.read_codes(plain.features(image)), network.read_codes(network.features(image))
    )


def test_the_network_itself_stays_as_it_is():
    network = Generator(plan_generator((16, 16), 1, width=4, norm="spectral"), latent_dim=8).eval()
    before = {key: value.clone() for key, value in network.state_dict().items()}
    plain_weights(network)
    assert all(torch.equal(before[key], value) for key, value in network.state_dict().items())
