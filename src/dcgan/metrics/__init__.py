"""Metrics of generated images, and the feature extractors that they are computed on."""

from dcgan.metrics.estimate import Estimate
from dcgan.metrics.extractor import Extractor, Features
from dcgan.metrics.extractors.inception import inception_extractor
from dcgan.metrics.extractors.module import module_extractor
from dcgan.metrics.extractors.pretrained import pretrained_extractor
from dcgan.metrics.extractors.random_network import random_extractor
from dcgan.metrics.frechet import Moments, frechet_distance
from dcgan.metrics.kernel import kernel_distance, squared_mmd
from dcgan.metrics.labels import inception_score, label_entropy, label_shares, mode_coverage
from dcgan.metrics.memorization import (
    copy_threshold,
    copying_test,
    duplicate_rate,
    nearest,
    repeats,
)
from dcgan.metrics.neighbors import (
    DensityCoverage,
    PrecisionRecall,
    density_coverage,
    precision_recall,
)
from dcgan.metrics.registry import METRICS, Metric
from dcgan.metrics.score import Score
from dcgan.metrics.similarity import ms_ssim, ms_ssim_diversity
from dcgan.metrics.wasserstein import sliced_wasserstein

__all__ = [
    "METRICS",
    "DensityCoverage",
    "Estimate",
    "Extractor",
    "Features",
    "Metric",
    "Moments",
    "PrecisionRecall",
    "Score",
    "copy_threshold",
    "copying_test",
    "density_coverage",
    "duplicate_rate",
    "frechet_distance",
    "inception_extractor",
    "inception_score",
    "kernel_distance",
    "label_entropy",
    "label_shares",
    "mode_coverage",
    "module_extractor",
    "ms_ssim",
    "ms_ssim_diversity",
    "nearest",
    "precision_recall",
    "pretrained_extractor",
    "random_extractor",
    "repeats",
    "sliced_wasserstein",
    "squared_mmd",
]


def __dir__() -> list[str]:
    return __all__
