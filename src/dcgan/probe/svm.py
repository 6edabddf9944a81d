"""The linear classifier that judges features: an L2-SVM, one class against the rest.

N pictures · F features · K classes
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dcgan.errors import DataError
from dcgan.probe.curvature import MOST_FEATURES, Curvature

if TYPE_CHECKING:
    from scipy.optimize import OptimizeResult

GRID = tuple(4.0**power for power in range(-5, 7))
"""The values of C that are tried, 0.001 to 4,096, each four times the last."""

_PATIENCE = 2
_PATIENT_TO = 1.0
"""Larger C are tried until the validation accuracy has been below its best so often in a row; but
up to this one whatever happens, since the least change too little to tell."""

_MOST_STEPS = 1000
"""Of L-BFGS in one fit."""

_FLAT_STEPS = 3
"""A single step that gains little may be followed by longer ones."""

_MEMORY = 20
"""Earlier steps from which L-BFGS guesses the curvature."""


@dataclass(frozen=True)
class LinearSVM:
    """A fitted classifier.

    Attributes
    ----------
    weight, bias : (K, F) and (K,)
        Of features as they are.
    C : float
    steps : int
        That the solver took.
    converged : bool
        Whether it stopped by itself.
    """

    weight: NDArray[np.floating]
    bias: NDArray[np.floating]
    C: float
    steps: int
    converged: bool

    def decide(self, feature_NF: NDArray[np.floating]) -> NDArray[np.floating]:
        """Decision values (N, K); the greatest names the class."""
        decision_NK: NDArray[np.floating] = feature_NF @ self.weight.T + self.bias
        return decision_NK

    def predict(self, feature_NF: NDArray[np.floating]) -> NDArray[np.int64]:
        """Classes (N,)."""
        found: NDArray[np.int64] = self.decide(feature_NF).argmax(axis=1)
        return found


class SquaredHinge:
    """Fits linear L2-SVMs to one set of features.

    For each class, with y = ±1 and z the features less their mean, divided by one number, so
    that the mean of ‖z‖² is 1::

        minimise  ½ ‖w‖² + C Σ_n max(0, 1 - y_n (wᵀ z_n + b))²

    which is the objective of scikit-learn's ``LinearSVC``, but for b, which is not regularised.
    Therefore taking the mean off changes nothing but the speed, and the one divisor only the
    meaning of C: features keep their relative sizes, as in the paper.

    All classes are solved at once by L-BFGS, where a step is two products of the features with K
    columns; a larger C starts from the solution of a smaller one. Up to 8,192 features, the
    variables are first rescaled by the objective's curvature, which takes a tenth of the steps.

    Why not ``LinearSVC`` itself: its solver is about as fast up to C = 1 (CPU seconds for ten
    classes: 8 and 8 on 20,000 x 768 features, 17 here and 22 there on 5,000 x 3,584), but it
    copies the features into 16 bytes a number and more, in place of 4 (50,000 x 7,168: 5.7 GB in
    place of 1.4), begins anew for each C, and knows no GPU.

    Parameters
    ----------
    feature_NF : float32 or float64 (N, F)
        Not copied, unless to another device; products are of this precision.
    class_N : int64 (N,)
        From 0 to K - 1.
    classes : int
        K.
    start : LinearSVM, optional
        Where the first fit begins; default at zero.
    tolerance : float, default 1e-6
        A fit ends when several steps in a row lower the objective by less than this share of it.
    device : torch.device, default CPU
        MPS, which has no double precision, leaves the work to the CPU.

    Raises
    ------
    DataError
        Features that are not finite, or all the same.
    """

    def __init__(
        self,
        feature_NF: NDArray[np.floating],
        class_N: NDArray[np.int64],
        classes: int,
        *,
        start: LinearSVM | None = None,
        tolerance: float = 1e-6,
        device: torch.device | str = "cpu",
    ) -> None:
        device = torch.device(device)
        on = device if device.type != "mps" else torch.device("cpu")
        self._tolerance = tolerance
        self._feature_NF = torch.from_numpy(feature_NF).to(on)
        sign_KN = -np.ones((classes, len(class_N)), np.float32)
        sign_KN[class_N, np.arange(len(class_N))] = 1
        self._sign_KN = torch.from_numpy(sign_KN).to(self._feature_NF)
        self._mean_F = self._feature_NF.mean(dim=0)
        spread = _mean_square_distance(self._feature_NF, self._mean_F)
        if not 0 < spread < float("inf"):
            raise DataError(
                "the features are all the same or not finite: nothing can be learned from them;"
                " take another checkpoint"
            )
        self._scale = spread**-0.5
        self._shape = (classes, feature_NF.shape[1] + 1)
        self._curvature: Curvature | None = None
        if feature_NF.shape[1] <= MOST_FEATURES:
            self._curvature = Curvature(self._feature_NF, self._mean_F, self._scale)
        self._solution = np.zeros(self._shape) if start is None else self._from(start)

    def fit(self, C: float) -> LinearSVM:
        """The classifier of one C, from the one before."""
        from scipy.optimize import minimize

        if self._curvature is not None:
            self._curvature.choose(1 / (2 * C * len(self._feature_NF)))
        found = minimize(
            self._objective,
            self._straightened(self._solution),
            args=(C,),
            jac=True,
            method="L-BFGS-B",
            callback=_StopsWhenFlat(self._tolerance),
            options={
                "maxiter": _MOST_STEPS,
                "maxfun": 2 * _MOST_STEPS,
                "maxcor": _MEMORY,
                "ftol": 0.0,
                "gtol": 0.0,
            },
        )
        weight_KF, bias_K = self._parts(found.x)
        self._solution = torch.cat([weight_KF, bias_K[:, None]], dim=1).double().cpu().numpy()
        weight_KF = self._scale * weight_KF
        bias_K = bias_K - weight_KF @ self._mean_F
        return LinearSVM(
            weight_KF.cpu().numpy(), bias_K.cpu().numpy(), C, int(found.nit), found.status != 1
        )

    def _objective(self, flat: NDArray[np.float64], C: float) -> tuple[float, NDArray[np.float64]]:
        """The sum over classes, divided by 2CN: the solver's first step is then of the same length
        for any C."""
        weight_KF, bias_K = self._parts(flat)
        # z is never made: wᵀ z = (s w)ᵀ x - (s w)ᵀ m. Classes come first, since a product with the
        # features transposed is ten times slower the other way around
        scaled_KF = self._scale * weight_KF
        decision_KN = scaled_KF @ self._feature_NF.T
        decision_KN += (bias_K - scaled_KF @ self._mean_F)[:, None]
        slack_KN = (1 - self._sign_KN * decision_KN).clamp_(min=0)
        whole = 2 * C * slack_KN.shape[1]
        value = weight_KF.double().square().sum() / 2 + C * slack_KN.double().square().sum()
        pull_KN = slack_KN.mul_(self._sign_KN).mul_(-2 * C / whole)
        pull_K = pull_KN.sum(dim=1)
        gradient_KF = pull_KN @ self._feature_NF - torch.outer(pull_K, self._mean_F)
        gradient_KF = self._scale * gradient_KF + weight_KF / whole
        if self._curvature is not None:
            gradient_KF = self._curvature.pull_back(gradient_KF)
        gradient = torch.cat([gradient_KF, pull_K[:, None]], dim=1).double().cpu().numpy()
        return float(value) / whole, gradient.ravel()

    def _parts(self, flat: NDArray[np.float64]) -> tuple[Tensor, Tensor]:
        """The solver's variables → weights of z (K, F), and biases (K,)."""
        together = torch.from_numpy(flat).to(self._feature_NF).view(self._shape)
        weight_KF, bias_K = together[:, :-1], together[:, -1]
        return weight_KF if self._curvature is None else self._curvature.bend(weight_KF), bias_K

    def _straightened(self, solution: NDArray[np.float64]) -> NDArray[np.float64]:
        """Weights of z and biases (K, F + 1) → the solver's variables."""
        if self._curvature is None:
            return solution.ravel()
        together = torch.from_numpy(solution).to(self._feature_NF)
        straight_KF = self._curvature.straighten(together[:, :-1])
        return torch.cat([straight_KF, together[:, -1:]], dim=1).double().cpu().numpy().ravel()

    def _from(self, svm: LinearSVM) -> NDArray[np.float64]:
        """A classifier of plain features as one of z."""
        bias_K = svm.bias + svm.weight @ self._mean_F.cpu().numpy()
        together = np.concatenate([svm.weight / self._scale, bias_K[:, None]], axis=1)
        return together.astype(np.float64)


class _StopsWhenFlat:
    """Ends a fit when the objective no longer falls.

    SciPy's own ``ftol`` is a share of the objective only where that is above 1, and ``gtol`` is
    absolute. The objective of a large C on classes that can be separated is far below 1, and both
    would end the fit too early.
    """

    def __init__(self, tolerance: float) -> None:
        self._tolerance = tolerance
        self._last = np.inf
        self._flat_steps = 0

    def __call__(self, intermediate_result: OptimizeResult) -> None:
        value = float(intermediate_result.fun)
        is_flat = self._last - value <= self._tolerance * self._last
        self._flat_steps = self._flat_steps + 1 if is_flat else 0
        self._last = value
        if self._flat_steps == _FLAT_STEPS:
            raise StopIteration


@dataclass(frozen=True)
class Chosen:
    """The classifier whose C did best on the validation part.

    Attributes
    ----------
    svm : LinearSVM
    accuracy : float
        On the validation part.
    is_at_edge : bool
        Whether no C beyond it was there to be tried.
    """

    svm: LinearSVM
    accuracy: float
    is_at_edge: bool


def choose(
    problem: SquaredHinge,
    validation_NF: NDArray[np.floating],
    class_N: NDArray[np.int64],
) -> Chosen:
    """Fit along the grid of C from the least up, and keep the best; of equals, the least C."""
    tried: list[tuple[float, LinearSVM]] = []
    for C in GRID:
        svm = problem.fit(C)
        tried.append((float(np.mean(svm.predict(validation_NF) == class_N)), svm))
        best, _ = max(tried, key=lambda one: one[0])
        if C >= _PATIENT_TO and all(found < best for found, _ in tried[-_PATIENCE:]):
            break
    accuracy, svm = max(tried, key=lambda one: one[0])
    return Chosen(svm, accuracy, svm.C in {GRID[0], GRID[-1]})


def _mean_square_distance(feature_NF: Tensor, mean_F: Tensor) -> float:
    """Mean of ‖x - m‖², in parts: no second copy of the features is made."""
    parts = (
        float((part - mean_F).double().square().sum()) for part in torch.split(feature_NF, 4096)
    )
    return sum(parts) / len(feature_NF)
