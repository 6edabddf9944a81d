"""The curvature of the classifier's objective, by which its variables are rescaled.

N pictures · F features · K classes
"""

from __future__ import annotations

import torch
from torch import Tensor

MOST_FEATURES = 8192
"""More than this, and a factorisation for every C costs more than the steps it saves."""

_PART = 4096
_LEAST = 1e-6
"""Added to every direction's curvature, which single precision cannot tell from zero; ten times as
much, and again, where that is not enough."""
_MOST = 1.0
"""Numbers that need more than the sum of all curvatures are not finite: nothing is rescaled."""


class Curvature:
    """Variables u = Lᵀ w in which the objective is nearly as steep in every direction.

    Where every picture counts, the objective of one class, divided by 2CN, has the Hessian
    H = Σ + I / 2CN, with Σ the covariance of the features: L Lᵀ = H. Any L gives the same minimum;
    this one gets there in a fraction of the steps, as in preconditioned conjugate gradients.

    Parameters
    ----------
    feature_NF : float (N, F)
    mean_F : (F,)
        Their mean.
    scale : float
        What they are multiplied by, once the mean is off.

    It holds three matrices of F x F numbers: 0.8 GB at 8,192 features in single precision.
    """

    def __init__(self, feature_NF: Tensor, mean_F: Tensor, scale: float) -> None:
        self._covariance_FF = feature_NF.new_zeros(feature_NF.shape[1], feature_NF.shape[1])
        for part in torch.split(feature_NF, _PART):
            centred = part - mean_F
            self._covariance_FF.addmm_(centred.T, centred)
        self._covariance_FF *= scale**2 / len(feature_NF)
        self._diagonal_F = self._covariance_FF.diagonal().clone()
        self._factor_FF = self._inverse_FF = torch.eye(0)

    def choose(self, ridge: float) -> None:
        """Take ``ridge`` for 1 / 2CN."""
        least = _LEAST
        while least <= _MOST:
            # the sum of Σ's diagonal is one, the mean of ‖z‖²
            self._covariance_FF.diagonal().copy_(self._diagonal_F + ridge + least)
            self._factor_FF, failed = torch.linalg.cholesky_ex(self._covariance_FF)
            if not failed:
                break
            least *= 10
        else:
            self._factor_FF = torch.eye(len(self._diagonal_F)).to(self._diagonal_F)
        # used again and again, and a product is faster than a solution; it need not be exact, as
        # any invertible matrix names the same minimum
        identity_FF = torch.eye(len(self._factor_FF)).to(self._factor_FF)
        self._inverse_FF = torch.linalg.solve_triangular(self._factor_FF, identity_FF, upper=False)

    def straighten(self, weight_KF: Tensor) -> Tensor:
        """w → u = Lᵀ w."""
        return weight_KF @ self._factor_FF

    def bend(self, u_KF: Tensor) -> Tensor:
        """u → w = L⁻ᵀ u."""
        return u_KF @ self._inverse_FF

    def pull_back(self, gradient_KF: Tensor) -> Tensor:
        """The gradient in w → that in u, L⁻¹ g."""
        return gradient_KF @ self._inverse_FF.T
