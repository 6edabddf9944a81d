"""Convolutions from and to a single pixel against PyTorch's own."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

from dcgan.models.blocks import Block
from dcgan.models.convolution import FromPixel, ToPixel
from dcgan.models.table import Layer

SMALL = st.integers(1, 5)


def gradients(module: nn.Module, image: torch.Tensor) -> list[torch.Tensor]:
    image = image.clone().requires_grad_()
    module(image).square().sum().backward()
    return [image.grad, *(weight.grad for weight in module.parameters())]


@settings(deadline=None)
@given(
    st.sampled_from([(FromPixel, nn.ConvTranspose2d), (ToPixel, nn.Conv2d)]),
    st.tuples(SMALL, SMALL, SMALL),
    st.tuples(SMALL, SMALL),
    st.booleans(),
    st.booleans(),
)
def test_they_are_the_convolution_and_its_gradients(kinds, sizes, kernel, bias, channels_last):
    batch, inputs, outputs = sizes
    ours = kinds[0](inputs, outputs, kernel, bias=bias)
    plain = kinds[1](inputs, outputs, kernel, bias=bias)
    plain.load_state_dict(ours.state_dict())
    if channels_last:
        ours = ours.to(memory_format=torch.channels_last)
    image = torch.randn(batch, inputs, *((1, 1) if kinds[0] is FromPixel else kernel))
    torch.testing.assert_close(ours(image), plain(image), atol=1e-4, rtol=1e-4)
    for found, expected in zip(gradients(ours, image), gradients(plain, image), strict=True):
        torch.testing.assert_close(found, expected, atol=1e-3, rtol=1e-3)


@pytest.mark.parametrize(
    ("layer", "shape", "kind"),
    [
        (Layer(operation="conv_transpose", channels=3, kernel=(4, 2)), (5, 1, 1), FromPixel),
        (Layer(operation="conv_transpose", channels=3, kernel=(4, 2)), (5,), FromPixel),
        (
            Layer(operation="conv_transpose", channels=3, kernel=(4, 4), padding=(1, 1)),
            (5, 1, 1),
            nn.ConvTranspose2d,
        ),
        (
            Layer(
                operation="conv_transpose",
                channels=3,
                kernel=(2, 2),
                stride=(2, 2),
                output_padding=(1, 0),
            ),
            (5, 1, 1),
            nn.ConvTranspose2d,
        ),
        (
            Layer(operation="conv_transpose", channels=3, kernel=(4, 4)),
            (5, 1, 2),
            nn.ConvTranspose2d,
        ),
        (Layer(operation="conv", channels=3, kernel=(4, 2)), (5, 4, 2), ToPixel),
        (Layer(operation="conv", channels=3, kernel=(4, 2), stride=(2, 3)), (5, 4, 2), ToPixel),
        (Layer(operation="conv", channels=3, kernel=(4, 2), padding=(0, 1)), (5, 4, 2), nn.Conv2d),
        (Layer(operation="conv", channels=3, kernel=(4, 2)), (5, 4, 3), nn.Conv2d),
        (
            Layer(operation="conv", channels=3, kernel=(4, 2), minibatch_stddev=True),
            (5, 4, 2),
            ToPixel,
        ),
    ],
)
def test_rows_use_them_where_there_is_a_single_window(layer, shape, kind):
    block = Block(layer, shape)
    assert type(getattr(block, layer.operation)) is kind
    image = torch.randn(2, *shape)
    assert block(image).shape[:2] == (2, 3)


@pytest.mark.parametrize("kinds", [(FromPixel, nn.ConvTranspose2d), (ToPixel, nn.Conv2d)])
def test_spectral_norm_sees_the_same_matrix(kinds):
    torch.manual_seed(0)
    ours = kinds[0](5, 7, (3, 2))
    plain = kinds[1](5, 7, (3, 2))
    plain.load_state_dict(ours.state_dict())
    for module in (ours, plain):
        torch.manual_seed(1)
        spectral_norm(module, n_power_iterations=20)
    torch.testing.assert_close(ours.weight, plain.weight)
