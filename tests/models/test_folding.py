"""The generator that draws against the one that learned."""

from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn.functional import conv_transpose2d

from dcgan.models.folding import InPhases, folded
from dcgan.models.generator import Generator
from dcgan.models.table import Layer

UP = {"operation": "conv_transpose", "kernel": (4, 4), "stride": (2, 2), "padding": (1, 1)}
FIRST = Layer(operation="conv_transpose", channels=6, kernel=(4, 3))
LAST = Layer(channels=3, activation="tanh", **UP)


def lived_in(*layers: Layer) -> Generator:
    """A generator whose batch norms have seen something, and whose biases are not 0."""
    torch.manual_seed(0)
    generator = Generator(layers, latent_dim=5)
    for module in generator.modules():
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            module.running_mean.normal_()
            module.running_var.uniform_(0.3, 3)
            nn.init.normal_(module.weight, 1)
            nn.init.normal_(module.bias)
    return generator.eval()


@pytest.mark.parametrize(
    ("layers", "norms"),
    [
        ([FIRST, LAST], 0),
        ([Layer(operation="conv_transpose", channels=6, kernel=(4, 3), norm="batch"), LAST], 0),
        ([FIRST, Layer(channels=7, norm="batch", activation="relu", **UP), LAST], 0),
        ([FIRST, Layer(channels=7, norm="batch", bias=False, **UP), LAST], 0),
        ([FIRST, Layer(channels=7, norm="spectral+batch", **UP), LAST], 1),
        ([FIRST, replace(LAST, norm="spectral")], 0),
        (
            [
                FIRST,
                Layer(
                    channels=7,
                    norm="batch",
                    activation="leaky_relu",
                    order="activation-norm",
                    **UP,
                ),
                LAST,
            ],
            1,
        ),
        ([FIRST, Layer(channels=7, norm="pixel+batch", **UP), LAST], 1),
        ([FIRST, Layer(channels=7, norm="batch+pixel", dropout=0.3, **UP), LAST], 0),
        (
            [
                Layer(operation="linear", channels=9, norm="batch", activation="relu"),
                Layer(operation="linear", channels=48, reshape=(6, 4, 2), norm="batch"),
                Layer(
                    operation="conv", channels=4, kernel=(3, 3), padding=(1, 1), resize=(8, 4),
                    norm="batch", activation="selu",
                ),
                LAST,
            ],
            0,
        ),
        (  # eps, features before a reshape, and a crop between a layer and its norm
            [
                Layer(
                    operation="linear", channels=48, reshape=(6, 4, 2), norm="batch", eps=0.5,
                    norm_features=True, activation="leaky_relu",
                ),
                Layer(
                    operation="conv_transpose", channels=5, kernel=(5, 5), stride=(2, 2),
                    padding=(1, 1), end_padding=(2, 2), norm="batch", eps=1e-3, activation="relu",
                ),
                LAST,
            ],
            0,
        ),
        (
            [
                Layer(
                    operation="linear", channels=48, reshape=(6, 4, 2), norm="batch",
                    norm_features=True, activation="relu", order="activation-norm",
                ),
                Layer(channels=6, norm="group", norm_groups=3, **UP),
                replace(LAST, activation="sigmoid"),
            ],
            1,
        ),
    ],
)  # fmt: skip
def test_it_draws_the_same_with_no_norm_left_where_none_must_be(layers, norms):
    generator = lived_in(*layers)
    latent_BZ = torch.randn(4, 5)
    before = {name: value.clone() for name, value in generator.state_dict().items()}
    found = folded(generator)
    torch.testing.assert_close(found(latent_BZ), generator(latent_BZ), rtol=1e-4, atol=1e-5)
    assert all(torch.equal(value, before[name]) for name, value in generator.state_dict().items())
    kinds = [type(module) for module in found.modules()]
    assert kinds.count(nn.BatchNorm1d) + kinds.count(nn.BatchNorm2d) == norms
    assert kinds.count(InPhases) == 1


def test_hooks_stay_with_the_original():
    generator = lived_in(FIRST, LAST)
    latent_BZ = torch.randn(2, 5)
    wanted = generator(latent_BZ)
    generator.blocks[0].register_forward_hook(lambda *given: torch.zeros_like(given[-1]))
    generator.register_forward_pre_hook(lambda _, given: (given[0] * 2,))
    torch.testing.assert_close(folded(generator)(latent_BZ), wanted, rtol=1e-4, atol=1e-5)


@settings(deadline=None)
@given(
    *(st.integers(1, 4) for _ in range(3)),
    st.tuples(st.integers(1, 5), st.integers(1, 5)),
    st.booleans(),
)
def test_four_phases_are_the_transposed_convolution(batch, inputs, outputs, sides, bias):
    module = nn.ConvTranspose2d(inputs, outputs, 4, 2, 1, bias=bias).requires_grad_(False)
    x_BIHW = torch.randn(batch, inputs, *sides)
    expected = conv_transpose2d(x_BIHW, module.weight, module.bias, stride=2, padding=1)
    assert InPhases.suits(module)
    torch.testing.assert_close(InPhases(module)(x_BIHW), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    "module",
    [
        nn.ConvTranspose2d(2, 1, 3, 2, 1),
        nn.ConvTranspose2d(2, 1, 4, 1, 1),
        nn.ConvTranspose2d(2, 1, 4, 2, 0),
        nn.ConvTranspose2d(2, 1, 4, 2, 1, output_padding=1),
        nn.ConvTranspose2d(2, 32, 4, 2, 1),
        nn.ConvTranspose2d(2, 1, 4, 2, 1, device="meta"),
    ],
)
def test_other_windows_wide_layers_and_gpus_keep_their_own_convolution(module):
    assert not InPhases.suits(module)
