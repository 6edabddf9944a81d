"""The page of a lab: one file, escaped, with everything that the verdict rests on."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from tests.report.pages import Page

from dcgan.labs.page import write_lab_page


@pytest.fixture
def page(finished):
    return Page(finished.page)


def test_it_is_one_file(page):
    assert page.needs_nothing()


def test_the_verdict_comes_first(page, finished):
    assert page.headings[0] == finished.claim.claim
    assert page.text.index(finished.sentence) < page.text.index("What was expected")


@pytest.mark.parametrize("verdict", ["holds", "does not hold", "cannot be told"])
def test_only_a_claim_that_cannot_be_told_needs_more_seeds(finished, tmp_path, verdict):
    (one,) = finished.expectations
    judged = replace(one, judgement=replace(one.judgement, verdict=verdict))
    write_lab_page(replace(finished, expectations=[judged]), tmp_path / "lab.html")
    said = "More seeds make the interval shorter. Add <code>--seeds 4</code>"
    assert (said in Page(tmp_path / "lab.html").source) == (verdict == "cannot be told")


def test_texts_are_escaped(page):
    assert "<i>is</i>" in page.text
    assert "8 <numbers>" in page.text
    assert "A & B" in page.text
    assert page.count("i") == len(page.attributes("class")) - len(
        [one for tag, one in page.tags if "class" in one and tag != "i"]
    )


def test_everything_is_there(page, finished):
    for heading in (
        "Scores of all runs",
        "Samples of the same latents",
        "Training",
        "Health",
        "Repeat",
    ):
        assert heading in page.headings
    assert page.source.count('class="chart strips"') == 3  # one expectation, two arms
    assert page.count("img") == 2
    assert page.source.count("thin") > 4
    assert "the median" in page.text
    assert "--budget quick --seeds 2" in page.text
    assert "p-value" in page.text
    share = round(100 * finished.expectations[0].probability)
    assert f"In {share}% of all pairs of runs, the one of 8 <numbers> scores better" in page.text
    assert "to the right of it, the arm that is named first is better" in page.text
    assert "how far the generated images, as a whole, are from the real ones" in page.text


def test_large_scores_are_written_without_an_exponent(finished, tmp_path):
    arms = [replace(arm, scores=[1754.2 for _ in arm.scores]) for arm in finished.arms]
    write_lab_page(replace(finished, arms=arms), tmp_path / "lab.html")
    page = Page(tmp_path / "lab.html")
    assert "Interquartile mean 1,750, lowest 1,750, highest 1,750" in page.text
    assert "e+03" not in page.source


def test_the_curve_names_the_metric_of_training(finished, tmp_path):
    arms = []
    for arm in finished.arms:
        runs = [shutil.copytree(run, tmp_path / Path(run).name) for run in arm.runs]
        for run in runs:
            scores = run / "scores.jsonl"
            scores.write_text(scores.read_text().replace("frechet_distance", "kernel_distance"))
        arms.append(replace(arm, runs=[str(run) for run in runs]))
    write_lab_page(replace(finished, arms=arms), tmp_path / "lab.html")
    text = Page(tmp_path / "lab.html").text
    assert "Kernel distance during training" in text
    assert "Fréchet distance during training" not in text


def test_runs_that_are_gone_leave_a_page(finished, tmp_path):
    arms = [replace(arm, runs=[str(tmp_path / "gone")] * 2) for arm in finished.arms]
    write_lab_page(replace(finished, arms=arms), tmp_path / "lab.html")
    assert "No images:" in Page(tmp_path / "lab.html").text
