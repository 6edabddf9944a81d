"""How good the images of a checkpoint are, in one sentence."""

from __future__ import annotations

from collections.abc import Sequence

from dcgan.metrics.score import Score

_GRADES = ((0.2, "Poor"), (0.6, "Fair"), (0.85, "Good"))
"""A grade holds while the weakest share is below this part of what real images score. Measured at
32x32 on emoji: gray blots after 2,400 images 0.00, silhouettes and some faces after 60,000 0.51."""

_BEST = "Very good"

_MEANINGS = {
    "precision": "some generated images do not look like real ones",
    "recall": "the generated images show too little of the variety of the real ones",
    "coverage": "the generated images leave out many kinds of real images",
}
"""What a low share means (Kynkäänniemi et al. 2019, arXiv:1904.06991; Naeem et al. 2020,
arXiv:2002.09797)."""


def judgement(scores: Sequence[Score]) -> str:
    """A grade, why, and the Fréchet distance, from the scores of one evaluation.

    The grade is that of the weakest of precision, recall and coverage, each divided by what real
    images score. One high share alone says little: images that are all alike have a high precision.

    Parameters
    ----------
    scores : sequence of Score
        With ``frechet_distance``, ``precision``, ``recall`` and ``coverage``, each with its
        real-image baseline.
    """
    by_name = {score.measure: score for score in scores}
    distance = by_name["frechet_distance"]
    shares = {name: _part_of_real(by_name[name]) for name in _MEANINGS}
    weakest = min(shares, key=lambda name: shares[name])
    grade = next((grade for bound, grade in _GRADES if shares[weakest] < bound), _BEST)
    numbers = (
        f"Fréchet distance {distance.value:.3g}; real images score {distance.floor or 0.0:.2g};"
        " lower is better"
    )
    if grade == _BEST:
        return f"{grade}: the generated images are close to the real ones. {numbers}."
    share = by_name[weakest]
    reason = (
        f"{_MEANINGS[weakest]} ({weakest} {share.value:.2f}; real images score {share.floor:.2f})"
    )
    return f"{grade}: {reason}. {numbers}."


def _part_of_real(share: Score) -> float:
    return share.value / share.floor if share.floor else 1.0
