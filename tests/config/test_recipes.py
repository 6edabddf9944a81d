"""Recipes are found by name or file, and overrides lie above them."""

from __future__ import annotations

import pytest

from dcgan.config import (
    forget_unused,
    list_recipes,
    load_recipe,
    merge,
    parse_config,
    recipe_text,
    validate_combinations,
)
from dcgan.errors import ConfigError

PROMISED = {
    "auto",
    "celeba-rectangular",
    "imagenet-features",
    "lsun-church",
    "lsun-church-output-norm",
    "mlp-mnist",
    "modern",
    "paper",
    "small-mnist",
    "small-mnist-spatial-latent",
    "svhn-features",
    "wide-mnist",
}


def test_every_promised_recipe_is_there_with_one_line():
    recipes = list_recipes()
    assert recipes.keys() == PROMISED
    assert all(20 < len(line) < 100 for line in recipes.values())


def test_every_recipe_names_its_source():
    for name in PROMISED - {"auto", "modern"}:
        assert "# Source: S" in recipe_text(name), name


def test_every_recipe_is_a_possible_combination(every_recipe):
    warnings = validate_combinations(every_recipe)
    blurred = every_recipe.recipe == "lsun-church-output-norm"
    assert any("blurs" in line for line in warnings) == blurred


@pytest.mark.parametrize(
    "asked",
    [
        {"objective": {"r1": 0}},
        {"objective": {"r1": 0, "clip_weights": 0.01, "loss": "wasserstein"}},
        {"objective": {"r1": 0, "r2": 0}, "model": {"discriminator": {"norm": "batch"}}},
        {"augment": {"probability": 0.5, "policy": "translation"}},
        {"average": {"half_life": 0}},
        {"optim": {"generator": {"algorithm": "sgd"}}},
    ],
)
def test_what_a_recipe_has_beside_what_is_turned_off_is_forgotten(asked):
    for recipe in ("auto", "modern"):
        assert validate_combinations(parse_config(forget_unused(load_recipe(recipe), asked))) == []


def test_what_was_asked_for_is_not_forgotten():
    asked = {"objective": {"r1": 0, "penalties_fade_from": 9}}
    with pytest.raises(ConfigError, match="no penalty to fade"):
        validate_combinations(parse_config(forget_unused(load_recipe("auto"), asked)))


@pytest.mark.parametrize(
    ("recipe", "name"),
    [("mlp-mnist", "dropout"), ("celeba-rectangular", "dropout"), ("celeba-rectangular", "noise")],
)
def test_what_the_rows_of_a_table_have_cannot_be_switched_off_for_all(recipe, name):
    """The rows would keep it."""
    asked = {"model": {"discriminator": {name: 0}}}
    with pytest.raises(ConfigError, match=rf"model\.discriminator\.{name}` is 0.*no effect on the"):
        forget_unused(load_recipe(recipe), asked)
    forget_unused(load_recipe("small-mnist"), asked)  # whose rows have none
    forget_unused(load_recipe("auto"), asked)


def test_an_unknown_recipe_is_answered_with_the_nearest_name():
    with pytest.raises(ConfigError, match="did you mean 'small-mnist'"):
        load_recipe("small-mnits")


def test_a_file_is_a_recipe_too(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("optim: {batch: 7}\n")
    assert load_recipe(str(path)) == {"recipe": str(path), "optim": {"batch": 7}}


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ConfigError, match="no such file"):
        load_recipe(str(tmp_path / "none.yaml"))


def test_overrides_replace_values_and_keep_their_neighbors():
    below = {"a": {"x": 1, "y": {"z": [1, 2]}}, "b": 0}
    above = {"a": {"y": {"z": [3]}}, "c": 1}
    assert merge(below, above) == {"a": {"x": 1, "y": {"z": [3]}}, "b": 0, "c": 1}
    assert below == {"a": {"x": 1, "y": {"z": [1, 2]}}, "b": 0}


def test_a_tilde_is_the_home_folder(tmp_path, monkeypatch):
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(tmp_path))
    (tmp_path / "mine.yaml").write_text("optim: {batch: 7}\n", encoding="utf-8")
    assert load_recipe("~/mine.yaml")["optim"] == {"batch": 7}
    assert recipe_text("~/mine.yaml") == "optim: {batch: 7}\n"
