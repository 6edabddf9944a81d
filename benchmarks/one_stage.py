"""Both players in one stage: D judges each image once, where ours judges generated ones twice.

After Shen et al. 2021 (arXiv:2103.00430), asymmetric case: of a generated image, the gradients of
D's loss and of G's differ by one number, the ratio of the two losses' derivatives in its logit. So
one backward pass through D serves both players, who move at the same time.

It holds where each logit depends on its own image alone and no penalty is taken at generated ones.

B batch · C channels · H, W sides
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from unittest.mock import patch

import torch

from dcgan.training import loop, step
from dcgan.training.rules import Batch, Players, Rules, Statistics, StepPlan


def update(players: Players, batch: Batch, rules: Rules, step_plan: StepPlan) -> Statistics:
    """What :func:`dcgan.training.step.update` does, in one stage."""
    assert step_plan.with_generator
    assert not {"r2", "wgan_gp"} & set(rules.penalties)
    fake_BCHW = players.generator(batch.latent_BZ)
    judged_BCHW = fake_BCHW.detach().requires_grad_()
    seen: list[torch.Tensor] = []

    def remember(real_B: torch.Tensor, fake_B: torch.Tensor, **targets: float) -> torch.Tensor:
        seen.extend((real_B.detach(), fake_B.detach()))
        return rules.objective.discriminator(real_B, fake_B, **targets)

    remembering = replace(rules, objective=replace(rules.objective, discriminator=remember))
    judged = replace(batch, fake_BCHW=judged_BCHW)
    statistics = step.discriminator_step(players, judged, remembering, step_plan)
    real_B, fake_B = seen[0], seen[1].requires_grad_()
    loss_d = rules.objective.discriminator(real_B, fake_B, **rules.targets)
    loss_g = rules.objective.generator(
        *((fake_B, real_B) if rules.objective.is_relativistic else (fake_B,))
    )
    (of_d_B,), (of_g_B,) = torch.autograd.grad(loss_d, fake_B), torch.autograd.grad(loss_g, fake_B)
    assert judged_BCHW.grad is not None
    players.generator_optimizer.zero_grad(set_to_none=True)
    fake_BCHW.backward(judged_BCHW.grad * (of_g_B / of_d_B)[:, None, None, None])
    players.generator_optimizer.step()
    score = fake_B.detach().sigmoid().mean()
    return {**statistics, "loss_g": loss_g.detach(), "score_fake_after": score}


@contextmanager
def one_stage() -> Iterator[None]:
    """Training within takes place in one stage."""
    with patch.object(loop, "update", update):
        yield
