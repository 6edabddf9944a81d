"""Random generators: derived seeds, and saved states for exact resume."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import torch


def derived_seed(seed: int, purpose: str) -> int:
    """A 63-bit seed for one purpose, independent of those for other purposes.

    With one seed for everything, the latents of sample sheets would equal the first of training.
    """
    words = np.random.SeedSequence([seed, *purpose.encode()]).generate_state(2, np.uint32)
    return (int(words[0]) << 31) ^ int(words[1])


def seed_everything(seed: int) -> None:
    """Seed the global generators of Python, NumPy and PyTorch (all devices)."""
    random.seed(derived_seed(seed, "python"))
    np.random.seed(derived_seed(seed, "numpy") % 2**32)
    torch.manual_seed(derived_seed(seed, "torch"))


def capture(device: torch.device) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """The state of every global generator, as tensors and as JSON values."""
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
    """Restore every global generator.

    On another kind of device than before, there is no state for its generator, which stays new.
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
