"""A configuration becomes the networks and optimizers that it names, or a refusal."""

from __future__ import annotations

import json
from operator import attrgetter
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from tests.conftest import Notes

from dcgan.config import list_recipes, load_recipe, merge, parse_config
from dcgan.data import HeldDataset, open_items
from dcgan.errors import ConfigError, GeometryError
from dcgan.layer_tables import resolve_networks
from dcgan.runs.folder import RunFolder
from dcgan.runs.networks import Networks
from dcgan.training.build import (
    build_batches,
    build_dataset,
    build_plan,
    build_rules,
    build_source,
    build_state,
)
from dcgan.training.rules import Batch, StepPlan
from dcgan.training.step import update

CPU = torch.device("cpu")
FIXED = [name for name in list_recipes() if name not in {"auto", "modern"}]


def config_of(name, **settings):
    return parse_config(merge(load_recipe(name), settings))


@pytest.mark.parametrize(
    ("name", "precision"),
    [*((name, "fp32") for name in FIXED), ("mlp-mnist", "bf16"), ("small-mnist", "bf16")],
)
def test_every_recipe_takes_two_steps(name, precision):
    config = config_of(name, precision=precision)
    networks = resolve_networks(config)
    state = build_state(config, networks, CPU)
    rules = build_rules(config, networks.latent, CPU)
    generator = state.players.generator
    before = {key: p.clone() for key, p in generator.named_parameters()}
    for step in range(2):
        found = update(
            state.players,
            Batch(
                torch.rand(2, *networks.image_shape) * 2 - 1,
                networks.latent.sample(2, state.latents),
            ),
            rules,
            StepPlan(with_penalties=step == 0),
        )
        assert all(value.isfinite() for value in found.values())
    still = {key for key, p in generator.named_parameters() if torch.equal(before[key], p)}
    # batch norm subtracts a bias in front of it again: nothing but rounding moves that one
    assert still <= {
        f"blocks.{number}.{kind}.bias"
        for number, block in enumerate(generator.blocks)
        for kind in ("linear", "conv_transpose", "conv")
        if hasattr(block, "batch")
    }


@pytest.mark.parametrize("name", FIXED)
def test_a_classic_is_trained_in_fp32_whatever_the_processor(name, monkeypatch):
    monkeypatch.setenv("DCGAN_BF16", "native")
    config = config_of(name)
    rules = build_rules(config, resolve_networks(config).latent, CPU)
    assert rules.precision is torch.float32


@pytest.mark.parametrize("interpolation", ["bilinear", "nearest"])
def test_the_interpolation_of_a_layer_is_kept_with_the_run(interpolation):
    layers = [
        {"conv_transpose": 4, "kernel": 14},
        {"conv": 1, "resize": 28, "interpolation": interpolation, "kernel": 3, "padding": 1},
    ]
    networks = resolve_networks(config_of("small-mnist", model={"generator": {"layers": layers}}))
    stored = json.loads(json.dumps(networks.to_json()))
    again = Networks.from_json(stored).build_generator()
    assert again.blocks[1].resize.mode == interpolation
    assert ("interpolation" in stored["generator"][1]) == (interpolation != "bilinear")


def test_the_rectangular_recipe_draws_157x128_and_ends_in_one_number():
    networks = resolve_networks(config_of("celeba-rectangular"))
    assert networks.build_generator().shapes[-1] == (3, 157, 128)
    assert networks.build_discriminator().shapes[-1] == (1, 1, 1)


@pytest.mark.parametrize(
    ("algorithm", "kind"),
    [("adam", torch.optim.Adam), ("adamw", torch.optim.AdamW), ("sgd", torch.optim.SGD)],
)
def test_each_player_has_its_own_optimizer(algorithm, kind):
    player = {"algorithm": algorithm, "lr": 0.05, "weight_decay": 0.1, "momentum": 0.3}
    config = config_of("small-mnist", optim={"discriminator": player})
    players = build_state(config, resolve_networks(config), CPU).players
    group = players.discriminator_optimizer.param_groups[0]
    assert type(players.discriminator_optimizer).__base__ is kind  # without PyTorch's compiler
    assert group["lr"] == 0.05
    assert group["weight_decay"] == 0.1
    if algorithm == "sgd":
        assert group["momentum"] == 0.3
    else:
        assert tuple(group["betas"]) == (0.9, 0.999)
    assert type(players.generator_optimizer).__base__ is torch.optim.Adam
    held = {id(p) for p in group["params"]}
    assert held == {id(p) for p in players.discriminator.parameters()}


def test_a_network_default_reaches_every_row_that_names_none():
    config = config_of("small-mnist", model={"generator": {"norm": "spectral"}})
    norms = [layer.norm for layer in resolve_networks(config).generator]
    assert norms == ["spectral", "spectral", "spectral", "none"]


def test_a_size_that_the_table_does_not_draw_is_refused_with_both_sizes():
    with pytest.raises(GeometryError, match=r"1×28×28.*1×64×64.*`recipe=auto`"):
        resolve_networks(config_of("small-mnist", data={"size": 64}))


def test_a_discriminator_that_ends_in_several_numbers_is_refused():
    rows = [{"conv": 4, "kernel": 3, "norm": "none"}]
    with pytest.raises(GeometryError, match="one logit"):
        resolve_networks(config_of("small-mnist", model={"discriminator": {"layers": rows}}))


def test_a_spatial_latent_wants_a_spelled_out_generator():
    config = config_of(
        "auto",
        data={"size": 32, "channels": 1},
        model={
            "latent": {"shape": [1, 10, 10]},
            "generator": {"width": 4},
            "discriminator": {"width": 4},
        },
    )
    with pytest.raises(ConfigError, match="starts from a vector"):
        resolve_networks(config)


def test_weights_depend_on_the_seed_alone():
    from dcgan.runtime.rng import seed_everything

    config = config_of("small-mnist")
    states = []
    for _ in range(2):
        torch.rand(7)
        seed_everything(5)
        states.append(build_state(config, resolve_networks(config), CPU))
    for one, other in zip(
        states[0].players.generator.parameters(),
        states[1].players.generator.parameters(),
        strict=True,
    ):
        assert torch.equal(one, other)


@pytest.mark.parametrize(
    ("settings", "place", "value"),
    [
        ({"objective": {"top_k": 0.5}}, "top_k", 0.5),
        ({"objective": {"top_k": 0.5, "top_k_ramp": 9}}, "top_k_ramp", 9),
        ({"objective": {"r1": 1, "penalties_fade_from": 9}}, "penalties_fade_from", 9),
        (
            {"objective": {"r1": 1, "penalties_fade_from": 9, "penalties_fade_to": 0.3}},
            "penalties_fade_to",
            0.3,
        ),
        ({"model": {"generator": {"noise_until": 7}}}, "noise_until", (7, 0)),
        ({"model": {"discriminator": {"noise_until": 7}}}, "noise_until", (0, 7)),
        ({"optim": {"discriminator_steps": 3}}, "discriminator_steps", 3),
        ({"optim": {"joint_batch": True}}, "rules.joint_batch", True),
        ({"optim": {"micro_batch": 16}}, "rules.parts", 4),
        ({"objective": {"clip_weights": 0.2}}, "rules.clip_weights", 0.2),
        ({"objective": {"information": 0.2}}, "rules.information", 0.2),
        ({"objective": {"information_continuous": 0.2}}, "rules.information_continuous", 0.2),
        (
            {"objective": {"real_target": 0.9, "fake_target": 0.2}},
            "rules.targets",
            {"real_target": 0.9, "fake_target": 0.2},
        ),
        (
            {"objective": {"fake_target_spread": 0.1, "flipped_targets": 0.2}},
            "rules.target_noise",
            {"real_target_spread": 0, "fake_target_spread": 0.1, "flipped_targets": 0.2},
        ),
        ({}, "rules.target_noise", {}),
        (
            {"objective": {"r1": 1, "r2": 2, "wgan_gp": 3, "dragan": 4}},
            "rules.penalties",
            {"r1": 1, "r2": 2, "wgan_gp": 3, "dragan": 4},
        ),
        ({"objective": {"r1": 1, "penalty_interval": 5}}, "rules.penalty_interval", 5),
        ({"optim": {"generator": {"clip_norm": 0.5}}}, "rules.clip_generator", 0.5),
        ({"optim": {"discriminator": {"clip_norm": 0.5}}}, "rules.clip_discriminator", 0.5),
        ({"precision": "bf16"}, "rules.precision", torch.bfloat16),
        ({"length": {"images": 640, "epochs": None}}, "images", 640),
        ({"optim": {"schedule": "cosine"}}, "rates.shape", "cosine"),
        ({"optim": {"schedule": "cosine", "schedule_start": 0.3}}, "rates.start", 0.3),
        ({"optim": {"schedule": "cosine", "schedule_end": 0.3}}, "rates.end", 0.3),
        ({"optim": {"rates_fade_from": 640}}, "rates.fade_from", 640),
    ],
)
def test_settings_arrive_where_they_are_used(settings, place, value):
    config = config_of("small-mnist", **settings)
    networks = resolve_networks(config)
    batches = SimpleNamespace(share=64, epoch_images=6400)
    assert attrgetter(place)(build_plan(config, batches, networks.latent, CPU)) == value


def test_images_go_to_a_gpu_where_they_take_little_of_its_memory(monkeypatch):
    images = np.zeros((40, 1, 28, 28), np.uint8)
    dataset = HeldDataset(images)
    config = config_of("small-mnist")
    networks = resolve_networks(config)
    placed = []
    monkeypatch.setattr(HeldDataset, "placed", lambda self, device: placed.append(device) or self)
    for free in (None, 4 * images.nbytes, 4 * images.nbytes + 1):
        monkeypatch.setattr("dcgan.training.build.free_memory", lambda device, free=free: free)
        build_batches(config, networks, dataset, CPU)
        assert len(placed) == (free == 4 * images.nbytes + 1)


@pytest.mark.parametrize("copies", [0, 1])
@pytest.mark.parametrize("duplicates", ["keep", "drop"])
def test_what_is_not_read_as_classes_is_said_once(tmp_path, duplicates, copies):
    images = np.random.default_rng(0).integers(0, 256, (6, 28, 28), np.uint8)
    images = [*images, *images[:copies]]
    sized = [(image, f"{number}.5") for number, image in enumerate(images)]
    about = {"duplicates": duplicates, "cache": "off"}
    config = config_of("small-mnist", data=about)
    told = Notes()
    source = build_source(config, open_items(sized), told)
    dataset = build_dataset(config, source, RunFolder(tmp_path), told)
    assert len(dataset) == (6 if duplicates == "drop" else len(images))
    assert sum(line == "not read as classes: label (fractions)" for line in told) == 1
