"""What a run has logged, as curves over images seen, and how long something has held."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

_SMOOTHED = 7
"""Log lines of a running median: single steps of a GAN say little."""

_NOISE = 3.0
"""Errors of a score within which it is at the baseline. The baseline of a kernel distance is itself
a chance value about 0, so a part of it says nothing."""

Network = Literal["generator", "discriminator"]


@dataclass(frozen=True)
class Setup:
    """What is known of a run before its first step.

    Parameters
    ----------
    dataset_images : int
        Images in the dataset; 0 if unknown.
    batch : int
    images : int, optional
        Planned images seen.
    usual : int, optional
        Images seen after which images of this size are usually recognizable.
    needed : int, optional
        The same, where the networks are the usual ones; others may need many more.
    has_level : bool
        Whether D's logits are compared with zero, so that its scores are probabilities.
    loss_of_guessing : float, optional
        D's loss if it gives every image the same score; None where it has no fixed value.
    uneven : sequence of str
        Layers of G whose kernel is no multiple of their stride, such as ``2: kernel 3, stride 2``.
    needs_batch_norm : bool
        Whether D has batch norm that ``model.discriminator.norm`` cannot replace: in rows of its
        layer table, or because of ``optim.joint_batch``.
    settings : mapping of str to value
        All settings by dotted key, such as ``optim.batch``.
    """

    dataset_images: int = 0
    batch: int = 32
    images: int | None = None
    usual: int | None = None
    needed: int | None = None
    has_level: bool = True
    loss_of_guessing: float | None = None
    uneven: Sequence[str] = ()
    needs_batch_norm: bool = False
    settings: Mapping[str, Any] = field(default_factory=dict)

    def get(self, key: str) -> Any:
        """A setting; None where it is not known."""
        return self.settings.get(key)

    def rate(self, network: Network) -> float | None:
        """The learning rate of a network."""
        rate = self.get(f"optim.{network}.lr")
        return float(rate) if isinstance(rate, int | float) and rate > 0 else None

    @property
    def is_augmented(self) -> bool:
        """Whether D sees augmented images."""
        return self.get("augment.policy") not in (None, "none")

    @property
    def has_table(self) -> bool:
        """Whether a recipe lists the generator's layers: other settings do not change these."""
        return self.get("model.generator.layers") is not None


@dataclass(frozen=True)
class ScoreLine:
    """One score during training.

    Parameters
    ----------
    images : int
        Images seen.
    value, baseline : float
        A distance to real images, and that of other real images. Lower is better.
    signs : mapping of str to float
        The vital signs of the same images.
    checkpoint : str, optional
        Its name, if one was saved.
    error : float, default 0
        By how much the value varies by chance where images are as good as real ones; 0 if unknown.
    """

    images: int
    value: float
    baseline: float
    signs: Mapping[str, float] = field(default_factory=dict)
    checkpoint: str | None = None
    error: float = 0.0


class Curve(NamedTuple):
    """Numbers over images seen, both (N,), oldest first."""

    images: NDArray[np.int64]
    values: NDArray[np.float64]

    @property
    def last(self) -> float:
        """The last value; NaN without any."""
        return float(self.values[-1]) if len(self.values) else float("nan")

    def smoothed(self) -> Curve:
        """Running medians of this and up to six earlier values."""
        if not len(self.values):
            return self
        # before the first value, NaN, which the median leaves out and sorting puts last
        padded = np.concatenate([np.full(_SMOOTHED - 1, np.nan), self.values])
        windows = np.lib.stride_tricks.sliding_window_view(padded, _SMOOTHED)
        ordered = np.sort(windows, axis=1)
        count, place = np.sum(~np.isnan(ordered), axis=1), np.arange(len(ordered))
        # np.nanmedian takes five times as long
        middle = ordered[place, (count - 1) // 2] + ordered[place, count // 2]
        return Curve(self.images, middle / 2)

    def after(self, images: int) -> Curve:
        """The part from a number of images seen on."""
        is_late = self.images >= images
        return Curve(self.images[is_late], self.values[is_late])


class Stretch(NamedTuple):
    """From which to which number of images seen something held; ``until`` is None if it still
    holds."""

    since: int
    until: int | None


@dataclass(frozen=True)
class History:
    """Everything that the rules look at.

    Parameters
    ----------
    log : sequence of mappings
        The lines of ``log.jsonl``, by images seen.
    scores : sequence of ScoreLine
        Those of one metric, by images seen.
    events : sequence of mappings
        The lines of ``events.jsonl``.
    setup : Setup
    metric : str, default "score"
        What the scores are called.
    """

    log: Sequence[Mapping[str, Any]]
    scores: Sequence[ScoreLine] = ()
    events: Sequence[Mapping[str, Any]] = ()
    setup: Setup = Setup()
    metric: str = "score"

    @property
    def images_seen(self) -> int:
        """At the last line of the log, or at the last score."""
        ends = [line["images"] for line in self.log[-1:]] + [
            score.images for score in self.scores[-1:]
        ]
        return max(ends, default=0)

    @property
    def seconds_per_image(self) -> float:
        """How long training took for one image seen; 0 where it is not known."""
        lines = [line for line in self.log if line.get("seconds") and line.get("images")]
        return float(lines[-1]["seconds"] / lines[-1]["images"]) if lines else 0.0

    @property
    def least(self) -> int:
        """Images seen for which something must hold to be a finding: 60 batches, and a twentieth
        of what has been seen."""
        return max(60 * self.setup.batch, self.images_seen // 20)

    def curve(self, name: str) -> Curve:
        """A number of the log; lines without it are left out."""
        return self.curves(name)[0]

    def curves(self, *names: str) -> tuple[Curve, ...]:
        """Numbers of the log, at the same images seen; lines without one of them are left out."""
        lines = [
            line
            for line in self.log
            if all(
                isinstance(line.get(name), int | float) and isfinite(line[name]) for name in names
            )
        ]
        images = [line["images"] for line in lines]
        return tuple(_curve(images, [line[name] for line in lines]) for name in names)

    def layers(self, name: str) -> dict[str, Curve]:
        """Numbers by layer, such as ``gradient_mean``."""
        lines = [line for line in self.log if line.get(name)]
        found = {}
        for layer in lines[-1][name] if lines else {}:
            known = [line for line in lines if isinstance(line[name].get(layer), int | float)]
            finite = [line for line in known if isfinite(line[name][layer])]
            found[layer] = _curve(
                [line["images"] for line in finite], [line[name][layer] for line in finite]
            )
        return found

    def sign(self, name: str) -> Curve:
        """A vital sign of the scored images."""
        lines = [line for line in self.scores if name in line.signs]
        return _curve([line.images for line in lines], [line.signs[name] for line in lines])

    def resemblance(self) -> Curve:
        """Coverage or recall of the real images, whichever is larger: 0 if generated images
        resemble none of them. One alone may be 0 in a young run that learns."""
        coverage, recall = self.sign("coverage"), self.sign("recall")
        if len(coverage.values) != len(recall.values):
            return coverage
        return Curve(coverage.images, np.maximum(coverage.values, recall.values))

    def excess(self) -> Curve:
        """How far the scores are from the real-image baseline; never below a tenth of it, or three
        times the stated error, below which differences are noise."""
        return _curve(
            [line.images for line in self.scores],
            [
                max(line.value - line.baseline, 0.1 * abs(line.baseline), _NOISE * line.error)
                for line in self.scores
            ],
        )

    def longest(self, images_N: NDArray[np.int64], holds_N: NDArray[np.bool_]) -> Stretch | None:
        """The last stretch that is long enough (:attr:`least`); None without one."""
        found, start = None, None
        for place, (images, holds) in enumerate(zip(images_N, holds_N, strict=True)):
            if holds and start is None:
                start = int(images)
            is_last = place == len(images_N) - 1
            if start is not None and (not holds or is_last):
                if int(images) - start >= self.least:
                    found = Stretch(start, None if holds else int(images))
                start = None
        return found

    def gain_since(self, images: int) -> float:
        """The part by which the best score since then is closer to the baseline than the best one
        before: 0.3 is 30 % closer, below 0 is worse. NaN without scores on both sides."""
        excess = self.excess()
        before = excess.values[excess.images <= images]
        after = excess.values[excess.images > images]
        if not len(before) or not len(after):
            return float("nan")
        return float(1 - after.min() / before.min())


def _curve(images: Sequence[int], values: Sequence[float]) -> Curve:
    return Curve(np.array(images, dtype=np.int64), np.array(values, dtype=np.float64))
