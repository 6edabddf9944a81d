"""``dcgan interpolate``: interpolate between images."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from dcgan.cli.options import ExistingRun, Film, RealImages, Switch, Which

_REAL, _WHICH, _FILM = RealImages(), Which(), Film()


def interpolate(
    run: ExistingRun,
    /,
    *points: str,
    kind: Literal["spherical", "straight", "circle", "grid", "walk"] = "spherical",
    frames: int | None = None,
    closed: Switch = False,
    out: Path | None = None,
    real: RealImages = _REAL,
    which: Which = _WHICH,
    film: Film = _FILM,
) -> None:
    """Interpolate between images in latent space, and save an animation or a sheet.

    Parameters
    ----------
    points
        Choose the images: sample numbers of --seed (see dcgan sample --numbered), SEED:NUMBER, or
        names stored by dcgan invert (default: samples 0, 1 and so on, as many as needed).
    kind
        Choose the latent path. spherical follows great circles, where latents are likely; straight
        follows straight lines; circle is a closed loop through two images; grid is a sheet between
        two or four corners; walk is a random walk from one image.
    frames
        Set the number of images (default: 60; for a grid 36, or the nearest square number).
    closed
        Return from the last image to the first.
    out
        Set the file: a .gif, .webp or .mp4, or a .png for one sheet (default: interpolate.gif, for
        a grid interpolate.png).
    """
    from dcgan.latent.draw import refuse_film, write_frames
    from dcgan.latent.interpolate import describe, interpolate
    from dcgan.latent.points import latents_of
    from dcgan.render.sheet import SUFFIXES as SHEETS
    from dcgan.runtime.wording import counted

    out = out or Path("interpolate.png" if kind == "grid" else "interpolate.gif")
    refuse_film(out, fps=film.fps, side=film.side, beside=real.neighbors)
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
        opened.generate(found_FZ),
        out,
        fps=film.fps,
        side=film.side,
        smooth=film.smooth,
        loop=not film.once,
        beside=real.open_if_shown(opened),
    )
    what = "image" if out.suffix.lower() in SHEETS else "frame"
    print(f"{counted(len(found_FZ), what)} in {out} ({describe(latent, kind)})")
