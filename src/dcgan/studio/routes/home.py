"""Home: runs, models and jobs; the bin; folders of this machine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from typing import Any

from fastapi import APIRouter

from dcgan import __version__
from dcgan.studio.context import InStudio
from dcgan.studio.library import identifier
from dcgan.studio.summary import Card, card_of, signature

router = APIRouter()

_REMEMBERED = 500


@router.get("/home")
def home(studio: InStudio) -> dict[str, Any]:
    """The runs of the folder and how many are in folders inside it, all newest first, the built-in
    models, and the jobs with the run that each makes."""
    library = studio.library
    by_folder = library.by_folder()
    there = {run for runs in by_folder.values() for run in runs}
    models = [
        _card(run, library.path(run), signature(library.path(run)), built_in=True)
        for run in library.models()
    ]
    jobs = [(job, identifier(Path(job.subject))) for job in studio.jobs.all()]
    return {
        "version": __version__,
        "folder": str(library.folder),
        "runs": _cards(by_folder.pop("", {})),
        "folders": [{"name": name, "count": len(runs)} for name, runs in by_folder.items()],
        "models": [asdict(card) for card in models],
        "jobs": [asdict(job) | {"run": run, "has_begun": run in there} for job, run in jobs],
    }


@router.get("/home/folder")
def folder(studio: InStudio, name: str) -> list[dict[str, Any]]:
    """The runs of a folder inside the folder of runs, newest first; empty if it has none."""
    return _cards(studio.library.by_folder().get(name, {}))


@router.get("/folders")
def folders(studio: InStudio, path: str = "", within: str = "") -> dict[str, Any]:
    """What a folder holds, for the folder picker, which shows the folder ``within``."""
    return asdict(studio.places.listing(path, within))


@router.delete("/runs/{run}")
def discard(studio: InStudio, run: str) -> dict[str, str]:
    """Move a run to the bin."""
    return {"discarded": studio.library.discard(run)}


@router.post("/bin/{discarded}/restore")
def restore(studio: InStudio, discarded: str) -> dict[str, str]:
    """Move a run out of the bin."""
    path = studio.library.restore(discarded)
    return {"run": identifier(path)}


def _cards(runs: Mapping[str, Path]) -> list[dict[str, Any]]:
    return [asdict(_card(run, path, signature(path))) for run, path in runs.items()]


@lru_cache(_REMEMBERED)
def _card(run: str, path: Path, _: object, *, built_in: bool = False) -> Card:
    """The card of a run in one state: to read a long log takes a while."""
    return card_of(run, path, built_in=built_in)
