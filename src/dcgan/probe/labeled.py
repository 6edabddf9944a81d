"""Labeled images at the run's size, and their split into parts by class.

N images · K classes
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from os import fspath
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dcgan.data import ImageDataset, Labels, load_dataset, open_source
from dcgan.data.cache import Cache
from dcgan.data.pixels.values import UNKNOWN, Values
from dcgan.data.quality.survey import values_of
from dcgan.errors import ConfigError, DataError, RunError, did_you_mean
from dcgan.runs.run import Run
from dcgan.runs.settings import stored_section
from dcgan.runtime.files import StrPath
from dcgan.runtime.isolation import isolated
from dcgan.runtime.reporting import SILENT, Reporter
from dcgan.runtime.rng import derived_seed
from dcgan.runtime.signatures import checked

_HELD_OUT = 1 / 6
"""Share of a test or validation part: as 10,000 of MNIST's 60,000 images."""

_CACHE_BYTES = 50 * 10**9
"""The default of training (``data.cache_gb``)."""


@dataclass(frozen=True)
class Labeled:
    """Some images of a dataset and their classes.

    Parameters
    ----------
    name : str
        Their name in messages.
    dataset : ImageDataset
    index : int64 (N,)
        Indices of these images in the dataset.
    label : int64 (N,)
        Their classes, from 0 to K - 1.
    names : tuple of str
        Names of the K classes.
    """

    name: str
    dataset: ImageDataset
    index: NDArray[np.int64]
    label: NDArray[np.int64]
    names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.index)

    def take(self, rows: NDArray[np.int64]) -> Labeled:
        """These rows only."""
        return replace(self, index=self.index[rows], label=self.label[rows])


@checked
@isolated()
def load_labeled(
    run: Run,
    data: StrPath,
    *,
    factor: str | None = None,
    root: StrPath | None = None,
    cache: Path | None = None,
    reporter: Reporter = SILENT,
) -> Labeled:
    """Open a labeled dataset with the size, channels and fit of the run.

    Parameters
    ----------
    run : Run
    data, root
        As for :func:`dcgan.data.open_source`.
    factor : str, optional
        Which labels; default ``label``, or the only ones.
    cache : Path, optional
        The folder for decoded images.
    reporter
        As for :func:`dcgan.data.load_dataset`.

    Raises
    ------
    DataError
        No labels, or fewer than two classes.
    ConfigError
        No such factor, or one of numbers, not classes.
    """
    data = fspath(data)
    channels, height, width = run.networks.image_shape
    source = open_source(data, root)
    for line in source.notes:
        reporter.note(line)
    _labels_of(data, source.labels, factor)  # before minutes of decoding
    fit = recorded(run, "data", "fit", default="crop")
    dataset = load_dataset(
        source,
        (height, width),
        channels,
        how="crop" if fit == "cover-random" else fit,
        background=recorded(run, "data", "background", default="#ffffff"),
        cache=None if cache is None else Cache(cache, _CACHE_BYTES),
        values=values_of(source, Values.stored(recorded(run, "data", default={})) or UNKNOWN),
        reporter=reporter,
    )
    labels = _labels_of(data, dataset.labels, factor)
    index_N = np.arange(len(dataset))
    class_N = np.asarray(labels.values)[dataset.rows(index_N)].astype(np.int64)
    if class_N.min() < 0 or class_N.max() >= len(labels.names):
        raise DataError(
            f"{data}: some images have no class (class numbers from {class_N.min()} to"
            f" {class_N.max()}, but {len(labels.names)} classes). Remove these images"
        )
    return Labeled(data, dataset, index_N, class_N, labels.names)


def matched(test: Labeled, names: tuple[str, ...]) -> Labeled:
    """The same images with the class numbers of training, matched by name.

    Raises
    ------
    DataError
        A class that training does not have.
    """
    if test.names == names:
        return test
    unknown = [name for name in test.names if name not in names]
    if unknown:
        raise DataError(
            f"{test.name}: class {unknown[0]!r} is not among the {len(names)} classes of the"
            f" training images; {did_you_mean(unknown[0], names)}"
        )
    places = np.array([names.index(name) for name in test.names])
    return replace(test, label=places[test.label], names=names)


def held_out(
    whole: Labeled, seed: int, *, most: int | None = None, purpose: str
) -> tuple[Labeled, Labeled]:
    """The rest, and one sixth of each class chosen at random, at most ``most`` images in all.

    Raises
    ------
    DataError
        A class with fewer than 2 images.
    """
    share = _HELD_OUT if most is None else min(_HELD_OUT, most / len(whole))
    random = np.random.default_rng(derived_seed(seed, purpose))
    counts = np.bincount(whole.label, minlength=len(whole.names))
    if counts.min() < 2:
        name = whole.names[int(counts.argmin())]
        raise DataError(
            f"{whole.name}: class {name!r} has too few images: {counts.min()}. At least 2 are"
            " needed, one of them held out. Remove the class, or use a larger `limit`"
        )
    chosen = np.zeros(len(whole), dtype=bool)
    for number, few in enumerate(_shares(counts, share)):
        rows = random.permutation(np.flatnonzero(whole.label == number))
        chosen[rows[:few]] = True
    return whole.take(np.flatnonzero(~chosen)), whole.take(np.flatnonzero(chosen))


def _shares(counts: NDArray[np.int64], share: float) -> NDArray[np.int64]:
    """A share of each count, rounded so that the sum is right; each at least 1."""
    exact = share * counts
    whole = np.floor(exact).astype(np.int64)
    missing = round(exact.sum()) - int(whole.sum())
    whole[np.argsort(whole - exact, kind="stable")[:missing]] += 1
    shares: NDArray[np.int64] = whole.clip(min=1)
    return shares


def limited(whole: Labeled, limit: int | None, seed: int) -> Labeled:
    """At most ``limit`` of the images, chosen at random."""
    if limit is None or limit >= len(whole):
        return whole
    random = np.random.default_rng(derived_seed(seed, "limit"))
    return whole.take(np.sort(random.permutation(len(whole))[:limit]))


def balanced_subsets(
    whole: Labeled, labels: int, repeats: int, seed: int
) -> list[NDArray[np.int64]]:
    """Rows of ``labels`` images, the same number of each class, chosen ``repeats`` times.

    If K does not divide ``labels``, random classes have one more.

    Raises
    ------
    ConfigError
        Fewer labels than classes, or more than a class has.
    """
    classes = len(whole.names)
    if labels < classes:
        raise ConfigError("labels", labels, f"at least {classes}, one of each class")
    counts = np.bincount(whole.label, minlength=classes)
    each = -(-labels // classes)
    if counts.min() < each:
        raise ConfigError(
            "labels",
            labels,
            f"{each} of each class, but {whole.names[int(counts.argmin())]!r} has only"
            f" {counts.min()} images to train on. Use at most {counts.min() * classes}",
        )
    random = np.random.default_rng(derived_seed(seed, "draws"))
    subsets = []
    for _ in range(repeats):
        wanted = np.full(classes, labels // classes)
        wanted[random.permutation(classes)[: labels % classes]] += 1
        rows = [
            random.permutation(np.flatnonzero(whole.label == number))[:few]
            for number, few in enumerate(wanted)
        ]
        subsets.append(np.sort(np.concatenate(rows)))
    return subsets


def recorded(run: Run, section: str, *keys: str, default: Any) -> Any:
    """A setting that the run was trained with; the default if it is not recorded."""
    try:
        value: Any = stored_section(run.folder, section)
    except RunError:
        return default
    for key in keys:
        if not isinstance(value, dict) or key not in value:
            return default
        value = value[key]
    return value


def _labels_of(data: str, labels: dict[str, Labels], factor: str | None) -> Labels:
    known = {name: found for name, found in labels.items() if found.names}
    if not known:
        raise DataError(
            f"{data}: the images have no classes, which the probe needs. Put the images of each"
            " class into a folder of their own, or choose a dataset with labels, such as mnist"
        )
    wanted = factor or ("label" if "label" in known else next(iter(known)))
    use = " or ".join(f"`factor={name}`" for name in list(known)[:40])
    if factor is None and "label" not in known and len(known) > 1:
        problem = f"{data}: its images have {len(known)} factors. Use {use}"
        raise ConfigError("", factor, problem)
    if wanted not in known:
        problem = "it has numbers, not classes" if wanted in labels else "no such factor"
        raise ConfigError("factor", wanted, f"{problem}. Use {use}")
    if len(known[wanted].names) < 2:
        raise DataError(f"{data}: all images have the same class. The probe needs at least two")
    return known[wanted]
