"""Two runs side by side."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from fastapi import APIRouter

from dcgan.errors import DcganError
from dcgan.evaluation.comparison import NOT_COMPARED
from dcgan.report.facts import in_short
from dcgan.runs.folder import RunFolder
from dcgan.runs.scores import read_scores
from dcgan.runs.settings import differences, stored_settings
from dcgan.studio.answers import plain
from dcgan.studio.context import InStudio

router = APIRouter()


@router.get("/compare/{first}/{second}")
def compare(studio: InStudio, first: str, second: str) -> dict[str, Any]:
    """The settings that differ, and whether the scores may be compared."""
    folders = [RunFolder(studio.library.path(run)) for run in (first, second)]
    try:
        settings = [plain(stored_settings(folder)) for folder in folders]  # keys may be numbers
    except DcganError:  # a model has none
        return {"settings": None, "comparable": _are_comparable(folders)}
    found = differences(settings, ignore=NOT_COMPARED)
    return {
        "settings": [[key, *map(in_short, values)] for key, values in found.items()],
        "comparable": "data.source" not in found and _are_comparable(folders),
    }


def _are_comparable(folders: list[RunFolder]) -> bool:
    """Whether all scores are of the same metric, images and features; the last of the protocol is
    the seed, which each run has of its own."""
    with suppress(OSError):
        protocols = {one.score.protocol[:-1] for folder in folders for one in read_scores(folder)}
        return len(protocols) <= 1
    return False
