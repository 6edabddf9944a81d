"""Checkpoints that time or a signal asked for are told from those of every run of the settings."""

from __future__ import annotations

from dcgan.metrics.score import Score
from dcgan.runs.folder import RunFolder
from dcgan.runs.scores import Measured
from dcgan.training.planning.planned_checkpoints import PlannedCheckpoints


def test_those_due_by_images_and_those_measured_as_best_are_no_others(tmp_path):
    folder = RunFolder(tmp_path)
    for images in (32, 96, 128, 160, 224, 256):
        (folder.checkpoints / f"{images:09d}").mkdir(parents=True)
    score = Score(
        metric="m", value=1.0, baseline=None, extractor="e", real=60, generated=60, split="s"
    )
    folder.scores.append(Measured(160, score, "000000160").to_json())
    planned = PlannedCheckpoints(every=100, batch=32)
    # due at the first step beyond 100 and 200
    assert planned.others(folder) == ["000000032", "000000096", "000000256"]
