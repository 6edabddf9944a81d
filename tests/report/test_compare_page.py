"""Several runs on one page."""

from __future__ import annotations

import shutil
from dataclasses import replace

import pytest
import yaml
from tests.report.pages import Page

import dcgan
from dcgan.evaluation.comparison import Spread, compare
from dcgan.report.compare_page import verdict_of, write_comparison


@pytest.fixture(scope="module")
def found(scored_run, tmp_path_factory):
    """A run, and the same with another name and learning rate."""
    other = shutil.copytree(scored_run.path, tmp_path_factory.mktemp("runs") / "a & <b>")
    settings = yaml.safe_load((other / "config.yaml").read_text())
    settings["optim"]["generator"]["lr"] = 0.01
    (other / "config.yaml").write_text(yaml.safe_dump(settings))
    return compare([scored_run, dcgan.open_run(other)], images=60, repeats=2, extractor="random")


def test_the_page_shows_samples_scores_curves_and_settings(found, tmp_path):
    write_comparison(found, tmp_path / "page.html")
    page = Page(tmp_path / "page.html")
    assert page.needs_nothing()
    assert "a & <b>" in page.headings
    assert page.count("img") == 2
    spread = found.runs[0].spreads[0]
    assert f"{spread.mean:.0f} ± {float(f'{spread.deviation:.0e}'):.0f}" in page.text  # one digit
    assert "optim. generator. lr 0.002 0.01" in page.text
    titles = {label.split(":")[0] for label in page.attributes("aria-label")}
    assert titles == {
        "Fréchet distance during training",
        "Discriminator loss",
        "Generator loss",
        "Discriminator's score of real images",
        "Discriminator's score of generated images",
        "Discriminator's score of generated images, after the discriminator's step",
    }
    assert page.source.count('class="level"') == 2, "in the chart and in its legend"


def spread_of(mean, deviation):
    return (Spread("frechet_distance", mean, deviation, 0.5),)


def with_scores(found, *scores):
    runs = [
        replace(run, spreads=spread_of(*score))
        for run, score in zip(found.runs, scores, strict=True)
    ]
    return replace(found, runs=tuple(runs))


def test_the_verdict_names_the_best_run(found):
    verdict = verdict_of(with_scores(found, (9.0, 0.1), (2.0, 0.1)))
    assert verdict.startswith("a & <b> scores best: Fréchet distance 2 ± 0.1, and 9 ± 0.1")
    assert "real images score 0.5; lower is better." in verdict


def test_close_scores_are_not_told_apart(found):
    assert "does not tell" in verdict_of(with_scores(found, (2.1, 0.1), (2.0, 0.1)))


def test_without_scores_the_verdict_says_why(found, tmp_path):
    bare = replace(
        found,
        runs=tuple(replace(run, spreads=(), log=[]) for run in found.runs),
        protocol="no scores were computed",
    )
    assert verdict_of(bare) == "No scores were computed."
    write_comparison(replace(bare, differences={}), tmp_path / "page.html")
    assert "No setting differs." in Page(tmp_path / "page.html").text
