"""The experiment: every method on the same images, the same subsets, the same classifier.

N images · F features · R random subsets
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from dcgan.data import ImageDataset
from dcgan.errors import ConfigError, RunError
from dcgan.probe.features import Projection, extract, refuse_too_many
from dcgan.probe.labeled import Labeled, balanced_subsets, held_out
from dcgan.probe.methods import (
    METHODS,
    Unlabeled,
    checked_methods,
    features_of,
    initialization_of,
)
from dcgan.probe.results import MethodResult, ProbeResult
from dcgan.probe.supervised import BUDGET, predict, train_supervised
from dcgan.probe.svm import choose, fits
from dcgan.runs.run import Run
from dcgan.runs.settings import stored_section
from dcgan.runtime.isolation import isolated
from dcgan.runtime.reporting import SILENT, Reporter
from dcgan.runtime.rng import derived_seed
from dcgan.runtime.signatures import checked
from dcgan.vocabulary import CLUSTERS

MAX_FEATURES = 8192
"""Up to so many features are used as they are. A fit on 50,000 images needs 5 GB of memory then."""

_MOST_VALIDATION = 10_000
"""As in the paper on SVHN (section 5.2)."""


@checked
@isolated()
def probe(
    run: Run,
    training: Labeled,
    test: Labeled,
    *,
    methods: Sequence[str] = METHODS,
    labels: int | None = None,
    repeats: int = 10,
    max_features: int = MAX_FEATURES,
    budget: int = BUDGET,
    seed: int = 0,
    device: torch.device | str = "cpu",
    reporter: Reporter = SILENT,
) -> ProbeResult:
    """Score the features of a run's discriminator with a linear classifier, and of other methods.

    One sixth of the training images, at most 10,000, is the validation part, on which C is chosen.
    With all labels, the classifier is then fitted again to both parts. With ``labels``, it is
    fitted to each random subset only, as in the paper (section 5.2). Features that are learned
    (batch norm statistics, k-means) use the training part without labels.

    Parameters
    ----------
    run : Run
    training, test : Labeled
        See :func:`dcgan.probe.load_labeled`.
    methods : sequence of str, default all
        From :data:`METHODS`.
    labels : int, optional
        Train on so many images only, the same number of each class, in ``repeats`` random subsets.
    repeats : int, default 10
    max_features : int, default 8,192
        A fixed random projection reduces more features to so many.
    budget : int, default 500,000
        Images for training the supervised network.
    seed : int, default 0
        Of splits, subsets, projection, untrained weights and k-means.
    device : torch.device, default CPU
        Where features are computed.
    reporter : Reporter, default silent
        Receives notes and progress.

    Raises
    ------
    ConfigError
        An unknown method, or a number out of range.
    DataError
        Too few images of a class, or features that do not fit into memory.
    """
    for key, value in (("repeats", repeats), ("max_features", max_features)):
        if value < 1:
            raise ConfigError(key, value, "at least 1")
    chosen = checked_methods(methods)
    train, validation = held_out(training, seed, most=_MOST_VALIDATION, purpose="validation")
    subsets = None if labels is None else balanced_subsets(train, labels, repeats, seed)
    device = torch.device(device)
    parts = _Parts(
        Unlabeled(run, train.dataset, train.index, seed, device), train, validation, test, subsets
    )
    results = []
    for method in chosen:
        start = time.monotonic()
        if method == "supervised":
            result = _supervised(parts, budget, start, reporter)
        else:
            result = _by_features(method, parts, max_features, start, reporter)
        results.append(result)
        accuracy = float(np.mean(result.test))
        reporter.note(f"{method}: test {accuracy:.2%} after {result.seconds:.0f} s")
    return ProbeResult(
        methods=tuple(results),
        names=train.names,
        train=len(train),
        validation=len(validation),
        test=len(test),
        labels=labels,
        repeats=1 if subsets is None else repeats,
        seed=seed,
        test_set=test.name,
        with_labels=_has_learned_labels(run),
    )


def _has_learned_labels(run: Run) -> bool:
    """Whether the discriminator was told the labels of its images; clusters are found without."""
    if not run.networks.latent.classes:
        return False
    try:
        return stored_section(run.folder, "model").get("condition") != CLUSTERS
    except RunError:  # without its settings, it is not known
        return True


@dataclass(frozen=True)
class _Parts:
    """What all methods share; ``subsets`` are rows of ``train``, None for all of them."""

    seen: Unlabeled
    train: Labeled
    validation: Labeled
    test: Labeled
    subsets: list[NDArray[np.int64]] | None


def _by_features(
    method: str, parts: _Parts, max_features: int, start: float, reporter: Reporter
) -> MethodResult:
    reporter.note(f"computing {method} features")
    features = features_of(method, parts.seen)
    projection = None
    if features.count > max_features:
        seed = derived_seed(parts.seen.seed, "projection")
        projection = Projection(features.count, max_features, seed)
    # features are computed only of those training images that some subset has
    rows = np.arange(len(parts.train))
    if parts.subsets is not None:
        rows = np.unique(np.concatenate(parts.subsets))
    learned = len(rows) + len(parts.validation)
    refuse_too_many(
        learned + len(parts.test),
        learned if parts.subsets is None else len(parts.subsets[0]),
        min(features.count, max_features),
    )

    def extracted(dataset: ImageDataset, index_N: NDArray[np.int64]) -> NDArray[np.float32]:
        return extract(
            features,
            dataset,
            index_N,
            projection=projection,
            device=parts.seen.device,
            reporter=reporter,
            activity=f"computing {method} features",
        )

    index_N = np.concatenate([parts.train.index[rows], parts.validation.index])
    both_NF = extracted(parts.train.dataset, index_N)
    test_NF = extracted(parts.test.dataset, parts.test.index)
    train_NF, validation_NF = both_NF[: len(rows)], both_NF[len(rows) :]
    label_N, validation_N = parts.train.label[rows], parts.validation.label
    classes = len(parts.train.names)
    reporter.note(f"{method}: linear SVM on {len(rows):,} images, {both_NF.shape[1]:,} features")
    if parts.subsets is None:
        chosen = [choose(train_NF, label_N, classes, validation_NF, validation_N)]
        both_N = np.concatenate([label_N, validation_N])
        svms = list(fits(both_NF, both_N, classes, [chosen[0].svm.C]))
    else:
        places = [np.searchsorted(rows, subset) for subset in parts.subsets]
        chosen = [
            choose(train_NF[place], label_N[place], classes, validation_NF, validation_N)
            for place in places
        ]
        svms = [one.svm for one in chosen]
    return MethodResult(
        method=method,
        about=features.about,
        features=features.count,
        projected_to=None if projection is None else max_features,
        C=tuple(svm.C for svm in svms),
        is_at_edge=any(one.is_at_edge for one in chosen),
        converged=all(svm.converged for svm in svms),
        validation=tuple(one.accuracy for one in chosen),
        predicted=np.stack([svm.predict(test_NF) for svm in svms]),
        truth=parts.test.label,
        seconds=time.monotonic() - start,
    )


def _supervised(parts: _Parts, budget: int, start: float, reporter: Reporter) -> MethodResult:
    seen = parts.seen
    networks = seen.run.networks
    validation, predicted, images = [], [], 0
    for number, rows in enumerate(parts.subsets or [np.arange(len(parts.train))]):
        reporter.note(f"supervised: training network {number + 1}")
        trained = train_supervised(
            networks,
            initialization_of(seen.run),
            parts.train.take(rows),
            parts.validation,
            seed=derived_seed(seen.seed, f"draw {number}"),
            budget=budget,
            device=seen.device,
        )
        validation.append(trained.accuracy)
        predicted.append(predict(trained.network, networks, parts.test))
        images = trained.budget
    return MethodResult(
        method="supervised",
        about=f"a CNN of the same shape, {images:,} images seen",
        features=0,
        validation=tuple(validation),
        predicted=np.stack(predicted),
        truth=parts.test.label,
        seconds=time.monotonic() - start,
    )
