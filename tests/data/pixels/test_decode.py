"""Decoding: every mode by rule, upright, and a reason for whatever is no picture."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image

from dcgan.data.pixels.color import to_channels
from dcgan.data.pixels.decode import EXTENSIONS, decode, peek
from dcgan.data.pixels.values import Values
from dcgan.errors import UnreadableImage

RED = (200, 100, 50)
RED_GRAY = 124  # 0.299 · 200 + 0.587 · 100 + 0.114 · 50, ITU-R 601-2
BLUE_PAPER = "#0a14fa"
BLUE = (10, 20, 250)


def encode(image: Image.Image, kind: str, **options) -> bytes:
    buffer = BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def pixel(image: Image.Image):
    return image.getpixel((0, 0))


def over(color: tuple[int, ...], alpha: int, paper: tuple[int, ...]) -> np.ndarray:
    """Porter and Duff's "over" on an opaque background."""
    share = alpha / 255
    return np.array(color) * share + np.array(paper) * (1 - share)


def palette_image() -> Image.Image:
    """One pixel row: entry 0 is black, entry 1 is RED."""
    image = Image.new("P", (2, 1))
    image.putpalette([0, 0, 0, *RED])
    image.putpixel((0, 0), 1)
    return image


FULL = Values(integers=(0, 65535), floats=(0, 1))

MODES = {
    "L": (Image.new("L", (1, 1), 77), 77, (77, 77, 77), 255),
    "LA": (Image.new("LA", (1, 1), (77, 255)), 77, (77, 77, 77), 255),
    "RGB": (Image.new("RGB", (1, 1), RED), RED_GRAY, RED, 255),
    "RGBA": (Image.new("RGBA", (1, 1), (*RED, 255)), RED_GRAY, RED, 255),
    "P": (palette_image(), RED_GRAY, RED, 255),
    "1": (Image.new("1", (1, 1), 1), 255, (255, 255, 255), 255),
    "CMYK": (Image.new("CMYK", (1, 1), (55, 155, 205, 0)), RED_GRAY, RED, 255),
    "I;16": (Image.fromarray(np.full((1, 1), 77 * 257, np.uint16)), 77, (77,) * 3, 255),
    "I": (Image.fromarray(np.full((1, 1), 77 * 257, np.int32)), 77, (77,) * 3, 255),
    "F": (Image.fromarray(np.full((1, 1), 77 / 255, np.float32)), 77, (77,) * 3, 255),
}


@pytest.mark.parametrize("mode", MODES)
def test_every_mode_becomes_every_number_of_channels(mode):
    image, gray, color, alpha = MODES[mode]
    assert image.mode == mode
    wanted = {
        1: ("L", gray),
        2: ("LA", (gray, alpha)),
        3: ("RGB", color),
        4: ("RGBA", (*color, alpha)),
    }
    for channels, (name, value) in wanted.items():
        converted = to_channels(image, channels, values=FULL)
        assert (converted.mode, pixel(converted)) == (name, value)


@pytest.mark.parametrize("alpha", [0, 64, 128, 255])
@pytest.mark.parametrize("paper", [("#ffffff", (255, 255, 255)), (BLUE_PAPER, BLUE)])
def test_alpha_is_laid_on_the_background_when_none_is_asked_for(alpha, paper):
    name, value = paper
    image = Image.new("RGBA", (1, 1), (*RED, alpha))
    color = over(RED, alpha, value)
    np.testing.assert_allclose(pixel(to_channels(image, 3, name)), color, atol=1)
    gray = color @ (0.299, 0.587, 0.114)
    assert pixel(to_channels(image, 1, name)) == pytest.approx(gray, abs=1.5)


def test_the_ends_of_alpha_are_exact():
    clear, solid = (Image.new("RGBA", (1, 1), (*RED, alpha)) for alpha in (0, 255))
    assert pixel(to_channels(clear, 3, BLUE_PAPER)) == BLUE
    assert pixel(to_channels(solid, 3, BLUE_PAPER)) == RED


def test_gray_with_alpha_is_laid_on_a_colored_background():
    half = Image.new("LA", (1, 1), (100, 128))
    assert pixel(to_channels(half, 3, "#000000")) == (50, 50, 50)
    np.testing.assert_allclose(
        pixel(to_channels(half, 3, BLUE_PAPER)), over((100,) * 3, 128, BLUE), atol=1
    )


def test_alpha_is_kept_when_asked_for():
    image = Image.new("RGBA", (1, 1), (*RED, 64))
    assert pixel(to_channels(image, 4, BLUE_PAPER)) == (*RED, 64)
    assert pixel(to_channels(image, 2, BLUE_PAPER)) == (RED_GRAY, 64)


@pytest.mark.parametrize("kind", ["PNG", "GIF"])
def test_a_transparent_palette_entry_shows_the_background(kind):
    image = decode(encode(palette_image(), kind, transparency=1))
    assert image.mode == "P"
    assert pixel(to_channels(image, 3, BLUE_PAPER)) == BLUE
    assert to_channels(image, 3, BLUE_PAPER).getpixel((1, 0)) == (0, 0, 0)
    assert pixel(to_channels(image, 4, BLUE_PAPER)) == (*RED, 0)
    assert pixel(to_channels(image, 2, BLUE_PAPER)) == (RED_GRAY, 0)


def test_palette_entries_may_be_half_transparent():
    image = decode(encode(palette_image(), "PNG", transparency=bytes([255, 128])))
    assert pixel(to_channels(image, 4)) == (*RED, 128)
    np.testing.assert_allclose(
        pixel(to_channels(image, 3, BLUE_PAPER)), over(RED, 128, BLUE), atol=1
    )


@pytest.mark.parametrize(
    ("image", "transparent", "channels", "background"),
    [
        (Image.new("RGB", (1, 1), RED), RED, 3, BLUE),
        (Image.new("RGB", (1, 1), RED), RED, 1, 43),
        (Image.new("L", (1, 1), 77), 77, 3, BLUE),
        (Image.new("L", (1, 1), 77), 77, 1, 43),
    ],
)
def test_the_transparent_color_of_a_png_shows_the_background(
    image, transparent, channels, background
):
    """A PNG without an alpha channel may still name one color that is transparent."""
    decoded = decode(encode(image, "PNG", transparency=transparent))
    assert pixel(to_channels(decoded, channels, BLUE_PAPER)) == background


def test_sixteen_bit_grays_are_scaled_and_not_clipped():
    deep = np.array([[0, 128, 257, 32768, 65535]], np.uint16)
    for kind in ("PNG", "TIFF"):
        image = decode(encode(Image.fromarray(deep), kind))
        assert image.mode.startswith("I")
        np.testing.assert_array_equal(to_channels(image, 1), [[0, 0, 1, 128, 255]])


def test_lab_colors_are_not_taken_for_transparent():
    """The A of LAB is a color axis."""
    dark = decode(encode(Image.new("LAB", (3, 3), (0, 128, 128)), "TIFF"))
    assert dark.mode == "LAB"
    assert max(pixel(to_channels(dark, 3, "#ffffff"))) < 10


def stamp() -> Image.Image:
    """Three wide, two high, every pixel different enough to survive JPEG."""
    tones = np.array([[0, 50, 100], [150, 200, 250]], np.uint8)
    return Image.fromarray(tones.repeat(16, 0).repeat(16, 1))


UPRIGHT = {
    1: lambda a: a,
    2: np.fliplr,
    3: lambda a: np.rot90(a, 2),
    4: np.flipud,
    5: np.transpose,
    6: lambda a: np.rot90(a, -1),
    7: lambda a: np.rot90(a, 2).T,
    8: np.rot90,
}
"""What a viewer does for each orientation, as the EXIF standard defines it."""


@pytest.mark.parametrize("orientation", UPRIGHT)
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_images_come_upright(kind, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encode(stamp(), kind, exif=exif)
    image = decode(data).convert("L")
    assert peek(data)[1] == (image.height, image.width)
    wanted = UPRIGHT[orientation](np.asarray(stamp()))
    assert image.size == (wanted.shape[1], wanted.shape[0])
    centers = np.asarray(image, int)[8::16, 8::16]
    np.testing.assert_allclose(centers, wanted[8::16, 8::16], atol=6)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF", "PPM", "TGA"])
def test_every_listed_format_opens(kind):
    options = {"lossless": True} if kind == "WEBP" else {}
    image = decode(encode(Image.new("RGB", (8, 6), RED), kind, **options))
    assert image.size == (8, 6)
    np.testing.assert_allclose(pixel(to_channels(image, 3)), RED, atol=2)
    assert "." + kind.lower() in EXTENSIONS


def test_only_the_first_frame_counts():
    first, second = Image.new("RGB", (4, 4), RED), Image.new("RGB", (4, 4), BLUE)
    image = decode(encode(first, "GIF", save_all=True, append_images=[second]))
    assert pixel(to_channels(image, 3)) == RED


def noise() -> Image.Image:
    random = np.random.default_rng(0)
    return Image.fromarray(random.integers(0, 256, (40, 40, 3), dtype=np.uint8))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF"])
@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_a_truncated_image_is_unreadable(kind, share):
    whole = encode(noise(), kind)
    with pytest.raises(UnreadableImage) as failure:
        decode(whole[: int(len(whole) * share)])
    assert str(failure.value)
    assert "\n" not in str(failure.value)


def test_a_damaged_png_is_unreadable():
    whole = bytearray(encode(noise(), "PNG"))
    whole[len(whole) // 2] ^= 0xFF
    with pytest.raises(UnreadableImage, match="damaged"):
        decode(bytes(whole))


def test_an_empty_file_says_so():
    with pytest.raises(UnreadableImage, match="empty"):
        decode(b"")


@pytest.mark.parametrize("data", [b"<html>404 Not Found</html>", b"no picture at all\n" * 50])
def test_text_is_no_image_and_the_formats_are_named(data):
    with pytest.raises(UnreadableImage, match=r"JPEG.*PNG"):
        decode(data)


@pytest.mark.parametrize("kind", ["ICO", "PCX", "SGI", "EPS", "PDF"])
def test_formats_that_are_not_listed_are_refused(kind):
    with pytest.raises(UnreadableImage, match="not an image file"):
        decode(encode(Image.new("RGB", (16, 16), RED), kind))


def png_of(width: int, height: int) -> bytes:
    """The beginning of a PNG that claims a size."""

    def chunk(name: bytes, body: bytes) -> bytes:
        check = zlib.crc32(name + body)
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", check)

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    content = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(99)))
    return b"\x89PNG\r\n\x1a\n" + content + chunk(b"IEND", b"")


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("side", [9_460, 12_000, 60_000])
def test_a_decompression_bomb_is_refused_by_its_header(side):
    with pytest.raises(UnreadableImage, match=r"too (large|many pixels)"):
        decode(png_of(side, side))


def test_a_tiff_whose_tags_have_wrong_types_is_unreadable():
    data = encode(Image.new("L", (4, 4), 77), "TIFF")
    strip_offsets = struct.pack("<HHI", 273, 4, 1)
    assert strip_offsets in data
    with pytest.raises(UnreadableImage):
        decode(data.replace(strip_offsets, struct.pack("<HHI", 273, 7, 1)))


def image_or_reason(data: bytes) -> None:
    """Any other exception fails the test that calls this."""
    try:
        image = decode(data)
    except UnreadableImage:
        return
    assert to_channels(image, 3).mode == "RGB"


@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow also warns of some damage
@settings(max_examples=50, deadline=None)
@given(st.binary(max_size=400))
@example(b"\x89PNG\r\n\x1a\n")
@example(b"\xff\xd8\xff\xe0")
@example(b"GIF89a")
@example(b"RIFF\x04\x00\x00\x00WEBP")
@example(b"II*\x00\x08\x00\x00\x00")
@example(b"BM")
@example(b"P6 9 9 255\n")
@example(b"\x00\x01\x01" + bytes(60))
def test_any_bytes_are_a_image_or_unreadable(data):
    image_or_reason(data)


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "BMP", "WEBP", "PPM", "TGA"])
def test_altered_images_are_images_or_unreadable(kind):
    """Every kind of damage that Pillow reports in its own way: some bytes of the header changed."""
    random = np.random.default_rng(0)
    whole = np.frombuffer(encode(Image.new("RGB", (9, 7), RED), kind), np.uint8)
    for _ in range(600):
        data = whole.copy()
        places = random.integers(min(len(data), 60), size=random.integers(1, 5))
        data[places] = random.choice([0, 1, 10, 32, 128, 255, random.integers(256)], len(places))
        image_or_reason(data.tobytes())
