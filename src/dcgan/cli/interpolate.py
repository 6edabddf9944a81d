"""``dcgan interpolate``: interpolate between images."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from dcgan.cli.options import ExistingRun, Film, RealImages, Switch, Which
from dcgan.cli.output import choose_output
from dcgan.errors import ConfigError
from dcgan.runtime.nearest import exists
from dcgan.runtime.shell import command

_REAL, _WHICH, _FILM = RealImages(), Which(), Film()

_ON_A_SHEET, _IN_A_ROW = 9, 16
"""Images on a sheet unless a number is set, and the most in one row."""


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
        Set the number of images (default: 60; on a sheet 9; for a grid 36, or the nearest square
        number).
    closed
        Return from the last image to the first.
    out
        Set the file: a .gif, .webp or .mp4, or a .png for one sheet. An existing file is replaced
        (default: interpolate.gif, for a grid interpolate.png, or interpolate-2 and so on if it
        exists).
    """
    from dcgan.render.outputs import refuse_film

    # what is wrong is refused before torch is imported, which takes seconds
    which.refuse_wrong(run)
    for point in points:
        _refuse_file(run, point)
    file = choose_output(out, "interpolate.png" if kind == "grid" else "interpolate.gif")
    refuse_film(file.path, fps=film.fps, side=film.side, beside=real.neighbors)

    from dcgan.latent.draw import write_frames
    from dcgan.latent.interpolate import describe, interpolate, named_places
    from dcgan.latent.points import latents_of
    from dcgan.render.sheet import SUFFIXES as SHEETS
    from dcgan.runtime.wording import counted

    opened, choice = which.open(run)
    latent = opened.networks.latent
    names = points or tuple(str(n) for n in range({"walk": 1, "grid": 4}.get(kind, 2)))
    point_KZ = latents_of(opened, names, choice)
    is_sheet = file.path.suffix.lower() in SHEETS
    usual = 36 if kind == "grid" else max(_ON_A_SHEET, len(names)) if is_sheet else 60
    found_FZ = interpolate(
        latent,
        point_KZ,
        kind=kind,
        frames=usual if frames is None else frames,
        closed=closed,
        seed=which.seed,
    )
    write_frames(
        opened.generate(found_FZ),
        file.path,
        fps=film.fps,
        side=film.side,
        smooth=film.smooth,
        loop=not film.once,
        beside=real.open_if_shown(opened),
        captions=[] if kind == "grid" else named_places(found_FZ, point_KZ, names),
        columns=len(found_FZ) if kind != "grid" and len(found_FZ) <= _IN_A_ROW else None,
    )
    what = counted(len(found_FZ), "image" if is_sheet else "frame")
    way = f" from {names[0]} to {names[-1]}" if kind in ("spherical", "straight") else ""
    print(f"{what}{way} in {file} ({describe(latent, kind)})")


def _refuse_file(run: Path, point: str) -> None:
    """Refuse a file where the name of a latent is expected, and say what to type."""
    from dcgan.render.animation import SUFFIXES as ANIMATIONS
    from dcgan.render.outputs import SHEETS

    if (
        Path(point).suffix.lower() not in {*ANIMATIONS, *SHEETS}
        or (run / "latents" / f"{point}.json").exists()
    ):
        return
    if exists(Path(point)):
        meant = f"To use this image, invert it first: {command('invert', run, point)}"
    else:
        meant = f"To write to this file: {command('interpolate', run, '--out', point)}"
    raise ConfigError("", point, f"{point}: not a sample number or a stored name. {meant}")
