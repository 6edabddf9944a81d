"""All scores of a checkpoint, each with the score of real images for comparison.

N images · C channels · H, W sides · F features · K classes
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from math import isnan, prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dcgan.data import ImageDataset
from dcgan.errors import ConfigError, DataError, did_you_mean
from dcgan.evaluation.baselines import RealBaselines
from dcgan.evaluation.copying import Copying, CopyingSearch
from dcgan.evaluation.judgement import judgement
from dcgan.evaluation.real_features import real_features
from dcgan.evaluation.real_images import FEWEST, chosen_order, name_of, take
from dcgan.evaluation.sampler import Sampler
from dcgan.metrics.extractor import Extractor, Features
from dcgan.metrics.labels import label_shares
from dcgan.metrics.registry import compute, metric_of, metrics_on
from dcgan.metrics.score import Score
from dcgan.runs.checkpoints import checkpoint_name
from dcgan.runtime.reporting import SILENT, Reporter

_MOST_TRAINING = 50_000
"""Training images that are searched for copies."""

_PIXEL_BYTES = 200_000_000
"""Bytes of generated images that are kept for the metrics on pixels."""


@dataclass(frozen=True)
class Evaluation:
    """The scores of one checkpoint.

    Parameters
    ----------
    run : str
        The run folder.
    checkpoint : str
        The name of the checkpoint.
    images_seen : int
        The number of real images that training had seen at this checkpoint.
    scores : tuple of Score
        One for each metric.
    dataset : str
        Eight hexadecimal digits that identify the real images.
    extractor : str
        A description of the feature extractor.
    classes : mapping of str to (float, float)
        Class → its share of generated and of real images, as the extractor classifies them.
    copying : Copying, optional
        The result of the search for copies, if there was one.
    """

    run: str
    checkpoint: str
    images_seen: int
    scores: tuple[Score, ...]
    dataset: str
    extractor: str = ""
    classes: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    copying: Copying | None = None

    def __getitem__(self, metric: str) -> Score:
        """The score of a metric, by its name."""
        for score in self.scores:
            if score.metric == metric:
                return score
        names = [score.metric for score in self.scores]
        raise KeyError(f"no metric {metric!r}; {did_you_mean(metric, names)}")

    @property
    def judgement(self) -> str:
        """How good the images are, in one sentence."""
        return judgement(self.scores)

    def to_json(self) -> dict[str, Any]:
        """A dictionary that JSON can hold."""
        return {
            "judgement": self.judgement,
            "run": self.run,
            "checkpoint": self.checkpoint,
            "images_seen": self.images_seen,
            "dataset": self.dataset,
            "extractor": self.extractor,
            "scores": [score.to_json() for score in self.scores],
            "classes": {name: list(shares) for name, shares in self.classes.items()},
            "copying": None if self.copying is None else self.copying.to_json(),
        }


class Evaluator:
    """Evaluates checkpoints against the same real images, with the same feature extractor.

    Parameters
    ----------
    dataset : ImageDataset
        The real images, at the runs' size.
    extractor : Extractor
    images : int, default 10,000
        Generated images, and as many real ones; at most half of the dataset. The real-image
        baseline is the score of as many other real images.
    held_out : ImageDataset, optional
        Real images that the runs were not trained on, for the search for copies.
    brief : bool
        Compute only the metrics on features and classes.
    copies : bool
        Whether the dataset is the training data, so that copies are searched for.
    reporter : Reporter, default silent
        Receives notes.

    Raises
    ------
    ConfigError
        ``images`` is too small.
    DataError
        The dataset is too small.
    """

    def __init__(
        self,
        dataset: ImageDataset,
        extractor: Extractor,
        *,
        images: int = 10_000,
        held_out: ImageDataset | None = None,
        brief: bool = False,
        copies: bool = True,
        reporter: Reporter = SILENT,
    ) -> None:
        total = len(dataset)
        refuse_few(images)
        refuse_few_images(total)
        self.count = min(images, total // 2)
        self.split = f"{self.count:,} of {total:,} images ({name_of(dataset)})"
        self._dataset, self._extractor = dataset, extractor
        self._reporter, self._brief = reporter, brief
        order = chosen_order(total)
        self._rows, self._other_rows = order[: self.count], order[self.count : 2 * self.count]
        if self.count < images:
            reporter.note(
                f"using {self.count:,} images instead of {images:,}: half of the dataset, because"
                " the real-image baseline needs as many others"
            )
        reporter.note(f"computing the features of real images ({extractor.label})")
        searched = 0 if brief or not copies else min(total, _MOST_TRAINING)
        most = max(2 * self.count, searched)
        features = real_features(dataset, order[:most], extractor)
        self._baselines = RealBaselines(dataset, extractor, self.count)
        self._real = features.take(slice(0, self.count))
        self._others = features.take(slice(self.count, 2 * self.count))
        self._search: CopyingSearch | None = None
        if searched:
            self._search = CopyingSearch(
                dataset,
                order[:most],
                features,
                None if held_out is None else self._features_of(held_out),
                count=self.count,
                extractor=extractor.label,
                baselines=self._baselines,
            )

    def _features_of(self, held_out: ImageDataset) -> tuple[Features, str]:
        rows = chosen_order(len(held_out))[: self.count]
        name = f"compared with {len(rows):,} of {len(held_out):,} held-out images"
        name += f" ({name_of(held_out)})"
        return real_features(held_out, rows, self._extractor), name

    def evaluate(self, run: Sampler, *, seed: int = 0) -> Evaluation:
        """Evaluate the checkpoint that a run is opened at, on the latents of a seed."""
        shape = run.networks.image_shape
        if shape != self._dataset.shape:
            raise DataError(
                f"{run.path}: generates images of shape {shape}, but the real images have shape"
                f" {self._dataset.shape}. Choose runs of one size and color mode"
            )
        self._reporter.note(f"{run.images_seen:,} images seen: generating {self.count:,} images")
        most = 0 if self._brief else min(self.count, _PIXEL_BYTES // prod(shape))
        kept: list[NDArray[np.uint8]] = []
        generated = self._extractor(_keep_first(run.stream(self.count, seed=seed), most, kept))
        self._reporter.note("computing scores")
        scores = self._scores_of_features(generated, seed)
        copying = None
        if not self._brief:
            images = np.concatenate(kept)
            count = len(images)
            scores += self._scores(
                "images",
                take(self._dataset, self._rows[:count]),
                lambda: take(self._dataset, self._other_rows[:count]),
                images,
                seed,
            )
            if self._search is not None:
                copying = self._search.search(generated, images, seed, self.split)
                scores += copying.scores
        return Evaluation(
            str(run.path),
            checkpoint_name(run.checkpoint),
            run.images_seen,
            tuple(scores),
            name_of(self._dataset),
            self._extractor.about,
            self._class_shares(generated),
            copying,
        )

    def _scores_of_features(self, generated: Features, seed: int) -> list[Score]:
        kinds = {"features": "values"}
        if generated.probabilities is not None:
            kinds["probabilities"] = "probabilities"
        if self._extractor.classes:  # those of another dataset are not the modes of this one
            kinds["classes"] = "probabilities"
        scores = []
        for kind, name in kinds.items():
            real, fake = getattr(self._real, name), getattr(generated, name)
            scores += self._scores(kind, real, partial(getattr, self._others, name), fake, seed)
        return scores

    def _scores(
        self, kind: str, real: Any, others: Callable[[], Any], generated: Any, seed: int
    ) -> list[Score]:
        """Scores of the metrics on one kind of arrays, such as features or images."""
        metrics = metrics_on(kind)
        values = compute(metrics, real, generated)

        def baselines() -> dict[str, float]:
            found = compute([one for one in metrics if one.baseline == "other"], real, others())
            found |= compute([one for one in metrics if one.baseline == "same"], real, real)
            return {name: estimate.value for name, estimate in found.items()}

        count = len(generated)
        known = self._baselines.of(f"{kind} {count}", values, baselines)
        return [
            Score(
                metric=name,
                value=estimate.value,
                baseline=known[name],
                error=None if isnan(estimate.error) else estimate.error,
                better=metric_of(name).better,
                extractor="pixels" if kind == "images" else self._extractor.label,
                real=count,
                generated=count,
                split=self.split,
                seed=seed,
            )
            for name, estimate in values.items()
        ]

    def _class_shares(self, generated: Features) -> dict[str, tuple[float, float]]:
        names = self._extractor.classes
        if not names or generated.probabilities is None or self._real.probabilities is None:
            return {}
        shares = label_shares(generated.probabilities), label_shares(self._real.probabilities)
        return {
            name: (float(generated_share), float(real_share))
            for name, generated_share, real_share in zip(names, *shares, strict=True)
        }


def refuse_few(images: int) -> None:
    """Raise ``ConfigError`` for too few generated images to compute a distance."""
    if images < FEWEST:
        raise ConfigError("images", images, f"a score needs at least {FEWEST} images")


def refuse_few_images(total: int) -> None:
    """Raise ``DataError`` for too few real images to form two sets."""
    if total < 2 * FEWEST:
        raise DataError(f"{total} real images: at least {2 * FEWEST} are needed. Add more")


def _keep_first(
    parts: Iterator[NDArray[np.uint8]], count: int, kept: list[NDArray[np.uint8]]
) -> Iterator[NDArray[np.uint8]]:
    """Pass parts on, and append the first ``count`` images to ``kept``."""
    for part in parts:
        if count > 0:
            kept.append(part[:count])
            count -= len(kept[-1])
        yield part
