"""Pictures that are decoded smaller because they will be shrunk: never too small, hardly other."""

from __future__ import annotations

from io import BytesIO
from unittest.mock import Mock

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image
from sklearn.datasets import load_sample_image

from dcgan.data import open_items
from dcgan.data.image_view import View
from dcgan.data.pixels import decode as decoding
from dcgan.data.pixels.color import to_channels
from dcgan.data.pixels.decode import count_frames, decode, is_image
from dcgan.data.pixels.fit import fit
from dcgan.errors import UnreadableImage


def scene(width: int, height: int, mode: str = "RGB") -> Image.Image:
    """Smooth colors with stripes, edges and grain upon them."""
    y, x = np.mgrid[0:height, 0:width] / max(width, height)
    stripes = 25 * np.sign(np.sin(60 * x + 25 * y))
    smooth = np.stack([250 * x, 250 * y, 125 + 120 * np.sin(5 * x * y)], axis=2)
    grain = np.random.default_rng(0).normal(0, 8, (height, width, 1))
    pixels = (0.8 * smooth + 25 + stripes[:, :, None] + grain).clip(0, 255).astype(np.uint8)
    return Image.fromarray(pixels).convert(mode)


def encode(image: Image.Image, kind: str = "JPEG", **options) -> bytes:
    buffer = BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


@pytest.fixture
def pillow_only(monkeypatch):
    """As where the optional decoder is not installed."""
    monkeypatch.setattr(decoding, "_simplejpeg", lambda: None)


SIDES = st.integers(1, 400)


@settings(max_examples=60, deadline=None)
@given(SIDES, SIDES, st.tuples(SIDES, SIDES), st.integers(1, 8))
@example(400, 400, (1, 1), 1)
@example(1, 400, (16, 16), 6)
@example(401, 399, (39, 40), 8)
@example(400, 160, (64, 64), 5)
def test_enough_is_left_to_shrink(width, height, wanted, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encode(Image.new("RGB", (width, height), (200, 100, 50)), exif=exif)
    full, image = decode(data), decode(data, wanted)
    if image.size == full.size:
        return
    for side, whole, least in zip(image.size, full.size, wanted[::-1], strict=True):
        assert side >= 1.25 * least
        assert side in {-(-whole // 2), -(-whole // 4), -(-whole // 8)}
    draft = image.info.get("draft")
    assert (draft.width, draft.height) == full.size
    assert image.size == tuple(-(-side // draft.by) for side in full.size)


@pytest.mark.parametrize("kind", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"subsampling": 0}])
def test_large_jpegs_are_decoded_at_a_part_of_their_size(kind, options):
    data = encode(scene(800, 640, kind), **options)
    sizes = {side: decode(data, (side, side)).size for side in (500, 256, 128, 64)}
    assert sizes == {500: (800, 640), 256: (400, 320), 128: (200, 160), 64: (100, 80)}
    assert decode(data, (64, 64)).mode == kind


@pytest.mark.parametrize("orientation", range(1, 9))
def test_smaller_images_come_upright_too(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encode(scene(640, 480), exif=exif, quality=95)
    full, image = decode(data), decode(data, (32, 64))
    assert image.width < full.width
    assert (image.width > image.height) == (full.width > full.height) == (orientation < 5)
    seen, wanted = (np.asarray(one.resize((16, 16)), float) for one in (image, full))
    assert np.abs(seen - wanted).mean() < 6


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize("size", [(64, 64), (32, 48), (100, 30)])
@pytest.mark.parametrize("how", ["crop", "pad", "stretch"])
def test_what_is_shown_hardly_differs(mode, size, how):
    """At least a quarter larger than needed, a picture is resized much as from its full size."""
    data = encode(scene(701, 523, mode), quality=92)
    channels = 1 if mode == "L" else 3
    shown = [
        np.asarray(fit(to_channels(image, channels), size, how), float)
        for image in (decode(data), decode(data, size))
    ]
    assert np.abs(shown[0] - shown[1]).mean() < 4
    assert decode(data, size).width < 701


def photographs() -> list[Image.Image]:
    """Pieces of two photographs, of sides that are no multiples of anything."""
    random = np.random.default_rng(0)
    whole = [Image.fromarray(load_sample_image(name)) for name in ("china.jpg", "flower.jpg")]
    pieces = []
    for number in range(40):
        width, height = random.integers(170, 400, 2).tolist()
        left, top = (int(random.integers(0, most)) for most in (641 - width, 428 - height))
        pieces.append(whole[number // 2 % 2].crop((left, top, left + width, top + height)))
    return pieces


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("how", ["crop", "pad", "stretch"])
def test_a_photograph_is_the_same_image_as_jpeg_and_as_png(how, orientation):
    """Within 1.5 of 255 levels on average, 4 for the worst, of which JPEG itself makes half."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    differences = []
    for piece in photographs()[:: 2 if orientation == 1 else 7]:
        files = (
            encode(piece, "JPEG", quality=92, exif=exif),
            encode(piece, "PNG", exif=exif, compress_level=1),
        )
        source = open_items(list(files))
        view = View((64, 64), 3, how)
        jpeg, png = (view.of(source, number).astype(float) for number in (0, 1))
        differences.append(np.abs(jpeg - png).mean())
    assert np.mean(differences) < 1.5
    assert max(differences) < 4


def test_a_photograph_is_shown_where_it_was():
    """Not shifted, not even by a part of a pixel: a draft's last column stands for less."""
    shifts = []
    for width in range(257, 272):  # 1 to 15 more than whole pixels of a draft at 1/8
        bright = np.abs(np.arange(width) - (width - 1) / 2) < width / 4
        row = np.where(bright, 200, 50).astype(np.uint8)
        data = encode(Image.fromarray(np.tile(row, (256, 1))), quality=95)
        image = View((16, 16), 1, "stretch").of(open_items([data]), 0)[0].mean(axis=0) - 50.0
        shifts.append((image * np.arange(16)).sum() / image.sum() - 7.5)
    assert np.abs(shifts).max() < 0.02


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF", "BMP", "GIF"])
def test_other_formats_are_decoded_in_full(kind):
    data = encode(scene(300, 200), kind)
    assert decode(data, (16, 16)).size == (300, 200)


@settings(max_examples=40, deadline=None)
@given(
    st.integers(1, 150),
    st.integers(1, 150),
    st.sampled_from(["RGB", "L"]),
    st.sampled_from([None, (4, 4), (9, 17), (30, 20)]),
    st.sampled_from([{}, {"progressive": True}, {"subsampling": 0}, {"subsampling": 1}]),
)
@example(1, 1, "RGB", None, {})
@example(1, 1, "L", (4, 4), {})
@example(149, 151, "RGB", (4, 4), {})
@example(17, 150, "RGB", None, {"subsampling": 1})
@example(64, 64, "RGB", (4, 4), {"keep_rgb": True})
@example(64, 64, "RGB", (4, 4), {"restart_marker_blocks": 1})
def test_both_decoders_give_the_same_pixels(width, height, mode, wanted, options):
    pytest.importorskip("simplejpeg", reason="is the extra fast")
    data = encode(scene(width, height, mode), **options)
    fast = decode(data, wanted)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(decoding, "_simplejpeg", lambda: None)
        slow = decode(data, wanted)
    assert (fast.mode, fast.size) == (slow.mode, slow.size)
    np.testing.assert_array_equal(np.asarray(fast), np.asarray(slow))


def test_the_faster_decoder_is_used_where_it_is_installed(monkeypatch):
    spy = Mock(wraps=pytest.importorskip("simplejpeg", reason="is the extra fast"))
    monkeypatch.setattr(decoding, "_simplejpeg", lambda: spy)
    assert decode(encode(scene(320, 240)), (32, 32)).size == (80, 60)
    spy.decode_jpeg.assert_called_once()


def test_a_profile_without_content_has_the_same_reason_in_both_decoders():
    pytest.importorskip("simplejpeg", reason="is the extra fast")
    data = encode(scene(20, 30))
    empty = b"\xff\xe2\x00\x0eICC_PROFILE\0"
    data = data[:2] + empty + data[2:]
    reasons = []
    for module in (decoding._simplejpeg(), None):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(decoding, "_simplejpeg", lambda module=module: module)
            with pytest.raises(UnreadableImage) as caught:
                decode(data)
        reasons.append(str(caught.value))
    assert reasons[0] == reasons[1]


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize("wanted", [None, (16, 16)])
@pytest.mark.parametrize("share", [0.02, 0.2, 0.5, 0.9, 0.99])
def test_jpegs_that_are_cut_off_have_a_reason(mode, wanted, share):
    data = encode(scene(200, 150, mode))
    with pytest.raises(UnreadableImage, match=r"(?i)damaged: .*truncated|not an image file"):
        decode(data[: int(share * len(data))], wanted)


@pytest.mark.parametrize("wanted", [None, (16, 16)])
@pytest.mark.parametrize("share", [0.02, 0.2, 0.5, 0.9, 0.99])
def test_jpegs_that_are_cut_off_have_a_reason_without_the_faster_decoder(
    pillow_only, wanted, share
):
    data = encode(scene(200, 150))
    with pytest.raises(UnreadableImage, match=r"(?i)damaged: .*truncated|not an image file"):
        decode(data[: int(share * len(data))], wanted)


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("wanted", [None, (8, 8)])
def test_altered_jpegs_fare_alike_with_both_decoders(monkeypatch, wanted):
    """What one decoder mends, the other need not see: none may fail but with a reason."""
    random = np.random.default_rng(0)
    whole = np.frombuffer(encode(scene(60, 44)), np.uint8)
    for step_plan in range(300):
        data = whole.copy()
        data[random.integers(2, len(data), 3)] = random.integers(256, size=3)
        if step_plan == 150:
            monkeypatch.setattr(decoding, "_simplejpeg", lambda: None)
        try:
            assert min(decode(data.tobytes(), wanted).size) > 0
        except UnreadableImage:
            continue


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF"])
def test_the_first_bytes_tell_a_image(kind):
    data = encode(scene(9, 7), kind)
    assert is_image(data[:16])
    assert not is_image(data[:1])
    assert not is_image(b"x" + data[:15])


@pytest.mark.parametrize(
    "data", [b"", b"RIFF", b"RIFF\4\0\0\0WAVEfmt ", b"<html>", b"%PDF-1.7", b"II"]
)
def test_the_first_bytes_of_other_files_tell_none(data):
    assert not is_image(data)


@pytest.mark.parametrize("data", [b"", b"text", b"GIF89a", encode(scene(9, 7), "PNG")[:40]])
def test_what_cannot_be_read_counts_one_frame(data):
    assert count_frames(data) == 1
