"""Which device to compute on, and in which precision."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor, nn

from dcgan.errors import ConfigError

Network = TypeVar("Network", bound=nn.Module)


def choose_device(wanted: str = "auto") -> torch.device:
    """Turn ``auto | cpu | cuda | cuda:N | mps`` into a device that exists.

    ``auto`` prefers CUDA, then MPS, then the CPU. Where torchrun started several processes, MPS is
    left out: gradients cannot be exchanged on it.

    Raises
    ------
    ConfigError
        The wanted device is not on this machine.
    """
    has_cuda = torch.cuda.is_available()
    has_mps = torch.backends.mps.is_available() and os.environ.get("WORLD_SIZE", "1") == "1"
    if has_cuda and wanted in ("auto", "cuda") and "LOCAL_RANK" in os.environ:
        # torchrun's processes on one machine take a GPU each
        wanted = f"cuda:{os.environ['LOCAL_RANK']}"
    if wanted == "auto":
        return torch.device("cuda" if has_cuda else "mps" if has_mps else "cpu")
    here = ["cpu"]
    if has_cuda:
        here += ["cuda", *(f"cuda:{index}" for index in range(torch.cuda.device_count()))]
    if has_mps:
        here.append("mps")
    if wanted not in here:
        raise ConfigError(
            "device",
            wanted,
            f"not on this machine, which has {', '.join(here)}; --device auto chooses one",
        )
    return torch.device(wanted)


def placed(network: Network, device: torch.device) -> Network:
    """A network moved to a device, its convolutions' weights with channels last in memory.

    Convolutions of CPUs and CUDA then run without putting every tensor into another order. On MPS
    they stay as they are: batch norm's gradient is wrong there, or missing, where channels lie last
    (pytorch/pytorch#175189).
    """
    network.to(device)
    if device.type == "mps":
        return network
    for parameter in network.parameters():
        if parameter.dim() == 4:
            parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
    return network


def poolable(feature_BCHW: Tensor) -> Tensor:
    """The same features where they can be pooled to any size: off MPS, which refuses sizes that do
    not divide, or gets them wrong (pytorch/pytorch#96056, #190064)."""
    return feature_BCHW.cpu() if feature_BCHW.device.type == "mps" else feature_BCHW


def free_memory(device: torch.device) -> int | None:
    """Bytes that a GPU with memory of its own has left; None where a device has none."""
    return torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else None


def choose_precision(wanted: str, device: torch.device) -> torch.dtype:
    """The dtype of matrix products: ``fp32``, ``bf16``, or what suits the device.

    ``auto`` is bf16 where :func:`has_native_bf16`, and fp32 elsewhere.
    """
    if wanted == "fp32":
        return torch.float32
    if wanted == "bf16":
        return torch.bfloat16
    return torch.bfloat16 if has_native_bf16(device) else torch.float32


def has_native_bf16(device: torch.device) -> bool:
    """Whether the hardware multiplies bf16 itself: CUDA from compute capability 8.0, CPUs with
    AVX512-BF16 or AMX. Elsewhere bf16 is emulated, and slower than fp32.

    The variable ``DCGAN_BF16``, set to ``native`` or ``emulated``, answers for the CPU instead: it
    lets tests see either kind of machine on every machine. Where it is set, ``precision: auto`` is
    not timed (:mod:`dcgan.training.trial`) but follows it: bf16 or fp32.

    Raises
    ------
    ConfigError
        The variable is set to something else.
    """
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)
    if device.type != "cpu":
        return False
    stated = stated_bf16()
    return _cpu_has_bf16() if stated is None else stated


def stated_bf16() -> bool | None:
    """What ``DCGAN_BF16`` says of this CPU; None where it is not set."""
    stated = os.environ.get("DCGAN_BF16")
    if not stated:
        return None
    if stated not in ("native", "emulated"):
        raise ConfigError("DCGAN_BF16", stated, "set it to native or emulated, or unset it")
    return stated == "native"


def autocast(device: torch.device, dtype: torch.dtype) -> AbstractContextManager[object]:
    """The context in which forward passes run; weights and losses stay fp32.

    Devices for which PyTorch casts nothing, such as ``meta``, compute in fp32.
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
        # PyTorch keeps its rounded copies of weights until the outermost autocast ends. That may be
        # the caller's: the next step would then compute with the weights of this one.
        torch.clear_autocast_cache()


def synchronise(device: torch.device) -> None:
    """Wait until the device has done what it was told."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


@contextmanager
def no_tf32() -> Iterator[None]:
    """Within, a GPU's convolutions in fp32 are that: PyTorch rounds what they multiply to ten bits
    (TF32) where it is not told otherwise, too few for second derivatives and for comparisons."""
    before = torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = False
    try:
        yield
    finally:
        torch.backends.cudnn.allow_tf32 = before


def make_deterministic() -> None:
    """Allow only deterministic algorithms, for the whole process; CPUs use no others here."""
    # cuBLAS reads this when it starts; the value is NVIDIA's for reproducible products
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.backends.cudnn.benchmark = False
    torch.set_deterministic_debug_mode("error")
    # else every new tensor is filled once more, in case it is read before it is written
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]


def processor_name() -> str:
    """The processor's model, as the system names it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, "") or platform.processor() or platform.machine()


def device_name(device: torch.device) -> str:
    """The model of a GPU, or of the processor."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else processor_name()


def describe_hardware(device: torch.device) -> dict[str, object]:
    """What a run is recorded to have run on."""
    return {
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else device.type,
        "processor": processor_name(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "system": platform.platform(),
    }


def _cpu_has_bf16() -> bool:
    # absent from the oldest torch admitted: there, fp32 is the safe answer
    capabilities: dict[str, object] = getattr(torch.cpu, "get_capabilities", dict)()
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))
