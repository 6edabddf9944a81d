"""Optimizers that average the weights while they train: lookahead and schedule-free Adam.

Both players take them. Samples come from the averaged generator of the run in any case.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from unittest.mock import patch

import torch
from torch import Tensor, nn

from dcgan.config.tree import PlayerConfig, resolved
from dcgan.training import build


class Lookahead(torch.optim.Adam):
    """Adam that goes halfway back after every ``period`` steps.

    Zhang et al. 2019 (arXiv:1907.08610); for both players at once, Chavdarova et al. 2021
    (arXiv:2006.14567).
    """

    period = 5

    def __init__(
        self, parameters: Iterable[nn.Parameter], lr: float, betas: tuple[float, float]
    ) -> None:
        super().__init__(parameters, lr, betas, fused=True)
        self._steps = 0
        self._slow = [weight.detach().clone() for weight in self._weights]

    @property
    def _weights(self) -> list[nn.Parameter]:
        return list(self.param_groups[0]["params"])

    @torch.no_grad()
    def step(self) -> None:  # type: ignore[override]
        """One step, and every ``period``-th time the one back."""
        super().step()
        self._steps += 1
        if self._steps % self.period == 0:
            for slow, weight in zip(self._slow, self._weights, strict=True):
                slow.lerp_(weight, 0.5)
                weight.copy_(slow)


class ScheduleFree(torch.optim.Adam):
    """Adam whose gradients are taken between its own weights and their average.

    Defazio et al. 2024 (arXiv:2405.15682): y = (1 - β) z + β x, where Adam without momentum moves
    z by the gradient at y, and x is the mean of all z. The network holds y.
    """

    beta = 0.9

    def __init__(
        self, parameters: Iterable[nn.Parameter], lr: float, betas: tuple[float, float]
    ) -> None:
        super().__init__(parameters, lr, (0.0, betas[1]), fused=True)
        self._steps = 0
        weights: list[nn.Parameter] = self.param_groups[0]["params"]
        self._moved: list[Tensor] = [weight.detach().clone() for weight in weights]
        self._mean: list[Tensor] = [weight.detach().clone() for weight in weights]

    @torch.no_grad()
    def step(self) -> None:  # type: ignore[override]
        """One step of z, x and y."""
        weights: list[nn.Parameter] = self.param_groups[0]["params"]
        for weight, moved in zip(weights, self._moved, strict=True):
            weight.copy_(moved)
        super().step()
        self._steps += 1
        for weight, moved, mean in zip(weights, self._moved, self._mean, strict=True):
            moved.copy_(weight)
            mean.lerp_(moved, 1 / self._steps)
            weight.lerp_(mean, self.beta)


@contextmanager
def averaged_steps(kind: type[Lookahead] | type[ScheduleFree]) -> Iterator[None]:
    """Players trained within take these steps."""

    def optimizer(player: PlayerConfig, parameters: Iterable[nn.Parameter]) -> torch.optim.Adam:
        return kind(parameters, resolved(player.lr), player.betas)

    with patch.object(build, "_optimizer", optimizer):
        yield
