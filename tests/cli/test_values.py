"""Values of more than 8 bits: what a run decides holds wherever its images are looked at again."""

from __future__ import annotations

import json

import numpy as np
import pytest
import yaml
from PIL import Image

from dcgan.data import load_dataset, open_source
from dcgan.data.cache import Cache
from dcgan.data.quality.survey import values_of
from dcgan.runs import open_run
from dcgan.runs.dataset import open_dataset, read_files

SMALL = [
    "--size",
    "16",
    "--batch",
    "32",
    "--model.generator.width",
    "4",
    "--records.no-tensorboard",
]


@pytest.fixture
def signed(tmp_path):
    """Floats in -1 to 1; the first half never leaves 0 to 0.9."""
    folder = tmp_path / "signed"
    folder.mkdir()
    fields = np.random.default_rng(0).random((40, 16, 16), np.float32) * 2 - 1
    fields[:20] = np.abs(fields[:20]) * 0.9
    for number, field in enumerate(fields):
        Image.fromarray(field).save(folder / f"{number:02d}.tif")
    return folder, fields


def as_levels(fields) -> np.ndarray:
    return np.round((np.asarray(fields, float) + 1) / 2 * 255)


def test_one_range_holds_for_train_resume_neighbors_and_other_images(dcgan, tmp_path, signed):
    folder, fields = signed
    run = tmp_path / "run"
    train = ["train", folder, *SMALL, "--out", run]
    code, _, err = dcgan(*train, "--images", 64)
    assert code == 0, err
    assert "-1 to 1 as black to white (images hold floats from -0.99996 to 0.999259)" in " ".join(
        err.split()
    )
    assert yaml.safe_load((run / "config.yaml").read_text())["data"]["float_range"] == "-1:1"

    code, _, err = dcgan(*train, "--images", 96, "--resume")
    assert code == 0, err

    opened = open_run(run)
    own = open_dataset(opened.folder, opened.networks)
    index = np.arange(40)
    seen = own.take(index, np.full(40, 0.5)).numpy()[:, 0]
    np.testing.assert_allclose(seen, as_levels(fields), atol=1)
    assert json.loads((run / "run.json").read_text())["data"]["fingerprint"] == own.fingerprint

    # a dataset, or an image, that alone would be taken for 0 to 1
    some = [folder / f"{number:02d}.tif" for number in range(3)]
    np.testing.assert_allclose(
        read_files(opened.folder, opened.networks, some)[:, 0], as_levels(fields[:3]), atol=1
    )
    part = tmp_path / "part"
    part.mkdir()
    for path in some:
        (part / path.name).write_bytes(path.read_bytes())
    others = open_dataset(opened.folder, opened.networks, str(part))
    seen = others.take(np.arange(3), np.full(3, 0.5)).numpy()[:, 0]
    np.testing.assert_allclose(seen, as_levels(fields[:3]), atol=1)


def test_every_way_of_holding_and_preparing_gives_the_same_levels(dcgan, tmp_path, signed):
    folder, fields = signed
    code, out, err = dcgan("prepare", folder, "--out", tmp_path / "packed", "--size", 16)
    assert code == 0, err
    assert "black to white is -1 to 1" in err + out
    packed = np.load(tmp_path / "packed" / "images.npy")[:, 0]
    np.testing.assert_allclose(packed, as_levels(fields), atol=1)
    source = open_source(str(folder))
    values = values_of(source)
    ways = {
        "in memory": {},
        "streamed": {"memory": 0},
        "cached": {"cache": Cache(tmp_path / "cache", 10**9)},
    }
    for options in ways.values():
        dataset = load_dataset(source, (16, 16), 1, values=values, **options)
        seen = dataset.take(np.arange(40), np.full(40, 0.5)).numpy()[:, 0]
        np.testing.assert_array_equal(seen, packed)


def test_a_range_that_is_asked_for_is_used_and_one_that_is_unknown_is_refused(dcgan, tmp_path):
    folder = tmp_path / "heights"
    folder.mkdir()
    for number in range(10):
        heights = np.random.default_rng(number).random((16, 16), np.float32) * 1200 - 200
        Image.fromarray(heights).save(folder / f"{number}.tif")
    words = ["--images", 32, "--out", tmp_path / "run"]
    code, _, err = dcgan("train", folder, *SMALL, *words)
    assert code == 2
    assert len(err.splitlines()) == 1
    assert "--data.float-range=-19" in err
    code, _, err = dcgan("train", folder, *SMALL, *words, "--data.float-range=-200:1000")
    assert code == 0, err
    for wrong in ("5", "9:1", "a:b", "0:inf"):
        code, _, err = dcgan("train", folder, *SMALL, *words, f"--data.float-range={wrong}")
        assert code == 2
        assert "LOW:HIGH, two numbers with the lower first" in err
