"""Arguments become settings."""

from __future__ import annotations

import pytest

from dcgan.training.planning.arguments import collect_settings


def test_a_dataset_is_stored_by_its_plain_absolute_path(tmp_path, monkeypatch):
    (tmp_path / "images").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "images", target_is_directory=True)
    monkeypatch.chdir(tmp_path / "images")
    for given, stored in {".": "images", "../images": "images", f"{tmp_path}/link": "link"}.items():
        asked = collect_settings(given, shortcuts={}, settings={})
        assert asked["data"]["source"] == str(tmp_path / stored)


@pytest.mark.parametrize("is_recipe", [True, False], ids=["recipe", "settings"])
def test_paths_in_settings_are_absolute_too(tmp_path, monkeypatch, is_recipe):
    """A run is resumed and scored from any folder."""
    monkeypatch.chdir(tmp_path)
    for name in ("images", "mnist", "sets"):
        (tmp_path / name).mkdir()
    for name in ("labels.csv", "features.pt", "pretrained"):
        (tmp_path / name).touch()
    data = {"source": "images", "root": "sets", "labels": "labels.csv"}
    given = {"data": data, "metrics": {"extractor": "features.pt"}}
    found = collected(given, is_recipe)
    assert {key: found["data"][key] for key in data} == {
        key: str(tmp_path / value) for key, value in data.items()
    }
    assert found["metrics"]["extractor"] == str(tmp_path / "features.pt")
    names = {"data": {"source": "mnist"}, "metrics": {"extractor": "pretrained"}}
    found = collected(names, is_recipe)
    assert found["data"]["source"] == "mnist", "a name, although there is such a folder"
    assert found["metrics"]["extractor"] == "pretrained"


def collected(settings, is_recipe):
    recipe = settings if is_recipe else None
    return collect_settings(
        None, recipe=recipe, shortcuts={}, settings={} if is_recipe else settings
    )
