"""Maps that draw something are found where they are known, and switched off."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from dcgan.errors import ConfigError, DataError, DcganError
from dcgan.latent.choice import Choice
from dcgan.latent.feature_maps import (
    activations,
    probe_boxes,
    probe_concept,
    without_maps,
)
from dcgan.latent.forget import forget, read_boxes
from dcgan.models.latents import LatentSpace

RANDOM = np.random.default_rng(0)


def maps(count=80, size=(4, 4)):
    return torch.from_numpy(RANDOM.normal(size=(count, 6, *size)))


def test_a_row_is_what_the_next_one_takes(small_run):
    latent = small_run.networks.latent.numbered(0, 0, 70)
    generator = small_run.generator
    found = activations(generator, latent, 1)
    with torch.inference_mode():
        wanted = generator.blocks[0](latent.reshape(-1, *generator.input_shape))
    torch.testing.assert_close(found, wanted)


def test_means_of_maps_are_those_of_what_a_row_gives(small_run):
    latent = small_run.networks.latent.numbered(0, 0, 70)
    wanted = activations(small_run.generator, latent, 1).mean(dim=(2, 3))
    torch.testing.assert_close(activations(small_run.generator, latent, 1, averaged=True), wanted)


def test_maps_are_off_within_and_on_again_after(small_run):
    latent = small_run.networks.latent.numbered(0, 0, 3)
    generator = small_run.generator
    before = small_run.generate(latent, generator)
    off = np.zeros(generator.shapes[0][0], bool)
    off[[1, 2]] = True
    with pytest.raises(KeyError), without_maps(generator, 1, off):
        inside = activations(generator, latent, 1)
        assert not np.array_equal(small_run.generate(latent, generator), before)
        raise KeyError
    np.testing.assert_array_equal(small_run.generate(latent, generator), before)
    assert (inside[:, off] == 0).all()
    kept = activations(generator, latent, 1)[:, ~off]
    torch.testing.assert_close(inside[:, ~off], kept)


def test_a_probe_of_images_finds_the_maps_that_go_with_it():
    given = maps(400)
    shows = (given[:, 2] - given[:, 4]).mean(dim=(1, 2)).numpy() > 0
    found = probe_concept(given.mean(dim=(2, 3)), shows, 3)
    assert found.row == 3
    assert found.accuracy > 0.9
    assert set(np.argsort(-np.abs(found.weight_M))[:2]) == {2, 4}
    assert found.drawing()[2]
    assert not found.drawing()[4]


def test_a_probe_of_chance_is_half_right():
    found = probe_concept(maps(400).mean(dim=(2, 3)), RANDOM.random(400) > 0.5, 1)
    assert 0.3 < found.accuracy < 0.7


def test_a_probe_of_places_finds_what_is_in_the_boxes():
    given = maps(20)
    boxes = {number: [(0, 0, 4, 8), (12, 8, 16, 16)] for number in range(20)}
    # of 16x16 pixels on 4x4 places: the first column's upper half, the last one's lower half
    given[:, 3, :2, 0] += 4
    given[:, 3, 2:, 3] += 4
    found = probe_boxes(given, boxes, (16, 16), 2)
    assert found.accuracy > 0.9
    assert np.argmax(found.weight_M) == 3


def test_a_place_belongs_to_the_box_its_center_is_in():
    given = torch.zeros(20, 1, 2, 2)
    given[:, 0, 0, 1] = 1  # its center is at x 12, y 4
    for box, wanted in (((12, 4, 13, 5), True), ((13, 0, 16, 8), False), ((8, 0, 12, 8), False)):
        boxes = {number: [box, (0, 8, 8, 16)] for number in range(20)}
        found = probe_boxes(given, boxes, (16, 16), 1)
        # inside or not, the place at (0, 8) is a box of its own, whose map is 0
        assert (found.weight_M[0] > 0.1) == wanted


def test_boxes_in_one_image_are_refused():
    with pytest.raises(DcganError, match="boxes in one image only"):
        probe_boxes(torch.rand(1, 6, 16, 16), {3: [(0, 0, 8, 16)]}, (16, 16), 1)


def test_hardly_any_on_one_side_is_refused():
    with pytest.raises(DcganError, match=r"only [0-4] show it, or only [0-4] do not"):
        probe_concept(maps(80).mean(dim=(2, 3)), np.arange(80) < 6, 1)


class Brightness:
    """Reads whether an image is brighter than most."""

    def conditions(self, concept):
        return [concept]

    def agreement(self, images, conditions):
        light = images.mean(axis=(1, 2, 3))
        return (light > self.middle).astype(np.float32)


def test_what_is_forgotten_is_drawn_less_often_than_with_random_maps_off(untrained):
    run, reader = untrained(LatentSpace(8), width=16), Brightness()
    last = run.generator.blocks[-1].conv_transpose
    last.weight *= 0.01
    last.weight[[1, 5]] = 0.3  # these two make images bright
    reader.middle = np.median(run.sample(500).mean(axis=(1, 2, 3)))
    found = forget(run, reader, Choice(), reads="bright", samples=400)
    assert found.probe.drawing()[[1, 5]].all()
    assert found.shares["all maps"] == pytest.approx(0.5, abs=0.1)
    assert found.shares["without"] < 0.02 < 0.04 < found.shares["random off"]
    low, high = found.random_range
    assert low < found.shares["random off"] < high, "ten draws, not all alike"
    assert found.figure.width == 8 * 66 + 2
    with pytest.raises(DcganError, match=r"held-out accuracy is .* below 1.1"):
        forget(run, reader, Choice(), reads="bright", samples=400, least=1.1)


def test_nothing_to_show_is_said(untrained):
    run, reader = untrained(LatentSpace(8)), Brightness()
    reader.middle = np.median(run.sample(400).mean(axis=(1, 2, 3)))
    real = reader.agreement
    # none of the 500 that are counted is bright
    reader.agreement = lambda images, asked: real(images, asked) * (len(images) != 500)
    with pytest.raises(DcganError, match="none of 500 new samples"):
        forget(run, reader, Choice(), reads="bright", samples=400, least=0)


def test_boxes_in_a_file_do_as_well(small_run, tmp_path):
    path = tmp_path / "boxes.csv"
    path.write_text("".join(f"{number},4,4,12,12\n" for number in range(30)))
    found = forget(small_run, Brightness(), Choice(), boxes=path, least=0.5)
    assert found.shares == {}
    fresh = Choice().latents(small_run, 2000, 2500)
    sure = found.probe.greatest(activations(small_run.generator, fresh, found.probe.row))
    best = small_run.generate(fresh[sure.argmax()][None], small_run.generator)
    top = np.asarray(found.figure)[17:81:4, 2:66:4]  # below the title
    np.testing.assert_array_equal(top, best[0, 0])
    assert len(found.probe.weight_M) == small_run.generator.shapes[-2][0]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("1,2,3,4", "line 1: must be NUMBER"),
        ("\n1,2,3,4,x", "line 2: must be"),
        ("1,0,0,17,4", "line 1: not in an image of 16x16"),
        ("1,3,0,3,4", "not in an image"),
        ("-1,0,0,3,4", "not in an image"),
        ("\n", "has no boxes"),
    ],
)
def test_a_file_that_holds_no_boxes_is_refused(tmp_path, text, line):
    path = tmp_path / "boxes.csv"
    path.write_text(text)
    with pytest.raises(DataError, match=line):
        read_boxes(path, (16, 16))


def test_several_boxes_of_one_image_are_kept(tmp_path):
    path = tmp_path / "boxes.csv"
    path.write_text("3,0,0,4,8\n7,1,2,3,4\n3,2,2,16,16\n")
    assert read_boxes(path, (16, 16)) == {3: [(0, 0, 4, 8), (2, 2, 16, 16)], 7: [(1, 2, 3, 4)]}


@pytest.mark.parametrize("row", [0, 99])
def test_a_row_that_is_none_is_refused(small_run, row):
    with pytest.raises(ConfigError, match=f"`row` is {row}: must be 1 to"):
        forget(small_run, Brightness(), Choice(), reads="bright", row=row)
