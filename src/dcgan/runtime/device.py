"""Choice of the device and the precision."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor, nn

from dcgan.errors import ConfigError
from dcgan.runtime.arguments import refuse_no_device

Network = TypeVar("Network", bound=nn.Module)

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}
"""The dtypes of precisions."""


def choose_device(wanted: str = "auto") -> torch.device:
    """Turn ``auto | cpu | cuda | cuda:N | mps`` into a device that exists.

    ``auto`` prefers CUDA, then MPS, then the CPU. Several processes of torchrun do not use MPS,
    which cannot exchange gradients; each uses its own CUDA GPU. Raises ``ConfigError`` for a device
    that is not there, or for which PyTorch has no kernels.
    """
    has_cuda = torch.cuda.is_available()
    has_mps = torch.backends.mps.is_available() and os.environ.get("WORLD_SIZE", "1") == "1"
    if wanted == "auto":
        wanted = "cuda" if has_cuda and _has_kernels() else "mps" if has_mps else "cpu"
    if has_cuda and wanted == "cuda" and "LOCAL_RANK" in os.environ:
        wanted = f"cuda:{_own_gpu(int(os.environ['LOCAL_RANK']))}"
    here = ["cpu"]
    if has_cuda:
        here += ["cuda", *(f"cuda:{index}" for index in range(torch.cuda.device_count()))]
    if has_mps:
        here.append("mps")
    if wanted not in here:
        refuse_no_device(wanted)
        kind = {"cuda": "CUDA GPU", "mps": "Apple GPU"}[wanted.partition(":")[0]]
        nearest = "cuda" if has_cuda else "mps" if has_mps else "cpu"
        has_another = has_cuda and wanted.startswith("cuda")
        problem = f"this machine has no{' such' * has_another} {kind} that PyTorch can use"
        raise ConfigError("device", wanted, f"{problem}. Use `device={nearest}`")
    device = torch.device(wanted)
    if device.type == "cuda":
        if not _has_kernels(device):
            raise ConfigError(
                "device",
                wanted,
                f"this PyTorch has no kernels for {torch.cuda.get_device_name(device)}. Use"
                " `device=cpu`, or install a PyTorch for this GPU",
            )
        _let_cublas_be_deterministic()
    return device


def _own_gpu(rank: int) -> int:
    """The number of the GPU of one of torchrun's processes on this machine."""
    count = torch.cuda.device_count()
    if rank >= count:
        processes = os.environ.get("LOCAL_WORLD_SIZE", rank + 1)
        raise ConfigError(
            "device",
            "cuda",
            f"{processes} processes on this machine have {count} GPU{'s' * (count > 1)}, and each"
            f" needs its own. Start {count} (torchrun --nproc-per-node={count}), or use"
            " `device=cpu`",
        )
    return rank


def _has_kernels(device: torch.device | None = None) -> bool:
    """Whether this build of PyTorch has code for a GPU (None: the current one), which may be too
    old for it, or too new."""
    capability = torch.cuda.get_device_capability(device)
    found = [
        re.fullmatch(r"(sm|compute)_(\d+)(\d)[a-z]?", name) for name in torch.cuda.get_arch_list()
    ]
    if not found or None in found:  # AMD's GPUs have other names
        return True
    for kind, major, minor in (one.groups() for one in found if one):
        built = int(major), int(minor)
        # binary code runs on GPUs of its generation; that of compute_ is compiled for later ones
        if built <= capability and (kind == "compute" or built[0] == capability[0]):
            return True
    return False


def make_current(device: torch.device) -> None:
    """Make this GPU the one that PyTorch uses where none is named."""
    # PyTorch refuses "cuda" without a number, which means the current GPU already
    if device.type == "cuda" and device.index is not None:
        torch.cuda.set_device(device)


def placed(network: Network, device: torch.device) -> Network:
    """Move a network to a device, and its convolution weights to channels-last memory.

    On CPUs and CUDA, convolutions then need no reordering. Not on MPS, where batch norm's gradient
    is wrong or missing for channels-last tensors (pytorch/pytorch#175189).
    """
    network.to(device)
    if device.type == "mps":
        return network
    for parameter in network.parameters():
        if parameter.dim() == 4:
            parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
    return network


def poolable(feature_BCHW: Tensor) -> Tensor:
    """The features on a device that pools to any size, so not on MPS
    (pytorch/pytorch#96056, #190064)."""
    return feature_BCHW.cpu() if feature_BCHW.device.type == "mps" else feature_BCHW


def free_memory(device: torch.device) -> int | None:
    """Free bytes of a CUDA GPU, with those that PyTorch keeps for later tensors; None for other
    devices."""
    if device.type != "cuda":
        return None
    kept = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    return torch.cuda.mem_get_info(device)[0] + kept


def choose_precision(wanted: str, device: torch.device) -> torch.dtype:
    """The dtype of matrix products for ``fp32``, ``bf16`` or ``auto``, which is bf16 if
    :func:`has_native_bf16`."""
    if wanted == "auto":
        wanted = "bf16" if has_native_bf16(device) else "fp32"
    return DTYPES[wanted]


def has_native_bf16(device: torch.device) -> bool:
    """Whether the hardware computes in bf16: CUDA from compute capability 8.0, CPUs with
    AVX512-BF16 or AMX. Elsewhere bf16 is emulated and slower than fp32.

    The variable ``DCGAN_BF16`` (``native`` or ``emulated``) overrides this for the CPU, for tests.
    ``precision: auto`` then follows it without timing (:mod:`dcgan.training.trial`).
    """
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)
    if device.type != "cpu":
        return False
    stated = stated_bf16()
    return _cpu_has_bf16() if stated is None else stated


def stated_bf16() -> bool | None:
    """Whether ``DCGAN_BF16`` is native; None if it is not set."""
    stated = os.environ.get("DCGAN_BF16")
    if not stated:
        return None
    if stated not in ("native", "emulated"):
        raise ConfigError("DCGAN_BF16", stated, "set it to native or emulated, or unset it")
    return stated == "native"


def autocast(device: torch.device, dtype: torch.dtype) -> AbstractContextManager[object]:
    """The autocast context of forward passes; weights and losses stay fp32.

    Devices without autocast, such as ``meta``, compute in fp32.
    """
    if dtype is torch.float32 or not torch.amp.is_autocast_available(device.type):
        return nullcontext()
    return _autocast(device.type, dtype)


@contextmanager
def _autocast(kind: str, dtype: torch.dtype) -> Iterator[None]:
    try:
        with torch.autocast(kind, dtype=dtype):
            yield
    finally:
        # PyTorch caches rounded weights until the outermost autocast ends, which may be the
        # caller's; the next step would then use old weights
        torch.clear_autocast_cache()


def synchronize(device: torch.device) -> None:
    """Wait until the device has finished its work."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


def make_deterministic() -> None:
    """Allow only deterministic algorithms in this process; CPUs use no others here."""
    _let_cublas_be_deterministic()
    torch.backends.cudnn.benchmark = False
    torch.set_deterministic_debug_mode("error")
    # or every new tensor would be filled first, which costs time
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]


def _let_cublas_be_deterministic() -> None:
    # PyTorch reads it once, at the first matrix product; a later deterministic run would fail.
    # The value is the one that NVIDIA recommends
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")


def processor_name() -> str:
    """The processor's model."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, "") or platform.processor() or platform.machine()


def device_name(device: torch.device) -> str:
    """The model of the GPU or the processor."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else processor_name()


def describe_hardware(device: torch.device) -> dict[str, object]:
    """The hardware, for ``run.json``."""
    return {
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else device.type,
        "processor": processor_name(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "system": platform.platform(),
    }


def _cpu_has_bf16() -> bool:
    # missing in torch 2.6
    capabilities: dict[str, object] = getattr(torch.cpu, "get_capabilities", dict)()
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))
