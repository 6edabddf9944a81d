"""Counts from a layer table are those of the networks that are built from it."""

from __future__ import annotations

import pytest
import torch

from dcgan.models import Discriminator, Generator, plan_discriminator, plan_generator
from dcgan.models.amount import count_products, count_weights
from dcgan.models.table import Layer
from dcgan.runtime.work import work_of

BATCH = 4

RESIZED = (
    Layer(operation="linear", channels=2 * 3 * 3, reshape=(2, 3, 3)),
    Layer(operation="conv_transpose", channels=3, kernel=(4, 5), stride=(2, 3)),
    Layer(operation="conv", channels=2, kernel=(3, 3), padding=(1, 1), resize=(16, 20)),
    Layer(operation="conv_transpose", channels=1, kernel=(3, 3), padding=(1, 1), resize=(17, 21)),
)
PACKED = (
    Layer(operation="conv", channels=5, kernel=(4, 4), stride=(2, 2), padding=(1, 1), pack=2),
    Layer(operation="conv", channels=6, kernel=(3, 2), stride=(1, 2)),
    Layer(operation="linear", channels=1),
)


@pytest.mark.parametrize("table", [plan_generator((20, 16), 3, width=4), RESIZED])
def test_multiplications_of_a_generator(table):
    generator = Generator(table, latent_dim=7)
    counted = work_of(lambda: generator(torch.randn(BATCH, 7))).flops / 2
    assert BATCH * count_products(table, (7, 1, 1)) == counted


@pytest.mark.parametrize("table", [plan_discriminator((20, 16), width=4, hidden=6), PACKED])
def test_multiplications_of_a_discriminator(table):
    shape = (3, 20, 16)
    discriminator = Discriminator(table, shape)
    counted = work_of(lambda: discriminator(torch.randn(BATCH, *shape))).flops / 2
    assert BATCH * count_products(table, shape) == counted


@pytest.mark.parametrize("shape", [(5, 4, 6), None])
def test_weights_of_layer_norms_are_counted(shape):
    """All of them: they may be far more than the factors of the layer itself."""
    norm = {"norm": "layer", "bias": False, "norm_features": shape is None}
    first = Layer(operation="linear", channels=120, reshape=(5, 4, 6), **norm)
    table = (first, Layer(operation="conv", channels=1, kernel=(1, 1), bias=False))
    generator = Generator(table, latent_dim=3)
    held = sum(weight.numel() for weight in generator.parameters())
    assert count_weights(table, (3, 1, 1)) == held == 3 * 120 + 2 * 120 + 5
