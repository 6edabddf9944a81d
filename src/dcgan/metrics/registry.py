"""Every metric in one place: its name, which direction is better, and how it is computed.

To add a metric, write the function with its equation in a file of this folder and add a line here.
Evaluation, tables, figures and comparisons read this list.

N, M images · F features · K classes
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import nan
from typing import Any, Literal

from dcgan.metrics.estimate import Estimate
from dcgan.metrics.frechet import frechet_distance
from dcgan.metrics.kernel import kernel_distance
from dcgan.metrics.labels import inception_score, label_entropy, label_shares, mode_coverage
from dcgan.metrics.neighbors import density_coverage, precision_recall
from dcgan.metrics.similarity import ms_ssim_diversity
from dcgan.metrics.wasserstein import sliced_wasserstein
from dcgan.vocabulary import AxisScale, Better

BETTER: Mapping[Better, str] = {
    "lower": "lower",
    "higher": "higher",
    "zero": "closer to 0",
    "real": "closer to real images",
}
"""Directions in words, as in "lower is better"."""


@dataclass(frozen=True)
class Metric:
    """One metric.

    Parameters
    ----------
    name : str
        The name in JSON files and in Python, such as ``frechet_distance``.
    better : {"lower", "higher", "zero", "real"}
        Which scores are better: lower ones, higher ones, those closer to 0, or those closer to the
        score of real images.
    on : {"features", "probabilities", "classes", "images", "copies"}
        What it is computed on. "classes": probabilities of the classes that the dataset is labeled
        with. "copies": by :mod:`dcgan.evaluation.copying`, which searches the training images.
    compute : callable
        From arrays of real images (N, …) and generated images (M, …) to a number, an
        :class:`~dcgan.metrics.Estimate`, an object with an attribute of this metric's name, or
        numbers by level, each of which becomes a score ``name_level``.
    poor : str
        What a poor score means.
    label : str, optional
        The name that people see; default ``name`` with spaces instead of underscores.
    axis : {"log", "linear"}, optional
        Scale of the axis in figures over images seen. A metric without it is in no figure.
    baseline : {"other", "same"}
        Which real images give the real-image baseline. "other": real images other than those that
        generated images are compared with. "same": the same real images, for metrics that compare
        generated images only with each other.
    """

    name: str
    better: Better
    on: Literal["features", "probabilities", "classes", "images", "copies"]
    compute: Callable[[Any, Any], Any] | None
    poor: str
    label: str = ""
    axis: AxisScale | None = None
    baseline: Literal["other", "same"] = "other"


# fmt: off
METRICS = (
    Metric("frechet_distance", "lower", "features", frechet_distance,
           "the features of generated images are distributed unlike those of real images",
           axis="log", label="Fréchet distance"),
    Metric("kernel_distance", "lower", "features", kernel_distance,
           "the features of generated images are distributed unlike those of real images",
           axis="log"),
    Metric("precision", "higher", "features", precision_recall,
           "too many generated images do not look like real ones", axis="linear"),
    Metric("recall", "higher", "features", precision_recall,
           "the generated images show too little of the variety of the real ones", axis="linear"),
    Metric("density", "real", "features", density_coverage,
           "generated images crowd where real images are frequent, or are rare there"),
    Metric("coverage", "higher", "features", density_coverage,
           "too few kinds of real images are among the generated ones", axis="linear"),
    Metric("inception_score", "higher", "probabilities", lambda _, fake: inception_score(fake),
           "the generated images belong to no clear class, or to few classes"),
    Metric("mode_coverage", "higher", "classes",
           lambda real, fake: mode_coverage(label_shares(fake), label_shares(real)),
           "some classes are missing from the generated images"),
    Metric("label_entropy", "real", "classes", lambda _, fake: label_entropy(label_shares(fake)),
           "classes are distributed less, or more, evenly than among real images"),
    Metric("sliced_wasserstein", "lower", "images", sliced_wasserstein,
           "details of this size differ from those of real images", label="sliced Wasserstein"),
    Metric("ms_ssim", "real", "images", lambda _, fake: ms_ssim_diversity(fake),
           "the generated images resemble each other more, or less, than real images do",
           baseline="same", label="MS-SSIM"),
    Metric("copying_test", "zero", "copies", None,
           "generated images are closer to training images than held-out images are, or farther"),
    Metric("duplicate_rate", "lower", "copies", None,
           "some generated images are nearly equal to a training image"),
    Metric("repeat_rate", "lower", "copies", None,
           "some generated images are nearly equal to each other"),
)
# fmt: on


def metrics_on(kind: str) -> list[Metric]:
    """The metrics that are computed on images, features, …: see :class:`Metric`."""
    return [metric for metric in METRICS if metric.on == kind]


def compute(metrics: Sequence[Metric], real: Any, generated: Any) -> dict[str, Estimate]:
    """Scores by name, of arrays of real images (N, …) and generated images (M, …)."""
    results: dict[Any, Any] = {}
    scores = {}
    for metric in metrics:
        assert metric.compute is not None, metric.name
        if metric.compute not in results:  # some functions give two metrics
            results[metric.compute] = metric.compute(real, generated)
        result = results[metric.compute]
        if isinstance(result, dict):
            levels = {f"{metric.name}_{level}": value for level, value in result.items()}
        else:
            levels = {metric.name: getattr(result, metric.name, result)}
        for name, value in levels.items():
            scores[name] = value if isinstance(value, Estimate) else Estimate(float(value), nan)
    return scores


def metric_of(score_name: str) -> Metric:
    """The metric of a score; for an unknown name, one that is better when lower.

    >>> metric_of("sliced_wasserstein_32").label
    'sliced Wasserstein'
    """
    for metric in METRICS:
        if score_name == metric.name or score_name.startswith(f"{metric.name}_"):
            return metric
    return Metric(score_name, "lower", "copies", None, "")


def label_of(score_name: str) -> str:
    """A score's name for people.

    >>> label_of("frechet_distance"), label_of("sliced_wasserstein_32"), label_of("ms_ssim")
    ('Fréchet distance', 'sliced Wasserstein at 32x32', 'MS-SSIM')
    """
    metric = metric_of(score_name)
    level = score_name.removeprefix(metric.name).removeprefix("_")
    if level.isdigit():
        level = f"{level}x{level}"
    return (metric.label or metric.name).replace("_", " ") + (f" at {level}" if level else "")
