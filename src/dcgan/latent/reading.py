"""What images show, by classifiers trained on the data's own labels.

N images · C channels · H, W sides · K classes
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dcgan.data import Labels, Pictures
from dcgan.errors import ConfigError, DataError, did_you_mean
from dcgan.metrics.extractor import Extractor
from dcgan.runs.extractors import factor_classifier
from dcgan.runs.pictures import open_pictures
from dcgan.runs.run import Run

YES = "yes"
"""The class that an attribute's bare name means, of ``no`` and ``yes``."""

Condition = tuple[str, int]
"""A factor, and the number of one of its classes."""


class Reader:
    """Classifies images by any factor of the pictures that a run was trained on.

    Pictures are opened, and each classifier is trained or fetched, when they are first needed.

    Parameters
    ----------
    run : Run
    data, data_root, note
        As for :func:`dcgan.runs.pictures.open_pictures`.
    """

    def __init__(
        self,
        run: Run,
        *,
        data: str | None = None,
        data_root: str | Path | None = None,
        note: Callable[[str], None] | None = None,
    ) -> None:
        self._run, self._data, self._root, self._note = run, data, data_root, note
        self._classifiers: dict[str, Extractor] = {}

    @cached_property
    def pictures(self) -> Pictures:
        """What the run was trained on, or is to be read by."""
        run = self._run
        return open_pictures(
            run.folder, run.networks, self._data, data_root=self._root, note=self._note
        )

    @cached_property
    def factors(self) -> Mapping[str, Labels]:
        """Factors that have classes.

        Raises
        ------
        DataError
            None has.
        """
        found = {name: labels for name, labels in self.pictures.labels.items() if labels.names}
        if not found:
            raise DataError(
                f"{self._run.path}: its pictures have no labels to know concepts by; give numbers"
                " on the sheet that sample --numbered makes, such as --plus 3,17,40"
            )
        return found

    def conditions(self, concept: str) -> list[Condition]:
        """What ``colour=red+shape=circle``, ``smiling`` or ``red`` asks for.

        Parameters
        ----------
        concept : str
            FACTOR=CLASS, or a class or a yes-and-no factor by its name alone; several joined by +.

        Raises
        ------
        ConfigError
            No such factor or class, or a class of several factors.
        """
        return [self._condition(word.strip()) for word in concept.split("+")]

    def _condition(self, word: str) -> Condition:
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
                "concept", word, f"say of what: {' or '.join(f'{f}={word}' for f in of)}"
            )
        every = [name for labels in self.factors.values() for name in labels.names]
        raise ConfigError("concept", word, f"no such class; {did_you_mean(word, every)}")

    def classifier(self, factor: str) -> Extractor:
        """The classifier of one factor."""
        if factor not in self._classifiers:
            self._classifiers[factor] = factor_classifier(
                self.pictures, factor, device=self._run.device, note=self._note
            )
        return self._classifiers[factor]

    def probabilities(self, images_NCHW: NDArray[np.uint8], factor: str) -> NDArray[np.float32]:
        """Of each class of a factor, (N, K)."""
        found = self.classifier(factor)(images_NCHW).probabilities
        assert found is not None
        return found

    def agreement(
        self, images_NCHW: NDArray[np.uint8], conditions: list[Condition]
    ) -> NDArray[np.float32]:
        """The least probability of what is asked for, image by image, (N,)."""
        each = [self.probabilities(images_NCHW, factor)[:, k] for factor, k in conditions]
        least_N: NDArray[np.float32] = np.min(each, axis=0)
        return least_N
