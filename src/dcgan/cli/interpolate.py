"""``dcgan interpolate``: from picture to picture."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from dcgan.cli.options import ExistingRun, Film, OptionalData, Which, open_run_dataset

_WHICH, _FILM = Which(), Film()


def interpolate(
    run: ExistingRun,
    /,
    *points: str,
    kind: Literal["spherical", "straight", "circle", "grid", "walk"] = "spherical",
    frames: int | None = None,
    closed: Annotated[bool, Parameter(negative=())] = False,
    out: Path | None = None,
    neighbours: Annotated[bool, Parameter(negative=())] = False,
    data: OptionalData = None,
    data_root: Path | None = None,
    which: Which = _WHICH,
    film: Film = _FILM,
) -> None:
    """Go from picture to picture through latent space.

    Parameters
    ----------
    run
        A run folder.
    points
        Numbers on the sheet that sample --numbered makes, each of --seed or as SEED:NUMBER, or
        names of pictures after invert (default: as many numbers as needed, from 0 on).
    kind
        spherical: great circles, which keep to where latents lie; straight: lines between them;
        circle: a closed loop through two; grid: a sheet between two or four corners; walk: a
        random walk from one.
    frames
        How many (default 60; of a grid 36, the nearest square number).
    closed
        Back from the last point to the first.
    out
        A .gif, .webp or .mp4, or a .png for one sheet (default interpolate.gif; of a grid .png).
    neighbours
        Show below each image of a sheet the real picture nearest to it, in pixels.
    data
        Which pictures are searched for these (default: what the run was trained on).
    data_root
        Where named data sets lie (default: the variable DCGAN_DATA).
    """
    from dcgan.latent.draw import refuse_film, write_frames
    from dcgan.latent.interpolate import describe, interpolate
    from dcgan.latent.points import latents_of

    out = out or Path("interpolate.png" if kind == "grid" else "interpolate.gif")
    refuse_film(out, fps=film.fps, side=film.side, beside=neighbours)
    opened, choice = which.open(run)
    latent = opened.networks.latent
    names = points or tuple(str(n) for n in range({"walk": 1, "grid": 4}.get(kind, 2)))
    found_FZ = interpolate(
        latent,
        latents_of(opened, names, choice),
        kind=kind,
        frames=frames if frames is not None else 36 if kind == "grid" else 60,
        closed=closed,
        seed=which.seed,
    )
    write_frames(
        opened.draw(found_FZ),
        out,
        fps=film.fps,
        side=film.side,
        smooth=film.smooth,
        loop=not film.once,
        beside=open_run_dataset(opened, data, data_root) if neighbours else None,
    )
    print(f"{len(found_FZ)} images, {describe(latent, kind)}, in {out}")
