"""Optimizers without the import of PyTorch's compiler compute the same as PyTorch's own."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from dcgan.runtime import optimizers

SETTINGS = {
    "Adam": {"lr": 0.01, "betas": (0.5, 0.9), "weight_decay": 0.1, "fused": True},
    "AdamW": {"lr": 0.01, "weight_decay": 0.1},
    "SGD": {"lr": 0.01, "momentum": 0.9, "nesterov": True},
}


@pytest.mark.parametrize("name", SETTINGS)
def test_they_step_like_those_of_pytorch_and_resume_from_each_other(name):
    torch.manual_seed(0)
    gradients = torch.randn(6, 5)
    found = {}
    for first, second in ((torch.optim, optimizers), (optimizers, torch.optim)):
        weight = torch.nn.Parameter(torch.ones(5))
        optimizer = getattr(first, name)([weight], **SETTINGS[name])
        for number, gradient in enumerate(gradients):
            if number == 3:
                stored = optimizer.state_dict()
                optimizer = getattr(second, name)([weight], **SETTINGS[name])
                optimizer.load_state_dict(stored)
            weight.grad = gradient.clone()
            optimizer.step()
            optimizer.zero_grad()
            assert weight.grad is None
        found[first] = weight.detach()
    assert torch.equal(found[torch.optim], found[optimizers])
    assert not torch.equal(found[optimizers], torch.ones(5))


@pytest.mark.slow
def test_a_training_with_scores_does_not_import_the_compiler(tmp_path):
    program = f"""
import sys, dcgan
run = dcgan.train("digits", size=16, batch=16, images=64, out={str(tmp_path / "run")!r}, settings={{
    "model": {{"generator": {{"width": 4}}, "discriminator": {{"width": 4}}}},
    "metrics": {{"images": 50, "share": 0.99}}, "records": {{"tensorboard": False}}}})
assert (run.path / "scores.jsonl").read_text()
sys.exit("torch._dynamo" in sys.modules)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
