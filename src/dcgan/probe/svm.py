"""The linear classifier on the features: an L2-SVM for each class against the rest.

N images · F features · K classes · P principal components
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dcgan.errors import DataError

Floats = NDArray[np.floating]

GRID = tuple(4.0**power for power in range(-5, 7))
"""The values of C that are tried, 0.001 to 4,096, each four times the last."""

BYTES_PER_NUMBER = 8
"""What a fit needs in addition to the float32 features: their centered and their rotated copy."""

_PATIENCE = 2
_PATIENT_TO = 1.0
"""The search stops when the accuracies of so many values of C in a row are below the best. Up to
this C it never stops: accuracies of small values of C differ too little."""

_MOST_STEPS = 1000
_TOLERANCE = 1e-7
"""A fit ends when a step lowers the objective by a smaller share."""

_LEAST_CURVATURE = 1e-6
"""Added to the variances: smaller ones are rounding errors in single precision."""

_LARGE = 1e6
"""The objective is multiplied by it, since SciPy's tolerance is relative only above 1."""


@dataclass(frozen=True)
class LinearSVM:
    """A fitted classifier.

    Attributes
    ----------
    weight, bias : (K, F) and (K,)
        For features as they are, not normalized.
    C : float
    converged : bool
        False if the solver reached its maximum number of steps.
    """

    weight: Floats
    bias: Floats
    C: float
    converged: bool

    def decide(self, feature_NF: Floats) -> Floats:
        """Decision values (N, K); the largest is that of the predicted class."""
        decision_NK: Floats = feature_NF @ self.weight.T + self.bias
        return decision_NK

    def predict(self, feature_NF: Floats) -> NDArray[np.int64]:
        """Classes (N,)."""
        class_N: NDArray[np.int64] = self.decide(feature_NF).argmax(axis=1)
        return class_N


@dataclass(frozen=True)
class Chosen:
    """The classifier whose C has the best accuracy on the validation part.

    Attributes
    ----------
    svm : LinearSVM
    accuracy : float
        On the validation part, from 0 to 1.
    is_at_edge : bool
        Whether C is the smallest or largest value of the grid.
    """

    svm: LinearSVM
    accuracy: float
    is_at_edge: bool


def fits(
    feature_NF: Floats, class_N: NDArray[np.int64], classes: int, grid: Iterable[float]
) -> Iterator[LinearSVM]:
    """Fit one classifier for each C; each fit starts from the solution of the last one.

    For each class, with y = ±1 and z the features minus their mean, divided by one number, so that
    the mean of ‖z‖² is 1::

        minimize  ½ ‖w‖² + C Σ_n max(0, 1 - y_n (wᵀ z_n + b))²

    This is the objective of scikit-learn's ``LinearSVC``, except that b is not regularized.
    Features keep their relative sizes, as in the paper. All classes are solved together by L-BFGS,
    in the coordinates of the principal components, each divided by the root of its curvature:
    without it, ill-conditioned features need ten times the steps (docs/decisions/0050).

    Parameters
    ----------
    feature_NF : float32 or float64 (N, F)
    class_N : int64 (N,)
        From 0 to K - 1.
    classes : int
        K.
    grid : iterable of float
        The values of C.

    Raises
    ------
    DataError
        Features that are not finite, or all the same.
    """
    from scipy.optimize import minimize
    from sklearn.decomposition import PCA

    if not np.isfinite(feature_NF).all() or (feature_NF == feature_NF[0]).all():
        raise DataError(
            "the features are all the same or not finite, so nothing can be learned from them."
            " Choose another `checkpoint`"
        )
    mean_F = feature_NF.mean(axis=0, dtype=np.float64).astype(feature_NF.dtype)
    centered_NF = feature_NF - mean_F
    is_tall = len(feature_NF) > feature_NF.shape[1]
    solver = "covariance_eigh" if is_tall else "full"
    axis_PF = PCA(svd_solver=solver).fit(centered_NF).components_
    z_NP = centered_NF @ axis_PF.T
    del centered_NF
    variance_P = np.einsum("np,np->p", z_NP, z_NP, dtype=np.float64) / len(z_NP)
    scale = variance_P.sum() ** -0.5
    z_NP *= scale
    variance_P *= scale**2
    sign_KN = np.where(class_N == np.arange(classes)[:, None], 1, -1).astype(z_NP.dtype)
    weight_KP, bias_K = np.zeros((classes, len(axis_PF))), np.zeros(classes)
    for C in grid:
        ridge = 1 / (2 * C * len(z_NP))
        root_P = np.sqrt(variance_P + ridge + _LEAST_CURVATURE)
        found = minimize(
            _objective,
            np.concatenate([(weight_KP * root_P).ravel(), bias_K]),
            args=(z_NP, sign_KN, root_P, ridge),
            jac=True,
            method="L-BFGS-B",
            options={
                "maxiter": _MOST_STEPS,
                "maxfun": 2 * _MOST_STEPS,
                "maxcor": 20,
                "ftol": _TOLERANCE,
                "gtol": 0.0,
            },
        )
        weight_KP, bias_K = _parts(found.x, root_P, classes)
        weight_KF = (scale * weight_KP).astype(z_NP.dtype) @ axis_PF
        bias = (bias_K - weight_KF @ mean_F).astype(z_NP.dtype)
        yield LinearSVM(weight_KF, bias, C, converged=found.status != 1)


def _objective(
    flat: NDArray[np.float64], z_NP: Floats, sign_KN: Floats, root_P: Floats, ridge: float
) -> tuple[float, NDArray[np.float64]]:
    """The sum over classes, divided by 2CN, and its gradient."""
    weight_KP, bias_K = _parts(flat, root_P, len(sign_KN))
    decision_KN = weight_KP.astype(z_NP.dtype) @ z_NP.T + bias_K[:, None].astype(z_NP.dtype)
    slack_KN = np.maximum(0, 1 - sign_KN * decision_KN)
    loss = np.einsum("kn,kn->", slack_KN, slack_KN, dtype=np.float64) / len(z_NP)
    pull_KN = slack_KN * sign_KN / -len(z_NP)
    gradient_KP = (pull_KN @ z_NP + ridge * weight_KP) / root_P
    value = (loss + ridge * np.square(weight_KP).sum()) / 2
    gradient = np.concatenate([gradient_KP.ravel(), pull_KN.sum(axis=1)])
    return _LARGE * float(value), _LARGE * gradient


def _parts(
    flat: NDArray[np.float64], root_P: Floats, classes: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The solver's variables → weights of z (K, P), and biases (K,)."""
    return flat[:-classes].reshape(classes, -1) / root_P, flat[-classes:]


def choose(
    feature_NF: Floats,
    class_N: NDArray[np.int64],
    classes: int,
    validation_NF: Floats,
    validation_N: NDArray[np.int64],
) -> Chosen:
    """Fit with each C from the smallest up, and keep the best; of equals, the smallest C."""
    tried: list[tuple[float, LinearSVM]] = []
    for svm in fits(feature_NF, class_N, classes, GRID):
        tried.append((float(np.mean(svm.predict(validation_NF) == validation_N)), svm))
        best = max(accuracy for accuracy, _ in tried)
        if svm.C >= _PATIENT_TO and all(accuracy < best for accuracy, _ in tried[-_PATIENCE:]):
            break
    accuracy, svm = max(tried, key=lambda pair: pair[0])
    return Chosen(svm, accuracy, svm.C in {GRID[0], GRID[-1]})
