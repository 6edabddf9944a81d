"""Orthogonalized steps for the matrices of both networks: Muon.

After Jordan et al. 2024 (https://kellerjordan.github.io/posts/muon): the momentum of a weight
matrix is replaced by the nearest matrix whose singular values are all equal, which a Newton-Schulz
iteration finds without a decomposition. A convolution counts as one matrix of its kernels. Layers
at the image and the latent, biases and norms take the steps of Adam.

M, N sides of a matrix
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from unittest.mock import patch

import torch
from torch import Tensor, nn

from dcgan.config.tree import PlayerConfig, resolved
from dcgan.training import build

_NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)
_ITERATIONS = 5


def orthogonalized(matrix_MN: Tensor) -> Tensor:
    """U Vᵀ of U S Vᵀ, up to singular values between about 0.7 and 1.2."""
    a, b, c = _NEWTON_SCHULZ
    is_tall = matrix_MN.shape[0] > matrix_MN.shape[1]
    found = matrix_MN.T if is_tall else matrix_MN
    found = found / (found.norm() + 1e-7)
    for _ in range(_ITERATIONS):
        square = found @ found.T
        found = a * found + (b * square + c * square @ square) @ found
    return found.T if is_tall else found


class Muon(torch.optim.Adam):
    """Adam, and orthogonalized steps for the ``matrices``.

    Parameters
    ----------
    momentum : float
        Of the gradients of matrices.
    scale : float
        Root mean square of a step of a matrix, as a multiple of the learning rate. That of Adam
        without momentum is about 1.
    """

    def __init__(
        self,
        matrices: list[nn.Parameter],
        others: list[nn.Parameter],
        lr: float,
        betas: tuple[float, float],
        *,
        momentum: float,
        scale: float,
    ) -> None:
        super().__init__([*matrices, *others], lr, betas, fused=True)
        self._matrices, self._momentum, self._scale = matrices, momentum, scale

    @torch.no_grad()
    def step(self) -> None:  # type: ignore[override]
        """One step of all parameters."""
        (group,) = self.param_groups
        kept = []
        for weight in self._matrices:
            gradient = weight.grad
            if gradient is None:
                continue
            kept.append((weight, gradient))
            weight.grad = None  # not for Adam
            state = self.state[weight]
            sum_MN = state.setdefault("momentum", torch.zeros_like(weight))
            sum_MN.mul_(self._momentum).add_(gradient)
            ahead = gradient + self._momentum * sum_MN  # Nesterov
            matrix_MN = ahead.flatten(1)
            # the root mean square of an orthogonal matrix is one over the root of its longer side
            size = self._scale * group["lr"] * max(matrix_MN.shape) ** 0.5
            weight.sub_(size * orthogonalized(matrix_MN).view_as(weight))
        super().step()
        for weight, gradient in kept:
            weight.grad = gradient  # which the log shows


@contextmanager
def muon(*, momentum: float, scale: float) -> Iterator[None]:
    """Players trained within take orthogonalized steps."""

    def optimizer(player: PlayerConfig, parameters: Iterable[nn.Parameter]) -> Muon:
        given = list(parameters)
        kernels = [one for one in given if one.ndim > 1]
        inner = {id(one) for one in kernels[1:-1]}
        return Muon(
            [one for one in given if id(one) in inner],
            [one for one in given if id(one) not in inner],
            resolved(player.lr),
            player.betas,
            momentum=momentum,
            scale=scale,
        )

    with patch.object(build, "_optimizer", optimizer):
        yield
