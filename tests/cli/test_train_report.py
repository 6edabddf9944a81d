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
        "too early to say: 128 images seen, and recognizable images need about 5,760. Train longer"
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
    monkeypatch.setattr("dcgan.cli.train_report.images_needed", lambda *_: 0)
    assert words in first_line(*scores)
