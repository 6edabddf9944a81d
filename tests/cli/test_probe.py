"""``dcgan probe``: one table, one picture, one JSON object."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

QUICK = ["--methods", "discriminator,pixels"]
FEW = ["--limit", "300"]


def test_the_table_and_the_image(dcgan, small_run, tmp_path):
    code, out, err = dcgan("probe", small_run.path, "digits", *QUICK, *FEW, "--out", tmp_path)
    assert code == 0, err
    lines = out.splitlines()
    assert lines[0] == f"{small_run.path}, 512 images seen, on digits"
    assert lines[1].startswith("250 images to train on, 50 for validation, 300 test")
    assert [line.split("|")[1].strip() for line in lines[2:6:2]] == ["method", "discriminator"]
    assert "points" in lines[6]
    assert lines[-1] == f"confusion matrix: {tmp_path / 'confusion.png'}"
    with Image.open(tmp_path / "confusion.png") as image:
        assert min(image.size) > 500
    assert "300 of 1,797 images are held out" in err
    assert "discriminator: test" in err


def test_json_holds_everything(dcgan, small_run, tmp_path):
    words = [*QUICK, "--out", tmp_path, "--labels", 40, "--repeats", 2, *FEW, "--json"]
    code, out, err = dcgan("probe", small_run.path, "digits", *words)
    assert code == 0, err
    report = json.loads(out)
    assert report == json.loads((tmp_path / "probe.json").read_text())
    assert report["images_seen"] == 512
    assert (report["labels"], report["repeats"], report["test"]) == (40, 2, 300)
    assert [row["method"] for row in report["methods"]] == ["discriminator", "pixels"]
    for row in report["methods"]:
        assert len(row["test"]) == len(row["validation"]) == len(row["C"]) == 2
        assert row["test_mean"] == pytest.approx(np.mean(row["test"]))
    counts = np.array(report["confusion_counts"])
    assert counts.sum() == 2 * 300
    right = np.trace(counts) / counts.sum()
    assert right == pytest.approx(report["methods"][0]["test_mean"])


def test_scores_that_cannot_be_stored_are_printed(dcgan, small_run, tmp_path):
    (tmp_path / "taken").write_text("a file")
    words = ["--methods", "pixels", *FEW, "--out", tmp_path / "taken"]
    code, out, err = dcgan("probe", small_run.path, "digits", *words)
    assert code == 2
    assert "| pixels " in out
    assert "confusion matrix" not in out
    assert err.splitlines()[-1].startswith(f"dcgan: {tmp_path / 'taken'}")


def test_of_many_classes_there_are_scores_and_no_figure(dcgan, small_run, tmp_path, monkeypatch):
    monkeypatch.setattr("dcgan.render.confusion.MOST_CLASSES", 9)
    words = ["--methods", "pixels", *FEW, "--out", tmp_path]
    code, out, err = dcgan("probe", small_run.path, "digits", *words)
    assert code == 0, err
    assert "| pixels " in out
    assert [path.name for path in tmp_path.iterdir()] == ["probe.json"]
    assert json.loads((tmp_path / "probe.json").read_text())["confusion"] is None


def test_results_lie_in_the_run_when_nothing_else_is_said(dcgan, tmp_path, small_run):
    import shutil

    run = tmp_path / "run"
    shutil.copytree(small_run.path, run)
    quick = ["--methods", "pixels", *FEW]
    assert dcgan("probe", run, "digits", *quick)[0] == 0
    assert dcgan("probe", run, "digits", *quick, "--labels", 20, "--repeats", 1)[0] == 0
    for folder in ("probe", "probe-20"):
        names = sorted(path.name for path in (run / folder).iterdir())
        assert names == ["confusion.png", "probe.json"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["digits", "--methods", "pixle"], "did you mean 'pixels'"),
        (["digits", "--labels", "5"], "at least 10, one of each class"),
        (["digits", "--labels", "5000"], "Use at most"),
        (["digits", "--labels", "0"], "at least 10, one of each class"),
        (["digits", "--limit", "0"], "at least 1 image"),
        (["digits", "--repeats", "0"], "at least 1"),
        (["digits", "--max-features", "0"], "at least 1"),
        (["digits", "--seed", "-1"], "from 0 to"),
        (["digits", "--factor", "taste"], "no such factor. Use --factor label"),
        (["digits", "--limit", "20"], "use a larger --limit"),
        (["nothing"], "no such file or folder"),
        (["digits", "--checkpoint", "77"], "no checkpoint 77"),
    ],
)
def test_what_cannot_be_is_one_line(dcgan, small_run, tmp_path, words, said):
    code, _, err = dcgan("probe", small_run.path, *words, "--out", tmp_path / "out")
    assert code == 2
    last = err.splitlines()[-1]
    assert last.startswith("dcgan: ")
    assert said in last
    assert not (tmp_path / "out").exists()


def test_images_without_labels_are_refused(dcgan, small_run, png_folder):
    code, _, err = dcgan("probe", small_run.path, png_folder)
    assert code == 2
    assert "no classes" in err
    assert len(err.splitlines()) == 1


def test_images_of_another_size_are_brought_to_the_run_s(dcgan, small_run, tmp_path):
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (60, 40, 40, 3), dtype=np.uint8)
    np.savez(tmp_path / "large.npz", images=images, labels=np.arange(60) % 2)
    code, out, err = dcgan(
        "probe", small_run.path, tmp_path / "large.npz", *QUICK, "--out", tmp_path / "out", "--json"
    )
    assert code == 0, err
    assert json.loads(out)["methods"][1]["features"] == 256


def test_a_folder_that_is_no_run_is_refused(dcgan, tmp_path):
    code, _, err = dcgan("probe", tmp_path, "digits")
    assert code == 2
    assert "not a run folder" in err
