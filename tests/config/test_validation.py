"""Settings that contradict each other are refused before any work; harmful ones warn."""

from __future__ import annotations

import pytest

from dcgan.config import load_recipe, merge, parse_config, validate_combinations
from dcgan.errors import ConfigError

BASE = {"length": {"images": 100}}


def check(*settings):
    return validate_combinations(parse_config(merge(BASE, *settings)))


@pytest.mark.parametrize(
    ("settings", "key", "cure"),
    [
        ({"length": {"epochs": 3}}, "length", "only one of"),
        ({"length": {"images": None}}, "length", "only one of"),
        ({"optim": {"batch": 1}}, "optim.batch", "`batch=2`"),
        ({"model": {"generator": {"width": 513}}}, "model.generator.width", "max_width`, 512"),
        ({"data": {"scaling": "standardized"}}, "data.scaling", "symmetric"),
        ({"model": {"latent": {"shape": [1, 9, 10]}}}, "model.latent.shape", "90"),
        (
            {"objective": {"r1": 1}, "model": {"discriminator": {"norm": "spectral+batch"}}},
            "objective.r1",
            "norm=none` or spectral",
        ),
        *(
            ({"objective": {name: 1}, "model": {"discriminator": {"norm": "batch"}}}, key, "mixes")
            for name, key in (
                ("r2", "objective.r2"),
                ("wgan_gp", "objective.wgan_gp"),
                ("dragan", "objective.dragan"),
            )
        ),
        *(
            ({"objective": {"loss": loss, "real_target": 0.9}}, "objective.real_target", "targets")
            for loss in ("hinge", "wasserstein", "relativistic")
        ),
        *(
            ({"objective": {"loss": "hinge", name: 0.1}}, f"objective.{name}", "no targets")
            for name in ("real_target_spread", "fake_target_spread", "flipped_targets")
        ),
        ({"objective": {"fake_target": 0.1}}, "objective.fake_target", "`objective.force_two"),
        (
            {"objective": {"fake_target": 0.1, "loss": "hinge", "force_two_sided": True}},
            "objective.fake_target",
            "no targets",
        ),
        ({"objective": {"loss": "wasserstein"}}, "objective.loss", "`objective.wgan_gp=10`"),
        (
            {
                "objective": {
                    "loss": "wasserstein",
                    "wgan_gp": 10,
                    "penalties_fade_from": 9,
                    "penalties_fade_to": 0,
                }
            },
            "objective.loss",
            "nothing bounds",
        ),
        (
            {"model": {"discriminator": {"noise_until": 9}}},
            "model.discriminator.noise_until",
            "no noise to fade",
        ),
        ({"objective": {"top_k_ramp": 9}}, "objective.top_k_ramp", "`objective.top_k=0.5`"),
        ({"objective": {"force_two_sided": True}}, "objective.force_two_sided", "fake_target=0.1`"),
        ({"objective": {"penalty_interval": 4}}, "objective.penalty_interval", "`objective.r1=1`"),
        (
            {"objective": {"penalties_fade_to": 0.5, "r1": 1}},
            "objective.penalties_fade_to",
            "`objective.penalties_fade_from=400000`",
        ),
        (
            {"objective": {"penalties_fade_from": 9}},
            "objective.penalties_fade_from",
            "`objective.r1=1`",
        ),
        (
            {"objective": {"information": 2}},
            "objective.information",
            "`model.latent.categorical=10`",
        ),
        (
            {
                "objective": {"information_continuous": 2},
                "model": {"latent": {"categorical": [10]}},
            },
            "objective.information_continuous",
            "`model.latent.continuous=2`",
        ),
        ({"augment": {"target": 0.5}}, "augment.target", "`augment.probability=adaptive`"),
        ({"augment": {"images_to_one": 9}}, "augment.images_to_one", "adaptive"),
        *(
            ({"augment": {"policy": "none", "probability": value}}, "augment.probability", "policy")
            for value in (0.5, "adaptive")
        ),
        (
            {"optim": {"generator": {"algorithm": "sgd", "betas": [0.0, 0.9]}}},
            "optim.generator.betas",
            "`optim.generator.algorithm=adam`",
        ),
        (
            {"model": {"generator": {"slope": 0.1}}},
            "model.generator.slope",
            "`model.generator.activation=leaky_relu`",
        ),
        (
            {"optim": {"micro_batch": 1}, "model": {"generator": {"norm": "batch"}}},
            "optim.micro_batch",
            "`optim.micro_batch=2`",
        ),
        (
            {
                "optim": {"batch": 1},
                "model": {"generator": {"norm": "none"}, "discriminator": {"minibatch_stddev": 1}},
            },
            "optim.batch",
            "images to compare",
        ),
        ({"optim": {"joint_batch": True}}, "optim.joint_batch", "`model.discriminator.norm=batch`"),
        (
            {
                "optim": {"joint_batch": True},
                "model": {"discriminator": {"norm": "batch", "minibatch_stddev": True}},
            },
            "optim.joint_batch",
            "not with real ones",
        ),
        (
            {
                "optim": {"joint_batch": True},
                "model": {"discriminator": {"norm": "batch"}},
                "objective": {"r1": 1},
            },
            "objective.r1",
            "mixes",
        ),
        ({"optim": {"generator": {"momentum": 0.9}}}, "optim.generator.momentum", "betas"),
        (
            {"optim": {"generator": {"algorithm": "sgd"}, "discriminator": {"momentum": 0.9}}},
            "optim.discriminator.momentum",
            "`optim.discriminator.algorithm=sgd`",
        ),
        ({"optim": {"schedule_start": 0.5}}, "optim.schedule_start", "`optim.schedule=linear`"),
        ({"optim": {"schedule_end": 0.5}}, "optim.schedule_end", "`optim.schedule=linear`"),
        ({"average": {"ramp_up": 0.5}}, "average.ramp_up", "`average.half_life=5000`"),
        (
            {"optim": {"batch": 64}, "model": {"discriminator": {"pack": 3}}},
            "model.discriminator.pack",
            "must divide the batch of 64",
        ),
        *(
            ({"model": {"discriminator": {"pack": 2}, **has}}, "model.discriminator.pack", "class")
            for has in (
                {"condition": "label"},
                {"latent": {"categorical": [3]}},
                {"latent": {"continuous": 1}},
            )
        ),
    ],
)
def test_a_contradiction_is_refused_with_its_cure(settings, key, cure):
    with pytest.raises(ConfigError) as caught:
        check(settings)
    assert caught.value.key == key
    assert cure in str(caught.value)


@pytest.mark.parametrize(
    "settings",
    [
        {"objective": {"fake_target": 0.1, "force_two_sided": True}},
        {"objective": {"loss": "least-squares", "real_target": 0.9}},
        {"objective": {"real_target_spread": 0.2, "flipped_targets": 0.1}},
        {"objective": {"loss": "wasserstein", "wgan_gp": 10}},
        {"objective": {"loss": "wasserstein", "clip_weights": 0.01}},
        {"objective": {"loss": "wasserstein"}, "model": {"discriminator": {"norm": "spectral"}}},
        {"objective": {"loss": "relativistic", "r1": 1, "r2": 1}},
        {"optim": {"batch": 63}, "model": {"discriminator": {"pack": 3}}},
        {"optim": {"joint_batch": True}, "model": {"discriminator": {"norm": "batch", "pack": 2}}},
        {"objective": {"top_k_ramp": 9, "top_k": 0.5}},
        {"objective": {"penalties_fade_from": 9, "r2": 1}},
        {"objective": {"information": 2}, "model": {"latent": {"continuous": 1}}},
        {"objective": {"information_continuous": 2}, "model": {"latent": {"continuous": 1}}},
        {
            "augment": {
                **{"policy": "cutout", "probability": "adaptive"},
                **{"target": 0.5, "images_to_one": 9},
            }
        },
        {"model": {"generator": {"slope": 0.1, "activation": "leaky_relu"}}},
        {"optim": {"generator": {"algorithm": "sgd", "momentum": 0.9}}},
        {"optim": {"schedule": "linear", "schedule_start": 0.5, "schedule_end": 0.5}},
        {"average": {"half_life": 9, "ramp_up": 0.5}},
        {"model": {"generator": {"noise": 0.1, "noise_until": 9}}},
        {"metrics": {"patience": 9}},
    ],
)
def test_what_goes_together_is_allowed(settings):
    check(settings)


def test_batch_one_is_fine_without_batch_norm():
    check({"optim": {"batch": 1}, "model": {"generator": {"norm": "pixel"}}})


def test_batch_norm_in_one_explicit_row_counts():
    rows = [{"conv": 4, "kernel": 3, "norm": "batch"}, {"linear": 1}]
    settings = {"model": {"discriminator": {"layers": rows}}, "objective": {"r1": 1}}
    with pytest.raises(ConfigError, match=r"objective\.r1"):
        check(settings)


def test_standardized_pixels_suit_a_generator_without_tanh_and_warn():
    rows = [{"conv_transpose": 1, "kernel": 16, "norm": "none", "activation": "none"}]
    settings = {
        "data": {"scaling": "standardized", "size": 16},
        "model": {"generator": {"layers": rows}},
    }
    assert any("standardized" in line for line in check(settings))


@pytest.mark.parametrize(
    ("generator", "word"),
    [({"noise": 0.1}, "noise"), ({"dropout": 0.2}, "dropout")],
)
def test_what_belongs_in_the_discriminator_warns_in_the_generator(generator, word):
    assert any(word in line for line in check({"model": {"generator": generator}}))
    assert check({"model": {"discriminator": generator}}) == []


@pytest.mark.parametrize("setting", [{"dropout": 0.5}, {"noise": 0.1}, {"width": 8}])
def test_settings_of_planned_networks_are_refused_beside_a_spelled_out_table(setting):
    recipe = load_recipe("small-mnist")
    settings = merge(recipe, {"model": {"discriminator": setting}})
    (name,) = setting
    with pytest.raises(ConfigError, match=rf"model\.discriminator\.{name}` .*no effect"):
        validate_combinations(parse_config(settings))


def test_one_length_takes_the_place_of_the_recipes():
    recipe = load_recipe("paper")
    assert validate_combinations(parse_config(recipe)) == []
