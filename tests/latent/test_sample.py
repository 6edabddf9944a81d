"""Samples in files: the same images whatever the file, and never many in memory."""

from __future__ import annotations

import weakref
import zipfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from dcgan.errors import ConfigError, DataError, DcganError, RunError
from dcgan.latent.choice import Choice
from dcgan.latent.sample import write_samples
from dcgan.models.latents import LatentSpace
from dcgan.render.sheet import save_image, sheet
from dcgan.runtime.ranks import Ranks

COUNT = 150
"""More than two of the pieces that a run draws at a time."""


def read_zip(path: Path) -> np.ndarray:
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == [f"{number:06d}.png" for number in range(COUNT)]
        return stack(Image.open(BytesIO(archive.read(name))) for name in archive.namelist())


def read_folder(path: Path) -> np.ndarray:
    files = sorted(path.iterdir())
    assert [file.name for file in files] == [f"{number:06d}.png" for number in range(COUNT)]
    return stack(Image.open(file) for file in files)


def read_npz(path: Path) -> np.ndarray:
    with np.load(path) as file:
        assert file.files == ["images"]
        return file["images"]


def stack(images: Iterator[Image.Image]) -> np.ndarray:
    """Gray pictures as (N, 1, H, W)."""
    pixels = []
    for image in images:
        with image:
            pixels.append(np.asarray(image)[None])
    return np.stack(pixels)


READ = {".zip": read_zip, "": read_folder, ".npz": read_npz}


@pytest.mark.parametrize("suffix", READ)
def test_every_file_holds_the_images_of_the_run(small_run, tmp_path, suffix):
    out = tmp_path / "new" / f"samples{suffix}"
    write_samples(small_run, COUNT, out, Choice(seed=3))
    images = READ[suffix](out)
    assert images.dtype == np.uint8
    np.testing.assert_array_equal(images, small_run.sample(COUNT, seed=3))
    assert list(out.parent.iterdir()) == [out]


def test_a_tilde_is_the_home_folder(small_run, tmp_path, monkeypatch):
    monkeypatch.setattr(Path, "expanduser", lambda path: tmp_path / path.relative_to("~"))
    write_samples(small_run, 2, "~/a.npz")
    assert (tmp_path / "a.npz").is_file()


def test_a_png_is_one_sheet_of_them(small_run, tmp_path):
    write_samples(small_run, 70, tmp_path / "new" / "sheet.PNG", Choice(seed=3))
    with Image.open(tmp_path / "new" / "sheet.PNG") as drawn:
        assert drawn.format == "PNG"
        wanted = np.asarray(sheet(small_run.sample(70, seed=3)))
        np.testing.assert_array_equal(np.asarray(drawn), wanted)


def test_another_seed_gives_other_images(small_run, tmp_path):
    for seed in (0, 1):
        write_samples(small_run, 4, tmp_path / f"{seed}.npz", Choice(seed))
    first, second = (read_npz(tmp_path / f"{seed}.npz") for seed in (0, 1))
    assert not np.array_equal(first, second)


@pytest.mark.parametrize("fewer", [1, 63, 64, 65])
def test_a_longer_series_begins_with_the_shorter_one(small_run, tmp_path, fewer):
    for count in (fewer, COUNT):
        write_samples(small_run, count, tmp_path / f"{count}.npz")
    shorter, longer = (read_npz(tmp_path / f"{count}.npz") for count in (fewer, COUNT))
    assert len(shorter) == fewer
    np.testing.assert_array_equal(longer[:fewer], shorter)


def test_an_empty_folder_is_filled(small_run, tmp_path):
    write_samples(small_run, 2, tmp_path)
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("name", ["2026.01", "sheet.png"])
def test_an_empty_folder_is_one_whatever_its_name(small_run, tmp_path, name):
    (tmp_path / name).mkdir()
    write_samples(small_run, 2, tmp_path / name)
    assert len(list((tmp_path / name).iterdir())) == 2


@pytest.mark.parametrize("name", ["000000.png", ".hidden", "notes"])
def test_a_folder_that_holds_something_is_refused_and_left_alone(small_run, tmp_path, name):
    (tmp_path / name).write_text("mine")
    with pytest.raises(RunError, match="not an empty folder"):
        write_samples(small_run, 2, tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_text() == "mine"


def test_a_file_in_place_of_the_folder_is_refused(small_run, tmp_path):
    (tmp_path / "samples").write_text("mine")
    with pytest.raises(RunError, match="not an empty folder"):
        write_samples(small_run, 2, tmp_path / "samples")
    assert (tmp_path / "samples").read_text() == "mine"


@pytest.mark.parametrize("name", ["samples.bmp", "samples.tar", "samples.v2"])
def test_an_unknown_suffix_is_refused_with_the_known_ones(small_run, tmp_path, name):
    with pytest.raises(ConfigError, match=r"\.png, \.jpg, \.jpeg, \.webp, \.npz, \.zip"):
        write_samples(small_run, 2, tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_a_sheet_of_no_images_is_refused_in_words(small_run, tmp_path):
    with pytest.raises(DcganError, match="at least"):
        write_samples(small_run, 0, tmp_path / "sheet.png")


def run_of(alive: list[int], fail_at: int | None = None) -> SimpleNamespace:
    """Stands for a run: notes how many of its pieces are in memory whenever one is drawn."""
    known: list[weakref.ref[np.ndarray]] = []

    def draw(latent_BZ: torch.Tensor) -> np.ndarray:
        if len(known) == fail_at:
            raise RuntimeError("the lights went out")
        piece = np.full((len(latent_BZ), 1, 4, 4), len(known), np.uint8)
        known.append(weakref.ref(piece))
        alive.append(sum(reference() is not None for reference in known))
        return piece

    networks = SimpleNamespace(image_shape=(1, 4, 4), latent=LatentSpace(3), class_names=())

    def generate_numbered(latents, count: int) -> Iterator[np.ndarray]:
        return (draw(latents(at, min(count, at + 64))) for at in range(0, count, 64))

    return SimpleNamespace(
        generate_numbered=generate_numbered, networks=networks, ranks=Ranks(), checkpoint=Path("1")
    )


@pytest.mark.parametrize("suffix", READ)
def test_pieces_are_written_as_they_come_and_let_go(tmp_path, suffix):
    """At most the one being written and the next are in memory, however many there are."""
    alive: list[int] = []
    write_samples(run_of(alive), 64 * 12, tmp_path / f"samples{suffix}")
    assert len(alive) == 12
    assert max(alive) <= 2


def test_a_sheet_that_no_viewer_opens_is_refused_before_anything_is_drawn(tmp_path):
    alive: list[int] = []
    with pytest.raises(DataError, match=r"2000000 images .*\.npz"):
        write_samples(run_of(alive), 2_000_000, tmp_path / "sheet.png")
    assert alive == []


def interrupt(out: Path) -> None:
    with pytest.raises(RuntimeError, match="the lights went out"):
        write_samples(run_of([], fail_at=2), COUNT, out)


@pytest.mark.parametrize("suffix", [".npz", ".zip"])
def test_an_interrupted_file_leaves_the_older_one(tmp_path, suffix):
    out = tmp_path / f"samples{suffix}"
    out.write_bytes(b"older")
    interrupt(out)
    assert out.read_bytes() == b"older"


@pytest.mark.parametrize("suffix", [".npz", ".zip"])
def test_an_interrupted_file_leaves_no_part_of_itself(tmp_path, suffix):
    interrupt(tmp_path / f"samples{suffix}")
    assert list(tmp_path.iterdir()) == []


def test_a_numbered_sheet_has_room_for_its_numbers(small_run, tmp_path):
    for name in ("plain", "numbered"):
        write_samples(small_run, 9, tmp_path / f"{name}.png", numbered=name == "numbered")
    with (
        Image.open(tmp_path / "plain.png") as plain,
        Image.open(tmp_path / "numbered.png") as numbered,
    ):
        assert numbered.width == plain.width
        assert numbered.height >= plain.height + 3 * 10


def test_numbers_are_refused_where_there_is_no_sheet(small_run, tmp_path):
    with pytest.raises(ConfigError, match="only on a sheet"):
        write_samples(small_run, 9, tmp_path / "samples.zip", numbered=True)


def test_truncated_samples_are_nearer_to_each_other(small_run, tmp_path):
    for name, choice in {"all": Choice(), "middle": Choice(truncation=0.2)}.items():
        write_samples(small_run, 64, tmp_path / f"{name}.npz", choice)
    everything, middle = (read_npz(tmp_path / f"{name}.npz") for name in ("all", "middle"))
    assert middle.std(axis=0).mean() < 0.7 * everything.std(axis=0).mean()


def test_a_jpeg_shows_transparent_images_on_white(tmp_path):
    pixels = np.zeros((8, 8, 4), np.uint8)
    pixels[:, :4] = 255, 0, 0, 255
    for mode, color in (("RGBA", (254, 0, 0)), ("LA", 76)):
        path = tmp_path / f"{mode}.jpeg"
        save_image(Image.fromarray(pixels).convert(mode), path)
        with Image.open(path) as shown:
            assert shown.mode == mode.removesuffix("A")
            assert np.allclose(shown.getpixel((7, 4)), 255, atol=6)
            assert np.allclose(shown.getpixel((0, 4)), color, atol=12)
