"""Explore: the exported model for the browser, inversion, nearest images, films, the web page."""

from __future__ import annotations

import tempfile
from math import prod
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import torch
from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, Response
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field
from starlette.background import BackgroundTask

from dcgan.evaluation.nearest import neighbor_of
from dcgan.evaluation.real_images import take
from dcgan.exchange import export
from dcgan.latent import interpolate, invert
from dcgan.latent.choice import Choice
from dcgan.latent.draw import write_frames
from dcgan.render.embedding import png_uri
from dcgan.render.sheet import pillow_image
from dcgan.runs.dataset import read_files
from dcgan.studio.answers import plain
from dcgan.studio.context import InStudio, Studio
from dcgan.studio.opened import Opened, opened
from dcgan.studio.problems import Problem
from dcgan.studio.uploads import Uploads

router = APIRouter(prefix="/runs/{run}")

_MOST_POINTS = 24
_FRAMES_EACH = 30
_MOST_NUMBERS = 10**8
"""Pixels of all frames of a film, times channels; large images get fewer frames."""

_NEAREST_AMONG = 20_000

_STARTS = 2
"""Of an inversion: a visitor waits for it. Most images are found at the first."""

_AVERAGED = 512
"""Generated images for their mean."""

Latent = Annotated[list[Annotated[float, Field(allow_inf_nan=False)]], Field(max_length=65_536)]


class AskedNearest(BaseModel):
    """A generated image, by its latent."""

    model_config = ConfigDict(extra="forbid")

    latent: Latent


class AskedFilm(BaseModel):
    """A closed path through latents."""

    model_config = ConfigDict(extra="forbid")

    latents: Annotated[list[Latent], Field(min_length=2, max_length=_MOST_POINTS)]
    kind: Literal["gif", "mp4", "webp"] = "gif"


@router.get("/model")
def model(studio: InStudio, run: str) -> Response:
    """The generator for the explorer in the browser."""
    found = opened(studio.library.path(run))
    return Response(found.model(), media_type="application/octet-stream")


@router.post("/invert")
async def invert_image(
    studio: InStudio, request: Request, run: str, name: str, label: str | None = None
) -> dict[str, Any]:
    """The latent of an uploaded image, and the image that it generates."""
    import anyio.to_thread

    with tempfile.TemporaryDirectory(dir=studio.library.own) as place:
        # a batch of one file, with the same checks
        uploads = Uploads(Path(place))
        folder = await uploads.keep("0" * 16, name, request.stream(), archives=False)
        file = next(iter(folder.iterdir()))
        return await anyio.to_thread.run_sync(_inverted, studio, run, file, label)


@router.post("/nearest")
def nearest(studio: InStudio, run: str, asked: AskedNearest) -> dict[str, Any]:
    """The training image that is nearest to a generated one, by pixels, and how many training
    images are as near to another one."""
    path = studio.library.path(run)
    found = opened(path)
    latent = _latents(found, [asked.latent])
    studio.refuse_foreign_data(path)
    with found.turn():
        image = found.run.generate(latent)
        dataset = found.dataset(studio.data_root)
        rows = np.unique(np.linspace(0, len(dataset) - 1, _NEAREST_AMONG).astype(int))
        nearest = neighbor_of(dataset, image[0], rows)
        return {
            "image": _as_address(take(dataset, np.array([nearest.row]))[0]),
            "distance": nearest.distance,
            "as_near": nearest.as_near,
            "compared": nearest.compared,
            "searched": len(rows),
            "of": len(dataset),
        }


@router.post("/film")
def film(studio: InStudio, run: str, asked: AskedFilm) -> FileResponse:
    """A film of the loop that the explorer plays: a circle through two latents, or the closed path
    through more."""
    found = opened(studio.library.path(run))
    points = _latents(found, asked.latents)
    numbers = prod(found.run.networks.image_shape)
    frames = min(_FRAMES_EACH * len(points), max(len(points) + 1, _MOST_NUMBERS // numbers))
    path = _temporary(studio, f".{asked.kind}")
    try:
        with found.turn():
            space = found.run.networks.latent
            if len(points) == 2:
                latents = interpolate(space, points, kind="circle", frames=frames)
            else:
                latents = interpolate(space, points, frames=frames, closed=True)
            write_frames(found.run.generate(latents), path)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return _once(path, f"{found.run.path.name}.{asked.kind}")


@router.get("/web-page")
def web_page(studio: InStudio, run: str) -> FileResponse:
    """The generator as a single web page, to take away."""
    found = opened(studio.library.path(run))
    path = _temporary(studio, ".html")
    path.unlink()  # an export replaces nothing that it has not written
    with found.turn():
        export(found.run, "web", path, single_file=True)
    return _once(path, f"{found.run.path.name}.html")


def _inverted(studio: Studio, run: str, file: Path, label: str | None) -> dict[str, Any]:
    found = opened(studio.library.path(run))
    with found.turn():
        target = read_files(found.run.folder, found.run.networks, [file])
        inversion = invert(found.run, target, Choice(label=label), starts=_STARTS)
        made = found.run.generate(inversion.latent_NZ)
        baseline = _baseline(found, target[0])
    return {
        "latent": inversion.latent_NZ[0].tolist(),
        "error": float(inversion.error_N[0]),
        "baseline": baseline,
        "target": _as_address(target[0]),
        "image": _as_address(made[0]),
    }


def _baseline(found: Opened, image_CHW: NDArray[np.uint8]) -> float:
    """The error of an image without the content of this one: the mean of generated images, or one
    of its mean color, whichever is nearer."""
    mean_CHW = found.run.generate(found.run.networks.latent.numbered(0, 0, _AVERAGED)).mean(axis=0)
    color_C11 = image_CHW.mean(axis=(1, 2), keepdims=True)
    return min(
        float(np.sqrt(((image_CHW - other) ** 2).mean()) / 255) for other in (mean_CHW, color_C11)
    )


def _latents(found: Opened, latents: list[Latent]) -> torch.Tensor:
    width = found.run.networks.latent.width
    if any(len(one) != width for one in latents):
        raise Problem(422, f"a latent of this run has {width} numbers")
    return torch.tensor(latents, dtype=torch.float32)


def _as_address(image_CHW: NDArray[np.uint8]) -> str:
    return png_uri(pillow_image(image_CHW))


def _temporary(studio: Studio, suffix: str) -> Path:
    with tempfile.NamedTemporaryFile(dir=studio.library.own, suffix=suffix, delete=False) as file:
        return Path(file.name)


def _once(path: Path, name: str) -> FileResponse:
    """Send a file, and delete it."""
    # a header cannot hold a name that is no Unicode
    return FileResponse(path, filename=plain(name), background=BackgroundTask(path.unlink))
