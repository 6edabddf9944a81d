"""Models of other programs: the files of their weights are uploaded, and become a run."""

from __future__ import annotations

import re
from dataclasses import asdict
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field

from dcgan.config import list_recipes
from dcgan.plain_yaml import MOST_BYTES
from dcgan.runtime.files import write_text
from dcgan.studio.context import InStudio
from dcgan.studio.library import checked_name, identifier
from dcgan.studio.problems import Problem
from dcgan.studio.uploads import Uploads

router = APIRouter()

_TABLE = re.compile(r"[^/\\]+-table(-\d+)?\.yaml(?= has what)")


class AskedImport(BaseModel):
    """What becomes a run."""

    model_config = ConfigDict(extra="forbid")

    batch: str
    name: Annotated[str, Field(max_length=80)] = ""
    like: str = ""
    table: Annotated[str, Field(max_length=MOST_BYTES)] = ""


@router.put("/models/{batch}/{part}/{name}")
async def upload(
    studio: InStudio,
    request: Request,
    batch: str,
    part: Literal["generator", "discriminator"],
    name: str,
) -> dict[str, Any]:
    """Add the weights of one network."""
    await Uploads(studio.library.uploads).keep_weights(batch, part, name, request.stream())
    return {"batch": batch}


@router.post("/import")
def start_import(studio: InStudio, asked: AskedImport) -> dict[str, Any]:
    """Make a run of uploaded weights, with the layers of a recipe or of a table if asked."""
    weights = Uploads(studio.library.uploads).weights(asked.batch)
    if asked.like and asked.like not in list_recipes():
        raise Problem(422, f"{asked.like}: no such recipe")
    name = checked_name(asked.name or "imported")
    words = ["import", *map(str, weights)]
    words += ["--like", asked.like] if asked.like else []
    if asked.table:
        table = weights[0].with_name("layers.yaml")
        write_text(table, asked.table)
        words += ["--like", str(table)]
    with studio.jobs.start_lock:
        out = studio.library.free(name)
        job = studio.jobs.start([*words, "--out", str(out)], str(out))
    return asdict(job) | {"run": identifier(out)}


@router.get("/jobs/{job}/table")
def table(studio: InStudio, job: str) -> dict[str, str]:
    """The table of layers that an import has written, to be filled in; empty without one."""
    found = _TABLE.search(studio.jobs.output(job))
    path = studio.library.folder / found[0] if found else None
    if path is None or not path.is_file():
        return {"table": ""}
    return {"table": path.read_text(encoding="utf-8")}
