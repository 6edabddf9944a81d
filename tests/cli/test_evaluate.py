"""``dcgan evaluate`` and ``dcgan compare`` as typed."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
from PIL import Image

from dcgan.cli.evaluate_report import score_table
from dcgan.metrics.score import Score


@pytest.fixture
def run(small_run, tmp_path):
    return shutil.copytree(small_run.path, tmp_path / "run")


def test_every_row_says_what_it_is_computed_on_and_what_real_images_get(dcgan, run):
    code, out, _ = dcgan("evaluate", run, "--extractor", "random", "-n", 200)
    assert code == 0
    table = out[out.index("metric ") : out.index("\n\n", out.index("metric "))].splitlines()
    assert table[0].split() == ["metric", "generated", "±", "real", "better", "computed", "on"]
    assert len(table) > 9
    for row in table[1:]:
        assert row.split()[-1] in ("features", "pixels"), row
    assert out.count("random:") == 1  # below the table
    assert "200 generated images; 200 of 1,797 real images\n" in out
    assert "200 other training images stand in for held-out images" in out
    assert "as many other real images (for the copying test, of the held-out images)\n" in out
    assert "Trained too briefly: 512 images seen, and recognizable images need about 5,800" in out
    with Image.open(next((run / "evaluations").glob("*-nearest.png"))) as sheet:
        assert sheet.width > 400


def test_scores_are_printed_although_the_last_checkpoint_is_damaged(dcgan, run):
    damaged = run / "checkpoints" / "000000999"
    damaged.mkdir()
    (damaged / "state.json").write_text("{")
    words = ["--checkpoint", 512, "--extractor", "random", "-n", 100]
    code, out, err = dcgan("evaluate", run, *words)
    assert code == 0, err
    assert "Fréchet distance" in out


def test_json_is_the_last_line_and_whole(dcgan, run):
    code, out, err = dcgan("evaluate", run, "--extractor", "random", "-n", 100, "--json")
    assert code == 0
    content = json.loads(out.splitlines()[-1])
    assert content["images_seen"] == 512
    assert all(
        score["extractor"] and score["generated"] and score["baseline"] is not None
        for score in content["scores"]
    )
    assert "Fréchet distance" in err


@pytest.mark.figures
def test_all_checkpoints_are_drawn_and_the_best_is_named(dcgan, run):
    code, out, _ = dcgan("evaluate", run, "--all", "--extractor", "random", "-n", 100)
    assert code == 0
    assert "real images" in out
    best = json.loads((run / "best.json").read_text())
    assert best["checkpoint"] in out
    assert next((run / "evaluations").glob("all-random-*.png")).stat().st_size > 10_000
    assert "as many other real images\n" in out  # the table has no copying test
    _, sampled, _ = dcgan("sample", run, "-n", 4, "--out", run / "s.png")
    assert best["checkpoint"] in sampled


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--extractor", "incepton"], "did you mean 'inception'?"),
        (["--extractor", "inception"], "Set --download to download"),
        (["-n", "10"], "-n is 10: a score needs at least 50"),
        (["nowhere"], "no such file or folder"),
        (["--held-out", "nowhere"], "no such file or folder"),
        (["--checkpoint", "7"], "no checkpoint 7"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(dcgan, run, words, said):
    code, out, err = dcgan("evaluate", run, *words)
    assert code == 2
    assert out == ""
    assert said in err.splitlines()[-1]
    assert err.splitlines()[-1].startswith("dcgan: ")


def test_unlabeled_images_have_no_classifier(dcgan, run, png_folder):
    code, _, err = dcgan("evaluate", run, png_folder)
    assert code == 2
    assert "10 real images: at least 100" in err
    images = np.random.default_rng(0).integers(0, 256, (120, 16, 16), dtype=np.uint8)
    np.save(png_folder / "bare.npy", images)
    words = [png_folder / "bare.npy", "-n", 60]
    code, _, err = dcgan("evaluate", run, *words, "--extractor", "classifier")
    assert code == 2
    assert "no labels" in err
    code, out, _ = dcgan("evaluate", run, *words)
    assert code == 0
    assert "pretrained:" in out


def test_runs_are_compared(dcgan, run, small_run, tmp_path):
    page = tmp_path / "page.png"
    words = ["compare", run, small_run.path, "-n", 100, "--repeats", 2, "--extractor", "random"]
    code, out, _ = dcgan(*words, "--out", page)
    assert code == 0
    assert "no setting differs" in out
    assert out.count("±") >= 12
    assert "2 sets of 100 generated images" in out
    with Image.open(page) as image:
        assert image.height > 400


def test_a_comparison_is_a_page_by_default(dcgan, run, small_run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, _ = dcgan("compare", run, small_run.path, "-n", 0)
    assert code == 0
    assert "comparison     compare.html" in out
    assert "Samples of the same latents" in (tmp_path / "compare.html").read_text()


def test_a_comparison_as_json(dcgan, run, small_run, tmp_path):
    words = ["compare", run, small_run.path, "-n", 0, "--out", tmp_path / "p.png", "--json"]
    code, out, _ = dcgan(*words)
    assert code == 0
    content = json.loads(out.splitlines()[-1])
    assert [one["images_seen"] for one in content["runs"]] == [512, 512]
    assert content["differences"] == {}


@pytest.mark.parametrize(
    ("words", "said"),
    [([], "needs two runs or more"), (["--out", "page.jpg"], "must be an .html page or a .png")],
)
def test_a_comparison_that_cannot_be(dcgan, run, words, said):
    code, _, err = dcgan("compare", run, *words)
    assert code == 2
    assert said in err


def test_fewer_images_than_asked_and_a_missing_classifier_are_explained(dcgan, run, tmp_path):
    random = np.random.default_rng(0)
    for number in range(110):
        name = "rare" if number < 5 else "often"
        folder = tmp_path / "images" / name
        folder.mkdir(parents=True, exist_ok=True)
        pixels = random.integers(0, 256, (16, 16), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.png")
    code, _, err = dcgan("evaluate", run, tmp_path / "images", "--number", 500)
    assert code == 0
    assert "extractor pretrained: class rare has 5 images; a classifier needs 10 of each" in err
    assert "using 55 images instead of 500: half of the dataset" in err


def test_a_negative_estimate_of_a_distance_is_about_0():
    score = Score(metric="kernel_distance", value=0.5, baseline=-2e-4)
    (_, row) = score_table([score])
    assert row.split() == ["kernel", "distance", "0.5", "about", "0", "lower", "pixels"]
