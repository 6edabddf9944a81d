"""Values of more than 8 bits: black and white are decided by the dataset, and said."""

from __future__ import annotations

from io import BytesIO
from itertools import count

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import zoom
from tests.conftest import Notes

from dcgan.data import load_dataset, open_items, open_source
from dcgan.data.colour import to_channels
from dcgan.data.decode import decode
from dcgan.data.remarks import listening
from dcgan.data.survey import values_of
from dcgan.data.values import Values, written
from dcgan.errors import DataError, UnreadableImage


def smooth(number: int, side: int = 24) -> np.ndarray:
    """A field in 0 to 1 that reaches both ends."""
    field = zoom(np.random.default_rng(number).random((4, 4)), side / 4, order=1)
    return (field - field.min()) / (field.max() - field.min())


@pytest.fixture
def write(tmp_path):
    """Save arrays as files of a folder; gives the folder as a source."""
    numbers = count()

    def write(arrays, kind="tif"):
        for array in arrays:
            Image.fromarray(array).save(tmp_path / f"{next(numbers):04d}.{kind}")
        return open_source(str(tmp_path))

    return write


def levels(source, **options) -> np.ndarray:
    values = values_of(source)
    return load_dataset(source, (24, 24), 1, values=values, **options).images[:, 0]


@pytest.mark.parametrize(
    ("low", "high"), [(0, 1), (-1, 1), (0, 255), (-0.9, 0.95), (0, 0.5), (0, 1.0003)]
)
def test_floats_are_scaled_by_the_range_of_all(write, low, high):
    fields = [low + (high - low) * smooth(number) for number in range(6)]
    fields[3] = low + (high - low) * (0.4 + 0.2 * smooth(3))  # an image that holds little of it
    seen = levels(write(field.astype(np.float32) for field in fields))
    black, white = next(
        one for one in ((0, 1), (-1, 1), (0, 255)) if low >= one[0] - 1e-3 and high <= one[1] + 1e-3
    )
    for field, level in zip(fields, seen, strict=True):
        expected = (255 * (field - black) / (white - black)).clip(0, 255)
        np.testing.assert_allclose(level, expected, atol=0.51)


def test_overshoot_of_resizing_makes_no_image_black(write):
    """Bicubic resizing of checks goes beyond 0 and 1."""
    checks = np.kron(np.indices((8, 8)).sum(0) % 2, np.ones((4, 4)))
    sharp = [
        np.asarray(Image.fromarray((share * checks).astype(np.float32)).resize((24, 24), 3))
        for share in np.linspace(0.5, 1, 20)
    ]
    assert max(one.max() for one in sharp) > 1.02 and min(one.min() for one in sharp) < -0.02
    told = Notes()
    source = write(sharp)
    seen = load_dataset(source, (24, 24), 1, values=values_of(source), reporter=told).images
    assert seen.mean(axis=(1, 2, 3)) == pytest.approx(255 * np.linspace(0.25, 0.5, 20), rel=0.03)
    assert told == ["values outside 0 to 1 are black or white: 20 images, the first is 0000.tif"]


@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
@pytest.mark.parametrize(
    ("kind", "dtype"), [("png", np.uint16), ("tif", np.uint16), ("tif", np.int32)]
)
def test_integers_have_the_white_of_their_bits(write, bits, kind, dtype):
    white = 2**bits - 1
    fields = [smooth(number) * (0.97 if number else 0.2) for number in range(4)]
    seen = levels(write([(white * field).round().astype(dtype) for field in fields], kind))
    np.testing.assert_allclose(seen, 255 * np.stack(fields), atol=0.76)


@pytest.mark.parametrize("dtype", [np.uint16, np.int32, np.float32])
def test_masks_of_zero_and_one_are_black_and_white(write, dtype):
    seen = levels(write([(smooth(n) > 0.5).astype(dtype) for n in range(3)]))
    assert set(np.unique(seen)) == {0, 255}


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ([np.float32([[0, 5.25]])], r"floats from 0 to 5.25: .*--data.float-range=0:5.25"),
        ([np.float32([[-9999, 0.5]])], r"floats from -9999 to 0.5"),
        ([np.float32([[0, 0.01]])], r"floats from 0 to 0.01"),
        ([np.int32([[-1024, 3071]])], r"from -1024 to 3071: .*--data.integer-range=-1024:3071"),
        ([np.int32([[0, 100_000]])], r"from 0 to 100000"),
        ([np.uint16([[0, 9]])], r"from 0 to 9"),
    ],
)
def test_values_that_do_not_tell_are_refused_in_one_line(write, arrays, words):
    with pytest.raises(DataError, match=words):
        values_of(write(arrays))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_an_image_with_a_value_that_is_no_number_is_skipped_alone(write, bad):
    fields = [smooth(number).astype(np.float32) for number in range(5)]
    fields[2][3, 4] = bad
    source = write(fields)
    dataset = load_dataset(source, (24, 24), 1, values=values_of(source), max_unreadable=0.5)
    ((title, reason),) = [(one.title, one.reason) for one in dataset.skipped]
    assert title == "0002.tif" and "infinite or not a number" in reason
    good = [field for field in fields if np.isfinite(field).all()]
    np.testing.assert_allclose(dataset.images[:, 0], 255 * np.stack(good), atol=0.51)


def test_integers_and_floats_of_one_dataset_have_a_range_each(write):
    field = smooth(0)
    write([(4095 * field).round().astype(np.uint16)], "png")
    source = write([(2 * field - 1).astype(np.float32)])
    assert values_of(source) == Values(integers=(0, 4095), floats=(-1, 1))
    np.testing.assert_allclose(levels(source), [255 * field] * 2, atol=0.76)


def test_a_dataset_of_eight_bits_has_no_range(write):
    assert values_of(write([smooth(0).astype(np.uint8)], "png")) == Values()
    assert values_of(open_source("digits")) == Values()


def test_a_given_range_wins_over_what_the_images_tell(write):
    source = write([np.float32([[0, 5.25]])])
    assert values_of(source, Values(floats=(0, 10))) == Values(floats=(0, 10))


def test_sixteen_bits_that_nobody_saw_are_taken_whole_and_floats_are_not_guessed():
    deep = Image.fromarray(np.uint16([[0, 32768, 65535]]))
    np.testing.assert_array_equal(to_channels(deep, 1), [[0, 128, 255]])
    for array in (np.float32([[0, 1]]), np.int32([[0, 1]])):
        with pytest.raises(UnreadableImage, match=r"set data\.(float|integer)_range"):
            to_channels(Image.fromarray(array), 1)


def test_the_range_is_the_same_however_many_images_are_read_and_in_any_order(write):
    """The survey is spread evenly, so that the brightest images at the end are seen, too."""
    fields = [(smooth(n) * (0.01 if n < 290 else 1)).astype(np.float32) for n in range(300)]
    source = write(fields)
    assert values_of(source) == values_of(source) == Values(floats=(0, 1))


def test_a_stray_of_unknown_range_is_skipped_and_refuses_nothing(write):
    write([smooth(number).astype(np.uint8) for number in range(39)], "png")
    source = write([np.float32([[0, 5.25]])])
    dataset = load_dataset(source, (24, 24), 1, values=values_of(source))
    assert [one.title for one in dataset.skipped] == ["0039.tif"]
    assert "set data.float_range" in dataset.skipped[0].reason


def test_without_a_given_range_images_are_taken_by_that_of_their_dataset(write):
    fields = [2 * smooth(number) - 1 for number in range(3)] + [0.5 * smooth(3)]
    source = write([field.astype(np.float32) for field in fields])
    expected = 255 * (np.stack(fields) + 1) / 2
    for memory in (None, 0):
        dataset = load_dataset(source, (24, 24), 1, memory=memory)
        seen = dataset.take(np.arange(4), np.full(4, 0.5)).numpy()[:, 0]
        np.testing.assert_allclose(seen, expected, atol=0.51)


def test_a_rim_of_overshoot_is_said_and_rounding_is_not(write):
    image = Image.fromarray(np.float32([[-0.001, 1.001]]))
    with listening() as said:
        to_channels(image, 1, values=Values(floats=(0, 1)))
    assert said == set()


def test_the_transparent_level_of_a_sixteen_bit_png_is_transparent():
    image = Image.fromarray(np.uint16([[1000, 50_000, 1001]]))
    buffer = BytesIO()
    image.save(buffer, "PNG", transparency=1000)
    decoded = decode(buffer.getvalue())
    assert decoded.mode == "I;16"
    with_alpha = to_channels(decoded, 2)
    assert [with_alpha.getpixel((x, 0)) for x in range(3)] == [(4, 0), (195, 255), (4, 255)]
    laid = to_channels(decoded, 3, "#0a14fa")
    assert [laid.getpixel((x, 0)) for x in range(2)] == [(10, 20, 250), (195, 195, 195)]


def test_arrays_of_python_are_as_before():
    dataset = load_dataset(open_items(np.zeros((2, 20, 20), np.float32)), (20, 20), 1)
    assert dataset.images.max() == 0


def test_ranges_are_written_as_they_are_typed():
    assert written((-1.0, 0.1), ":") == "-1:0.1"
