"""Measurements are kept, compared by protocol, and name the best checkpoint."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import torch

from dcgan.errors import RunError
from dcgan.metrics import Score
from dcgan.runs.checkpoints import write_checkpoint
from dcgan.runs.folder import RunFolder
from dcgan.runs.scores import (
    Measured,
    Scoreboard,
    best_names,
    draw_quality,
    panel_of,
    read_best,
    read_scores,
    settle_best,
)

SCORE = Score(
    metric="kernel_distance",
    value=1.0,
    baseline=0.01,
    extractor="random:abc",
    real=100,
    generated=100,
    split="100 of 400 (ff)",
    seed=3,
)


@pytest.fixture
def folder(tmp_path) -> RunFolder:
    found = RunFolder(tmp_path)
    for images in (64, 128, 192):
        write_checkpoint(
            found.checkpoints, images, {"a": {"w": torch.zeros(1)}}, {"images_seen": images}
        )
    return found


def entry(images, value, *, saved=True, **changes):
    score = replace(SCORE, value=value, **changes)
    return Measured(images, score, f"{images:09d}" if saved else None, 0.5)


def test_a_best_score_without_a_checkpoint_is_damaged(folder):
    content = entry(64, 1.0, saved=False).to_json()
    folder.best.write_text(json.dumps(content))
    with pytest.raises(RunError, match=r"best\.json: damaged \(checkpoint is missing\)"):
        read_best(folder)
    settle_best(folder)
    assert read_best(folder) is None


def test_the_best_is_the_least_with_a_checkpoint(folder):
    board = Scoreboard(folder, SCORE.protocol)
    assert board.enter(entry(64, 2.0))
    assert board.enter(entry(128, 0.5))
    assert not board.enter(entry(150, 0.4, saved=False))
    assert not board.enter(entry(192, 0.9))
    best = read_best(folder)
    assert (best.checkpoint, best.images, best.score.value) == ("000000128", 128, 0.5)
    assert best.score.baseline == 0.01
    content = json.loads(folder.best.read_text())
    assert content["by"] == "training"
    assert content["score"]["extractor"] == "random:abc"


def test_where_higher_is_better_the_best_is_the_highest(folder):
    like = replace(SCORE, better="higher")
    board = Scoreboard(folder, like.protocol)
    for images, value in ((64, 0.2), (128, 0.9), (192, 0.5)):
        board.enter(entry(images, value, better="higher"))
    assert read_best(folder).checkpoint == "000000128"


def test_places_are_for_the_best(folder):
    board = Scoreboard(folder, SCORE.protocol, places=2)
    board.enter(entry(64, 2.0))
    assert board.has_place_for(replace(SCORE, value=9.0))
    board.enter(entry(128, 1.0))
    assert not board.has_place_for(replace(SCORE, value=9.0))
    assert board.has_place_for(replace(SCORE, value=1.5))
    board.enter(entry(192, 1.5))
    assert [one.images for one in board.best()] == [128, 192]
    assert best_names(folder, 2) == {"000000128", "000000192"}
    assert best_names(folder, 1) == {"000000128"}


def test_what_a_kill_made_void_counts_no_more(folder):
    board = Scoreboard(folder, SCORE.protocol)
    board.enter(entry(64, 2.0))
    board.enter(entry(128, 0.1))
    folder.forget_beyond(64)
    assert [one.images for one in read_scores(folder)] == [64]
    again = Scoreboard(folder, SCORE.protocol)
    assert again.last_gain() == 64


@pytest.mark.parametrize(
    "change", [{"extractor": "random:other"}, {"generated": 99}, {"seed": 4}, {"split": "?"}]
)
def test_numbers_of_another_protocol_are_not_compared(folder, change):
    Scoreboard(folder, replace(SCORE, **change).protocol).enter(entry(64, 0.001, **change))
    board = Scoreboard(folder, SCORE.protocol)
    assert board.entries == []
    board.enter(entry(128, 5.0))
    assert read_best(folder).checkpoint == "000000064", "one number alone proves nothing"
    board.enter(entry(192, 7.0))
    assert read_best(folder).checkpoint == "000000128"
    assert best_names(folder, 1) == {"000000064", "000000128"}, "the old best is kept"


def test_the_last_gain_is_when_anything_last_got_better(folder):
    board = Scoreboard(folder, SCORE.protocol)
    assert board.last_gain() is None
    for images, value in ((64, 3.0), (128, 2.0), (160, 2.5), (192, 2.0)):
        board.enter(entry(images, value))
    assert board.last_gain() == 128


def test_a_measurement_survives_being_stored(folder):
    board = Scoreboard(folder, SCORE.protocol)
    board.enter(entry(64, 0.123456789))
    assert read_scores(folder) == [entry(64, 0.123456789)]


def test_a_best_whose_checkpoint_has_gone_gives_way_to_the_next(folder):
    board = Scoreboard(folder, SCORE.protocol, places=2)
    board.enter(entry(64, 2.0))
    board.enter(entry(128, 3.0))
    settle_best(folder)
    assert read_best(folder).checkpoint == "000000064"
    (folder.checkpoints / "000000064").rename(folder.path / "away")
    settle_best(folder)
    assert read_best(folder).checkpoint == "000000128"
    (folder.checkpoints / "000000128").rename(folder.path / "away2")
    settle_best(folder)
    assert read_best(folder) is None


def test_a_kill_before_best_was_written_is_made_good(folder):
    board = Scoreboard(folder, SCORE.protocol)
    board.enter(entry(64, 2.0))
    folder.scores.append(entry(128, 1.0).to_json())
    again = Scoreboard(folder, SCORE.protocol)
    assert not again.enter(entry(192, 1.5))
    assert read_best(folder).checkpoint == "000000128"


def test_damaged_records_hinder_no_training(folder):
    Scoreboard(folder, SCORE.protocol).enter(entry(64, 2.0))
    folder.scores.append({"images": 100, "score": {"value": 1}})
    folder.best.write_text("{")
    settle_best(folder)
    assert read_best(folder).checkpoint == "000000064"
    assert [one.images for one in read_scores(folder)] == [64]


def test_patience_counts_to_the_last_measurement(folder):
    board = Scoreboard(folder, SCORE.protocol)
    assert board.since_gain() == 0
    for images, value in ((64, 3.0), (128, 2.0), (192, 2.5)):
        board.enter(entry(images, value))
    assert board.since_gain() == 64


@pytest.mark.parametrize("content", ["", "{}", '{"images": 1, "score": {}}', "[1]"])
def test_a_damaged_best_is_named(folder, content):
    folder.best.write_text(content)
    with pytest.raises(RunError, match=r"best\.json: damaged .*`checkpoint=last`"):
        read_best(folder)


@pytest.mark.figures
def test_quality_is_drawn_where_there_is_any(folder):
    draw_quality(folder)
    assert not folder.quality.exists()
    board = Scoreboard(folder, SCORE.protocol)
    for images, value in ((64, 3.0), (128, 0.2)):
        board.enter(entry(images, value))
    draw_quality(folder)
    assert folder.quality.read_bytes().startswith(b"\x89PNG")


def test_a_figure_says_which_scores_are_better():
    score = Score(metric="frechet_distance", value=1.0)
    assert panel_of({64: score}).title.endswith("images, lower is better")
    assert panel_of({64: replace(score, better="higher")}).title.endswith("higher is better")
