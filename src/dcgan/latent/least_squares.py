"""Damped least squares for many starting points at once.

B starts · D unknowns · R residuals
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.func import jvp, vmap

_DAMPING, _DOWN, _UP = 1.0, 0.3, 4.0
_LEAST, _MOST = 1e-8, 1e8
_FLOOR = 1e-6
"""Added to the diagonal, for unknowns without effect."""

Residual = Callable[..., Tensor]
"""(D,) and the other arguments of one start → (R,)."""


def descend(
    residual: Residual, start_BD: Tensor, *given: Tensor, steps: int
) -> tuple[Tensor, Tensor]:
    """Minimize the mean of squared residuals with the Levenberg-Marquardt method.

    Each step solves (JᵀJ + λ diag JᵀJ) δ = -Jᵀr. If it lowers the error, it is accepted and λ
    decreases; otherwise λ increases (Marquardt 1963, doi:10.1137/0111030). The Jacobian J is
    computed in forward mode, for all starts and unknowns in one pass.

    Parameters
    ----------
    residual : Residual
        For one start; it must use torch functions only, since it is vectorized.
    start_BD : Tensor
    given : Tensor
        Other arguments of the residual, one row for each start (B, ...).
    steps : int

    Returns
    -------
    (Tensor, Tensor)
        Unknowns (B, D), and the mean of squared residuals (B,).
    """
    basis_DD = torch.eye(start_BD.shape[1]).to(start_BD)

    def with_slopes(unknown_D: Tensor, *rows: Tensor) -> tuple[Tensor, Tensor]:
        def along(direction_D: Tensor) -> tuple[Tensor, Tensor]:
            found = jvp(lambda at: residual(at, *rows), (unknown_D,), (direction_D,))
            return found[0], found[1]

        value_DR, slope_DR = vmap(along)(basis_DD)
        return value_DR[0], slope_DR

    found_BD = start_BD
    damping_B = torch.full_like(start_BD[:, 0], _DAMPING)
    error_B = torch.full_like(damping_B, torch.inf)
    for _ in range(steps):
        value_BR, slope_BDR = vmap(with_slopes)(found_BD, *given)
        error_B = value_BR.square().mean(dim=1)
        normal_BDD = slope_BDR @ slope_BDR.mT
        gradient_BD = (slope_BDR @ value_BR[:, :, None])[:, :, 0]
        diagonal_BD = normal_BDD.diagonal(dim1=1, dim2=2)
        damped_BDD = normal_BDD + torch.diag_embed(damping_B[:, None] * diagonal_BD + _FLOOR)
        tried_BD = found_BD - _solved(damped_BDD, gradient_BD)
        tried_B = vmap(residual)(tried_BD, *given).square().mean(dim=1)
        is_better_B = tried_B < error_B
        found_BD = torch.where(is_better_B[:, None], tried_BD, found_BD)
        error_B = torch.where(is_better_B, tried_B, error_B)
        damping_B = torch.where(is_better_B, damping_B * _DOWN, damping_B * _UP)
        damping_B = damping_B.clamp(_LEAST, _MOST)
    return found_BD, error_B


def _solved(matrix_BDD: Tensor, value_BD: Tensor) -> Tensor:
    """``torch.linalg.solve``, for MPS on the CPU (older PyTorch has none there)."""
    found_BD: Tensor
    if matrix_BDD.device.type != "mps":
        found_BD = torch.linalg.solve(matrix_BDD, value_BD)
    else:
        found_BD = torch.linalg.solve(matrix_BDD.cpu(), value_BD.cpu()).to(matrix_BDD.device)
    return found_BD
