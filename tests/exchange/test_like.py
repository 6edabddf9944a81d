"""Models whose layers are those of a recipe or of a table."""

from __future__ import annotations

import pytest
import torch
from tests.exchange import originals
from tests.exchange.originals import lived_in
from tests.exchange.test_known import CLOSE, assert_same_images, latents, saved

import dcgan

CLASSICS = {
    "small-mnist": (originals.small_mnist, 28, 1),
    "small-mnist-spatial-latent": (originals.small_mnist_spatial, 28, 1),
    "mlp-mnist": (originals.mlp_mnist, 28, 1),
    "wide-mnist": (originals.wide_mnist, 64, 1),
    "lsun-church": (originals.lsun_church, 64, 3),
    "paper": (originals.paper, 64, 3),
}


@pytest.fixture(autouse=True)
def _small_sheets(monkeypatch):
    """The classics are wide, and a sheet of 64 images takes most of the time of an import."""
    monkeypatch.setattr("dcgan.exchange.run_folder._ON_THE_SHEET", 2)


def imported(tmp_path, pair, like):
    return dcgan.import_model(
        saved(lived_in(pair[0]), tmp_path / "g.pth"),
        saved(lived_in(pair[1], 1), tmp_path / "d.pth"),
        out=tmp_path / "run",
        like=like,
    )


@pytest.mark.parametrize("recipe", CLASSICS)
def test_a_recipe_by_the_order_of_its_tensors(tmp_path, recipe):
    build, size, channels = CLASSICS[recipe]
    generator, discriminator = build()
    run = imported(tmp_path, (generator, discriminator), recipe)
    assert_same_images(run, generator, 100)
    images = torch.rand(4, channels, size, size) * 2 - 1
    torch.testing.assert_close(
        run.discriminator(images), discriminator(images).flatten(), rtol=1e-5, atol=1e-5
    )


@pytest.mark.parametrize("new", [False, True])
def test_both_forms_of_spectral_norm(tmp_path, new):
    generator, discriminator = originals.celeba_rectangular(new=new)
    run = imported(tmp_path, (generator, discriminator), "celeba-rectangular")
    latent_BZ = latents(2, 100)
    torch.testing.assert_close(run.generator(latent_BZ), generator(latent_BZ), **CLOSE)
    images = torch.rand(2, 3, 157, 128) * 2 - 1
    torch.testing.assert_close(
        run.discriminator(images), discriminator(images).flatten(), rtol=1e-5, atol=1e-5
    )
