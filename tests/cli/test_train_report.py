"""What ``dcgan train`` says at its end, by the scores that it has seen."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

import dcgan
from dcgan.cli.train_report import as_text

GOLDEN = Path(__file__).parents[1] / "golden" / "run"
"""128 images seen at 16x16 in gray."""


@pytest.fixture
def first_line(tmp_path):
    """The first line about a run whose scores, after 32, 64 and 128 images, were these."""

    def of(*values: float) -> str:
        folder = tmp_path / "run"
        shutil.copytree(GOLDEN, folder, dirs_exist_ok=True)
        old = (folder / "scores.jsonl").read_text().splitlines()
        scores = [json.loads(line) for line in old[-len(values) :]]
        for one, value in zip(scores, values, strict=True):
            one["score"] |= {"value": value, "floor": 10.0}
        (folder / "scores.jsonl").write_text("".join(f"{json.dumps(one)}\n" for one in scores))
        best = min(scores, key=lambda one: one["score"]["value"])
        stored = json.loads((folder / "best.json").read_text())
        stored |= {"images": best["images"], "score": best["score"]}
        (folder / "best.json").write_text(json.dumps(stored))
        return as_text(dcgan.open_run(folder, checkpoint="last")).splitlines()[0]

    return of


def test_a_short_run_is_told_how_many_images_it_needs(first_line):
    line = first_line(100.0, 60.0, 20.0)
    assert line == (
        "too early to say: 128 images seen, and recognizable images need about 5,800. Train longer"
    )


@pytest.mark.parametrize(
    ("scores", "words"),
    [
        ((100.0, 60.0, 20.0), "training went well: images became more like the real ones"),
        ((100.0, 80.0, 56.0), "training did not go well: images hardly became more like"),
        ((100.0, 20.0, 60.0), "training went well until 64 images, then images became worse"),
        ((100.0,), "too few scores to say whether it went well"),
    ],
)
def test_a_long_run_is_judged_by_how_far_it_came(first_line, monkeypatch, scores, words):
    monkeypatch.setattr("dcgan.cli.train_report.still_needed", lambda *_: None)
    assert words in first_line(*scores)


def report_of(tmp_path, minutes, expected):
    """The report about a run of so many minutes, in which so many images were expected."""
    run = tmp_path / "timed"
    shutil.copytree(GOLDEN, run, dirs_exist_ok=True)
    config = (run / "config.yaml").read_text()
    config = config.replace("images: 128, epochs: null, minutes: null", f"minutes: {minutes}")
    (run / "config.yaml").write_text(config)
    log = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    log[-1]["seconds"] = 6.0
    (run / "log.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in log))
    event = {"time": "", "event": "expectation", "minutes": minutes, "expected": expected}
    with (run / "events.jsonl").open("a") as events:
        events.write(f"{json.dumps(event)}\n")
    return as_text(dcgan.open_run(run))


def test_a_run_that_was_slower_than_expected_says_so(tmp_path):
    text = report_of(tmp_path, 0.1, 256)
    assert "128 images seen; about 260 were expected: other programs probably used" in text
    assert "were expected" not in report_of(tmp_path, 0.1, 150)


def test_a_short_run_proposes_the_minutes_that_it_needs_at_its_real_speed(tmp_path):
    text = report_of(tmp_path, 0.1, 150)
    # 5,760 images at 128 in 6 seconds take 4.5 minutes, and a tenth more
    assert "--resume --minutes 5 " in text
    assert "# train until about 5,800 images are seen" in text


def test_files_are_named_by_what_they_show(tmp_path):
    text = report_of(tmp_path, 0.1, 150)
    assert "best checkpoint  000000128 (other commands use it)" in text
    assert "loss curves      " in text
    assert "gradient curves  " in text
