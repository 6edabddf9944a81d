"""Runs that leave empty files instead of figures and reports, which take longer than a small run
trains."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

from dcgan.render import curves, quality  # before the trainer, which takes functions of theirs
from dcgan.runs.folder import RunFolder
from dcgan.training import trainer


def _leave_an_empty_file(shown: object, path: Path) -> None:
    path.write_bytes(b"")


def _leave_an_empty_report(folder: RunFolder, dataset: object) -> None:
    folder.report.write_bytes(b"")


_INSTEAD = (
    (curves, "save_figure", _leave_an_empty_file),
    (quality, "save_figure", _leave_an_empty_file),
    (trainer, "loss_and_score_curves", _leave_an_empty_file),
    (trainer, "gradient_curves", _leave_an_empty_file),
    (trainer, "write_finished", _leave_an_empty_report),
)

RENDERERS: list[tuple[ModuleType, str, object]] = [
    (module, name, getattr(module, name)) for module, name, _ in _INSTEAD
]
"""Modules, names and functions that make what a run leaves behind."""


def render_nothing() -> None:
    """From now on, runs of this process end without figures."""
    for module, name, instead in _INSTEAD:
        setattr(module, name, instead)


def render() -> None:
    """They end with figures again."""
    for module, name, function in RENDERERS:
        setattr(module, name, function)
