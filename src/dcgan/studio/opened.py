"""Runs that are open: networks and datasets stay in memory while the page uses them."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from threading import BoundedSemaphore, Lock

from dcgan.data import ImageDataset
from dcgan.exchange.web.model_file import model_bytes
from dcgan.runs.dataset import open_dataset
from dcgan.runs.run import Run, open_run
from dcgan.runtime.changes import state_of
from dcgan.studio.problems import Problem

_OPEN = 4
"""Runs that are kept open."""

_PREVIEWED = 64
"""Images of a preview."""

_TURNS = BoundedSemaphore(8)
"""Requests that compute or wait for their turn. Each takes one of the server's 40 threads, and some
must be left for requests that only read."""


@dataclass(eq=False)
class Opened:
    """An open run.

    Attributes
    ----------
    run : Run
        At its best checkpoint.
    """

    run: Run
    _lock: Lock = field(default_factory=Lock)
    _dataset: ImageDataset | None = None
    _model: bytes | None = None
    _preview: bytes | None = None

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait until nothing else computes with this run: PyTorch's threads are shared, and memory
        is limited.

        Raises
        ------
        Problem
            Too many requests wait already.
        """
        if not _TURNS.acquire(blocking=False):
            raise Problem(503, "the studio is busy with other requests. Try again in a minute")
        try:
            with self._lock:
                yield
        finally:
            _TURNS.release()

    def dataset(self, root: Path | None) -> ImageDataset:
        """The training images."""
        if self._dataset is None:
            self._dataset = open_dataset(self.run.folder, self.run.networks, data_root=root)
        return self._dataset

    def model(self) -> bytes:
        """The generator for the explorer in the browser."""
        if self._model is None:
            self._model = model_bytes(self.run)
        return self._model

    def preview(self) -> bytes:
        """A sheet of generated images, as PNG."""
        if self._preview is None:
            with self.turn():
                image = self.run.sheet(_PREVIEWED)
            buffer = io.BytesIO()
            image.save(buffer, format="PNG")
            self._preview = buffer.getvalue()
        return self._preview


def opened(path: Path) -> Opened:
    """A run, opened anew only if its checkpoints have changed."""
    return _opened(path, _checkpoints(path))


@lru_cache(_OPEN)
def _opened(path: Path, _: object) -> Opened:
    return Opened(open_run(path))


def _checkpoints(path: Path) -> tuple[int, ...]:
    watched = (path / "best.json", path / "checkpoints", path / "model.json", path / "directions")
    return tuple(state_of(one).modified_ns for one in watched)
