"""Arguments become settings."""

from __future__ import annotations

from dcgan.training.planning.arguments import collect_settings


def test_a_dataset_is_stored_by_its_plain_absolute_path(tmp_path, monkeypatch):
    (tmp_path / "images").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "images", target_is_directory=True)
    monkeypatch.chdir(tmp_path / "images")
    for given, stored in {".": "images", "../images": "images", f"{tmp_path}/link": "link"}.items():
        asked = collect_settings(given, shortcuts={}, settings={})
        assert asked["data"]["source"] == str(tmp_path / stored)
