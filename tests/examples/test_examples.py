"""Each example runs as its docstring says, here with small options, and leaves its results."""

from __future__ import annotations

import ast
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import dcgan

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture
def call(monkeypatch, tmp_path, capsys):
    """Run an example in a folder of its own; returns what it printed."""
    monkeypatch.chdir(tmp_path)

    def run(name, *words):
        monkeypatch.setattr(sys, "argv", [name, *map(str, words)])
        runpy.run_path(str(EXAMPLES / name), run_name="__main__")
        return capsys.readouterr().out

    return run


@pytest.fixture
def images(tmp_path):
    """A file of 120 gray images of 16×16 with bright squares."""
    random = np.random.default_rng(0)
    pixels = np.zeros((120, 16, 16), dtype=np.uint8)
    for image, (top, left) in zip(pixels, random.integers(0, 10, (120, 2)), strict=True):
        image[top : top + 6, left : left + 6] = 255
    np.save(tmp_path / "images.npy", pixels)
    return "images.npy"


def test_minimal_dcgan(call, images, tmp_path):
    said = call("minimal_dcgan.py", images, "--images", 128)
    assert "Fréchet distance" in said
    assert said.splitlines()[-1] == str(Path("runs/minimal-model"))
    run = dcgan.open_run("runs/minimal")
    assert run.images_seen == 128
    with Image.open("runs/minimal.png") as sheet:
        assert np.asarray(sheet).std() > 0
    assert (dcgan.load("runs/minimal-model").sample(3) == run.sample(3)).all()


def test_fine_tune(call, images, small_run, tmp_path):
    said = call("fine_tune.py", small_run.path, images, "--images", 64, "--freeze", 1)
    assert said.count("Fréchet distance") == 2
    assert dcgan.open_run("runs/fine-tuned").images_seen == 64
    assert Path("runs/fine-tuned.png").is_file()


@pytest.mark.parametrize("kind", ["dataset", "array", "generator"])
def test_own_dataset(call, kind):
    call("own_dataset.py", kind, "--images", 32)
    run = dcgan.open_run("runs/disks")
    assert run.networks.image_shape == (3, 32, 32)
    assert run.images_seen == 32


def test_own_loop(call, images):
    said = call("own_loop.py", images, 2)
    assert float(said.removeprefix("Fréchet distance ")) > 0
    with Image.open("own_loop.png") as row:
        assert row.size == (256, 32)


def test_own_loop_is_short():
    text = (EXAMPLES / "own_loop.py").read_text(encoding="utf-8")
    _, first, *_ = ast.parse(text).body
    lines = [line for line in text.splitlines()[first.lineno - 1 :] if line]
    assert len(lines) <= 40


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.name)
def test_an_example_says_how_to_call_it(path):
    described = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    assert f"    python {path.name}" in described
