"""Pictures found in latent space are known by name, and only where they were found."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
import torch
from PIL import Image

from dcgan.errors import ConfigError, RunError
from dcgan.latent.choice import Choice
from dcgan.latent.directions import Direction
from dcgan.latent.inverted_images import figure, read_words, relative_errors
from dcgan.latent.points import is_point, latent_of
from dcgan.latent.store import keep_direction, keep_latent, read_latent
from dcgan.models.latents import LatentSpace
from dcgan.runs import open_run


@pytest.fixture
def run(small_run, tmp_path):
    return open_run(shutil.copytree(small_run.path, tmp_path / "run"))


def test_a_latent_comes_back_by_its_name(run):
    latent = run.networks.latent.numbered(4, 0, 1)[0]
    assert not is_point(run, "cat")
    keep_latent(run, "cat", latent, {"error": 0.1})
    assert is_point(run, "cat")
    assert torch.equal(latent_of(run, "cat", Choice(seed=9, truncation=0.1)), latent)
    keep_direction(run, Direction("x", torch.eye(run.networks.latent.dim)[0], ""))
    moved = latent_of(run, "cat", Choice(moves={"x": 2.0}))
    assert (moved - latent).tolist() == [2.0, *[0.0] * (len(latent) - 1)]


@pytest.mark.parametrize("name", ["2024_01", "20240115_093000"])
def test_a_date_is_the_name_of_an_image_and_no_sample_number(run, name):
    latent = run.networks.latent.numbered(4, 0, 1)[0]
    keep_latent(run, name, latent, {})
    assert torch.equal(latent_of(run, name, Choice()), latent)


@pytest.mark.parametrize("name", ["schöner-Käse", "café", "猫_2", "हिन्दी"])
def test_names_of_any_script_are_stored(run, name):
    latent = run.networks.latent.numbered(4, 0, 1)[0]
    keep_latent(run, name, latent, {})
    assert torch.equal(read_latent(run, name), latent)


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("schöner Käse.png", "schöner-Käse"),
        ("हिन्दी.png", "हिन्दी"),
        ("12.png", "image-12"),
        ("!!.png", "image"),
        ("con.png", "image-con"),  # a device on Windows
    ],
)
def test_the_name_of_a_file_becomes_one_that_can_be_stored(run, tmp_path, file, name):
    Image.new("L", (20, 20), 77).save(tmp_path / file)
    names, _ = read_words(run, [str(tmp_path / file)], None, "")
    assert names == [name]
    keep_latent(run, name, torch.zeros(run.networks.latent.width), {})


@pytest.mark.parametrize("name", ["17", "a/b", "", "5:17", "a b", "x=2", "-x"])
def test_a_name_that_means_something_else_is_refused(run, name):
    with pytest.raises(ConfigError, match="name"):
        keep_latent(run, name, torch.zeros(32), {})


def test_a_latent_of_another_checkpoint_or_damaged_is_refused(run):
    keep_latent(run, "cat", torch.zeros(run.networks.latent.width), {})
    path = run.folder.latents / "cat.json"
    content = json.loads(path.read_text())
    path.write_text(json.dumps(content | {"checkpoint": "000000099"}))
    with pytest.raises(RunError, match="`checkpoint=99`, or create it again"):
        read_latent(run, "cat")
    for damaged in ("{", json.dumps(content | {"vector": [1.0]}), json.dumps([])):
        path.write_text(damaged)
        with pytest.raises(RunError, match="damaged"):
            read_latent(run, "cat")


def test_words_are_files_and_numbers_each_with_a_name_of_its_own(run, tmp_path):
    for name in ("a/cat.png", "b/Cat.png"):  # one name for Windows and macOS
        (tmp_path / name).parent.mkdir()
        Image.new("L", (40, 20), 77).save(tmp_path / name)
    gray = np.random.default_rng(0).integers(0, 256, (9, 16, 16), dtype=np.uint8)
    from dcgan.data import load_dataset, open_items

    known = load_dataset(open_items(gray), (16, 16), 1)
    words = [str(tmp_path / "a" / "cat.png"), "3", str(tmp_path / "b" / "Cat.png"), "3"]
    names, images = read_words(run, words, known, "mnist:test")
    assert names == ["cat", "mnist-test-3", "Cat-2", "mnist-test-3-2"]
    assert images.shape == (4, 1, 16, 16)
    assert (images[0] == 77).all()
    np.testing.assert_array_equal(images[1, 0], gray[3])


def test_a_name_that_differs_in_case_from_a_stored_one_is_another(run, tmp_path):
    zeros = torch.zeros(run.networks.latent.width)
    keep_latent(run, "cat", zeros, {})
    Image.new("L", (20, 20), 77).save(tmp_path / "Cat.png")
    assert read_words(run, [str(tmp_path / "Cat.png")], None, "")[0] == ["Cat-2"]
    (tmp_path / "Cat.png").rename(tmp_path / "cat.png")
    assert read_words(run, [str(tmp_path / "cat.png")], None, "")[0] == ["cat"], "replaces it"
    with pytest.raises(ConfigError, match="would replace 'cat' by it"):
        keep_latent(run, "CAT", zeros, {})
    for name in ("dog", "Dog"):  # of a version that kept both, where files allow it
        (run.folder.latents / f"{name}.json").write_text("{}")
    Image.new("L", (20, 20), 77).save(tmp_path / "Dog.png")
    names, _ = read_words(run, [str(tmp_path / "Dog.png")], None, "")
    keep_latent(run, names[0], zeros, {})


def test_relative_errors_are_of_the_noise_alone():
    space = LatentSpace(2, "normal", (0.5, 0.5))
    true = torch.tensor([[3.0, 4.0, 1.0, 0.0]])
    found = torch.tensor([[3.0, 4.5, 0.0, 1.0]])
    assert relative_errors(space, found, true).tolist() == pytest.approx([0.1])


def test_the_figure_shows_images_finds_and_moves_below_each_other(run):
    keep_direction(run, Direction("x", torch.eye(run.networks.latent.dim)[0], ""))
    latent = run.networks.latent.numbered(0, 0, 2)
    black = np.zeros((2, 1, 16, 16), np.uint8)
    shown = np.asarray(figure(run, ["a", "b"], black, latent, [0.5, 0.25], Choice(moves={"x": 3})))
    for row, images in enumerate(
        (
            black,
            run.generate(latent),
            run.generate(latent + 3 * torch.eye(run.networks.latent.width)[0]),
        )
    ):
        for column, image in enumerate(images):
            top, left = 17 + row * 160, 2 + column * 130  # each row has a title and captions
            cell = shown[top : top + 128, left : left + 128]
            np.testing.assert_array_equal(cell[::8, ::8], image[0])
