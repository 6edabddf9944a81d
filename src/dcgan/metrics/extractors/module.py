"""Any network as an extractor: a module at hand, a TorchScript file, or an exported program.

B batch · C channels · H, W sides · F features · K classes
"""

from __future__ import annotations

import hashlib
import logging
import warnings
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from dcgan.errors import DataError
from dcgan.metrics.extractor import Extractor, digest_of

NAME = "module"


def module_extractor(
    path_or_module: Path | nn.Module, *, device: torch.device | str = "cpu"
) -> Extractor:
    """An extractor from a network that somebody else trained.

    It takes what every extractor here takes, uint8 (B, C, H, W), and does its own resizing and
    scaling; it returns features (B, F), or features and logits (B, K). That is checked with each
    batch.

    Parameters
    ----------
    path_or_module : path or nn.Module
        A file ``.pt2`` holds an exported program (``torch.export.save``), which fixes its own
        batch size unless exported with a dynamic one: 64 is asked for. Any other file is taken as
        TorchScript (``torch.jit.save``). Both hold code, which runs: take them only from those you
        trust. A module is used as it is, from
        now on in evaluation mode and without gradients.
    device : torch.device, default CPU

    Returns
    -------
    Extractor
        Its digest is the SHA-256 of the file, or :func:`~dcgan.metrics.extractor.digest_of` the
        module.

    Raises
    ------
    DataError
        The file cannot be loaded; or, on use, the network refuses the images, or returns anything
        but finite numbers of shape (B, F).
    """
    if isinstance(path_or_module, nn.Module):
        origin, digest = type(path_or_module).__name__, digest_of(path_or_module)
        network = path_or_module
    else:
        origin, digest = str(path_or_module), _sha256(path_or_module)
        network = _load(path_or_module)
    return Extractor(NAME, Checked(network, origin), digest=digest, about=origin, device=device)


class Checked(nn.Module):
    """A network whose output is looked at before anybody measures with it.

    Shape: uint8 (B, C, H, W) → features (B, F), or features and logits (B, K).
    """

    def __init__(self, network: nn.Module, origin: str) -> None:
        super().__init__()
        self.network = network
        self.origin = origin

    def train(self, mode: bool = True) -> Checked:  # noqa: ARG002
        """Never train: whatever is asked for, the network is evaluated."""
        self.training = False
        with suppress(NotImplementedError):  # an exported program has no modes
            self.network.eval()
        return self

    def forward(self, pixel_BCHW: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        found = self._found(pixel_BCHW)
        parts = found if isinstance(found, tuple | list) else [found]
        if not 1 <= len(parts) <= 2:
            raise DataError(
                f"{self.origin}: returns {len(parts)} things; an extractor returns features, or"
                " features and logits"
            )
        for part in parts:
            self._check(part, len(pixel_BCHW))
        return parts[0] if len(parts) == 1 else (parts[0], parts[1])

    def _found(self, pixel_BCHW: Tensor) -> Any:
        try:
            return self.network(pixel_BCHW)
        except (RuntimeError, TypeError, ValueError, AssertionError) as error:
            raise DataError(
                f"{self.origin}: refuses uint8 images of shape {tuple(pixel_BCHW.shape)}"
                f" ({_first_line(error)}); it must take uint8 and scale it itself"
            ) from error

    def _check(self, part: Any, count: int) -> None:
        if not isinstance(part, Tensor) or part.ndim != 2 or len(part) != count:
            what = tuple(part.shape) if isinstance(part, Tensor) else type(part).__name__
            raise DataError(
                f"{self.origin}: returns {what} for {count} images; an extractor returns one row"
                " of numbers for each, (B, F): flatten or average its maps"
            )
        if not part.is_floating_point() or not part.isfinite().all():
            raise DataError(
                f"{self.origin}: returns {part.dtype} that is not all finite numbers; check what"
                " range of pixels it expects"
            )


def _load(path: Path) -> nn.Module:
    # before it raises, it logs a traceback, which nobody can do anything with
    log = logging.getLogger("torch.export")
    was_disabled, log.disabled = log.disabled, True
    try:
        if path.suffix == ".pt2":
            return torch.export.load(path).module()
        with warnings.catch_warnings():
            # TorchScript is deprecated, but it is what people have
            warnings.simplefilter("ignore", DeprecationWarning)
            script: nn.Module = torch.jit.load(  # type: ignore[no-untyped-call]
                str(path), map_location="cpu"
            )
            return script.eval()
    except Exception as error:  # whatever a reader of others' files may raise
        raise DataError(
            f"{path}: neither TorchScript (torch.jit.save) nor, as .pt2, an exported program"
            f" (torch.export.save): {_first_line(error)}"
        ) from error
    finally:
        log.disabled = was_disabled


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise DataError(
            f"{path}: cannot be read ({error.strerror}); give a TorchScript or .pt2 file"
        ) from error


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
