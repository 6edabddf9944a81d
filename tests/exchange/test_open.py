"""Models of the hub, with a stand-in for its library: no test asks the network."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import dcgan
from dcgan.errors import RunError
from dcgan.exchange.open import from_hub


@pytest.fixture
def hub(runs, tmp_path, monkeypatch):
    """A hub with one model, ann/digits; gives what it was asked for."""
    runs["plain"].export("weights", tmp_path / "published", progress=False)
    (tmp_path / "published" / "evil.py").write_text("raise SystemExit")
    asked = []

    def snapshot_download(*, repo_id, revision, allow_patterns, local_dir, local_files_only):
        asked.append({"name": repo_id, "revision": revision, "offline": local_files_only})
        if repo_id != "ann/digits":
            raise OSError("401 Client Error.\nRepository not found")
        Path(local_dir).mkdir(parents=True, exist_ok=True)
        for path in (tmp_path / "published").iterdir():
            if path.name in allow_patterns:
                shutil.copy(path, local_dir)
        return local_dir

    fake = SimpleNamespace(snapshot_download=snapshot_download)
    monkeypatch.setitem(sys.modules, "huggingface_hub", fake)
    monkeypatch.setenv("DCGAN_CACHE", str(tmp_path / "cache"))
    return asked


def test_a_model_of_the_hub_opens_like_the_run(hub, runs, monkeypatch):
    monkeypatch.setenv("DCGAN_OFFLINE", "0")
    opened = dcgan.load("hub:ann/digits", revision="v2")
    assert hub == [{"name": "ann/digits", "revision": "v2", "offline": False}]
    assert np.array_equal(opened.sample(3), runs["plain"].sample(3))
    assert not (opened.path / "evil.py").exists()
    assert opened.path.name == "digits"


def test_files_of_two_revisions_do_not_mix(hub, tmp_path, monkeypatch):
    monkeypatch.setenv("DCGAN_OFFLINE", "0")
    other = tmp_path / "published" / "discriminator.safetensors"
    other.write_bytes(b"of v1")
    first = from_hub("hub:ann/digits", "v1")
    other.unlink()
    second = from_hub("hub:ann/digits", "../v/2")
    assert (first / other.name).is_file()
    assert not (second / other.name).exists()
    cache = (tmp_path / "cache").resolve()
    assert all(folder.resolve().is_relative_to(cache) for folder in (first, second))
    assert dcgan.load("hub:ann/digits").path not in (first, second)


def test_offline_only_the_cache_is_asked(hub):
    dcgan.load("hub:ann/digits")
    assert hub[0]["offline"]


def test_a_command_takes_a_model_of_the_hub(hub, tmp_path, monkeypatch, capsys):
    from dcgan.cli.main import main

    words = ["dcgan", "sample", "hub:ann/digits", "-n", "2", "--out", str(tmp_path / "a.png")]
    monkeypatch.setattr(sys, "argv", words)
    with pytest.raises(SystemExit) as caught:
        main()
    assert caught.value.code == 0
    assert (tmp_path / "a.png").is_file()


@pytest.mark.parametrize(
    ("address", "offline", "line"),
    [
        ("hub:ann", "1", "hub:ann: must be hub:OWNER/NAME"),
        ("hub:ann/digits/x", "1", "must be hub:OWNER/NAME"),
        ("hub:../..", "1", "must be hub:OWNER/NAME"),
        ("hub:ann/dgits", "0", r"cannot be downloaded \(401 Client Error. Repository not found\)"),
        ("hub:ann/dgits", "1", "DCGAN_OFFLINE is set, and the model is not in the cache"),
    ],
)
def test_what_is_not_there_is_refused_in_one_line(hub, monkeypatch, address, offline, line):
    monkeypatch.setenv("DCGAN_OFFLINE", offline)
    with pytest.raises(RunError, match=line):
        dcgan.load(address)


def test_without_the_library_it_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(RunError, match=r'pip install "dcgan\[hub\]"'):
        dcgan.load("hub:ann/digits")


def test_another_repository_is_no_model(hub, tmp_path):
    (tmp_path / "published" / "networks.json").unlink()
    with pytest.raises(RunError, match=r"not a model of dcgan: it has no networks\.json"):
        dcgan.load("hub:ann/digits")


def test_open_run_points_to_load():
    with pytest.raises(RunError, match=r"Use `dcgan\.load\('hub:ann/digits'\)`"):
        dcgan.open_run("hub:ann/digits")


def test_a_run_folder_opens_too(runs):
    assert dcgan.load(runs["plain"].path).images_seen == 512
