"""What can be done with an imported run."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tests.conftest import SMALL
from torch import nn

import dcgan
from dcgan.config import load_recipe, parse_config
from dcgan.errors import DataError, RunError
from dcgan.probe.supervised import classifier
from dcgan.runs.run import open_every_checkpoint


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A small generator of 16x16 images, its discriminator, and the table of both."""
    folder = tmp_path_factory.mktemp("files")
    torch.manual_seed(0)
    generator = nn.Sequential(
        *(nn.ConvTranspose2d(6, 8, 4), nn.BatchNorm2d(8), nn.ReLU()),
        *(nn.ConvTranspose2d(8, 4, 4, 2, 1), nn.ReLU(), nn.ConvTranspose2d(4, 1, 4, 2, 1)),
    )
    discriminator = nn.Sequential(nn.Conv2d(1, 4, 4, 2, 1), nn.LeakyReLU(0.2), nn.Conv2d(4, 1, 8))
    for module in (generator, discriminator):
        for parameter in module.parameters():
            nn.init.normal_(parameter, 0, 0.3)
    torch.save(generator.state_dict(), folder / "g.pth")
    torch.save(discriminator.state_dict(), folder / "d.pth")
    (folder / "t.yaml").write_text(
        """
model:
  latent: {dim: 6}
  generator:
    bias: true
    layers:
      - {conv_transpose: 8, kernel: 4}
      - {conv_transpose: 4, kernel: 4, stride: 2, padding: 1, norm: none}
      - {conv_transpose: 1, kernel: 4, stride: 2, padding: 1, norm: none, activation: tanh}
  discriminator:
    bias: true
    layers:
      - {conv: 4, kernel: 4, stride: 2, padding: 1}
      - {conv: 1, kernel: 8, activation: none}
"""
    )
    return folder


@pytest.fixture(scope="module")
def both(files, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "both"
    return dcgan.import_model(files / "g.pth", files / "d.pth", out=out, like=files / "t.yaml")


@pytest.fixture(scope="module")
def alone(files, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "alone"
    return dcgan.import_model(files / "g.pth", out=out, like=files / "t.yaml")


@pytest.mark.parametrize("name", ["both", "alone"])
def test_it_is_an_ordinary_run(request, name):
    run = request.getfixturevalue(name)
    assert run.sample(5, seed=1).shape == (5, 1, 16, 16)
    assert len(np.unique(run.sample(2))) > 2
    assert "imported" in run.health().verdict.lower()
    assert [one.images_seen for one in open_every_checkpoint(run.path)] == [0]
    page = run.report().read_text()
    assert "not trained here" in page and "not known" in page
    assert f"dcgan evaluate {run.path} IMAGES" in page
    assert run.sheet(4).size[0] > 16


def test_it_is_evaluated_on_images_that_are_chosen(alone):
    with pytest.raises(DataError, match="imported model are not known"):
        alone.evaluate(progress=False)
    scores = alone.evaluate("digits", extractor="random", images=100, progress=False)
    assert scores["frechet_distance"].value > 0


def test_images_are_inverted(both):
    latent_BZ = both.networks.latent.numbered(3, 0, 1)
    found = dcgan.latent.invert(both, both.generate(latent_BZ), starts=1)
    assert found.latent_NZ.shape == (1, 6)


def test_what_needs_a_discriminator_says_that_there_is_none(alone, both):
    with pytest.raises(RunError, match="imported without a discriminator"):
        _ = alone.discriminator
    with pytest.raises(RunError, match="imported without a discriminator"):
        classifier(alone.networks, 10, "default")
    assert both.discriminator(torch.zeros(3, 1, 16, 16)).shape == (3,)


@pytest.mark.parametrize("name", ["both", "alone"])
def test_training_is_not_resumed_but_begins_anew_with_the_same_layers(request, name, tmp_path):
    run = request.getfixturevalue(name)
    before = sorted(path.name for path in run.path.iterdir())
    for arguments in ({"resume": True}, {"data": "digits", "images": 64}):
        with pytest.raises(RunError, match=r"imported model.*recipe="):
            dcgan.train(out=run.path, progress=False, **arguments)
    assert sorted(path.name for path in run.path.iterdir()) == before
    recipe = run.folder.config
    with pytest.raises(DataError, match="Choose images to train on"):
        dcgan.train(recipe=recipe, out=tmp_path / "a", images=64, progress=False)
    quick = {**SMALL["settings"], "metrics": {"metric": "off"}}
    del quick["model"], quick["augment"]
    new = dcgan.train(
        "digits", recipe=recipe, out=tmp_path / "b", images=64, batch=32, settings=quick,
        progress=False,
    )  # fmt: skip
    assert new.networks.generator == run.networks.generator
    # a table of the file, or planned
    assert name == "alone" or new.networks.discriminator == run.networks.discriminator
    assert parse_config(load_recipe(recipe)).data.size == (16, 16)
