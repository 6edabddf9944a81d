"""A score knows which of two numbers is the better one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dcgan.metrics.score import Score


@pytest.mark.parametrize(
    ("better", "order"),
    [
        ("lower", [-0.1, 0.0, 0.4, 0.9]),
        ("higher", [0.9, 0.4, 0.0, -0.1]),
        ("zero", [0.0, -0.1, 0.4, 0.9]),
        # real images get 0.5
        ("real", [0.4, 0.9, 0.0, -0.1]),
    ],
)
def test_numbers_are_ordered_by_what_is_better(better, order):
    scores = [Score(metric="some", value=value, baseline=0.5, better=better) for value in order]
    for first, second in zip(scores[:-1], scores[1:], strict=True):
        assert first.beats(second)
        assert not second.beats(first)
        assert not first.beats(first)
    assert scores[0].beats(None)


@pytest.mark.parametrize(
    "change",
    [
        {"metric": "other"},
        {"extractor": "random:1"},
        {"real": 2},
        {"generated": 2},
        {"split": "train"},
        {"seed": 1},
    ],
)
def test_whatever_a_number_rests_on_is_in_its_protocol(change):
    score = Score(metric="some", value=1.0)
    assert replace(score, value=2.0, baseline=1.0, error=0.1).protocol == score.protocol
    assert replace(score, **change).protocol != score.protocol


def test_what_earlier_versions_wrote_is_read():
    score = Score(metric="frechet_distance", value=0.39, baseline=0.04, split="60 of 99 images")
    old = {
        "measure": "frechet_distance",
        "value": 0.39,
        "floor": 0.04,
        "split": "60 of 99 pictures",
    }
    assert Score.from_json(old) == Score.from_json(score.to_json()) == score
    assert str(score) == "Fréchet distance 0.39; real images score 0.04; lower is better"
