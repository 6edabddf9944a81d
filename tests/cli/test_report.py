"""``dcgan report`` as typed."""

from __future__ import annotations

import re
import shutil

import pytest


@pytest.fixture
def run(small_run, tmp_path):
    copy = shutil.copytree(small_run.path, tmp_path / "run")
    (copy / "report.html").unlink(missing_ok=True)
    return copy


def test_the_page_is_in_the_run_folder(dcgan, run):
    code, out, err = dcgan("report", run)
    assert code == 0
    assert out == f"report         {run / 'report.html'}\n"
    page = (run / "report.html").read_text()
    assert "Nearest training images" in page
    assert "Traceback" not in err


def test_the_page_may_be_elsewhere(dcgan, run, tmp_path):
    code, out, _ = dcgan("report", run, "--out", tmp_path / "new folder" / "page.html")
    assert code == 0
    assert (tmp_path / "new folder" / "page.html").is_file()
    assert not (run / "report.html").exists()
    assert "page.html" in out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--out", "page.pdf"], "--out is 'page.pdf': the page must be an .html file"),
        (["--data", "nowhere"], "no such file or folder"),
        (["--device", "tpu"], "tpu"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(dcgan, run, words, said):
    code, out, err = dcgan("report", run, *words)
    assert code == 2
    assert out == ""
    assert said in err.splitlines()[-1]


def test_a_path_without_a_run_is_refused(dcgan, tmp_path):
    code, _, err = dcgan("report", tmp_path)
    assert code == 2
    assert "not a run folder" in err


def test_training_names_the_page(dcgan, tmp_path):
    words = ["--size", "16", "--images", "64", "--batch", "32", "--out", tmp_path / "new"]
    code, out, _ = dcgan("train", "digits", *words)
    assert code == 0
    assert re.search(
        rf"^report +{re.escape(str(tmp_path / 'new' / 'report.html'))}$", out, re.MULTILINE
    )
