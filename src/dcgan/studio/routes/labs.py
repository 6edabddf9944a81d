"""Labs: their claims, verdicts and pages; a quick one can be started."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from fastapi import APIRouter
from fastapi.responses import FileResponse

from dcgan.labs.listing import listed_labs
from dcgan.labs.loading import lab_names
from dcgan.studio.context import InStudio, Studio
from dcgan.studio.library import LABS
from dcgan.studio.places import own_file
from dcgan.studio.problems import Problem, not_found

router = APIRouter(prefix="/labs")

_PAGE = "lab.html"

_PAGE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox"
"""A page of a lab is one file with its style inside. It has no scripts, and may run none."""


@router.get("")
def labs(studio: InStudio) -> list[dict[str, Any]]:
    """All labs by subject: claim, terms, your own verdict and the published one, and the job that
    runs one."""
    running = _running(studio)
    return [
        {
            **asdict(lab),
            "chance": "" if lab.told is None else lab.told.chance,
            "has_page": (_folder(studio) / lab.name / _PAGE).is_file(),
            "job": running.get(lab.name),
        }
        for lab in listed_labs(_folder(studio))
    ]


@router.post("/{name}")
def start(studio: InStudio, name: str) -> dict[str, Any]:
    """Run a lab with the quick budget."""
    if name not in lab_names():
        raise not_found("this lab")
    words = ["lab", name, "--out", str(_folder(studio) / name)]
    words += [] if studio.data_root is None else ["--data-root", str(studio.data_root)]
    with studio.jobs.start_lock:
        if name in _running(studio):
            raise Problem(409, "this lab is running already")
        return asdict(studio.jobs.start(words, name))


@router.get("/{name}/page")
def page(studio: InStudio, name: str) -> FileResponse:
    """The page of a lab that has been run."""
    if name not in lab_names():
        raise not_found("this lab")
    folder = _folder(studio) / name
    path = own_file(folder, folder / _PAGE, "the page of this lab")
    return FileResponse(path, headers={"content-security-policy": _PAGE_POLICY})


def _running(studio: Studio) -> dict[str, dict[str, Any]]:
    """The jobs of labs that have not ended, by the name of the lab."""
    return {
        job.subject: asdict(job)
        for job in studio.jobs.all()
        if job.kind == "lab" and job.state in {"waiting", "running"}
    }


def _folder(studio: Studio) -> Path:
    return studio.library.folder / LABS
