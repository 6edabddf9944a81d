"""Files by the time of their change, also while others remove them."""

from __future__ import annotations

import os
from types import SimpleNamespace

import pytest

from dcgan.exchange.card import scores_of
from dcgan.metrics.score import Score
from dcgan.report.gather import _evaluated
from dcgan.runs.folder import RunFolder
from dcgan.runtime.changes import newest_first
from dcgan.runtime.files import write_json


def written(path, seconds):
    path.write_text("")
    os.utime(path, (seconds, seconds))
    return path


def test_the_newest_is_first_and_what_is_gone_is_left_out(tmp_path):
    old, new, middle = (
        written(tmp_path / name, at) for name, at in zip("abc", (10, 30, 20), strict=True)
    )
    assert newest_first([old, tmp_path / "gone", new, middle]) == [new, middle, old]


@pytest.mark.skipif(os.name == "nt", reason="links need a right there")
def test_an_evaluation_that_vanishes_between_looking_and_reading_is_left_out(tmp_path):
    folder = RunFolder(tmp_path)
    score = Score(metric="frechet_distance", value=1.5)
    stored = {"judgement": "Fine.", "images_seen": 64, "scores": [score.to_json()]}
    write_json(folder.evaluations / "000000064-a.json", stored)
    # listed, but not there: as a file that is removed after the folder was read
    (folder.evaluations / "000000064-b.json").symlink_to(tmp_path / "gone")
    assert _evaluated(folder).scores == [score]
    assert scores_of(SimpleNamespace(folder=folder, checkpoint_name="000000064")) == [score]
