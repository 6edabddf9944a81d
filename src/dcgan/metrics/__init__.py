"""Measures of generated images: feature extractors, distances, and what each number rests on."""

from dcgan.metrics.extractor import Extractor, Features
from dcgan.metrics.score import Score

__all__ = ["Extractor", "Features", "Score"]
