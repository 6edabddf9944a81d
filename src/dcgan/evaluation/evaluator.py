"""All measures of one checkpoint, each with its protocol and with what real images get.

N images · C channels · H, W sides · F features · K classes
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from math import isnan
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dcgan.data import ImageDataset
from dcgan.errors import ConfigError, DataError
from dcgan.evaluation.baselines import RealBaselines
from dcgan.evaluation.copying import Copying, CopyingSearch
from dcgan.evaluation.judgement import judgement
from dcgan.evaluation.real_features import real_features
from dcgan.evaluation.real_images import FEWEST, chosen_order, name_of, take
from dcgan.evaluation.sampler import Sampler
from dcgan.metrics.extractor import Extractor, Features
from dcgan.metrics.frechet import Moments, frechet_distance
from dcgan.metrics.kernel import kernel_distance
from dcgan.metrics.labels import inception_score, label_entropy, label_shares, mode_coverage
from dcgan.metrics.neighbours import density_coverage, precision_recall
from dcgan.metrics.score import Score
from dcgan.metrics.similarity import ms_ssim_diversity
from dcgan.metrics.wasserstein import sliced_wasserstein
from dcgan.runtime.reporting import SILENT, Reporter
from dcgan.vocabulary import Better

_MOST_TRAINING = 50_000
"""Training pictures among which copies are looked for."""

_PIXEL_BYTES = 200_000_000
"""Of generated images that are kept for the measures on pixels."""


@dataclass(frozen=True)
class Evaluation:
    """What was measured of one checkpoint.

    Parameters
    ----------
    run : str
        The run folder.
    checkpoint : str
    images_seen : int
    scores : tuple of Score
    dataset : str
        Eight letters that tell the real ones from others.
    extractor : str
        What the extractor is, for people.
    classes : mapping of str to (float, float)
        Class → its share of generated and of real images, as the extractor sees them.
    copying : Copying, optional
    """

    run: str
    checkpoint: str
    images_seen: int
    scores: tuple[Score, ...]
    dataset: str
    extractor: str = ""
    classes: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    copying: Copying | None = None

    def __getitem__(self, measure: str) -> Score:
        """The score of a measure, by its name."""
        for score in self.scores:
            if score.measure == measure:
                return score
        raise KeyError(measure)

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
            "pictures": self.dataset,
            "extractor": self.extractor,
            "scores": [score.to_json() for score in self.scores],
            "classes": {name: list(shares) for name, shares in self.classes.items()},
            "copying": None if self.copying is None else self.copying.to_json(),
        }


class Evaluator:
    """Measures checkpoints against the same real pictures, on the same features.

    Parameters
    ----------
    dataset : Pictures
        The real ones, at the runs' size.
    extractor : Extractor
    images : int, default 10,000
        Generated ones, and as many real ones; where there are not twice as many pictures, half
        of them: the other half, real too, is measured in the same way and gives the floor.
    held_out : Pictures, optional
        Real pictures that the runs were not trained on, for the test of copying.
    brief : bool
        Only the distances and shares on features: what a curve over checkpoints needs.
    copies : bool
        Whether the pictures are what the runs were trained on, so that copies are looked for.
    reporter : Reporter, default silent
        Receives notes and progress.

    Raises
    ------
    ConfigError
        Too few images asked for.
    DataError
        Too few pictures.
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
        self._reporter = reporter
        self._extractor = extractor
        self._seed = 0
        self._brief = brief
        self.split = f"{self.count:,} of {total:,} pictures ({name_of(dataset)})"
        order = chosen_order(total)
        self._rows, self._floor_rows = order[: self.count], order[self.count : 2 * self.count]
        self._dataset = dataset
        self._reporter.note(f"features of real pictures ({extractor.label})")
        searched = 0 if brief or not copies else min(total, _MOST_TRAINING)
        most = max(2 * self.count, searched)
        known = real_features(dataset, order[:most], extractor)
        self._baselines = RealBaselines(dataset, extractor, self.count)
        self._reference = known.take(slice(0, self.count))
        self._others = known.take(slice(self.count, 2 * self.count))
        self._search: CopyingSearch | None = None
        if searched:
            self._search = CopyingSearch(
                dataset,
                order[:most],
                known,
                None if held_out is None else self._features_of(held_out),
                extractor=extractor.label,
                baselines=self._baselines,
            )

    def _features_of(self, held_out: ImageDataset) -> tuple[Features, str]:
        rows = chosen_order(len(held_out))[: self.count]
        name = f"{len(rows):,} of {len(held_out):,} other pictures ({name_of(held_out)})"
        return real_features(held_out, rows, self._extractor), name

    def evaluate(self, run: Sampler, *, seed: int = 0) -> Evaluation:
        """Measure the checkpoint that a run is opened at, on the latents of a seed."""
        self._seed = seed
        if run.networks.image_shape != self._dataset.shape:
            raise DataError(
                f"{run.path}: draws images of another shape than the pictures they would be"
                " compared with"
            )
        self._reporter.note(f"{run.images_seen:,} images seen: drawing {self.count:,} images")
        kept = 0 if self._brief else min(self.count, _PIXEL_BYTES // _bytes_of(run))
        first = _FirstOf(run.stream(self.count, seed=self._seed), kept)
        generated = self._extractor(iter(first))
        self._reporter.note("measuring")
        scores = [*self._distances(generated), *self._of_classes(generated)]
        copying = None
        if not self._brief:
            scores += self._on_pixels(first.images())
        if self._search is not None:
            copying = self._search.search(generated, first.images(), seed, self.split)
            scores += copying.scores
        return Evaluation(
            str(run.path),
            run.checkpoint.name,
            run.images_seen,
            tuple(scores),
            name_of(self._dataset),
            self._extractor.about,
            self._shares(generated),
            copying,
        )

    def _distances(self, generated: Features) -> Iterator[Score]:
        real, others, fake = self._reference.values, self._others.values, generated.values
        moments = Moments.of(real)
        baselines = self._baselines.of(
            "distances",
            lambda: {
                "frechet": frechet_distance(moments, Moments.of(others)),
                "kernel": kernel_distance(real, others).value,
                **asdict(precision_recall(real, others)),
                **asdict(density_coverage(real, others)),
            },
        )
        distance = frechet_distance(moments, Moments.of(fake))
        yield self._score_like("frechet_distance", distance, baselines["frechet"])
        found = kernel_distance(real, fake)
        yield self._score_like(
            "kernel_distance", found.value, baselines["kernel"], error=found.error
        )
        shares = asdict(precision_recall(real, fake)) | asdict(density_coverage(real, fake))
        for name, value in shares.items():
            # above real images' density lies crowding, not quality
            better: Better = "real" if name == "density" else "higher"
            yield self._score_like(name, value, baselines[name], better=better)

    def _of_classes(self, generated: Features) -> Iterator[Score]:
        """What the extractor's own classes say, where it has any."""
        fake, real = generated.probabilities, self._others.probabilities
        if fake is None or real is None:
            return
        score, floor = inception_score(fake), inception_score(real)
        yield self._score_like(
            "inception_score", score.value, floor.value, error=score.error, better="higher"
        )
        if not self._extractor.classes:
            return  # another data set's classes say nothing of these pictures' modes
        shares, reference = label_shares(fake), label_shares(real)
        expected = label_shares(_probabilities(self._reference))
        yield self._score_like(
            "mode_coverage",
            mode_coverage(shares, expected),
            mode_coverage(reference, expected),
            better="higher",
        )
        yield self._score_like(
            "label_entropy", label_entropy(shares), label_entropy(reference), better="real"
        )

    def _on_pixels(self, images: NDArray[np.uint8]) -> Iterator[Score]:
        count = len(images)
        real = take(self._dataset, self._rows[:count])
        baselines = self._baselines.of(f"pixels {count}", lambda: self._floors_on_pixels(real))
        for level, value in sliced_wasserstein(real, images).items():
            name = f"sliced_wasserstein_{level}"
            yield self._score_like(name, value, baselines[name], images=count)
        found = ms_ssim_diversity(images)
        yield self._score_like(
            "ms_ssim",
            found.value,
            baselines["ms_ssim"],
            error=found.error,
            better="real",
            images=count,
        )

    def _floors_on_pixels(self, real: NDArray[np.uint8]) -> dict[str, float]:
        others = take(self._dataset, self._floor_rows[: len(real)])
        distances = sliced_wasserstein(real, others)
        return {
            **{f"sliced_wasserstein_{level}": value for level, value in distances.items()},
            "ms_ssim": ms_ssim_diversity(real).value,
        }

    def _shares(self, generated: Features) -> dict[str, tuple[float, float]]:
        names = self._extractor.classes
        if not names or generated.probabilities is None:
            return {}
        fake = label_shares(generated.probabilities)
        real = label_shares(_probabilities(self._reference))
        return {
            name: (float(ours), float(theirs))
            for name, ours, theirs in zip(names, fake, real, strict=True)
        }

    def _score_like(
        self,
        measure: str,
        value: float,
        floor: float,
        *,
        error: float | None = None,
        better: Better = "lower",
        images: int | None = None,
    ) -> Score:
        """A score of this evaluator's protocol; on pixels, where ``images`` says of how many."""
        return Score(
            measure=measure,
            value=float(value),
            floor=float(floor),
            error=None if error is None or isnan(error) else float(error),
            better=better,
            extractor=self._extractor.label if images is None else "pixels",
            real=images or self.count,
            generated=images or self.count,
            split=self.split,
            seed=self._seed,
        )


def refuse_few(images: int) -> None:
    """Raise ``ConfigError`` for so few generated images that no distance means anything."""
    if images < FEWEST:
        raise ConfigError("images", images, f"at least {FEWEST}, or no distance means anything")


def refuse_few_images(total: int) -> None:
    """Raise ``DataError`` for so few real ones that there are no two sets of them."""
    if total < 2 * FEWEST:
        raise DataError(f"{total} pictures: too few to compare with, it takes {2 * FEWEST}")


class _FirstOf:
    """Passes parts on, and keeps the first images of them."""

    def __init__(self, parts: Iterator[NDArray[np.uint8]], count: int) -> None:
        self._parts = parts
        self._count = count
        self._kept: list[NDArray[np.uint8]] = []

    def __iter__(self) -> Iterator[NDArray[np.uint8]]:
        missing = self._count
        for part in self._parts:
            if missing > 0:
                self._kept.append(part[:missing])
                missing -= len(self._kept[-1])
            yield part

    def images(self) -> NDArray[np.uint8]:
        return np.concatenate(self._kept)


def _bytes_of(run: Sampler) -> int:
    return int(np.prod(run.networks.image_shape))


def _probabilities(features: Features) -> NDArray[np.float32]:
    assert features.probabilities is not None
    return features.probabilities
