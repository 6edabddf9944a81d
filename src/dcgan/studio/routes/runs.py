"""One run: its state as it changes, its sheets, and what can be done with it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Body, Header, Request
from fastapi.responses import FileResponse, StreamingResponse

from dcgan.errors import DcganError
from dcgan.runs.folder import RunFolder
from dcgan.studio.context import InStudio, Studio
from dcgan.studio.jobs import is_locked
from dcgan.studio.library import identifier
from dcgan.studio.live import changes
from dcgan.studio.problems import Problem, not_found
from dcgan.studio.summary import curves_of, details_of, training_words

router = APIRouter(prefix="/runs/{run}")


@router.get("")
def details(studio: InStudio, run: str) -> dict[str, Any]:
    """Everything but the curves."""
    return _details(studio, run)


@router.get("/events")
async def events(
    studio: InStudio,
    request: Request,
    run: str,
    last_event_id: Annotated[int, Header(ge=0)] = 0,
) -> StreamingResponse:
    """The run as it changes, as server-sent events; see :mod:`dcgan.studio.live`."""
    path = studio.library.path(run)
    stream = changes(
        path,
        lambda: (_details(studio, run), curves_of(path)),
        request.is_disconnected,
        last_event_id,
    )
    return StreamingResponse(stream, media_type="text/event-stream")


@router.get("/sheets/{images}")
def sheet(studio: InStudio, run: str, images: int) -> FileResponse:
    """The samples after a number of images seen."""
    path = RunFolder(studio.library.path(run)).sheet(images)
    if not path.is_file():
        raise not_found("this sheet")
    # a sheet is written once
    return FileResponse(path, headers={"cache-control": "private, max-age=86400"})


@router.post("/stop")
def stop(studio: InStudio, run: str) -> dict[str, Any]:
    """Save, and end training."""
    path = studio.library.path(run)
    job = studio.jobs.of_run(path)
    if job is None or job.state != "running":
        if is_locked(path):
            raise Problem(409, "this run was started elsewhere. Press Ctrl-C there")
        raise Problem(409, "this run is not in training")
    studio.jobs.stop(job.id)
    return asdict(job)


@router.post("/resume")
def resume(
    studio: InStudio,
    run: str,
    minutes: Annotated[float | None, Body(gt=0, le=100_000)] = None,
    images: Annotated[int | None, Body(gt=0, le=10**12)] = None,
) -> dict[str, Any]:
    """Continue a run that was stopped; with a length, up to that length in all."""
    path = studio.library.path(run)
    if is_locked(path):
        raise Problem(409, "this run is in training already")
    words = ["train", "--out", str(path), "--resume"]
    words += ["--minutes", f"{minutes:g}"] if minutes is not None else []
    words += ["--images", str(images)] if images is not None else []
    return asdict(studio.jobs.start(words, str(path)))


@router.post("/advice")
def follow_advice(studio: InStudio, run: str) -> dict[str, Any]:
    """Start the training that the verdict of the run advises."""
    words = training_words(_details(studio, run)["advice"]["command"])
    if not words or "--out" not in words:
        raise Problem(409, "there is no training that the studio could start")
    place = words.index("--out") + 1
    out = studio.library.folder / words[place]
    if "--resume" not in words:
        out = studio.library.free(out.name)
    words[place] = str(out)
    job = studio.jobs.start(words, str(out))
    return asdict(job) | {"run": identifier(out)}


@router.get("/job")
def job(studio: InStudio, run: str) -> dict[str, Any]:
    """The newest job that trains this run, with what it has printed."""
    found = studio.jobs.of_run(studio.library.path(run))
    if found is None:
        raise not_found("a job of this run")
    return asdict(found) | {"output": studio.jobs.output(found.id)}


def _details(studio: Studio, run: str) -> dict[str, Any]:
    path = studio.library.path(run)
    try:
        found = asdict(details_of(run, path, built_in=run in studio.library.models()))
    except DcganError as error:
        raise Problem(409, str(error)) from error
    job = studio.jobs.of_run(path)
    return found | {"job": None if job is None else asdict(job)}
