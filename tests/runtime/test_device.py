"""Devices and precisions are those of the machine, or a refusal."""

from __future__ import annotations

import pytest
import torch

from dcgan.errors import ConfigError
from dcgan.runtime import device as module
from dcgan.runtime.device import autocast, choose_device, choose_precision

CPU = torch.device("cpu")


def test_auto_prefers_cuda_then_mps_then_cpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert choose_device("auto").type == "cuda"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert choose_device("auto").type == "mps"
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert choose_device("auto").type == "cpu"


def test_a_device_that_is_not_there_is_refused(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ConfigError, match="not on this machine"):
        choose_device("cuda")


def test_auto_takes_bf16_only_where_the_processor_multiplies_it(monkeypatch):
    monkeypatch.setattr(module, "_cpu_has_bf16", lambda: True)
    assert choose_precision("auto", CPU) is torch.bfloat16
    monkeypatch.setattr(module, "_cpu_has_bf16", lambda: False)
    assert choose_precision("auto", CPU) is torch.float32
    assert choose_precision("bf16", CPU) is torch.bfloat16


def test_bf16_forward_passes_are_bf16_and_fp32_ones_are_left_alone():
    layer, x = torch.nn.Linear(4, 4), torch.rand(2, 4)
    with autocast(CPU, torch.bfloat16):
        assert layer(x).dtype == torch.bfloat16
    with autocast(CPU, torch.float32):
        assert layer(x).dtype == torch.float32
