"""The inspection: what is measured on pixels, and what spoils a collection."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from PIL import Image, ImageDraw
from sklearn.datasets import load_sample_image
from tests.conftest import Notes

from dcgan.data import open_source
from dcgan.data.fit_choices import fit_choices
from dcgan.data.pixels.decode import decode
from dcgan.data.quality.inspection import inspect_dataset
from dcgan.data.quality.measurements import look
from dcgan.data.sources.base import ArraySource
from dcgan.errors import DataError


def noise(*shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


@pytest.fixture
def zoo(tmp_path):
    """A bit of everything that goes wrong."""
    photograph = Image.fromarray(load_sample_image("flower.jpg"))
    dot = Image.new("RGBA", (40, 40), (255, 255, 255, 0))
    ImageDraw.Draw(dot).ellipse((5, 5, 30, 30), fill="white")
    dataset = {
        "a.png": photograph.resize((80, 60)),
        "b-same.png": photograph.resize((80, 60)),
        "c-small.png": photograph.resize((40, 30)),
        "d-gray.png": Image.fromarray(noise(30, 30)).convert("RGB"),
        "e-gray.png": Image.fromarray(noise(30, 30, seed=1)),
        "f-white.png": Image.new("RGB", (30, 30), "white"),
        "g-navy.png": Image.new("RGB", (30, 30), "navy"),
        "h-navy.png": Image.new("RGB", (30, 30), "navy"),
        "i-tiny.png": Image.fromarray(noise(40, 15, 3)),
        "j-dot.png": dot,
        "k-opaque.png": Image.fromarray(noise(30, 30, 3)).convert("RGBA"),
    }
    for name, image in dataset.items():
        image.save(tmp_path / name)
    frames = [Image.fromarray(noise(20, 20, seed=seed)) for seed in (5, 6, 7)]
    frames[0].save(tmp_path / "l.gif", save_all=True, append_images=frames[1:])
    (tmp_path / "m.jpg").write_bytes(b"\xff\xd8nothing")
    return open_source(str(tmp_path))


def test_what_spoils_a_collection_is_named(zoo):
    seen = inspect_dataset(zoo)

    def titles(indices):
        return [zoo.title(index)[0] for index in indices]

    assert [titles(group) for group in seen.exact] == [["a", "b"]]
    assert [titles(group) for group in seen.near] == [["a", "c"]]
    assert seen.spare == 2
    assert titles(seen.blank) == ["f", "g", "h"]  # and not as copies of each other
    assert titles(seen.vanishing) == ["j"]
    assert titles(seen.tiny) == ["i"]
    assert [one.title for one in seen.skipped] == ["m.jpg"]
    assert (seen.transparent, seen.animated, seen.readable) == (1, 1, 12)
    assert seen.colored == 7  # a b c g h i k


def test_color_is_judged_by_pixels_and_not_by_mode():
    gray = noise(4, 20, 20)
    stored_in_color = np.repeat(gray[..., None], 3, axis=3)
    seen = inspect_dataset(ArraySource("gray", stored_in_color))
    assert (seen.has_color_modes, seen.is_color, seen.colored) == (True, False, 0)
    stored_in_color[2, 7, 11, 0] ^= 128  # one pixel of one picture
    assert inspect_dataset(ArraySource("gray", stored_in_color)).colored == 1


def test_channel_statistics_are_those_of_all_pixels():
    images = noise(7, 21, 33, 3) // np.array([1, 2, 3], np.uint8)
    seen = inspect_dataset(ArraySource("noise", images))
    assert seen.channel_mean == pytest.approx(images.mean((0, 1, 2)))
    assert seen.channel_deviation == pytest.approx(images.std((0, 1, 2)))


def test_equal_pixels_in_another_mode_or_shape_are_no_exact_copies(tmp_path):
    pixels = noise(20, 30)
    for number, image in enumerate(
        (
            Image.fromarray(pixels),
            Image.fromarray(pixels).convert("RGB"),
            Image.fromarray(pixels.reshape(30, 20)),
        )
    ):
        image.save(tmp_path / f"{number}.png")
    seen = inspect_dataset(open_source(str(tmp_path)))
    assert seen.exact == ()
    assert seen.near == ((0, 1),)


def test_images_of_one_shape_are_told_apart_by_their_pixels():
    images = noise(3, 20, 20)
    images[2] = images[0]
    images[1] = images[0]
    images[1, 3, 3] ^= 1
    assert inspect_dataset(ArraySource("noise", images)).exact == ((0, 2),)


def test_palettes_tell_images_of_equal_indices_apart():
    image = Image.fromarray(noise(20, 20) // 64)
    one, other = image.convert("P"), image.convert("P")
    one.putpalette([0, 0, 0, 255, 0, 0, 0, 255, 0, 0, 0, 255])
    other.putpalette([0, 0, 0, 0, 0, 255, 255, 0, 0, 0, 255, 0])
    assert look(one).digest != look(other).digest
    assert look(one).digest == look(one.copy()).digest


def test_one_black_pixel_on_white_is_not_blank():
    image = Image.new("L", (28, 28), "white")
    assert look(image).is_blank
    image.putpixel((3, 4), 0)
    assert not look(image).is_blank


def test_aspects_and_what_cropping_loses():
    images = np.zeros((3, 20, 40, 3), np.uint8)
    seen = inspect_dataset(ArraySource("wide", images))
    assert seen.aspects() == pytest.approx([2.0, 2.0, 2.0])
    assert seen.lost_to_cropping((16, 16)) == pytest.approx([0.5] * 3)
    assert seen.lost_to_cropping((16, 64)) == pytest.approx([0.5] * 3)
    assert seen.lost_to_cropping((16, 32)) == pytest.approx([0.0] * 3)


def test_images_are_ordered_from_narrow_to_wide(tmp_path):
    for number, size in enumerate([(30, 20), (20, 40), (25, 25)]):
        Image.fromarray(noise(size[1], size[0])).save(tmp_path / f"{number}.png")
    assert inspect_dataset(open_source(str(tmp_path))).by_aspect == (1, 2, 0)


def test_a_limit_spreads_and_progress_ends_with_the_total():
    told = Notes()
    source = ArraySource("many", noise(700, 8, 8))
    seen = inspect_dataset(source, 300, reporter=told)
    assert (seen.count, seen.looked_at) == (700, 300)
    assert told.steps == [(number, 300) for number in range(1, 301)]


def test_nothing_readable_is_refused(tmp_path):
    (tmp_path / "1.png").write_bytes(b"<html>")
    with pytest.raises(DataError, match=r"none of 1 images can be read; the first is 1\.png"):
        inspect_dataset(open_source(str(tmp_path)))


def test_every_way_to_fit_is_shown_and_random_covers_differ():
    wide = np.tile(np.arange(240, dtype=np.uint8), (40, 1))[None]
    shown = fit_choices(ArraySource("wide", wide), [0], (40, 40), 1)
    assert {images.shape for images in shown.values()} == {(1, 1, 40, 40)}
    crop, pad, stretch, first, second = (images[0, 0, 20] for images in shown.values())
    assert list(crop) == list(range(100, 140))
    assert pad[0] < 10 and pad[-1] > 230 and shown["pad"][0, 0, 0, 0] == 255
    assert stretch[0] < 10 and stretch[-1] > 230
    assert list(np.diff(first)) == [1] * 39
    assert first[0] != second[0]


@pytest.mark.parametrize(("level", "is_transparent"), [(1000, True), (1001, False)])
def test_the_transparent_level_of_a_sixteen_bit_png_counts_as_transparent(level, is_transparent):
    pixels = np.full((20, 20), 65_535, np.uint16)
    pixels[5:10, 5:10] = 1000
    buffer = BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", transparency=level)
    assert look(decode(buffer.getvalue())).is_transparent == is_transparent


@pytest.mark.parametrize("count", [499, 600])
def test_classes_that_images_do_not_look_like_are_named(tmp_path, count):
    """The brightness says the color of an image, and nothing of its month."""
    random = np.random.default_rng(0)
    color, month = random.integers(2, size=(2, count))
    images = 60 + 120 * color[:, None, None] + random.integers(0, 60, (count, 16, 16))
    np.save(tmp_path / "images.npy", images.astype(np.uint8))
    rows = [f"{at},{('dark', 'light')[color[at]]},month {month[at]}" for at in range(count)]
    (tmp_path / "labels.csv").write_text("\n".join(["row,color,month", *rows]))
    source = open_source(tmp_path / "images.npy", labels=str(tmp_path / "labels.csv"))
    assert {"color", "month"} <= source.labels.keys()
    unlike = inspect_dataset(source).unlike
    assert list(unlike) == (["month"] if count == 600 else [])
    if unlike:
        assert unlike["month"].by_chance == pytest.approx(0.5, abs=0.02)
        assert unlike["month"].same == pytest.approx(0.5, abs=0.06)
