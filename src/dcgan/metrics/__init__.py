"""Measures of generated images: feature extractors, distances, and what each number rests on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcgan.lazily import lazily

if TYPE_CHECKING:
    from dcgan.metrics.estimate import Estimate
    from dcgan.metrics.extractor import Extractor, Features
    from dcgan.metrics.frechet import Moments, frechet_distance
    from dcgan.metrics.kernel import kernel_distance, squared_mmd
    from dcgan.metrics.labels import inception_score, label_entropy, label_shares, mode_coverage
    from dcgan.metrics.memorisation import (
        copy_threshold,
        copying_test,
        duplicate_rate,
        exact_repeats,
        nearest,
        repeats,
    )
    from dcgan.metrics.neighbours import (
        DensityCoverage,
        PrecisionRecall,
        density_coverage,
        precision_recall,
    )
    from dcgan.metrics.score import Score
    from dcgan.metrics.similarity import ms_ssim, ms_ssim_diversity
    from dcgan.metrics.wasserstein import sliced_wasserstein

__all__ = [
    "DensityCoverage",
    "Estimate",
    "Extractor",
    "Features",
    "Moments",
    "PrecisionRecall",
    "Score",
    "copy_threshold",
    "copying_test",
    "density_coverage",
    "duplicate_rate",
    "exact_repeats",
    "frechet_distance",
    "inception_score",
    "kernel_distance",
    "label_entropy",
    "label_shares",
    "mode_coverage",
    "ms_ssim",
    "ms_ssim_diversity",
    "nearest",
    "precision_recall",
    "repeats",
    "sliced_wasserstein",
    "squared_mmd",
]

# some of them need SciPy and scikit-learn, which take a while to load
_HOMES = {
    "DensityCoverage": "dcgan.metrics.neighbours",
    "Estimate": "dcgan.metrics.estimate",
    "Extractor": "dcgan.metrics.extractor",
    "Features": "dcgan.metrics.extractor",
    "Moments": "dcgan.metrics.frechet",
    "PrecisionRecall": "dcgan.metrics.neighbours",
    "Score": "dcgan.metrics.score",
    "copy_threshold": "dcgan.metrics.memorisation",
    "copying_test": "dcgan.metrics.memorisation",
    "density_coverage": "dcgan.metrics.neighbours",
    "duplicate_rate": "dcgan.metrics.memorisation",
    "exact_repeats": "dcgan.metrics.memorisation",
    "frechet_distance": "dcgan.metrics.frechet",
    "inception_score": "dcgan.metrics.labels",
    "kernel_distance": "dcgan.metrics.kernel",
    "label_entropy": "dcgan.metrics.labels",
    "label_shares": "dcgan.metrics.labels",
    "mode_coverage": "dcgan.metrics.labels",
    "ms_ssim": "dcgan.metrics.similarity",
    "ms_ssim_diversity": "dcgan.metrics.similarity",
    "nearest": "dcgan.metrics.memorisation",
    "precision_recall": "dcgan.metrics.neighbours",
    "repeats": "dcgan.metrics.memorisation",
    "sliced_wasserstein": "dcgan.metrics.wasserstein",
    "squared_mmd": "dcgan.metrics.kernel",
}
__getattr__, __dir__ = lazily(__name__, _HOMES)
