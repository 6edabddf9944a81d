"""One sentence about a checkpoint: the grade follows the weakest share, and says which it is."""

from __future__ import annotations

import pytest

from dcgan.evaluation.judgement import judgement
from dcgan.metrics.score import Score


def scores(distance=1.0, **shares):
    baselines = {"precision": 0.85, "recall": 0.85, "coverage": 0.95}
    return [
        Score(metric="frechet_distance", value=distance, baseline=0.5),
        *(
            Score(metric=name, value=shares.get(name, real), baseline=real, better="higher")
            for name, real in baselines.items()
        ),
    ]


def test_gray_fog_is_poor_whatever_its_precision():
    """Measured: precision 0.998 (real 0.85), recall 0."""
    found = judgement(scores(120, precision=0.998, recall=0.0, coverage=0.1))
    assert found.startswith("Poor: the generated images show too little of the variety")
    assert "recall 0.00; real images score 0.85" in found
    assert "precision" not in found
    assert "Fréchet distance 120; real images score 0.5; lower is better" in found


@pytest.mark.parametrize(
    ("share", "grade"), [(0.1, "Poor"), (0.4, "Fair"), (0.7, "Good"), (0.9, "Very good")]
)
@pytest.mark.parametrize(
    ("name", "real"), [("precision", 0.85), ("recall", 0.85), ("coverage", 0.95)]
)
def test_the_grade_is_that_of_the_weakest_share(name, real, share, grade):
    found = judgement(scores(**{name: share * real}))
    assert found.startswith(f"{grade}: ")
    assert (name in found) == (grade != "Very good")
    assert ("the weakest point is that" in found) == (grade == "Good")


def test_real_images_are_very_good():
    assert judgement(scores(0.5)).startswith("Very good: ")


def test_a_baseline_of_zero_is_no_division_by_zero():
    flat = [Score(metric=s.metric, value=0.0, baseline=0.0, better=s.better) for s in scores()]
    assert judgement(flat).startswith("Very good")
