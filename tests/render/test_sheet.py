"""Sheets: every image where it belongs, pixel by pixel, and files that are whole or not there."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from dcgan.errors import DataError, DcganError
from dcgan.render.sheet import (
    Row,
    caption_font,
    captioned_rows,
    compose,
    enlarged,
    on_white,
    pillow_image,
    refuse_too_large,
    save_image,
    sheet,
    stacked,
)

GAP = 2
MODES = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}


def random_images(count: int, channels: int, height: int, width: int) -> np.ndarray:
    """No pixel is white, so that none is taken for paper."""
    random = np.random.default_rng(0)
    return random.integers(0, 255, (count, channels, height, width), dtype=np.uint8)


def pixels_of(image: Image.Image) -> np.ndarray:
    """(C, H, W), as the images are."""
    pixels = np.asarray(image)
    return pixels[None] if pixels.ndim == 2 else np.moveaxis(pixels, 2, 0)


@pytest.mark.parametrize("channels", MODES)
def test_one_image_becomes_a_image_of_the_same_pixels(channels):
    (image,) = random_images(1, channels, 5, 7)
    drawn = pillow_image(image)
    assert drawn.mode == MODES[channels]
    assert drawn.size == (7, 5)
    np.testing.assert_array_equal(pixels_of(drawn), image)


@pytest.mark.parametrize("channels", MODES)
@pytest.mark.parametrize("enlarge", [1, 3])
@pytest.mark.parametrize(("count", "columns"), [(1, 1), (5, 3), (6, 3), (4, 1)])
def test_every_image_lies_in_reading_order_on_white(channels, enlarge, count, columns):
    height, width = 4, 6
    images = random_images(count, channels, height, width)
    paper = pixels_of(sheet(images, columns=columns, side=width * enlarge)).copy()
    rows = -(-count // columns)
    assert paper.shape == (
        channels,
        rows * (height * enlarge + GAP) + GAP,
        columns * (width * enlarge + GAP) + GAP,
    )
    for index, image in enumerate(images):
        top = GAP + index // columns * (height * enlarge + GAP)
        left = GAP + index % columns * (width * enlarge + GAP)
        place = paper[:, top : top + height * enlarge, left : left + width * enlarge]
        for offset in np.ndindex(enlarge, enlarge):
            np.testing.assert_array_equal(
                place[:, offset[0] :: enlarge, offset[1] :: enlarge], image
            )
        place[:] = 255
    assert (paper == 255).all()


@pytest.mark.parametrize(
    ("count", "rows", "columns"), [(1, 1, 1), (2, 1, 2), (9, 3, 3), (10, 3, 4), (64, 8, 8)]
)
def test_there_are_about_as_many_columns_as_rows(count, rows, columns):
    drawn = sheet(random_images(count, 1, 64, 64))
    assert drawn.size == (columns * 66 + GAP, rows * 66 + GAP)


@pytest.mark.parametrize(
    ("height", "width", "factor"),
    [(8, 8, 8), (28, 28, 2), (16, 40, 2), (16, 48, 1), (10, 32, 2), (200, 9, 1)],
)
def test_small_images_are_enlarged_to_be_seen(height, width, factor):
    drawn = sheet(random_images(1, 1, height, width))
    assert drawn.size == (width * factor + 2 * GAP, height * factor + 2 * GAP)


def test_a_sheet_of_nothing_is_refused():
    with pytest.raises(DataError, match="at least one"):
        sheet(np.empty((0, 3, 8, 8), np.uint8))


@pytest.mark.parametrize(
    ("count", "options"),
    [(1, {"side": 18_000}), (9000, {"columns": 1}), (9000, {"columns": 9000})],
)
def test_a_sheet_that_no_viewer_opens_is_refused_with_the_cure(count, options):
    with pytest.raises(DataError, match=rf"{count} images .* 16000.*\.npz"):
        sheet(np.zeros((count, 1, 2, 2), np.uint8), **options)


@pytest.mark.parametrize("channels", MODES)
def test_a_saved_png_holds_the_same_pixels(tmp_path, channels):
    drawn = sheet(random_images(3, channels, 8, 8))
    path = tmp_path / "sheet.png"
    save_image(drawn, path)
    with Image.open(path) as read:
        assert read.format == "PNG"
        np.testing.assert_array_equal(pixels_of(read), pixels_of(drawn))


@pytest.mark.parametrize(("suffix", "kind"), [(".jpg", "JPEG"), (".WEBP", "WEBP"), (".gif", "GIF")])
def test_the_suffix_names_the_format(tmp_path, suffix, kind):
    save_image(sheet(random_images(3, 3, 8, 8)), tmp_path / f"sheet{suffix}")
    with Image.open(tmp_path / f"sheet{suffix}") as read:
        assert read.format == kind


def test_missing_folders_are_made_and_nothing_else_is_left(tmp_path):
    path = tmp_path / "new" / "deep" / "sheet.png"
    save_image(Image.new("L", (3, 3)), path)
    assert [file for file in tmp_path.rglob("*") if file.is_file()] == [path]


def test_an_older_image_is_replaced(tmp_path):
    path = tmp_path / "sheet.png"
    for tone in (10, 20):
        save_image(Image.new("L", (3, 3), tone), path)
    with Image.open(path) as read:
        assert read.getpixel((0, 0)) == 20
    assert list(tmp_path.iterdir()) == [path]


def fail_to_save(path) -> None:
    """PNG knows no floats."""
    with pytest.raises(OSError, match="cannot write mode"):
        save_image(Image.new("F", (3, 3)), path)


def test_a_image_that_cannot_be_written_leaves_the_older_one(tmp_path):
    path = tmp_path / "sheet.png"
    path.write_bytes(b"older")
    fail_to_save(path)
    assert path.read_bytes() == b"older"


def test_a_image_that_cannot_be_written_leaves_no_part_of_itself(tmp_path):
    fail_to_save(tmp_path / "sheet.png")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", [".pdf", ".bmp", ".jpg"])
@pytest.mark.parametrize("channels", MODES)
def test_transparency_is_white_in_a_format_without_it(tmp_path, channels, suffix):
    save_image(sheet(random_images(3, channels, 8, 8)), tmp_path / f"sheet{suffix}")
    assert (tmp_path / f"sheet{suffix}").stat().st_size > 100


@pytest.mark.parametrize("name", ["sheet", "sheet.xyz", "sheet.psd"])
def test_a_suffix_of_no_format_is_refused(tmp_path, name):
    with pytest.raises(DcganError, match="png"):
        save_image(Image.new("L", (3, 3)), tmp_path / name)


@pytest.mark.parametrize("channels", MODES)
def test_captions_stand_below_their_images_and_on_none(channels):
    images = random_images(5, channels, 30, 40)
    captions = ["7", "1,234", "", "0:12", "x"]
    paper = pixels_of(sheet(images, columns=2, side=40, captions=captions)).copy()
    cell = (paper.shape[1] - GAP) // 3
    assert cell > 30 + 10
    for index, image in enumerate(images):
        row, column = divmod(index, 2)
        top, left = row * cell + GAP, column * 42 + GAP
        np.testing.assert_array_equal(paper[:, top : top + 30, left : left + 40], image)
        below = paper[:1, top + 30 : top + cell - GAP, left : left + 40]
        assert (below < 200).any() == bool(captions[index])
        if channels in {2, 4}:
            assert (paper[-1, top + 30 : top + cell] == 255).all()


def test_rows_stand_above_each_other_and_go_on_below():
    top = np.arange(5, dtype=np.uint8)[:, None, None, None] * np.ones((1, 3, 16, 16), np.uint8)
    found = np.asarray(stacked([Row(top, list("abcde")), Row(top + 100, list("fghij"))], 2))
    cells = found[2::81][:6]  # six rows of sheets: of 64 pixels, a gap and a caption
    assert [row[2::66][:2, 0].tolist() for row in cells] == [
        [0, 1],
        [100, 101],
        [2, 3],
        [102, 103],
        [4, 255],
        [104, 255],
    ]


@pytest.mark.parametrize("count", [25, 49])
@pytest.mark.parametrize(("rows", "captions"), [(1, False), (1, True), (2, False), (2, True)])
def test_what_would_be_refused_once_drawn_is_refused_before(monkeypatch, count, rows, captions):
    image = np.zeros((count, 1, 16, 16), np.uint8)
    height = stacked([Row(image, ["x"] * count * captions)] * rows).height
    for most, is_refused in ((height - 1, True), (height, False)):
        monkeypatch.setattr("dcgan.render.sheet._MOST_SIDE", most)
        if is_refused:
            with pytest.raises(DataError, match="pixels; at most"):
                refuse_too_large(count, (16, 16), rows=rows, captions=captions)
        else:
            refuse_too_large(count, (16, 16), rows=rows, captions=captions)


def test_a_long_text_continues_over_empty_cells_and_is_shortened_before_the_next():
    image = Image.new("L", (30, 30), 0)

    def ink(*texts: str) -> list[bool]:
        """Whether there is text below each of three images."""
        paper = np.asarray(compose([[image] * 3, texts]))
        return [bool((paper[34:, left : left + 30] < 200).any()) for left in (2, 34, 66)]

    assert ink("a long text", "", "x") == [True, True, True]
    assert ink("a long text", "i", "") == [True, True, False]
    wide = compose([[image], ["a very long text that is wider than the images"]])
    assert wide.width > 100
    assert (np.asarray(wide)[:, -2:] == 255).all()


def test_titles_stand_above_their_rows():
    rows = {
        "first": np.zeros((3, 1, 32, 32), np.uint8),
        "second": np.full((3, 3, 32, 32), 90, np.uint8),
    }
    image = captioned_rows(rows)
    one_row = captioned_rows({"first": rows["first"]})
    assert image.height == 2 * one_row.height - GAP
    pixels = np.asarray(image)
    assert (pixels[one_row.height - 10, 10] == 0).all()
    assert (pixels[-10, 10] == 90).all()
    for top in (0, one_row.height):
        assert pixels[top : top + 15].min() < 100, "no title"
    with pytest.raises(DataError, match="at least one row"):
        captioned_rows({})


def test_pixels_stay_squares_unless_they_are_to_be_smooth():
    image = np.zeros((1, 2, 2), np.uint8)
    image[0, 0, 0] = 255
    sharp = np.asarray(enlarged(image, 8))
    assert set(np.unique(sharp)) == {0, 255}
    assert sharp.sum() == 16 * 255
    assert len(np.unique(np.asarray(enlarged(image, 8, smooth=True)))) > 2


def test_captions_have_letters_with_accents():
    font = caption_font(13)
    assert font.getmask("ä").getbbox() != font.getmask("\uffff").getbbox()


def test_transparent_images_are_laid_on_white():
    clear = Image.new("RGBA", (2, 2), (0, 0, 0, 0))
    assert on_white(clear).getpixel((0, 0)) == (255, 255, 255)
    assert on_white(Image.new("L", (2, 2), 7)).getpixel((0, 0)) == (7, 7, 7)
