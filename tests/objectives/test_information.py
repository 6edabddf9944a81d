"""The loss by which codes are read, against PyTorch's own densities."""

from __future__ import annotations

import pytest
import torch
from torch.distributions import Categorical, Normal
from torch.nn.functional import one_hot

from dcgan.objectives import code_loss


def test_it_is_minus_the_log_density_of_the_codes():
    torch.manual_seed(0)
    read = torch.randn(6, 3 + 4 + 2, dtype=torch.float64)
    first, second = torch.randint(3, (6,)), torch.randint(4, (6,))
    number = torch.rand(6, 2, dtype=torch.float64) * 2 - 1
    codes = torch.cat([one_hot(first, 3), one_hot(second, 4), number], dim=1)
    expected = -Categorical(logits=read[:, :3]).log_prob(first).mean()
    expected -= Categorical(logits=read[:, 3:7]).log_prob(second).mean()
    density = Normal(read[:, 7:], 1.0).log_prob(number)
    at_best = Normal(number, 1.0).log_prob(number)  # up to its constant
    expected += 0.3 * (at_best - density).sum(dim=1).mean()
    found = code_loss(read, codes, (3, 4), continuous_weight=0.3)
    torch.testing.assert_close(found, expected)


def test_what_is_read_right_costs_nothing():
    codes = torch.tensor([[0.0, 1.0, 0.5], [1.0, 0.0, -0.5]])
    read = codes * torch.tensor([100.0, 100.0, 1.0])
    assert code_loss(read, codes, (2,)).item() == pytest.approx(0, abs=1e-6)
    assert code_loss(torch.zeros(2, 2), codes[:, :2], (2,)).item() == pytest.approx(
        0.6931, abs=1e-3
    )
