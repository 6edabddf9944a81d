"""Nearest real pictures, against every distance written out."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from dcgan.errors import ConfigError
from dcgan.evaluation import real_images
from dcgan.evaluation.nearest import nearest_real, neighbor_of
from dcgan.latent import draw as drawing
from dcgan.latent.draw import samples_sheet
from dcgan.latent.sample import write_samples


class Kept:
    """Pictures in memory."""

    def __init__(self, images):
        self.images, self.shape = images, images.shape[1:]

    def __len__(self):
        return len(self.images)

    def take(self, index_B, place_B):
        return torch.from_numpy(self.images[index_B])


RANDOM = np.random.default_rng(0)
REAL = Kept(RANDOM.integers(0, 256, (90, 3, 5, 4), dtype=np.uint8))
DRAWN = RANDOM.integers(0, 256, (7, 3, 5, 4), dtype=np.uint8)


@pytest.mark.parametrize("bytes_", [2**25, 60 * 11])
def test_the_nearest_of_all_is_found_however_they_are_read(monkeypatch, bytes_):
    monkeypatch.setattr(real_images, "_PART_BYTES", bytes_)
    found, distance = nearest_real(REAL, DRAWN)
    every = (DRAWN[:, None].astype(float) - REAL.images[None]) / 255
    expected = np.sqrt((every**2).mean(axis=(2, 3, 4)))
    np.testing.assert_array_equal(found, expected.argmin(axis=1))
    np.testing.assert_allclose(distance, expected.min(axis=1), rtol=1e-4)


def test_a_copy_is_at_no_distance():
    found, distance = nearest_real(REAL, REAL.images[[40, 3]])
    assert found.tolist() == [40, 3]
    assert distance.tolist() == [0, 0]


@pytest.mark.parametrize("count", [1, 2, 3, 61, 90])
@pytest.mark.parametrize("drawn", [DRAWN[0], REAL.images[0], REAL.images[7], REAL.images[60]])
def test_a_neighbor_is_compared_with_how_near_real_images_are(count, drawn):
    rows = np.arange(90)[-count:]
    found = neighbor_of(REAL, drawn, rows)
    number = REAL.images.reshape(90, -1).astype(float) / 255

    def distances(image, others):
        return np.sqrt(((image - number[others]) ** 2).mean(axis=1))

    of_drawn = distances(drawn.reshape(-1) / 255, rows)
    assert found.row == rows[of_drawn.argmin()]
    assert found.distance == pytest.approx(of_drawn.min(), abs=1e-9)
    assert found.compared == min(100, count // 2)
    nearest = np.array([distances(number[row], rows[rows != row]).min() for row in rows[1:]])
    if found.distance == 0:
        assert found.as_near == 0
    elif count == 90:  # some of all
        assert found.as_near <= (nearest <= found.distance).sum()


def test_an_image_among_others_is_as_near_as_they_are():
    close = np.full((400, 1, 4, 4), 100, np.uint8)
    close[:, 0, 0, 0] = np.arange(400) % 200  # each has an equal one
    drawn = close[0] + 1
    assert neighbor_of(Kept(close), drawn, np.arange(400)).as_near >= 90
    apart = RANDOM.integers(0, 256, (400, 1, 4, 4), dtype=np.uint8)
    near = apart[5] ^ 1
    assert neighbor_of(Kept(apart), near, np.arange(400)).as_near == 0


def test_images_that_differ_in_one_pixel_by_one_level_are_told_apart():
    images = np.tile(RANDOM.integers(0, 256, (1, 3, 64, 64), dtype=np.uint8), (30, 1, 1, 1))
    images[np.arange(30), 0, np.arange(30), 5] ^= 1
    found, distance = nearest_real(Kept(images), images)
    assert found.tolist() == list(range(30))
    assert distance.max() == 0
    _, distance = nearest_real(Kept(images[1:]), images[:1])
    assert distance[0] == pytest.approx(np.sqrt(2 / images[0].size) / 255, rel=1e-9)


def test_the_sheet_shows_each_image_above_its_neighbor(monkeypatch):
    written = []
    draw = drawing.stacked
    monkeypatch.setattr(drawing, "stacked", lambda *a, **k: written.append(a) or draw(*a, **k))
    samples_sheet(DRAWN, columns=3, captions=[str(n) for n in range(7)], beside=REAL)
    (((own, nearest), columns),) = written
    found, distance = nearest_real(REAL, DRAWN)
    np.testing.assert_array_equal(own.images, DRAWN)
    np.testing.assert_array_equal(nearest.images, REAL.images[found])
    assert list(own.captions) == [str(n) for n in range(7)]
    assert nearest.captions == [f"real, {d:.3f}" for d in distance]
    assert columns == 3


def test_samples_are_shown_with_neighbors_on_a_sheet_only(small_run, tmp_path):
    dataset = Kept(small_run.sample(20, seed=5))
    write_samples(small_run, 4, tmp_path / "plain.png")
    write_samples(small_run, 4, tmp_path / "both.png", beside=dataset)
    with Image.open(tmp_path / "plain.png") as plain, Image.open(tmp_path / "both.png") as both:
        assert both.width == plain.width
        assert both.height > 2 * plain.height - 10
    with pytest.raises(ConfigError, match="neighbors"):
        write_samples(small_run, 4, tmp_path / "x.zip", beside=dataset)
