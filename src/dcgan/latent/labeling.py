"""Predict what images show, with classifiers trained on the labels of the dataset.

N images · C channels · H, W sides · K classes
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from dcgan.data import ImageDataset, Labels
from dcgan.errors import ConfigError, DataError, did_you_mean, nearest_of
from dcgan.evaluation.extractors import factor_classifier
from dcgan.latent.appearance import APPEARANCES
from dcgan.metrics.extractor import Extractor
from dcgan.runs.dataset import open_dataset
from dcgan.runs.run import Run
from dcgan.runtime.files import StrPath
from dcgan.runtime.reporting import SILENT, Reporter

_PARTS = 8

YES = "yes"
"""The class that the name of a yes-and-no factor means."""

Condition = tuple[str, int]
"""A factor, and the index of one of its classes."""


class Reader:
    """Predicts the factors of a run's training images for other images.

    The dataset is opened, and each classifier trained or read from the cache, when it is first
    needed.

    Parameters
    ----------
    run : Run
    data, data_root, reporter
        As for :func:`dcgan.runs.dataset.open_dataset`.
    """

    def __init__(
        self,
        run: Run,
        *,
        data: StrPath | None = None,
        data_root: StrPath | None = None,
        reporter: Reporter = SILENT,
    ) -> None:
        self._run, self._data, self._root, self._reporter = run, data, data_root, reporter
        self._classifiers: dict[str, Extractor] = {}
        self._eighths: dict[str, tuple[Labels, NDArray[np.float64]]] = {}

    @cached_property
    def dataset(self) -> ImageDataset:
        """The training images of the run, or those of ``data``."""
        run = self._run
        return open_dataset(
            run.folder, run.networks, self._data, data_root=self._root, reporter=self._reporter
        )

    @cached_property
    def factors(self) -> Mapping[str, Labels]:
        """Factors that have classes.

        Raises
        ------
        DataError
            There are none.
        """
        factors = {name: labels for name, labels in self.dataset.labels.items() if labels.names}
        if not factors:
            raise DataError(
                f"{self._run.path}: its images have no labels. Without labels, use"
                f" {', '.join(APPEARANCES)}, or sample numbers such as 3,17,40"
            )
        return factors

    def conditions(self, concept: str) -> list[Condition]:
        """The conditions of a concept such as ``color=red+shape=circle``, ``smiling`` or ``red``.

        Parameters
        ----------
        concept : str
            FACTOR=CLASS, or only the name of a class or of a yes-and-no factor; join several by +.

        Raises
        ------
        ConfigError
            No such factor or class, or a class of several factors.
        """
        whole = concept.strip()
        names = {name for labels in self.dataset.labels.values() for name in labels.names}
        is_one = whole in names or whole.partition("=")[2] in names  # a name may hold a plus
        words = [whole] if is_one else whole.split("+")
        return [self._condition(word.strip()) for word in words]

    def _condition(self, word: str) -> Condition:
        near = nearest_of(word, APPEARANCES)
        if near and not any(labels.names for labels in self.dataset.labels.values()):
            raise ConfigError("concept", word, f"did you mean {near!r}?")
        factor, equals, name = word.partition("=")
        if not equals:
            factor, name = self._of_class(word)
        labels = self.factors.get(factor)
        if labels is None:
            known = did_you_mean(factor, self.factors)
            raise ConfigError("concept", word, f"no such factor; {known}")
        if name not in labels.names:
            known = did_you_mean(name, labels.names)
            raise ConfigError("concept", word, f"no such class of {factor}; {known}")
        return factor, labels.names.index(name)

    def _of_class(self, word: str) -> tuple[str, str]:
        if word in self.factors and YES in self.factors[word].names:
            return word, YES
        of = [factor for factor, labels in self.factors.items() if word in labels.names]
        if len(of) == 1:
            return of[0], word
        if of:
            raise ConfigError(
                "concept",
                word,
                f"several factors have it. Use {' or '.join(f'{f}={word}' for f in of)}",
            )
        every = [name for labels in self.factors.values() for name in labels.names]
        raise ConfigError("concept", word, f"no such class; {did_you_mean(word, every)}")

    def probabilities(self, images_NCHW: NDArray[np.uint8], factor: str) -> NDArray[np.float32]:
        """Probabilities of the classes of a factor, (N, K)."""
        found = self._extractor(factor, self.factors[factor])(images_NCHW).probabilities
        assert found is not None
        return found

    def _extractor(self, factor: str, labels: Labels, *, shifted: bool = True) -> Extractor:
        if factor not in self._classifiers:
            self._classifiers[factor] = factor_classifier(
                self.dataset,
                factor,
                labels,
                device=self._run.device,
                shifted=shifted,
                brief=True,
                reporter=self._reporter,
            )
        return self._classifiers[factor]

    def refuse_unknown(self, concept: str) -> None:
        """Raise ``ConfigError`` for what is neither a class, a factor nor an appearance."""
        if not self.is_measured(concept):
            self.conditions(concept)

    def is_measured(self, concept: str) -> bool:
        """Whether a concept is a number: a factor without classes, or an appearance."""
        labels = self._labels_of(concept)
        return concept in APPEARANCES if labels is None else not labels.names

    def _labels_of(self, concept: str) -> Labels | None:
        try:
            return self.dataset.labels.get(concept)
        except DataError:
            if concept in APPEARANCES:
                return None  # computed from pixels: the dataset may be missing
            raise

    def values(self, images_NCHW: NDArray[np.uint8], factor: str) -> NDArray[np.float64]:
        """A numeric factor, (N,): the mean over its eighths, weighted by their probabilities.

        If the dataset has no such factor, it is an appearance.

        Raises
        ------
        DataError
            Nearly all values are the same.
        """
        if self._labels_of(factor) is None:
            return APPEARANCES[factor](images_NCHW)
        if factor not in self._eighths:
            self._eighths[factor] = _eighths(self.dataset, factor)
        labels, mean_K = self._eighths[factor]
        # the factor may be a position, so training images must not be shifted
        found = self._extractor(factor, labels, shifted=False)(images_NCHW).probabilities
        assert found is not None
        return found.astype(np.float64) @ mean_K

    def agreement(
        self, images_NCHW: NDArray[np.uint8], conditions: list[Condition]
    ) -> NDArray[np.float32]:
        """The smallest probability of the conditions, (N,)."""
        each = [self.probabilities(images_NCHW, factor)[:, k] for factor, k in conditions]
        least_N: NDArray[np.float32] = np.min(each, axis=0)
        return least_N


def _eighths(dataset: ImageDataset, factor: str) -> tuple[Labels, NDArray[np.float64]]:
    """A numeric factor as eight classes of equally many images, and the mean of each."""
    values = np.asarray(dataset.labels[factor].values, np.float64)
    ends = np.unique(np.quantile(values, np.linspace(0, 1, _PARTS + 1)))
    if len(ends) < 3:
        raise DataError(f"{factor}: nearly all images have the same value. Choose another factor")
    number = np.clip(np.searchsorted(ends, values, side="right") - 1, 0, len(ends) - 2)
    names = tuple(f"{low:.3g} to {high:.3g}" for low, high in pairwise(ends))
    mean_K = np.array([values[number == k].mean() for k in range(len(names))])
    return Labels(number, names), mean_K
