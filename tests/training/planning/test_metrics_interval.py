"""How often a run is measured follows from its settings alone."""

from __future__ import annotations

import pytest
import torch
import yaml
from tests.conftest import SMALL
from torch import nn

import dcgan
from dcgan.config import list_recipes, load_recipe, merge, parse_config
from dcgan.data.quality.survey import Survey
from dcgan.errors import ConfigError
from dcgan.layer_tables import resolve_networks
from dcgan.metrics.extractor import Extractor
from dcgan.metrics.extractors.random_network import random_extractor
from dcgan.runtime.reporting import Reporter
from dcgan.training.planning import metrics_interval
from dcgan.training.planning.auto import fill_auto, resolve_auto
from dcgan.training.planning.metrics_interval import measuring_interval, resolve_interval

CPU = torch.device("cpu")


def resolved_recipe(name, settings=None):
    seen = Survey(5_000, 5_000, {"RGB": 5_000}, {(32, 32): 5_000}, {}, (), 0)
    config, _ = resolve_auto(parse_config(merge(load_recipe(name), settings or {})), seen, CPU)
    return config


def interval_of(config, count=2_000, device="cpu"):
    networks = resolve_networks(config)
    channels, *size = networks.image_shape
    extractor = random_extractor(channels, tuple(size))
    return measuring_interval(config, networks, extractor, count, device)


def test_it_is_the_products_of_measuring_over_those_of_training(monkeypatch):
    """By hand, for networks of one layer: a latent of 10 numbers, 256 pixels, 5 features."""
    monkeypatch.setitem(metrics_interval._COSTS, "cpu", metrics_interval._Costs(0, 1, 0))
    settings = {
        "data": {"size": 16, "channels": 1},
        "model": {
            "latent": {"dim": 10},
            "generator": {"layers": [{"linear": 256, "reshape": [1, 16, 16]}]},
            "discriminator": {"layers": [{"linear": 1}]},
        },
        "optim": {"discriminator_steps": 2},
        "metrics": {"share": 0.25},
    }
    config = resolved_recipe("auto", settings)
    extractor = Extractor("linear", nn.Sequential(Floats(), nn.Flatten(), nn.Linear(256, 5)))
    generated, features = (512 + 2_000) * 10 * 256, 2_000 * 256 * 5
    # vital signs of 1,000 images: three convolutions on 16, 8 and 4 pixels, and 256 projections
    signs = 1_000 * (256 * 9 * 24 + 64 * 9 * 24 * 48 + 16 * 9 * 48 * 64 + 16 * 64 * 256)
    # G and D forward, D backward for real and generated images; half as often G backward through D
    trained = (10 * 256 + 2 * 256 + 4 * 256) + (2 * 10 * 256 + 2 * 256) / 2
    expected = (generated + features + signs) / trained / 0.25
    found = measuring_interval(config, resolve_networks(config), extractor, 2_000, "cpu")
    assert found == round(expected)
    # a network of the user's own may read numbers from its images
    extractor = Extractor("linear", nn.Sequential(Halves(), nn.Flatten(), nn.Linear(256, 5)))
    assert measuring_interval(config, resolve_networks(config), extractor, 2_000, "cpu") == found


class Floats(nn.Module):
    def forward(self, pixel_BCHW):
        return pixel_BCHW.float()


class Halves(nn.Module):
    def forward(self, pixel_BCHW):
        return pixel_BCHW.float() / (1 + pixel_BCHW.max().item())


@pytest.mark.parametrize("name", list_recipes())
def test_every_recipe_is_measured_several_times_in_five_minutes_worth_of_images(name):
    """100,000 images are five minutes of 32x32 on two cores; larger networks see fewer, but are
    measured more often."""
    before = torch.get_rng_state()
    found = interval_of(resolved_recipe(name))
    assert 1_000 < found < 60_000
    assert torch.equal(before, torch.get_rng_state()), "counting leaves no trace"


ODD = {
    "norms, noise, packs": {
        "generator": {"norm": "spectral+batch", "noise": 0.1},
        "discriminator": {"norm": "spectral", "minibatch_stddev": True, "pack": 3, "dropout": 0.2},
    },
    "codes": {"latent": {"categorical": [3], "continuous": 2}},
}


@pytest.mark.parametrize("model", ODD.values(), ids=ODD)
@pytest.mark.parametrize("device", ["cpu", "cuda", "mps"])
def test_any_networks_can_be_counted(model, device):
    assert interval_of(resolved_recipe("auto", {"model": model}), device=device) > 0


def test_a_larger_share_measures_more_often_and_more_images_less_often():
    usual = interval_of(resolved_recipe("auto"))
    often = interval_of(resolved_recipe("auto", {"metrics": {"share": 0.1}}))
    assert often == pytest.approx(usual / 2, abs=1)
    assert interval_of(resolved_recipe("auto"), count=4_000) > 1.5 * usual
    config = resolved_recipe("auto", {"metrics": {"every": 777}})
    networks = resolve_networks(config)
    assert resolve_interval(config, networks, random_extractor(3, (32, 32)), 9, "cpu") == config


class Killed(Exception):
    """Stands for a kill: nothing is saved."""


class KilledAtOnce(Reporter):
    def tick(self, images_seen, seconds):
        raise Killed


def test_it_stands_in_the_configuration_before_the_first_step_and_stays(tmp_path):
    path = tmp_path / "run" / "config.yaml"

    def every(reporter=None, images=64, **metrics):
        settings = SMALL["settings"] | ({"metrics": metrics} if metrics else {})
        arguments = {**SMALL, "settings": settings, "images": images, "resume": images > 64}
        dcgan.train("digits", out=tmp_path / "run", reporter=reporter, **arguments)
        return yaml.safe_load(path.read_text())["metrics"]["every"]

    with pytest.raises(Killed):
        every(KilledAtOnce())
    first = yaml.safe_load(path.read_text())["metrics"]["every"]
    assert first > 64
    stored = path.read_text()
    path.write_text(stored.replace(f"every: {first}", f"every: {first + 1}"))
    assert every() == first + 1, "what is stored holds"
    assert every(images=96, share=0.025) == pytest.approx(2 * first, abs=1)
    assert every(images=128, share=0.025, every=50) == 50


def test_a_run_of_an_earlier_version_gets_an_interval_when_it_goes_on():
    asked = resolved_recipe("auto")
    stored = merge(asked.model_dump(mode="json"), {"metrics": {"every": 4_000}})
    assert fill_auto(asked, parse_config(stored)).metrics.every == 4_000
    del stored["metrics"]["every"]
    assert fill_auto(asked, parse_config(stored)).metrics.every == "auto"


def test_an_interval_without_measuring_is_refused(tmp_path):
    settings = SMALL["settings"] | {"metrics": {"metric": "off", "every": 100}}
    with pytest.raises(ConfigError, match=r"metrics\.every` is 100"):
        dcgan.train("digits", images=64, out=tmp_path / "r", **SMALL | {"settings": settings})
