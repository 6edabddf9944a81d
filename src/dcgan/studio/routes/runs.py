"""One run: its state as it changes, its sheets, and what can be done with it."""

from __future__ import annotations

from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Body, Header, Query, Request
from fastapi.responses import FileResponse, Response, StreamingResponse

from dcgan.errors import DcganError
from dcgan.runs.folder import RunFolder
from dcgan.runtime.arguments import is_run
from dcgan.studio.context import InStudio, Studio
from dcgan.studio.curves import curves_of
from dcgan.studio.library import identifier
from dcgan.studio.live import Look, changes
from dcgan.studio.locks import is_locked
from dcgan.studio.opened import opened
from dcgan.studio.places import own_file
from dcgan.studio.problems import MOST_IMAGES, MOST_MINUTES, Problem
from dcgan.studio.summary import details_of, signature, training_words

router = APIRouter(prefix="/runs/{run}")

_REMEMBERED = 8
"""States of runs whose details and curves are kept: several pages may show the same run."""


@router.get("")
def details(studio: InStudio, run: str) -> dict[str, Any]:
    """Everything but the curves."""
    path = studio.library.path(run)
    return _details(run, path, signature(path), built_in=run in studio.library.models())


@router.get("/events")
async def events(
    studio: InStudio,
    request: Request,
    run: str,
    last_event_id: Annotated[str, Header(max_length=40)] = "",
    after: Annotated[str, Query(max_length=40)] = "",
) -> StreamingResponse:
    """The run as it changes, as server-sent events; see :mod:`dcgan.studio.live`.

    A browser that reconnects sends the identifier of the last event as a header; a page that opens
    a new connection, as ``after``.
    """
    path = studio.run_folder(run)
    stream = changes(
        lambda: _signature(studio, path),
        lambda: _look(studio, run, path),
        request.is_disconnected,
        last_event_id or after,
    )
    return StreamingResponse(stream, media_type="text/event-stream")


@router.get("/preview")
def preview(studio: InStudio, run: str) -> Response:
    """Generated images of a run without sheets, such as a model."""
    return Response(opened(studio.library.path(run)).preview(), media_type="image/png")


@router.get("/sheets/{images}")
def sheet(
    studio: InStudio, run: str, images: int, if_none_match: Annotated[str, Header()] = ""
) -> Response:
    """The samples after a number of images seen."""
    folder = studio.library.path(run)
    path = own_file(folder, RunFolder(folder).sheet(images), "this sheet")
    state = path.stat()
    tag = f'"{state.st_mtime_ns}-{state.st_size}"'  # another run may get the same folder
    if if_none_match == tag:
        return Response(status_code=304, headers={"etag": tag})
    return FileResponse(path, headers={"etag": tag})


@router.post("/stop")
def stop(studio: InStudio, run: str) -> dict[str, Any]:
    """Save, and end training."""
    path = studio.run_folder(run)
    job = studio.jobs.of_run(path)
    if job is None or job.state not in {"waiting", "running"}:
        if is_locked(path):
            raise Problem(409, "This run was started elsewhere. Press Ctrl-C there")
        raise Problem(409, "This run is not in training")
    studio.jobs.stop(job.id)
    return asdict(job)


@router.post("/resume")
def resume(
    studio: InStudio,
    run: str,
    minutes: Annotated[float | None, Body(gt=0, le=MOST_MINUTES)] = None,
    images: Annotated[int | None, Body(gt=0, le=MOST_IMAGES)] = None,
) -> dict[str, Any]:
    """Continue a run that was stopped; with a length, up to that length in all."""
    path = studio.library.path(run)
    studio.refuse_foreign_data(path)
    words = ["train", "--out", str(path), "--resume"]
    words += ["--minutes", f"{minutes:g}"] if minutes is not None else []
    words += ["--images", str(images)] if images is not None else []
    with studio.jobs.start_lock:
        _refuse_training(studio, path)
        return asdict(studio.jobs.start(words, str(path)))


@router.post("/evaluate")
def evaluate(studio: InStudio, run: str) -> dict[str, Any]:
    """Start an evaluation, which grades the images of the best checkpoint."""
    path = studio.library.path(run)
    studio.refuse_foreign_data(path)
    return asdict(studio.jobs.start(["evaluate", str(path)], str(path)))


@router.post("/advice")
def follow_advice(studio: InStudio, run: str) -> dict[str, Any]:
    """Start the training that the verdict of the run advises."""
    path = studio.library.path(run)
    words = training_words(_details(run, path, signature(path))["advice"]["command"])
    if not words or "--out" not in words:
        raise Problem(409, "There is no training that the studio could start")
    studio.refuse_foreign_data(path)
    place = words.index("--out") + 1
    out = studio.library.folder / words[place]
    with studio.jobs.start_lock:
        if "--resume" in words:
            _refuse_training(studio, out)
        else:
            out = studio.library.free(out.name)
        words[place] = str(out)
        job = studio.jobs.start(words, str(out))
    return asdict(job) | {"run": identifier(out)}


def _signature(studio: Studio, path: Path) -> object:
    """It changes with all that the page of a run shows; None without a run and a job."""
    job = studio.jobs.of_run(path)
    if is_run(path):
        return signature(path), job
    return None if job is None else job


def _look(studio: Studio, run: str, path: Path) -> Look:
    found = studio.jobs.of_run(path)
    job = None if found is None else asdict(found) | {"output": studio.jobs.output(found.id)}
    if not is_run(path):
        return Look(job)
    now = signature(path)
    return Look(
        job,
        _details(run, path, now, built_in=run in studio.library.models()),
        _curves(path, now),
    )


@lru_cache(_REMEMBERED)
def _details(run: str, path: Path, _: object, *, built_in: bool = False) -> dict[str, Any]:
    try:
        return asdict(details_of(run, path, built_in=built_in))
    except DcganError as error:
        raise Problem(409, str(error)) from error


@lru_cache(_REMEMBERED)
def _curves(path: Path, _: object) -> dict[str, list[Any]]:
    return curves_of(path)


def _refuse_training(studio: Studio, path: Path) -> None:
    # a job locks the folder only when its training begins
    if is_locked(path) or path in studio.jobs.run_folders():
        raise Problem(409, "This run is in training already")
