"""A new run: uploads, inspection, recipes, start; and the jobs of other commands."""

from __future__ import annotations

from dataclasses import asdict
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import FileResponse
from pydantic import BaseModel, ConfigDict, Field

from dcgan.config import list_recipes
from dcgan.exchange.reading import SUFFIXES as WEIGHTS
from dcgan.runtime.arguments import is_name
from dcgan.runtime.built_in import model_names
from dcgan.runtime.datasets import DATASETS
from dcgan.studio.context import InStudio, Studio
from dcgan.studio.library import checked_name, identifier
from dcgan.studio.problems import MOST_IMAGES, MOST_MINUTES, MOST_SEED, Problem, not_found
from dcgan.studio.summary import training_words
from dcgan.studio.uploads import Uploads

router = APIRouter()

_SIZE = r"^\d{2,4}(x\d{2,4})?$"
_SHEET = "sheet.png"
"""The file of an inspection."""

_HIDDEN = {"hub", "lsun"}
"""Names of datasets that need more than a name."""


class Asked(BaseModel):
    """A dataset, and how its images become those that the networks see."""

    model_config = ConfigDict(extra="forbid")

    data: Annotated[str, Field(min_length=1, max_length=4096)]
    size: Annotated[str, Field(pattern=_SIZE)] | None = None
    fit: Literal["crop", "pad", "stretch", "cover-random"] | None = None


class AskedRun(Asked):
    """A training to start."""

    name: Annotated[str, Field(max_length=80)] = ""
    recipe: str = "auto"
    minutes: Annotated[float, Field(gt=0, le=MOST_MINUTES)] | None = None
    images: Annotated[int, Field(gt=0, le=MOST_IMAGES)] | None = None
    seed: Annotated[int, Field(ge=0, le=MOST_SEED)] = 0
    inspection: str = ""
    """The job that has inspected the dataset: its recommended settings are used."""
    drop: list[Literal["duplicates", "blank"]] | None = None
    """Images to leave out; None: as the inspection recommends."""
    keep_transparency: bool = False
    start: str | None = None
    """A built-in model to start from. It decides on the networks and the size."""


@router.get("/recipes")
def recipes() -> dict[str, Any]:
    """The recipes with a line each, datasets with a name, and the endings of files of weights."""
    names = [name for name in DATASETS if name not in _HIDDEN]
    return {"recipes": list_recipes(), "datasets": names, "weights": WEIGHTS}


@router.put("/uploads/{batch}/{name}")
async def upload(studio: InStudio, request: Request, batch: str, name: str) -> dict[str, Any]:
    """Add one image, or one archive of images, to a new dataset of uploaded files."""
    uploads = Uploads(studio.library.uploads)
    return {"data": str(await uploads.keep(batch, name, request.stream()))}


@router.post("/inspect")
def inspect(studio: InStudio, asked: Asked) -> dict[str, Any]:
    """Start an inspection; its result is that of the job."""
    words = ["inspect", _data(studio, asked.data), "--json", *_options(studio, asked)]
    return asdict(studio.jobs.start(words, asked.data, out=_SHEET))


@router.post("/train")
def train(studio: InStudio, asked: AskedRun) -> dict[str, Any]:
    """Start a training."""
    data = _data(studio, asked.data)
    if asked.recipe not in list_recipes():
        raise Problem(422, f"{asked.recipe}: no such recipe", "recipe")
    name = checked_name(asked.name or "new-run")
    if asked.start is not None and asked.start not in model_names():
        raise Problem(422, f"{asked.start}: no such model")
    networks = ["--recipe", asked.recipe] if asked.start is None else ["--init", asked.start]
    words = ["train", data, *networks, "--seed", str(asked.seed)]
    words += [] if asked.minutes is None else ["--minutes", f"{asked.minutes:g}"]
    words += [] if asked.images is None else ["--images", str(asked.images)]
    words += _recommended(studio, asked)
    words += [word for one in asked.drop or () for word in (f"--data.{one}", "drop")]
    words += ["--data.channels", "4"] if asked.keep_transparency else []
    words += _options(studio, asked)
    with studio.jobs.start_lock:
        out = studio.library.free(name)
        Uploads(studio.library.uploads).use(Path(words[1]))
        job = studio.jobs.start([*words, "--out", str(out)], str(out))
    return asdict(job) | {"run": identifier(out)}


@router.get("/name")
def name(studio: InStudio, name: str) -> dict[str, str]:
    """The name that a new run would have: without spaces, and with a number if it is taken."""
    checked = checked_name(name)
    return {"checked": checked, "name": studio.library.free(checked).name}


@router.get("/jobs/{job}/outlook")
def job_outlook(
    studio: InStudio,
    job: str,
    minutes: Annotated[float | None, Query(gt=0, le=MOST_MINUTES)] = None,
    images: Annotated[int | None, Query(gt=0, le=MOST_IMAGES)] = None,
    size: Annotated[str | None, Query(pattern=_SIZE)] = None,
) -> dict[str, str]:
    """What to expect of a training, by the speed that an inspection has measured; empty if nothing
    is known of this size."""
    from dcgan.training.planning.time_plan import Expectation, outlook

    try:
        measured = (studio.jobs.result(job) or {})["expectations"]
        sizes = [Expectation(**one | {"size": tuple(one["size"])}) for one in measured]
    except (KeyError, TypeError) as error:
        raise not_found("what this inspection has measured") from error
    height, _, width = (size or "").partition("x")
    fixed = (int(height), int(width or height)) if size else None
    if not sizes or (minutes is None) == (images is None):
        return {"outlook": ""}
    return {"outlook": outlook(sizes, minutes=minutes, images=images, size=fixed) or ""}


@router.get("/jobs/{job}")
def job(studio: InStudio, job: str) -> dict[str, Any]:
    """A job: its state, what it has printed, and the object that it printed at its end."""
    found = studio.jobs.get(job)
    output, result = studio.jobs.output(job), studio.jobs.result(job)
    return asdict(found) | {"output": output, "result": result}


@router.get("/jobs/{job}/sheet")
def job_sheet(studio: InStudio, job: str) -> FileResponse:
    """The sheet that an inspection has made."""
    path = studio.jobs.file(job, _SHEET)
    if not path.is_file():
        raise not_found("this sheet")
    return FileResponse(path)


@router.post("/jobs/{job}/stop")
def stop(studio: InStudio, job: str) -> dict[str, Any]:
    """Ask a job to save and end."""
    studio.jobs.stop(job)
    return asdict(studio.jobs.get(job))


def _data(studio: Studio, text: str) -> str:
    """A dataset's name, or an allowed path."""
    if is_name(text) and text in DATASETS:
        return text
    return str(studio.places.allowed(text))


def _recommended(studio: Studio, asked: AskedRun) -> list[str]:
    """The options that an inspection recommends, such as to drop copies, but for those that the
    page has decided. Which classes to learn is for the default recipe only."""
    result = studio.jobs.result(asked.inspection) if asked.inspection else None
    words = training_words(str(result.get("command", "")))[1:] if result else []
    decided = {"--data.fit"} | ({"--data.channels"} if asked.keep_transparency else set())
    decided |= set() if asked.drop is None else {"--data.duplicates", "--data.blank"}
    is_default = asked.recipe == "auto" and asked.start is None
    kinds = ("--data.", *(["--model.condition"] if is_default else []))
    return [
        word
        for option, value in pairwise([*words, ""])
        if option.startswith(kinds) and option not in decided
        for word in ([option] if "=" in option else [option, value])
    ]


def _options(studio: Studio, asked: Asked) -> list[str]:
    words = [] if asked.size is None else ["--size", asked.size]
    words += [] if asked.fit is None else ["--data.fit", asked.fit]
    return words + ([] if studio.data_root is None else ["--data-root", str(studio.data_root)])
