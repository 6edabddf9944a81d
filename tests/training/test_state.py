"""The state of training, as checkpoints hold it."""

from __future__ import annotations

import pytest
import torch

from dcgan.training.state import _load_optimizer, _optimizer_tensors


@pytest.mark.parametrize("fused", [False, True])
def test_an_optimizer_keeps_no_tensor_of_a_checkpoint(fused):
    """It would keep the file open: Windows deletes none, and elsewhere its space is not freed."""
    weight = torch.nn.Parameter(torch.ones(3, 2))
    optimizer = torch.optim.Adam([weight], fused=fused)
    weight.sum().backward()
    optimizer.step()
    stored = _optimizer_tensors(optimizer)
    _load_optimizer(optimizer, stored)
    restored = _optimizer_tensors(optimizer)
    assert stored.keys() == restored.keys() == {"0.step", "0.exp_avg", "0.exp_avg_sq"}
    for name, tensor in stored.items():
        assert torch.equal(restored[name], tensor), name
        assert restored[name].data_ptr() != tensor.data_ptr(), name
