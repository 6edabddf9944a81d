"""Own training loops start from the recipe and the weights from which ``dcgan.train`` starts."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch

import dcgan
from dcgan.config import list_recipes, load_recipe, merge, parse_config, read_yaml
from dcgan.errors import ConfigError, GeometryError
from dcgan.training import trainer

TINY = {
    "model": {"generator": {"width": 4}, "discriminator": {"width": 4}},
    "metrics": {"metric": "off"},
    "records": {"sheets": 1, "sheet_images": 4, "tensorboard": False},
    "device": "cpu",
}


@pytest.fixture
def first_weights(monkeypatch):
    """The weights of both networks before the first step of each run that is trained."""
    found = []

    def fit(state, *rest):
        players = state.players
        found.append(copy.deepcopy([players.generator, players.discriminator]))
        return whole(state, *rest)

    whole = trainer.fit
    monkeypatch.setattr(trainer, "fit", fit)
    return found


def images(channels, side):
    shape = (40, side, side, channels)
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


def assert_same_weights(first, second):
    ours, theirs = first.state_dict(), second.state_dict()
    assert ours.keys() == theirs.keys()
    for name, value in ours.items():
        assert torch.equal(value, theirs[name]), name


@pytest.mark.parametrize(
    ("name", "channels", "side", "changes"),
    [
        ("auto", 3, 16, TINY | {"seed": 7}),
        ("small-mnist", 1, 28, {"metrics": {"metric": "off"}, "device": "cpu"}),
    ],
)
def test_the_weights_are_those_that_training_begins_with(
    name, channels, side, changes, first_weights, tmp_path
):
    recipe = dcgan.recipe(name, **changes)
    gan = dcgan.build(recipe, size=side, channels=channels)
    data = images(channels, side)
    dcgan.train(
        data, recipe=recipe, size=side, images=64, out=tmp_path / "run", threads=1, progress=False
    )
    ((generator, discriminator),) = first_weights
    assert_same_weights(gan.generator, generator)
    assert_same_weights(gan.discriminator, discriminator)
    assert gan.generator.training and gan.discriminator.training
    trained = read_yaml(tmp_path / "run" / "config.yaml")
    ours = gan.recipe.model_dump(mode="json")
    for section in ("model", "objective", "optim"):
        assert ours[section] == trained[section]


def test_each_network_has_the_initial_weights_of_its_recipe():
    gan = dcgan.build(dcgan.recipe("auto", **TINY), 16, 1)  # `init` dcgan, and he
    first = next(gan.generator.parameters())
    assert first.std().item() == pytest.approx(0.02, rel=0.1)
    biases = [value for name, value in gan.discriminator.named_parameters() if "bias" in name]
    assert biases and all((bias == 0).all() for bias in biases)


def test_another_seed_gives_other_weights_and_the_callers_stays():
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    first, other = (
        dcgan.build(dcgan.recipe("auto", **TINY, seed=seed), 16, 1).generator for seed in (0, 1)
    )
    assert torch.equal(torch.rand(3), expected)
    weights = [next(one.parameters()) for one in (first, other)]
    assert not torch.equal(*weights)


@pytest.mark.parametrize(("size", "shape"), [(20, (20, 20)), ("24x16", (24, 16)), ((16, 32),) * 2])
def test_networks_are_of_the_size_and_channels_asked_for(size, shape):
    gan = dcgan.build(dcgan.recipe("auto", **TINY), size=size, channels=3)
    latents = gan.latent.sample(2)
    assert latents.shape == (2, 32)  # `model.latent.dim` of recipe auto
    made = gan.generator(latents)
    assert made.shape == (2, 3, *shape)
    assert gan.discriminator(made).shape == (2,)


def test_auto_without_images_depends_on_size_channels_and_device_alone(monkeypatch):
    def timed(*_, **__):
        raise AssertionError("a step was timed")

    monkeypatch.setattr("dcgan.training.api.compare_speeds", timed)
    recipe = dcgan.recipe("auto", device="cpu")
    gray, color = dcgan.build(recipe, 28, 1).recipe, dcgan.build(recipe, 32, 3).recipe
    assert (gray.model.generator.width, gray.model.discriminator.width) == (64, 16)
    assert (color.model.generator.width, color.model.discriminator.width) == (32, 32)
    assert gray.optim.generator.lr == 2e-3 * 16 / 64
    assert (gray.objective.r1, color.objective.r1) == (3.0, 1.0)
    assert gray.optim.batch == 32
    assert gray.data.size == (28, 28)
    assert (gray.augment.policy, gray.length.images) == ("auto", "auto")


def test_a_recipe_has_the_changes_over_its_settings():
    recipe = dcgan.recipe("small-mnist", optim={"batch": 32}, length={"images": 500})
    stored = parse_config(load_recipe("small-mnist"))
    assert recipe.optim.batch == 32
    assert recipe.length.images == 500 and recipe.length.epochs is None  # one length replaces
    assert recipe.model == stored.model
    assert recipe.optim.generator == stored.optim.generator
    assert dcgan.recipe(recipe, seed=3) == parse_config(
        merge(recipe.model_dump(mode="json"), {"seed": 3})
    )


@pytest.mark.parametrize("name", list_recipes())
def test_every_recipe_is_the_same_by_name_and_as_an_object(name):
    recipe = dcgan.recipe(name)
    again = dcgan.recipe(recipe)
    assert again == recipe == parse_config(load_recipe(name))
    assert "source" not in again.data.model_fields_set  # so `train` says that it uses the default


def test_a_file_is_a_recipe_too(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("data: {size: 16, channels: 1}\nmodel: {latent: {dim: 5}}\nlength: {epochs: 1}")
    gan = dcgan.build(dcgan.recipe(path, model=TINY["model"]))
    assert gan.generator(gan.latent.sample(1)).shape == (1, 1, 16, 16)
    assert gan.latent.width == 5


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"optm": {}}, "did you mean 'optim'"),
        ({"optim": {"bach": 3}}, "did you mean 'batch'"),
        ({"optim.batch": 3}, r"settings are nested: \{'optim': \{'batch': ...\}\}"),
        ({"data": {"flip": 1}}, "use True or False"),
        ({"objective": {"loss": "wasserstein"}, "optim": {"batch": 2}}, "has no targets|bounds"),
    ],
)
def test_a_wrong_change_is_refused(changes, message):
    with pytest.raises(ConfigError, match=message):
        dcgan.recipe("small-mnist", **changes)


@pytest.mark.parametrize(
    ("recipe", "arguments", "message"),
    [
        ({}, {"channels": 3}, "`size` is 'auto': there are no images"),
        ({}, {"size": 32}, "`channels` is 'auto': there are no images"),
        ({}, {"size": 8, "channels": 3}, "`size` is 8: each side must be 16 to 4096"),
        ({}, {"size": 32, "channels": 5}, "`channels` is 5: use 1, 2, 3, 4"),
        ({"model": {"condition": "label"}}, {"size": 32, "channels": 1}, "classes are those of"),
        ({"model": {"condition": "clusters"}}, {"size": 32, "channels": 1}, "are those of images"),
        ({"start": {"weights": "runs/a"}}, {"size": 32, "channels": 1}, "open_run"),
    ],
)
def test_what_only_images_or_a_run_tell_is_refused(recipe, arguments, message):
    with pytest.raises(ConfigError, match=message):
        dcgan.build(dcgan.recipe("auto", **recipe), **arguments)


def test_a_table_of_layers_has_its_own_size():
    with pytest.raises(GeometryError, match="makes images of 3×64×64, not 3×32×32"):
        dcgan.build("paper", size=32)


def test_a_recipe_object_trains_as_its_settings_do(tmp_path):
    recipe = dcgan.recipe("auto", **TINY)
    common = {"size": 16, "images": 64, "threads": 1, "progress": False}
    data = images(1, 16)
    dcgan.train(data, recipe=recipe, out=tmp_path / "object", **common)
    dcgan.train(data, settings=TINY, out=tmp_path / "settings", **common)
    first, second = (read_yaml(tmp_path / name / "config.yaml") for name in ("object", "settings"))
    assert first == second
    assert first["recipe"] == "auto"
