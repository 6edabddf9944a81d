"""Latents with classes and codes, and a discriminator that looks at them."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from dcgan.models import Discriminator, plan_discriminator
from dcgan.models.latents import LatentSpace

SPACE = LatentSpace(5, classes=(0.7, 0.2, 0.1), categorical=(4, 2), continuous=2)


def drawn(way):
    if way == "stream":
        return SPACE.sample(4_000, torch.Generator().manual_seed(0))
    return SPACE.numbered(3, 0, 4_000)


@pytest.mark.parametrize("way", ["stream", "numbered"])
def test_a_latent_is_noise_then_class_then_codes(way):
    latent = drawn(way)
    assert latent.shape == (4_000, SPACE.width) == (4_000, 5 + 3 + 4 + 2 + 2)
    parts = torch.split(latent, [5, 3, 4, 2, 2], dim=1)
    assert parts[0].std().item() == pytest.approx(1, abs=0.03)
    for one_hot, shares in zip(parts[1:4], ([0.7, 0.2, 0.1], [0.25] * 4, [0.5] * 2), strict=True):
        assert set(one_hot.unique().tolist()) == {0.0, 1.0}
        assert torch.equal(one_hot.sum(dim=1), torch.ones(4_000))
        np.testing.assert_allclose(one_hot.mean(dim=0), shares, atol=0.03)
    assert parts[4].abs().max() <= 1
    assert parts[4].var().item() == pytest.approx(1 / 3, abs=0.02)
    # independent of each other
    assert np.abs(np.corrcoef(latent.T.numpy())[:5, 5:]).max() < 0.08


def test_numbered_latents_do_not_depend_on_how_many_follow():
    assert torch.equal(SPACE.numbered(3, 0, 200)[130:], SPACE.numbered(3, 130, 200))


def test_noise_is_what_it_is_without_conditions():
    assert torch.equal(SPACE.numbered(3, 0, 64)[:, :5], LatentSpace(5).numbered(3, 0, 64))


def test_one_condition_is_changed_and_nothing_else():
    latent = SPACE.numbered(3, 0, 50)
    changes = {
        (5, 8): (SPACE.with_class(latent, 2), [0, 0, 1]),
        (8, 12): (SPACE.with_category(latent, 0, 1), [0, 1, 0, 0]),
        (12, 14): (SPACE.with_category(latent, 1, 0), [1, 0]),
        (15, 16): (SPACE.with_continuous(latent, 1, -0.5), [-0.5]),
    }
    for (start, stop), (changed, value) in changes.items():
        expected = latent.clone()
        expected[:, start:stop] = torch.tensor(value, dtype=torch.float32)
        assert torch.equal(changed, expected)


def conditional(**options):
    torch.manual_seed(0)
    return Discriminator(plan_discriminator((16, 16), width=4, **options), (1, 16, 16), classes=3)


def test_the_logit_is_that_of_the_image_plus_the_projection_of_its_class():
    network, image = conditional(), torch.rand(4, 1, 16, 16)
    feature = network.blocks[1](network.blocks[0](image))
    logit = network.blocks[2](feature).flatten()
    torch.testing.assert_close(network(image), logit)
    numbers = torch.tensor([0, 2, 1, 2])
    vectors = network.projection.weight.T[numbers]
    one_hot = torch.eye(3)[numbers]
    projected = torch.einsum("bf,bfhw->b", vectors, feature)
    torch.testing.assert_close(network(image, one_hot), logit + projected)
    network.class_pooling = "mean"
    torch.testing.assert_close(network(image, one_hot), logit + projected / feature[0, 0].numel())


def test_under_spectral_norm_the_projection_is_too():
    rows = plan_discriminator((16, 16), width=4, norm="spectral")
    assert "spectral" in rows[-1].norms
    network = conditional(norm="spectral").train()
    for _ in range(30):
        network(torch.rand(2, 1, 16, 16), torch.eye(3)[:2])
    singular = torch.linalg.svdvals(network.projection.weight)
    assert singular.max().item() == pytest.approx(1, abs=0.02)


def test_codes_are_read_from_what_the_last_row_sees():
    network = Discriminator(plan_discriminator((16, 16), width=4), (1, 16, 16), codes=7)
    image = torch.rand(4, 1, 16, 16, requires_grad=True)
    read = network.read_codes(network.features(image))
    assert read.shape == (4, 7)
    (gradient,) = torch.autograd.grad(read.sum(), image)
    assert gradient.abs().sum() > 0
    assert torch.equal(network.logits_of(network.features(image)), network(image))
