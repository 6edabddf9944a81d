"""How good the images of a checkpoint are, in one sentence."""

from __future__ import annotations

from collections.abc import Sequence

from dcgan.metrics.registry import metric_of, metrics_on
from dcgan.metrics.score import Score

_GRADES = ((0.2, "Poor"), (0.6, "Fair"), (0.85, "Good"))
"""A grade holds while the weakest share is below this part of what real images score. Measured at
32x32 on emoji: gray blots after 2,400 images 0.00, silhouettes and some faces after 60,000 0.51."""

_BEST = "Very good"


def judgement(scores: Sequence[Score]) -> str:
    """A grade, why, and the Fréchet distance, from the scores of one evaluation.

    The grade is that of the weakest share (precision, recall or coverage), each divided by what
    real images score. One high share alone says little: images that are all alike have a high
    precision.

    Parameters
    ----------
    scores : sequence of Score
        With all metrics on features, each with its real-image baseline.
    """
    by_name = {score.metric: score for score in scores}
    shares = [by_name[one.name] for one in metrics_on("features") if one.better == "higher"]
    weakest = min(shares, key=_part_of_real)
    grade = next((grade for bound, grade in _GRADES if _part_of_real(weakest) < bound), _BEST)
    reason = "the generated images are close to the real ones"
    if grade != _BEST:
        numbers = f"{weakest.value:.2f}; real images score {weakest.baseline:.2f}"
        poor = f"{metric_of(weakest.metric).poor} ({weakest.label} {numbers}; higher is better)"
        reason = f"the weakest point is that {poor}" if grade == "Good" else poor
    return f"{grade}: {reason}. {by_name['frechet_distance']}."


def _part_of_real(share: Score) -> float:
    return share.value / share.baseline if share.baseline else 1.0
