"""Any network as a feature extractor: a module, a TorchScript file, or an exported program.

B batch · C channels · H, W sides · F features · K classes
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from dcgan.errors import DataError
from dcgan.metrics.extractor import Extractor, digest_of
from dcgan.metrics.extractors.program import Program
from dcgan.metrics.extractors.script import load_script
from dcgan.runtime.files import StrPath, expanded

NAME = "module"


def module_extractor(
    path_or_module: StrPath | nn.Module, *, device: torch.device | str = "cpu"
) -> Extractor:
    """A feature extractor from any network.

    The network takes uint8 (B, C, H, W), resizes and scales the images itself, and returns features
    (B, F), or features and logits (B, K). Every batch is checked.

    Parameters
    ----------
    path_or_module : path or nn.Module
        A file ``.pt2`` is an exported program (``torch.export.save``); unless it was exported with
        a dynamic batch size, that must be 64. Any other file is TorchScript (``torch.jit.save``).
        A file that could do more than compute on tensors is refused
        (:mod:`~dcgan.metrics.extractors.program`, :mod:`~dcgan.metrics.extractors.script`). A
        module is put into evaluation mode, without gradients.
    device : torch.device, default CPU

    Returns
    -------
    Extractor
        Its digest is the SHA-256 of the file, or :func:`~dcgan.metrics.extractor.digest_of` the
        module.

    Raises
    ------
    DataError
        The file cannot be loaded safely; or, on use, the network refuses the images, or returns
        anything but finite numbers of shape (B, F).
    """
    if isinstance(path_or_module, nn.Module):
        network, digest = path_or_module, digest_of(path_or_module)
        origin = type(path_or_module).__name__
    else:
        network, digest = _load(expanded(path_or_module))
        origin = str(path_or_module)
    return Extractor(NAME, Checked(network, origin), digest=digest, about=origin, device=device)


class Checked(nn.Module):
    """A network whose output is checked.

    Shape: uint8 (B, C, H, W) → features (B, F), or features and logits (B, K).
    """

    def __init__(self, network: nn.Module, origin: str) -> None:
        super().__init__()
        self.network = network
        self.origin = origin

    def train(self, mode: bool = True) -> Checked:  # noqa: ARG002
        """Stay in evaluation mode."""
        self.training = False
        with suppress(NotImplementedError):  # an exported program has no modes
            self.network.eval()
        return self

    def forward(self, pixel_BCHW: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        try:
            result = self.network(pixel_BCHW)
        except (RuntimeError, TypeError, ValueError, LookupError, AssertionError) as error:
            raise DataError(
                f"{self.origin}: refuses uint8 images of shape {tuple(pixel_BCHW.shape)}"
                f" ({_first_line(error)}); it must take uint8 and scale it itself"
            ) from error
        parts = result if isinstance(result, tuple | list) else [result]
        if not 1 <= len(parts) <= 2:
            raise DataError(
                f"{self.origin}: returns {len(parts)} results; an extractor returns features, or"
                " features and logits"
            )
        for part in parts:
            self._check(part, len(pixel_BCHW))
        return parts[0] if len(parts) == 1 else (parts[0], parts[1])

    def _check(self, part: Any, count: int) -> None:
        if not isinstance(part, Tensor) or part.ndim != 2 or len(part) != count:
            shown = tuple(part.shape) if isinstance(part, Tensor) else type(part).__name__
            raise DataError(
                f"{self.origin}: returns {shown} for {count} images; an extractor returns one row"
                " of numbers for each, (B, F). Flatten or average its maps"
            )
        if not part.is_floating_point() or not part.isfinite().all():
            raise DataError(
                f"{self.origin}: returns {part.dtype} that is not all finite numbers. Check which"
                " range of pixels it expects"
            )


def _load(path: Path) -> tuple[nn.Module, str]:
    """The network of a file, and the SHA-256 of the file."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(
            f"{path}: cannot be read ({error.strerror}). Choose a TorchScript or .pt2 file"
        ) from error
    try:
        network = Program(content).eval() if path.suffix == ".pt2" else load_script(content)
    except Exception as error:  # readers of damaged files may raise anything
        raise DataError(
            f"{path}: cannot be used as an extractor: {_first_line(error)}. Allowed are an exported"
            " program of tensor operations (.pt2, torch.export.save) and TorchScript"
            " (torch.jit.save) that reads and writes no files. Export the network again, or pass"
            " the module itself from Python"
        ) from error
    return network, hashlib.sha256(content).hexdigest()


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
