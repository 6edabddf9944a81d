"""Keep the caller's process-wide settings away from our code, and unchanged by it.

Every function of the public Python API runs in one of these contexts. Inside, PyTorch has its
default dtype, device, grad mode and autocast. Afterwards, also after an error, the caller's values
are restored.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TypeVar

import numpy as np
import torch

from dcgan.runtime.device import make_deterministic
from dcgan.runtime.torch_settings import settings_restored, whole_products

Piece = TypeVar("Piece")


@contextmanager
def isolated() -> Iterator[None]:
    """Keep the caller's random state, and compute in PyTorch's default modes."""
    with kept_random_state(), default_modes():
        yield


@contextmanager
def kept_random_state() -> Iterator[None]:
    """Restore the global random generators of Python, NumPy and PyTorch at the end."""
    python, numpy, cpu = random.getstate(), np.random.get_state(), torch.get_rng_state()
    seed = torch.initial_seed()
    had_cuda = _cuda_has_begun()
    cuda = torch.cuda.get_rng_state_all() if had_cuda else []
    mps = torch.mps.get_rng_state() if torch.backends.mps.is_available() else None
    try:
        yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)
        torch.set_rng_state(cpu)
        if had_cuda:
            torch.cuda.set_rng_state_all(cuda)
        else:
            # reading the state would have started CUDA, which starts with the seed of the CPU
            torch.cuda.manual_seed_all(seed)
        if mps is not None:
            torch.mps.set_rng_state(mps)


@contextmanager
def default_modes() -> Iterator[None]:
    """Compute in whole float32, with gradients, on the CPU by default and without autocast.

    Deterministic algorithms stay on if the caller has them on. The caller's modes, and settings
    that training changes (threads, deterministic algorithms, cuDNN, the current GPU), are restored
    at the end.
    """
    with ExitStack() as stack:
        _put_back_at_the_end(stack)
        torch.set_default_dtype(torch.float32)
        stack.enter_context(whole_products())
        if torch.get_default_device().type != "cpu":
            stack.enter_context(torch.device("cpu"))
        for kind in ("cpu", "cuda", "mps"):
            if torch.amp.is_autocast_available(kind) and torch.is_autocast_enabled(kind):
                stack.enter_context(torch.autocast(kind, enabled=False))
        stack.enter_context(torch.inference_mode(False))
        stack.enter_context(torch.enable_grad())
        wants = torch.are_deterministic_algorithms_enabled()
        if wants and not torch.is_deterministic_algorithms_warn_only_enabled():
            make_deterministic()  # a GPU needs more than the caller's switch
        yield


def in_default_modes(pieces: Iterator[Piece]) -> Iterator[Piece]:
    """Compute each piece in PyTorch's default modes, with the caller's modes in between."""
    while True:
        with default_modes():
            try:
                piece = next(pieces)
            except StopIteration:
                return
        yield piece


def _put_back_at_the_end(stack: ExitStack) -> None:
    stack.enter_context(settings_restored())
    stack.callback(torch.set_default_dtype, torch.get_default_dtype())
    cudnn = torch.backends.cudnn
    stack.callback(setattr, cudnn, "deterministic", cudnn.deterministic)
    stack.callback(_set_gpu, torch.cuda.current_device() if _cuda_has_begun() else 0)


def _set_gpu(number: int) -> None:
    if _cuda_has_begun():
        torch.cuda.set_device(number)


def _cuda_has_begun() -> bool:
    return bool(torch.cuda.is_initialized())  # type: ignore[no-untyped-call]
