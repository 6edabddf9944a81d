"""TensorBoard's event files, which no training waits for or ends by."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any, cast

from torch.utils.tensorboard import SummaryWriter

from dcgan.runtime.files import reason_of
from dcgan.runtime.reporting import Reporter


def open_writer(folder: Path, reporter: Reporter, *, purge_step: int) -> SummaryWriter | None:
    """A writer that gives up, and says so once, where it cannot write, as on a full disk.

    Parameters
    ----------
    folder : Path
        For the event files.
    reporter : Reporter
        Noted when it gives up; None is returned where that is at once.
    purge_step : int
        Events of this step and later are void.
    """
    _say_nothing_of_its_thread()
    try:
        writer = SummaryWriter(str(folder), purge_step=purge_step)
    except OSError as error:
        reporter.note(_given_up(folder, error))
        return None
    return cast(SummaryWriter, _UntilItFails(writer, folder, reporter))


class _UntilItFails:
    """A writer, or a part of one, whose methods do nothing once one has failed."""

    def __init__(
        self, writer: Any, folder: Path, reporter: Reporter, failed: threading.Event | None = None
    ) -> None:
        self._writer, self._folder, self._reporter = writer, folder, reporter
        self._failed = failed or threading.Event()

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._writer, name)
        if not callable(found):
            return _UntilItFails(found, self._folder, self._reporter, self._failed)

        def attempt(*words: Any, **named: Any) -> Any:
            if self._failed.is_set():
                return None
            try:
                return found(*words, **named)
            except OSError as error:
                self._failed.set()
                self._reporter.note(_given_up(self._folder, error))
                return None

        return attempt


def _given_up(folder: Path, error: OSError) -> str:
    return (
        f"{folder}: cannot be written ({error.strerror or reason_of(error)}); training continues"
        " without TensorBoard files"
    )


def _say_nothing_of_its_thread() -> None:
    """Keep the thread that writes from printing a traceback: its error comes to the next call."""
    before = threading.excepthook
    if getattr(before, "is_quiet", False):
        return

    def hook(caught: threading.ExceptHookArgs) -> None:
        if not type(caught.thread).__module__.startswith("tensorboard."):
            before(caught)

    hook.is_quiet = True  # type: ignore[attr-defined]
    threading.excepthook = hook
