"""Devices and precisions are those of the machine, or a refusal."""

from __future__ import annotations

import os
from importlib import import_module
from operator import attrgetter

import numpy as np
import pytest
import torch
from tests.conftest import SMALL
from tests.pretended_gpu import pretended_gpu
from torch import nn

import dcgan
from dcgan.errors import ConfigError
from dcgan.metrics.extractor import Extractor
from dcgan.runtime.device import (
    autocast,
    choose_device,
    choose_precision,
    free_memory,
    make_current,
    placed,
)
from dcgan.runtime.torch_settings import no_tf32

CPU = torch.device("cpu")


def test_auto_prefers_cuda_then_mps_then_cpu(monkeypatch):
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    with pretended_gpu():
        assert choose_device("auto").type == "cuda"
    assert choose_device("auto").type == "mps"
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert choose_device("auto").type == "cpu"


def test_several_processes_leave_mps_alone(monkeypatch):
    """Its tensors cannot be exchanged."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert choose_device("auto").type == "cpu"
    with pytest.raises(ConfigError, match="this machine has no"):
        choose_device("mps")


@pytest.mark.parametrize(
    ("capability", "built", "is_usable"),
    [
        ((7, 5), "sm_75", True),
        ((8, 9), "sm_75 sm_86 sm_90a", True),  # binary code runs on GPUs of its generation
        ((6, 1), "sm_75 sm_86", False),  # too old
        ((8, 0), "sm_75 sm_86", False),
        ((12, 0), "sm_90 sm_100", False),  # too new
        ((12, 0), "sm_90 compute_90", True),  # compiled for it by the driver
        ((6, 1), "sm_75 compute_75", False),
        ((9, 4), "gfx90a gfx942", True),  # AMD's
    ],
)
def test_a_gpu_that_pytorch_has_no_code_for_is_not_chosen(
    monkeypatch, capability, built, is_usable
):
    """PyTorch says that CUDA is available, and ends with an error at the first kernel."""
    with pretended_gpu():
        monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device=None: capability)
        monkeypatch.setattr(torch.cuda, "get_arch_list", built.split)
        assert choose_device("auto").type == ("cuda" if is_usable else "cpu")
        if is_usable:
            assert choose_device("cuda").type == "cuda"
        else:
            with pytest.raises(ConfigError, match=r"no kernels for Pretended GPU.*device=cpu"):
                choose_device("cuda")


def test_each_process_of_torchrun_has_its_own_gpu_or_is_refused(monkeypatch):
    monkeypatch.setenv("LOCAL_RANK", "1")
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "2")
    with pretended_gpu():
        for name in ("auto", "cuda"):
            with pytest.raises(ConfigError, match=r"2 processes .* 1 GPU.*--nproc-per-node=1"):
                choose_device(name)
        assert choose_device("cpu").type == "cpu"
        monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
        assert choose_device("auto") == torch.device("cuda:1")


def test_a_gpu_can_be_deterministic_in_any_later_run(monkeypatch):
    """PyTorch reads the variable at the first matrix product, deterministic or not."""
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG", raising=False)
    choose_device("cpu")
    assert "CUBLAS_WORKSPACE_CONFIG" not in os.environ
    with pretended_gpu():
        choose_device("cuda")
    assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":4096:8"
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", ":16:8")
    with pretended_gpu():
        choose_device("cuda")
    assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":16:8"


@pytest.mark.parametrize(("name", "chosen"), [("cuda", []), ("cuda:1", [1]), ("cpu", [])])
def test_a_gpu_without_a_number_is_the_current_one_already(monkeypatch, name, chosen):
    """``torch.cuda.set_device`` refuses it, and training on ``auto`` would end there."""
    found = []
    monkeypatch.setattr(torch._C, "_cuda_setDevice", found.append, raising=False)
    make_current(torch.device(name))
    assert found == chosen


def test_memory_that_pytorch_keeps_after_earlier_runs_is_free(monkeypatch):
    with pretended_gpu(free=5):
        monkeypatch.setattr(torch.cuda, "memory_reserved", lambda device: 30)
        monkeypatch.setattr(torch.cuda, "memory_allocated", lambda device: 10)
        assert free_memory(torch.device("cuda")) == 5 + 20
    assert free_memory(CPU) is None


def test_channels_lie_last_but_on_mps(monkeypatch):
    """There batch norm's gradient is wrong, or missing, when they do."""
    monkeypatch.setattr(nn.Module, "to", lambda self, device: self)
    found = {}
    for kind in ("cpu", "mps"):
        network = placed(nn.Conv2d(4, 6, 3), torch.device(kind))
        found[kind] = network.weight.is_contiguous(memory_format=torch.channels_last)
    assert found == {"cpu": True, "mps": False}


def test_a_device_that_is_not_there_is_refused(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ConfigError, match="this machine has no"):
        choose_device("cuda")


@pytest.mark.parametrize("has_bf16", [True, False])
def test_auto_takes_bf16_only_where_the_processor_multiplies_it(monkeypatch, has_bf16):
    monkeypatch.delenv("DCGAN_BF16", raising=False)
    found = {"avx512_bf16": False, "amx_bf16": has_bf16, "avx2": True}
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: found, raising=False)
    assert choose_precision("auto", CPU) is (torch.bfloat16 if has_bf16 else torch.float32)
    assert choose_precision("bf16", CPU) is torch.bfloat16
    assert choose_precision("fp32", CPU) is torch.float32


def test_a_variable_makes_the_processor_look_either_way(monkeypatch):
    monkeypatch.setenv("DCGAN_BF16", "native")
    assert choose_precision("auto", CPU) is torch.bfloat16
    monkeypatch.setenv("DCGAN_BF16", "emulated")
    assert choose_precision("auto", CPU) is torch.float32
    monkeypatch.setenv("DCGAN_BF16", "yes")
    with pytest.raises(ConfigError, match=r"DCGAN_BF16.*yes.*native or emulated"):
        choose_precision("auto", CPU)


def test_bf16_forward_passes_are_bf16_and_fp32_ones_are_left_alone():
    layer, x = torch.nn.Linear(4, 4), torch.rand(2, 4)
    with autocast(CPU, torch.bfloat16):
        assert layer(x).dtype == torch.bfloat16
    with autocast(CPU, torch.float32):
        assert layer(x).dtype == torch.float32
    with autocast(torch.device("meta"), torch.bfloat16):  # where nothing is cast
        assert layer.to("meta")(x.to("meta")).dtype == torch.float32


def test_weights_that_moved_are_rounded_anew_within_the_callers_autocast():
    layer, x = nn.Linear(4, 4), torch.rand(2, 4)
    with torch.autocast("cpu", enabled=False):
        with autocast(CPU, torch.bfloat16):
            assert layer(x).any()
        nn.init.zeros_(layer.weight)
        nn.init.zeros_(layer.bias)
        with autocast(CPU, torch.bfloat16):
            assert not layer(x).any()


@pytest.fixture
def rounding():
    """Whether a GPU's convolutions may round, as PyTorch has it by default."""
    before = torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = True
    yield lambda: torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = before


inverting = import_module("dcgan.latent.invert")


def test_fp32_is_whole_within_and_as_it_was_after(rounding):
    with pytest.raises(KeyError), no_tf32():
        assert not rounding()
        raise KeyError
    assert rounding()


@pytest.mark.skipif(not hasattr(torch.backends.cudnn, "conv"), reason="PyTorch before 2.9")
@pytest.mark.parametrize("where", ["backends", "backends.cudnn", "backends.cudnn.conv"])
@pytest.mark.parametrize("precision", ["tf32", "ieee"])
def test_so_it_is_where_precisions_are_set_by_operation(rounding, small_run, where, precision):
    """PyTorch then refuses to read ``allow_tf32``, and it decides nothing if set."""
    cudnn = torch.backends.cudnn
    place = attrgetter(where)(torch)
    kinds = (torch.backends, cudnn, cudnn.conv, cudnn.rnn)
    before = [kind.fp32_precision for kind in kinds]
    try:
        place.fp32_precision = precision
        wanted = [kind.fp32_precision for kind in kinds]
        with no_tf32():
            assert cudnn.conv.fp32_precision == "ieee"
        assert [kind.fp32_precision for kind in kinds] == wanted
        assert small_run.sample(1).shape[0] == 1
        if place is torch.backends:  # what followed the setting of all operations still does
            place.fp32_precision = "ieee"
            assert torch.backends.cuda.matmul.fp32_precision == "ieee"
    finally:
        for kind, old in zip(kinds, before, strict=True):
            kind.fp32_precision = old


def test_training_inverting_and_measuring_are_in_whole_fp32(
    rounding, small_run, tmp_path, monkeypatch
):
    seen = []

    def watched(module, name):
        place = import_module(module)
        plain = getattr(place, name)
        monkeypatch.setattr(
            place, name, lambda *a, **k: seen.append((name, rounding())) or plain(*a, **k)
        )

    watched("dcgan.training.loop", "update")
    watched("dcgan.latent.invert", "_search")
    dcgan.train("digits", images=32, out=tmp_path / "run", **SMALL)
    inverting.invert(small_run, small_run.sample(1), starts=1)
    network = nn.Flatten()
    network.register_forward_hook(lambda *_: seen.append(("extractor", rounding())))
    Extractor("pixels", network)(np.zeros((2, 1, 4, 4), np.uint8))
    assert {name for name, _ in seen} == {"update", "_search", "extractor"}
    assert not any(is_rounded for _, is_rounded in seen)
