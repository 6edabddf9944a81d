"""Damped least squares reach the minimum, each start on its own."""

from __future__ import annotations

import numpy as np
import torch

from dcgan.latent.least_squares import descend


def test_a_line_is_fitted_as_numpy_fits_it():
    random = np.random.default_rng(0)
    design, value = random.normal(size=(20, 3)), random.normal(size=(4, 20))
    known = torch.tensor(design)
    found, error = descend(
        lambda at, wanted: known @ at - wanted,
        torch.zeros(4, 3, dtype=torch.float64),
        torch.tensor(value),
        steps=30,
    )
    for row in range(4):
        wanted, residual, *_ = np.linalg.lstsq(design, value[row], rcond=None)
        np.testing.assert_allclose(found[row], wanted, rtol=1e-5)
        np.testing.assert_allclose(error[row], residual[0] / 20, rtol=1e-5)


def valley(at):
    """Rosenbrock's: curved, narrow, with its end at (1, 1)."""
    return torch.stack([10 * (at[1] - at[0] ** 2), 1 - at[0]])


def test_a_curved_valley_is_followed_to_its_end():
    start = torch.tensor([[-1.2, 1.0], [3.0, -2.0]], dtype=torch.float64)
    found, error = descend(valley, start, steps=100)
    np.testing.assert_allclose(found, 1, atol=1e-5)
    assert error.max() < 1e-9


def test_no_step_makes_things_worse_and_none_depends_on_the_others():
    start = torch.randn(6, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    last = torch.full((6,), torch.inf, dtype=torch.float64)
    for steps in (1, 2, 3, 5, 8):
        found, error = descend(valley, start, steps=steps)
        assert (error <= last).all()
        reached = torch.stack([valley(at).square().mean() for at in found])
        torch.testing.assert_close(reached, error)
        last = error
    alone, _ = descend(valley, start[2:3], steps=8)
    together, _ = descend(valley, start, steps=8)
    torch.testing.assert_close(alone[0], together[2])


def test_unknowns_that_change_nothing_stay():
    found, _ = descend(lambda at: at[:1] - 3, torch.tensor([[0.0, 5.0]]), steps=30)
    torch.testing.assert_close(found, torch.tensor([[3.0, 5.0]]))
