"""The experiment: every method on the same pictures, the same draws, the same classifier.

N pictures · F features · R draws
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from dcgan.errors import ConfigError
from dcgan.probe.features import FeatureMap, Projection, extract, refuse_too_many
from dcgan.probe.labelled import Labelled, balanced_draws, held_out
from dcgan.probe.methods import (
    METHODS,
    Unlabelled,
    checked_methods,
    features_of,
    initialisation_of,
)
from dcgan.probe.results import MethodResult, ProbeResult
from dcgan.probe.supervised import BUDGET, predict, train_supervised
from dcgan.probe.svm import Chosen, LinearSVM, SquaredHinge, choose
from dcgan.runs.run import Run
from dcgan.runtime.isolation import isolated
from dcgan.runtime.reporting import SILENT, Reporter
from dcgan.runtime.rng import derived_seed

MAX_FEATURES = 8192
"""Features that are kept as they are: 50,000 pictures of so many take 1.6 GB."""

_MOST_VALIDATION = 10_000
"""The paper's number on SVHN (section 5.2)."""


@isolated()
def probe(
    run: Run,
    training: Labelled,
    test: Labelled,
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
    """Judge the features of a run's discriminator by a linear classifier, beside yardsticks.

    One sixth of the training pictures, at most 10,000, is the validation part, on which C is
    chosen. With all labels the classifier is then fitted to both parts. With few, it stays with
    those of its draw, as in the paper (section 5.2). Features that are learned (batch norm
    statistics, k-means) see the training part without labels.

    Parameters
    ----------
    run : Run
    training, test : Labelled
        See :func:`dcgan.probe.load_labelled`.
    methods : sequence of str, default all
        Of :data:`METHODS`.
    labels : int, optional
        Train on so many only, the same of each class, in ``repeats`` draws; default on all.
    repeats : int, default 10
    max_features : int, default 8,192
        Above it, features go through a fixed random projection to so many.
    budget : int, default 500,000
        Images that training of the supervised network sees.
    seed : int, default 0
        Of splits, draws, projection, fresh weights and k-means.
    device : torch.device, default CPU
    reporter : Reporter, default silent
        Receives notes and progress.

    Raises
    ------
    ConfigError
        An unknown method, or numbers that cannot be.
    DataError
        Too few pictures of a class, or features that fit into no memory.
    """
    for key, value in (("repeats", repeats), ("max-features", max_features)):
        if value < 1:
            raise ConfigError(key, value, "1 or more")
    chosen = checked_methods(methods)
    train, validation = held_out(training, seed, most=_MOST_VALIDATION, purpose="validation")
    draws = None if labels is None else balanced_draws(train, labels, repeats, seed)
    device = torch.device(device)
    parts = _Parts(
        Unlabelled(run, train.dataset, train.index, seed, device), train, validation, test, draws
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
        repeats=1 if draws is None else repeats,
        seed=seed,
        test_set=test.name,
    )


@dataclass(frozen=True)
class _Parts:
    """What all methods share; ``draws`` are rows of ``train``, None for all of them."""

    seen: Unlabelled
    train: Labelled
    validation: Labelled
    test: Labelled
    draws: list[NDArray[np.int64]] | None

    @property
    def classes(self) -> int:
        return len(self.train.names)


def _by_features(
    method: str, parts: _Parts, max_features: int, start: float, reporter: Reporter
) -> MethodResult:
    reporter.note(f"{method}: features")
    features = features_of(method, parts.seen)
    projection = None
    if features.count > max_features:
        seed = derived_seed(parts.seen.seed, "projection")
        projection = Projection(features.count, max_features, seed)
    # of the pictures to train on, only those that some draw has
    rows = np.arange(len(parts.train))
    if parts.draws is not None:
        rows = np.unique(np.concatenate(parts.draws))
    wanted = len(rows) + len(parts.validation) + len(parts.test)
    refuse_too_many(wanted, min(features.count, max_features))
    learning = (parts.train.take(rows), parts.validation)
    both_NF = _collected(learning, features, projection, parts, reporter, method)
    test_NF = _collected((parts.test,), features, projection, parts, reporter, f"{method}, test")
    fit = _fit_all if parts.draws is None else _fit_few
    found = fit(parts, both_NF, rows, reporter, method)
    svms = [svm for svm, _ in found]
    return MethodResult(
        method=method,
        about=features.about,
        features=features.count,
        projected_to=None if projection is None else max_features,
        C=tuple(svm.C for svm in svms),
        is_at_edge=any(chosen.is_at_edge for _, chosen in found),
        converged=all(svm.converged for svm in svms),
        validation=tuple(chosen.accuracy for _, chosen in found),
        predicted=np.stack([svm.predict(test_NF) for svm in svms]),
        truth=parts.test.label,
        seconds=time.monotonic() - start,
    )


def _collected(
    several: tuple[Labelled, ...],
    features: FeatureMap,
    projection: Projection | None,
    parts: _Parts,
    reporter: Reporter,
    name: str,
) -> NDArray[np.float32]:
    """Features of parts of one collection, one below the other."""
    index_N = np.concatenate([part.index for part in several])
    return extract(
        features,
        several[0].dataset,
        index_N,
        projection=projection,
        device=parts.seen.device,
        reporter=reporter,
        activity=f"{name}: features",
    )


def _fit_all(
    parts: _Parts,
    both_NF: NDArray[np.float32],
    _: NDArray[np.int64],
    reporter: Reporter,
    method: str,
) -> list[tuple[LinearSVM, Chosen]]:
    """C by validation, then that C on both parts."""
    count, device = len(parts.train), parts.seen.device
    reporter.note(f"{method}: linear SVM on {count:,} x {both_NF.shape[1]:,}")
    problem = SquaredHinge(both_NF[:count], parts.train.label, parts.classes, device=device)
    chosen = choose(problem, both_NF[count:], parts.validation.label)
    class_N = np.concatenate([parts.train.label, parts.validation.label])
    whole = SquaredHinge(both_NF, class_N, parts.classes, start=chosen.svm, device=device)
    return [(whole.fit(chosen.svm.C), chosen)]


def _fit_few(
    parts: _Parts,
    both_NF: NDArray[np.float32],
    rows: NDArray[np.int64],
    reporter: Reporter,
    method: str,
) -> list[tuple[LinearSVM, Chosen]]:
    """For each draw, C by validation."""
    found = []
    validation_NF = both_NF[len(rows) :]
    for number, draw in enumerate(parts.draws or [], start=1):
        reporter.note(f"{method}: draw {number}")
        drawn_NF = both_NF[np.searchsorted(rows, draw)]
        problem = SquaredHinge(
            drawn_NF, parts.train.label[draw], parts.classes, device=parts.seen.device
        )
        chosen = choose(problem, validation_NF, parts.validation.label)
        found.append((chosen.svm, chosen))
    return found


def _supervised(parts: _Parts, budget: int, start: float, reporter: Reporter) -> MethodResult:
    seen = parts.seen
    networks = seen.run.networks
    validation, predicted, images = [], [], 0
    for number, rows in enumerate(parts.draws or [np.arange(len(parts.train))]):
        reporter.note(f"supervised: training of network {number + 1}")
        trained = train_supervised(
            networks,
            initialisation_of(seen.run),
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
