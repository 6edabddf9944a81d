"""Every command of latent space makes its picture of any run: color, gray, uniform, spatial."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from PIL import Image
from tests.conftest import SMALL

import dcgan as package

CELL = 66
"""An image of 16 or 32 pixels on a sheet, with its gap."""


SPATIAL = [
    {"conv_transpose": 8, "kernel": 4, "stride": 2, "padding": 1},
    {
        "conv_transpose": 3,
        "kernel": 4,
        "stride": 2,
        "padding": 1,
        "norm": "none",
        "activation": "tanh",
    },
]
"""From 4x4 to 16x16."""


def trained(data, folder, latent, generator=None):
    """A run of a second; its pictures are poor, and they are pictures."""
    model = SMALL["settings"]["model"] | {"latent": latent}
    if generator:
        model["generator"] = generator
    settings = SMALL["settings"] | {"model": model}
    out = folder / "run"
    return package.train(data, images=256, out=out, **SMALL | {"settings": settings}).path


@pytest.fixture(scope="module", params=["shapes", "digits"])
def run(request, tmp_path_factory):
    latent = {"dim": 12, "distribution": "uniform" if request.param == "shapes" else "normal"}
    return trained(request.param, tmp_path_factory.mktemp("runs"), latent)


@pytest.mark.parametrize("suffix", [".gif", ".webp", ".mp4"])
def test_interpolate_makes_a_film(dcgan, run, tmp_path, suffix):
    if suffix == ".mp4":
        pytest.importorskip("av", reason="MP4 needs the extra media")
    out = tmp_path / f"way{suffix}"
    words = ["interpolate", run, 1, 2, "--frames", 6, "--side", 64, "--fps", 12, "--out", out]
    assert dcgan(*words)[0] == 0
    if suffix != ".mp4":
        with Image.open(out) as film:
            assert (film.n_frames, film.size) == (6, (64, 64))


@pytest.mark.parametrize(
    ("words", "size"),
    [
        (["sample", "-n", 4, "--numbered"], (2 * CELL + 2, 2 * (CELL + 15) + 2)),
        (["sample", "-n", 4, "--truncation", 0.5, "--neighbors"], (2 * CELL + 2, 296)),
        (["interpolate", "--kind", "grid"], (6 * CELL + 2, 6 * CELL + 2)),
        (["arithmetic", "--plus", "1,2,3", "--minus", "4,5", "--plus", "6"], None),
        (["directions", "lean", "--reads", "slant", "--least", -9], (7 * CELL + 2, 488)),
        (["directions", "own", "--method", "sefa", "--count", 1], (7 * CELL + 2, 488)),
        (["directions", "own", "--method", "pca", "--count", 1], (7 * CELL + 2, 488)),
        (["directions", "turn", "--plus", "1,2", "--minus", 3], (7 * CELL + 2, 488)),
        (["invert", 0, 1, "--starts", 1], None),
    ],
    ids=lambda words: "-".join(map(str, words[:4])) if isinstance(words, list) else "",
)
def test_each_command_makes_its_sheet(dcgan, run, tmp_path, words, size):
    copy = shutil.copytree(run, tmp_path / "run")
    out = tmp_path / "sheet.png"
    code, _, complaint = dcgan(words[0], copy, *words[1:], "--out", out)
    assert (code, complaint.count("dcgan:")) == (0, 0)
    with Image.open(out) as sheet:
        sheet.load()
        assert size is None or sheet.size == size


@pytest.mark.parametrize(
    ("words", "times"),
    [
        (["sample", "-n", 3], 3),
        (["interpolate", "--kind", "grid", "--frames", 4], 4),
        (["arithmetic", "--plus", "1,2", "--minus", "4", "--plus", "6"], 1),
        (["directions", "turn", "--plus", "1,2", "--minus", 3], 6 * 7),
        (["invert", "--starts", 1], 8),
        (["forget", "--boxes", "boxes.csv", "--least", 0], 24),
    ],
    ids=lambda words: words[0] if isinstance(words, list) else "",
)
def test_the_nearest_real_image_stands_wherever_samples_are_shown(
    dcgan, run, tmp_path, monkeypatch, words, times
):
    """Of a folder of one picture this is always the nearest."""
    monkeypatch.chdir(tmp_path)
    marker = np.random.default_rng(0).integers(0, 256, (16, 16, 3), dtype=np.uint8)
    (tmp_path / "data").mkdir()
    Image.fromarray(marker).save(tmp_path / "data" / "only.png")
    (tmp_path / "boxes.csv").write_text("".join(f"{n},4,4,12,12\n" for n in range(20)))
    copy = shutil.copytree(run, "run")
    extra = ["--neighbors", "--data", "data", "--out", "sheet.png"]
    assert dcgan(words[0], copy, *words[1:], *extra)[0] == 0
    with Image.open("sheet.png") as sheet:
        drawn = np.asarray(sheet.convert("RGB"))
    image = package.open_run(copy).networks.image_shape
    seen = Image.fromarray(marker).resize(image[:0:-1], Image.Resampling.BICUBIC)
    first = np.asarray((seen.convert("L") if image[0] == 1 else seen).convert("RGB"))
    places = np.argwhere((np.abs(drawn.astype(int) - first[0, 0]) <= 2).all(axis=2))
    factor = (128 if words[0] == "invert" else 64) // image[1]
    large = first.repeat(factor, 0).repeat(factor, 1).astype(int)
    found = 0
    for row, column in places:
        part = drawn[row : row + len(large), column : column + len(large)]
        found += part.shape == large.shape and bool((np.abs(part - large) <= 2).all())
    assert found == times


def test_neighbors_are_for_sheets_and_said_so_before_any_work(dcgan, run, tmp_path):
    for words in (["interpolate", run], ["directions", run, "own", "--method", "pca"]):
        code, _, complaint = dcgan(*words, "--neighbors", "--out", tmp_path / "x.gif")
        assert code == 2
        assert "neighbors" in complaint
        assert complaint.count("\n") == 1


def test_forget_makes_its_sheet(dcgan, run, tmp_path):
    boxes, out = tmp_path / "boxes.csv", tmp_path / "sheet.png"
    boxes.write_text("".join(f"{number},4,4,12,12\n" for number in range(20)))
    assert dcgan("forget", run, "--boxes", boxes, "--least", 0, "--out", out)[0] == 0
    with Image.open(out) as sheet:
        assert sheet.size == (8 * CELL + 2, 3 * (CELL + 15) + 2)


def test_a_spatial_latent_is_walked_and_its_own_directions_are_refused(dcgan, tmp_path):
    run = trained("shapes", tmp_path, {"dim": 64, "shape": [4, 4, 4]}, {"layers": SPATIAL})
    assert dcgan("interpolate", run, 1, 2, "--frames", 3, "--out", tmp_path / "way.png")[0] == 0
    code, _, complaint = dcgan("directions", run, "own", "--method", "sefa")
    assert code == 2
    assert "not for a spatial latent" in complaint
    assert complaint.count("\n") == 1
