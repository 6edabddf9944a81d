"""Built-in models: they open by name, generate what they promise, and stay as installed."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import dcgan
from dcgan.errors import CheckpointError, RunError
from dcgan.runtime import built_in
from dcgan.runtime.arguments import refuse_nothing_to_resume
from dcgan.runtime.built_in import list_models, model_names, run_path

NAMES = ["cifar10-demo", "emoji-demo", "mnist-demo", "shapes-demo"]


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("DCGAN_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_they_are_listed():
    assert model_names() == NAMES == [model.name for model in dcgan.list_models()]


@pytest.mark.parametrize("name", NAMES)
def test_each_opens_by_its_name_and_is_small(name):
    run = dcgan.open_run(name)
    model = next(one for one in list_models() if one.name == name)
    images = run.sample(4)
    assert images.shape == (4, *model.image_shape)
    assert len(np.unique(images.reshape(4, -1), axis=0)) == 4
    assert model.size <= 1_500_000
    assert model.classes == run.networks.class_names
    assert model.images_seen == run.images_seen > 0
    assert (run.path / "README.md").is_file() and (run.path / "samples.png").is_file()
    assert model.directions, "a model without named directions"


@pytest.mark.parametrize("name", NAMES)
def test_its_sheet_shows_what_it_generates(name):
    """Its 128 colors, half precision or another processor change pixels a little, another model
    much."""
    run = dcgan.open_run(name)
    with Image.open(run.path / "samples.png") as stored:
        sheet = run.sheet(64)
        difference = np.asarray(stored.convert(sheet.mode), float) - np.asarray(sheet, float)
    assert np.abs(difference).mean() < 6


def test_a_label_generates_its_digit():
    """A classifier of other people's digits, which scikit-learn brings, recognizes most: chance is
    a tenth."""
    from sklearn.datasets import load_digits
    from sklearn.svm import SVC

    digits = load_digits()
    learned = SVC(gamma=2).fit([_outline(image) for image in digits.images], digits.target)
    run, right = dcgan.open_run("mnist-demo"), []
    for label in run.networks.class_names:
        images = run.sample(20, seed=1, label=label)
        found = learned.predict([_outline(image[0]) for image in images])
        right.append((found == int(label)).mean())
    assert np.mean(right) > 0.4


def _outline(image):
    """A digit in its bounding box, in 12x12 pixels, of unit length."""
    scaled = image.astype(float) / image.max()
    rows, columns = np.where(scaled > 0.3)
    box = columns.min(), rows.min(), columns.max() + 1, rows.max() + 1
    digit = Image.fromarray((scaled * 255).astype(np.uint8)).crop(box)
    side = max(digit.size)
    square = Image.new("L", (side, side))
    square.paste(digit, ((side - digit.width) // 2, (side - digit.height) // 2))
    pixels = np.asarray(square.resize((12, 12), Image.Resampling.BILINEAR), float).ravel()
    return pixels / np.linalg.norm(pixels)


def test_a_direction_changes_what_its_name_says():
    """Digits lean the more to the right the farther they are moved along `slant`."""
    from dcgan.latent import Choice

    run = dcgan.open_run("mnist-demo")
    leaning = [
        _mean_lean(run.generate(Choice(moves={"slant": amount}).latents(run, 0, 100)))
        for amount in (-2, 0, 2)
    ]
    assert leaning[0] < leaning[1] - 0.1 and leaning[1] < leaning[2] - 0.1


def _mean_lean(images):
    """The mean slope of the line that fits the ink's columns to its rows, to the right if > 0."""
    slopes = []
    for image in images[:, 0].astype(float):
        rows, columns = np.indices(image.shape)
        weights = image / image.sum()
        y, x = rows - (weights * rows).sum(), columns - (weights * columns).sum()
        slopes.append(-(weights * x * y).sum() / (weights * y * y).sum())
    return np.mean(slopes)


def test_what_is_written_stays_out_of_the_package(cache):
    path = run_path("mnist-demo")
    assert path.name == "mnist-demo" and path.is_relative_to(cache)
    (path / "report.html").write_text("a page")
    assert run_path("mnist-demo") == path, "the copy is kept"
    original = built_in._PLACE / "mnist-demo"
    assert not (original / "report.html").exists()
    copied = {one.relative_to(path) for one in path.rglob("*") if one.is_file()}
    wanted = {one.relative_to(original) for one in original.rglob("*") if one.is_file()}
    assert copied == wanted | {(path / "report.html").relative_to(path)}


def test_a_model_that_changes_gets_another_copy(tmp_path, monkeypatch):
    place = tmp_path / "models" / "tiny-demo"
    place.mkdir(parents=True)
    monkeypatch.setattr(built_in, "_PLACE", tmp_path / "models")
    (place / "model.json").write_text("{}")
    first = run_path("tiny-demo")
    (place / "model.json").write_text('{"images_seen": 1}')
    second = run_path("tiny-demo")
    assert first != second
    assert (second / "model.json").read_text() == '{"images_seen": 1}'


def test_without_a_place_for_a_copy_the_original_is_used(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("DCGAN_CACHE", str(tmp_path / "file"))
    assert run_path("mnist-demo") == built_in._PLACE / "mnist-demo"
    assert dcgan.open_run("mnist-demo").sample(1).shape == (1, 1, 28, 28)


def test_a_folder_of_the_same_name_wins(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mnist-demo").mkdir()
    with pytest.raises(RunError, match="not a run folder"):
        dcgan.open_run("mnist-demo")


def test_a_wrong_name_is_answered_with_the_right_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RunError, match=r"no such run folder\. Did you mean 'mnist-demo'\?"):
        dcgan.open_run("mnist-dmo")
    with pytest.raises(RunError, match=r"Built-in models: cifar10-demo, emoji-demo"):
        dcgan.open_run("a-name-like-no-other")


def test_what_needs_a_discriminator_says_so(tmp_path):
    with pytest.raises(CheckpointError, match="mnist-demo: a built-in model, which has no disc"):
        _ = dcgan.open_run("mnist-demo").discriminator
    own = tmp_path / "mnist-demo"  # of the same name, elsewhere
    shutil.copytree(run_path("mnist-demo"), own)
    with pytest.raises(CheckpointError, match="holds no discriminator, which this needs"):
        _ = dcgan.open_run(own).discriminator


def test_a_model_is_not_resumed_but_can_be_started_from(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RunError, match=r"no training state.*train\(DATA, init='mnist-demo'\)"):
        refuse_nothing_to_resume(Path("mnist-demo"))


def test_the_list_needs_no_torch():
    program = (
        "import sys; import dcgan.cli.models as m; m.models(); assert 'torch' not in sys.modules"
    )
    found = subprocess.run(
        [sys.executable, "-c", program], check=False, capture_output=True, text=True
    )
    assert found.returncode == 0, found.stderr
    for name in NAMES:
        assert name in found.stdout
    assert "28x28 gray" in found.stdout
