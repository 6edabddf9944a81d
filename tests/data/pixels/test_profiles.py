"""Color profiles: images look as their profile says, and damage to one costs only the profile."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO
from unittest.mock import Mock

import numpy as np
import pytest
from PIL import Image, ImageCms
from tests.conftest import Notes

from dcgan.data import open_items, open_source
from dcgan.data.pixels import decode as decoding
from dcgan.data.pixels.color import to_channels
from dcgan.data.pixels.decode import decode
from dcgan.data.pixels.profiles import DAMAGED, FOREIGN
from dcgan.data.pixels.remarks import listening
from dcgan.data.pixels.values import Values
from dcgan.data.store import load_dataset

D50 = np.array([0.9642, 1.0, 0.8249])
SRGB_TO_XYZ = np.array(
    [[0.4361, 0.3851, 0.1431], [0.2225, 0.7169, 0.0606], [0.0139, 0.0971, 0.7141]]
)
ADOBE_TO_XYZ = np.array(
    [[0.6097, 0.2053, 0.1492], [0.3111, 0.6257, 0.0632], [0.0195, 0.0609, 0.7446]]
)
"""Columns are the primaries of sRGB and Adobe RGB, adapted to D50 (Lindbloom)."""


def fixed(numbers) -> bytes:
    return b"".join(struct.pack(">i", round(float(n) * 65536)) for n in numbers)


def profile(space: bytes, tags: dict[bytes, bytes], *, kind=b"mntr", connection=b"XYZ ") -> bytes:
    """An ICC profile of version 2.1, laid out as the specification (ICC.1:2001-04) says."""
    text = b"made for a test\0"
    description = b"desc" + bytes(4) + struct.pack(">I", len(text)) + text + bytes(78)
    tags = {b"desc": description, b"cprt": b"text" + bytes(4) + text} | tags
    tags[b"wtpt"] = b"XYZ " + bytes(4) + fixed(D50)
    table, body = struct.pack(">I", len(tags)), b""
    for name, content in tags.items():
        table += struct.pack(">4sII", name, 132 + 12 * len(tags) + len(body), len(content))
        body += content + bytes(-len(content) % 4)
    size = 128 + len(table) + len(body)
    header = struct.pack(">I4xI4s4s4s12x4s", size, 0x02100000, kind, space, connection, b"acsp")
    header += bytes(28) + fixed(D50)
    return header.ljust(128, b"\0") + table + body


def curve(gamma: float) -> bytes:
    return b"curv" + bytes(4) + struct.pack(">IH", 1, round(gamma * 256)) + bytes(2)


def rgb_profile(to_xyz: np.ndarray, gamma: float) -> bytes:
    tags = {bytes([c]) + b"TRC": curve(gamma) for c in b"rgb"}
    for c, column in zip(b"rgb", to_xyz.T, strict=True):
        tags[bytes([c]) + b"XYZ"] = b"XYZ " + bytes(4) + fixed(column)
    return profile(b"RGB ", tags)


def gray_profile(gamma: float) -> bytes:
    return profile(b"GRAY", {b"kTRC": curve(gamma)})


def cmyk_profile() -> bytes:
    """Inks that make gray of lightness 100·(1-K)·(1-mean(C, M, Y)), whatever their color."""
    line = bytes(range(256))
    grid = b""
    for corner in range(16):
        c, m, y, k = (corner >> shift & 1 for shift in (3, 2, 1, 0))
        grid += bytes([round(255 * (1 - k) * (1 - (c + m + y) / 3)), 128, 128])
    identity = fixed(np.eye(3).ravel())
    lut = b"mft1" + bytes(4) + bytes([4, 3, 2, 0]) + identity + line * 4 + grid + line * 3
    return profile(b"CMYK", {b"A2B0": lut}, kind=b"prtr", connection=b"Lab ")


ADOBE = rgb_profile(ADOBE_TO_XYZ, 2.19921875)
GRAY = gray_profile(1.0)
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def encoded_srgb(linear: np.ndarray) -> np.ndarray:
    """IEC 61966-2-1."""
    linear = linear.clip(0, 1)
    curved = np.where(linear > 0.0031308, 1.055 * linear ** (1 / 2.4) - 0.055, 12.92 * linear)
    return 255 * curved


def adobe_in_srgb(color: np.ndarray) -> np.ndarray:
    linear = (color / 255.0) ** 2.19921875
    return encoded_srgb(linear @ (np.linalg.inv(SRGB_TO_XYZ) @ ADOBE_TO_XYZ).T)


def file(image: Image.Image, kind: str, icc: bytes | None, **options) -> bytes:
    buffer = BytesIO()
    image.save(buffer, kind, icc_profile=icc, **options)
    return buffer.getvalue()


def muted() -> np.ndarray:
    """Colors that sRGB can show, in Adobe RGB; large patches, which JPEG keeps."""
    tones = np.random.default_rng(0).integers(90, 170, (4, 4, 3))
    return tones.repeat(16, 0).repeat(16, 1).astype(np.uint8)


@pytest.fixture(params=["fast", "plain"])
def _either_decoder(request, monkeypatch):
    if request.param == "plain":
        monkeypatch.setattr(decoding, "_simplejpeg", lambda: None)


@pytest.mark.usefixtures("_either_decoder")
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_colors_are_those_that_the_profile_means(kind):
    options = {"JPEG": {"quality": 100, "subsampling": 0}, "WEBP": {"lossless": True}}
    data = file(Image.fromarray(muted()), kind, ADOBE, **options.get(kind, {}))
    seen = np.asarray(decode(data), float)[8::16, 8::16]
    expected = adobe_in_srgb(muted()[8::16, 8::16].astype(float))
    assert np.abs(expected - muted()[8::16, 8::16]).max() > 10
    np.testing.assert_allclose(seen, expected, atol=4 if kind == "JPEG" else 2)


def test_both_decoders_give_the_same_pixels(monkeypatch):
    pytest.importorskip("simplejpeg", reason="is the extra fast")
    big = Image.fromarray(muted()).resize((301, 203))
    data = [file(big, "JPEG", ADOBE), file(big.convert("L"), "JPEG", GRAY)]
    fast = [np.asarray(decode(one, (40, 40))) for one in data]
    monkeypatch.setattr(decoding, "_simplejpeg", lambda: None)
    for one, seen in zip(data, fast, strict=True):
        np.testing.assert_array_equal(np.asarray(decode(one, (40, 40))), seen)


def test_a_profile_in_several_pieces_is_read(monkeypatch):
    """A JPEG's segment holds 65,533 bytes, and a profile may be longer."""
    long = profile(b"GRAY", {b"kTRC": curve(1.0), b"zzzz": b"text" + bytes(150_000)})
    data = file(Image.new("L", (16, 16), 64), "JPEG", long)
    assert data.count(b"ICC_PROFILE\0") > 1
    seen = [decode(data).getpixel((4, 4))]
    monkeypatch.setattr(decoding, "_simplejpeg", lambda: None)
    seen.append(decode(data).getpixel((4, 4)))
    assert seen == pytest.approx([encoded_srgb(np.array(64 / 255))] * 2, abs=1)


@pytest.mark.parametrize("icc", [SRGB, rgb_profile(SRGB_TO_XYZ, 2.2)[:0] or None])
def test_srgb_and_no_profile_leave_every_value(icc):
    image = Image.fromarray(np.random.default_rng(0).integers(0, 256, (20, 20, 3), np.uint8))
    np.testing.assert_array_equal(np.asarray(decode(file(image, "PNG", icc))), np.asarray(image))


def test_images_in_srgb_keep_the_fast_decoder(monkeypatch):
    spy = Mock(wraps=pytest.importorskip("simplejpeg", reason="is the extra fast"))
    monkeypatch.setattr(decoding, "_simplejpeg", lambda: spy)
    opening = Mock(side_effect=AssertionError("Pillow opened it as well"))
    monkeypatch.setattr(decoding.Image, "open", opening)
    for icc in (SRGB, ADOBE):
        decode(file(Image.fromarray(muted()), "JPEG", icc))
    assert spy.decode_jpeg.call_count == 2


def test_gray_levels_follow_a_gray_profile():
    ramp = np.arange(0, 256, dtype=np.uint8)[None]
    seen = decode(file(Image.fromarray(ramp), "PNG", GRAY))
    assert seen.mode == "L"
    np.testing.assert_allclose(np.asarray(seen), encoded_srgb(ramp / 255.0), atol=2)


def test_sixteen_bit_grays_follow_one_too():
    ramp = np.arange(0, 65536, 257, dtype=np.uint16)[None]
    image = decode(file(Image.fromarray(ramp), "PNG", GRAY))
    seen = to_channels(image, 1, values=Values(integers=(0, 65535)))
    np.testing.assert_allclose(np.asarray(seen), encoded_srgb(ramp / 65535.0), atol=2)


def test_inks_become_what_is_printed():
    for inks, lightness in (((0, 0, 0, 128), 50), ((255, 0, 0, 0), 200 / 3), ((0, 0, 0, 255), 0)):
        image = decode(file(Image.new("CMYK", (8, 8), inks), "TIFF", cmyk_profile()))
        assert image.mode == "RGB"
        luminance = ((lightness + 16) / 116) ** 3 if lightness > 8 else lightness / 903.3
        np.testing.assert_allclose(np.asarray(image), encoded_srgb(np.array(luminance)), atol=3)


def test_transparency_survives():
    clear = Image.fromarray(muted()).convert("RGBA")
    clear.putalpha(77)
    seen = decode(file(clear, "PNG", ADOBE))
    assert seen.mode == "RGBA"
    assert seen.getchannel("A").getextrema() == (77, 77)
    expected = adobe_in_srgb(muted().astype(float))
    np.testing.assert_allclose(np.asarray(seen)[..., :3], expected, atol=2)
    gray = Image.new("LA", (4, 4), (64, 99))
    assert decode(file(gray, "PNG", GRAY)).getpixel((0, 0)) == (pytest.approx(137, abs=1), 99)


def test_a_transparent_color_stays_the_one_that_was_named():
    image = Image.new("RGB", (2, 1), (120, 100, 140))
    image.putpixel((1, 0), (10, 200, 30))
    seen = to_channels(decode(file(image, "PNG", ADOBE, transparency=(120, 100, 140))), 4)
    assert [seen.getpixel((x, 0))[3] for x in (0, 1)] == [0, 255]


def test_palettes_are_converted_and_keep_their_transparency():
    image = Image.new("P", (2, 1))
    image.putpalette([0, 0, 0, 150, 100, 120])
    image.putpixel((0, 0), 1)
    seen = decode(file(image, "PNG", ADOBE, transparency=0))
    color, black = (to_channels(seen, 4).getpixel((x, 0)) for x in (0, 1))
    expected = adobe_in_srgb(np.array([150.0, 100, 120]))
    np.testing.assert_allclose(color, [*expected, 255], atol=2)
    assert black[3] == 0


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP"])
@pytest.mark.parametrize("icc", [b"nonsense" * 20, ADOBE[:200], ADOBE[:20]])
def test_a_damaged_profile_is_said_and_ignored(kind, icc):
    image = Image.new("RGB", (16, 16), (150, 100, 120))
    with listening() as said:
        seen = decode(file(image, kind, icc))
    assert said == {DAMAGED}
    assert seen.getpixel((5, 5)) == pytest.approx((150, 100, 120), abs=3)


@pytest.mark.parametrize(
    ("mode", "icc"),
    [("RGB", GRAY), ("RGB", cmyk_profile()), ("CMYK", ADOBE), ("L", cmyk_profile())],
)
def test_a_profile_of_other_images_is_said_and_ignored(mode, icc):
    with listening() as said:
        seen = decode(file(Image.new(mode, (8, 8), 60), "TIFF", icc))
    assert said == {FOREIGN}
    assert seen.mode == mode


def test_a_gray_image_may_have_a_profile_of_colors():
    image = Image.new("L", (8, 8), 100)
    assert decode(file(image, "PNG", SRGB)).getpixel((0, 0)) == 100
    seen = decode(file(image, "PNG", rgb_profile(SRGB_TO_XYZ, 1.0)))
    assert seen.getpixel((0, 0)) == pytest.approx(encoded_srgb(np.array(100 / 255)), abs=2)


def test_images_from_python_are_converted():
    image = Image.open(BytesIO(file(Image.fromarray(muted()), "PNG", ADOBE)))
    seen = load_dataset(open_items([image, image]), (64, 64), 3).images[0]
    expected = adobe_in_srgb(muted().astype(float))
    np.testing.assert_allclose(np.moveaxis(seen, 0, 2), expected, atol=2)


def test_what_is_said_about_images_is_counted_and_told(tmp_path):
    for number in range(3):
        icc = b"nonsense" if number else None
        data = file(Image.fromarray(muted()), "PNG", icc)
        (tmp_path / f"{number}.png").write_bytes(data)
    told = Notes()
    load_dataset(open_source(str(tmp_path)), (16, 16), 3, reporter=told)
    assert told == [f"{DAMAGED}: 2 images, the first is 1.png"]


def chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def with_chunk(data: bytes, name: bytes, body: bytes, *, last: bool = False) -> bytes:
    """A PNG with one chunk more, before its pixels or after them."""
    place = data.index(b"IEND" if last else b"IDAT") - 4
    return data[:place] + chunk(name, body) + data[place:]


LONG = b"Comment\0\0" + zlib.compress(b"x" * 2_000_000)
"""More text than Pillow unpacks."""


@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize(
    ("name", "body"),
    [
        (b"zTXt", LONG),
        (b"iTXt", b"Comment\0\1\0\0\0" + zlib.compress(b"x" * 2_000_000)),
        (b"zTXt", b"Comment\0\7nonsense"),
        (b"tEXt", b"Comment\0" + b"x" * 3_000_000),
    ],
)
def test_no_text_makes_a_png_unreadable(name, body, last):
    exif = Image.Exif()
    exif[0x112] = 6
    plain = file(Image.fromarray(muted()[:32]), "PNG", ADOBE, exif=exif)
    data = with_chunk(plain, name, body, last=last)
    np.testing.assert_array_equal(np.asarray(decode(data)), np.asarray(decode(plain)))
    assert decoding.peek(data) == ("RGB", (64, 32))
    assert decoding.count_frames(data) == 1


def test_many_long_texts_do_not_either():
    data = file(Image.fromarray(muted()), "PNG", None)
    for _ in range(70):
        body = b"Comment\0\0" + zlib.compress(bytes(1_000_000))
        data = with_chunk(data, b"zTXt", body)
    np.testing.assert_array_equal(np.asarray(decode(data)), muted())


def test_a_large_profile_in_a_png_is_used():
    padded = profile(b"GRAY", {b"kTRC": curve(1.0), b"zzzz": b"text" + bytes(2_000_000)})
    data = file(Image.new("L", (8, 8), 64), "PNG", None)
    seen = decode(with_chunk(data, b"iCCP", b"gray\0\0" + zlib.compress(padded)))
    assert seen.getpixel((0, 0)) == pytest.approx(encoded_srgb(np.array(64 / 255)), abs=1)


def test_a_bomb_for_a_profile_costs_only_the_profile():
    data = file(Image.new("L", (8, 8), 64), "PNG", None)
    bomb = b"gray\0\0" + zlib.compress(bytes(50_000_000), 1)
    with listening() as said:
        assert decode(with_chunk(data, b"iCCP", bomb)).getpixel((0, 0)) == 64
    assert said == {DAMAGED}
