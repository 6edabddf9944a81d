"""Random generators: derived seeds, and capturing every generator's state for exact resume."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import torch


def derived_seed(seed: int, purpose: str) -> int:
    """A 63-bit seed for one purpose, independent of those for all others.

    Seeding everything with the same number makes, for example, the fixed latents equal the first
    training latents; a hash of the purpose's name keeps the streams apart.
    """
    words = np.random.SeedSequence([seed, *purpose.encode()]).generate_state(2, np.uint32)
    return (int(words[0]) << 31) ^ int(words[1])


def seed_everything(seed: int) -> None:
    """Seed the global generators of Python, NumPy and PyTorch (all devices)."""
    random.seed(derived_seed(seed, "python"))
    np.random.seed(derived_seed(seed, "numpy") % 2**32)
    torch.manual_seed(derived_seed(seed, "torch"))


def capture(device: torch.device) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """The state of every global generator: tensors, and what fits JSON."""
    tensors = {"torch": torch.get_rng_state()}
    if device.type == "cuda":
        tensors["cuda"] = torch.cuda.get_rng_state(device)
    if device.type == "mps":
        tensors["mps"] = torch.mps.get_rng_state()
    version, words, gauss = random.getstate()
    _, numpy_words, position, has_gauss, cached = np.random.get_state(legacy=True)
    return tensors, {
        "python": [version, list(words), gauss],
        "numpy": [np.asarray(numpy_words).tolist(), position, has_gauss, cached],
    }


def restore(device: torch.device, tensors: dict[str, torch.Tensor], plain: dict[str, Any]) -> None:
    """Put every global generator back to a captured state.

    A run moved to another kind of device keeps that device's own fresh generator: there is no
    state to put back.
    """
    torch.set_rng_state(tensors["torch"])
    if device.type == "cuda" and "cuda" in tensors:
        torch.cuda.set_rng_state(tensors["cuda"], device)
    if device.type == "mps" and "mps" in tensors:
        torch.mps.set_rng_state(tensors["mps"])
    version, words, gauss = plain["python"]
    random.setstate((version, tuple(words), gauss))
    numpy_words, position, has_gauss, cached = plain["numpy"]
    np.random.set_state(
        ("MT19937", np.array(numpy_words, dtype=np.uint32), position, has_gauss, cached)
    )
