"""``dcgan directions``: what changes a picture in one way."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from dcgan.cli.options import ExistingRun, Film, OptionalData, Which, open_run_dataset
from dcgan.errors import RunError

if TYPE_CHECKING:
    from dcgan.latent.directions import Direction
    from dcgan.runs.run import Run

_WHICH, _FILM = Which(), Film()


def directions(
    run: ExistingRun,
    name: str | None = None,
    /,
    *,
    plus: str | None = None,
    minus: str | None = None,
    reads: str | None = None,
    method: Literal["sefa", "pca"] | None = None,
    count: int = 5,
    leave: Annotated[tuple[str, ...], Parameter(name="--without")] = (),
    samples: int = 2000,
    least: float | None = None,
    most: float = 3.0,
    out: Path | None = None,
    neighbours: Annotated[bool, Parameter(negative=())] = False,
    data: OptionalData = None,
    data_root: Path | None = None,
    which: Which = _WHICH,
    film: Film = _FILM,
) -> None:
    """Find directions of the latent space, keep them in the run by name, and show them.

    Without a name, lists those there are. With a name alone, shows that one. sample --move NAME=2
    moves along it.

    Parameters
    ----------
    run
        A run folder.
    name
        What to call it.
    plus
        Find it from two groups: where it leads, as for arithmetic.
    minus
        And where it comes from.
    reads
        Find it by what samples show: a class, such as label=7 or smiling, a measured factor, or,
        without labels, brightness, area, x, y, slant or stroke.
    method
        Find several by the generator's first layer alone, called NAME-1 and so on: sefa
        factorises its weights, pca takes principal components of what it makes.
    count
        How many of these.
    leave
        Directions to leave alone while moving along this one.
    samples
        How many are looked at; a quarter is held out.
    least
        Refuse one that is right about fewer of these (default 0.7, one half being chance; of a
        measured factor, R2 0.2).
    most
        Deviations at either end of what is shown.
    out
        A .png for a sheet of samples moved along it, or a .gif, .webp or .mp4 (default NAME.png).
    neighbours
        Show below each image of a sheet the real picture nearest to it, in pixels.
    data
        The pictures by whose labels samples are read (default: what the run was trained on).
    data_root
        Where named data sets lie (default: the variable DCGAN_DATA).
    """
    from dcgan.latent.direction_search import Request, find, reading_call
    from dcgan.latent.draw import refuse_film
    from dcgan.latent.labelling import Reader
    from dcgan.latent.store import keep_direction, stored_names
    from dcgan.latent.sweep import refuse_far, write_sweep
    from dcgan.runtime.progress import TerminalReporter

    refuse_far(most)
    refuse_film(out or Path("sheet.png"), fps=film.fps, side=film.side, beside=neighbours)
    opened, choice = which.open(run)
    request = Request(plus, minus, reads, method, count, leave, samples, least)
    if name is None and not request.ways:
        known = [_known(opened, one) for one in stored_names(opened)]
        none = f"no directions yet. To find one: {reading_call(opened, 'brightness')}"
        print(*(known or [none]), sep="\n")
        return
    reporter = TerminalReporter()
    try:
        reader = Reader(opened, data=data, data_root=data_root, note=reporter.note)
        found = find(opened, name, request, reader, choice)
    finally:
        reporter.end()
    out = out or Path(f"{name}.png")
    beside = open_run_dataset(opened, data, data_root) if neighbours else None
    for one in found:
        path = out.with_stem(one.name) if len(found) > 1 else out
        if request.ways:
            keep_direction(opened, one)
        write_sweep(
            opened,
            one,
            choice,
            path,
            most=most,
            fps=film.fps,
            side=film.side,
            smooth=film.smooth,
            loop=not film.once,
            beside=beside,
        )
        print(f"{_line(one)}; in {path}")


def _known(run: Run, name: str) -> str:
    from dcgan.latent.store import read_direction

    try:
        return _line(read_direction(run, name))
    except RunError as error:
        return f"{name}: {error}"


def _line(direction: Direction) -> str:
    measured = ", ".join(f"{name} {value:.3g}" for name, value in direction.measured.items())
    return f"{direction.name}: {direction.method}" + (f" ({measured})" if measured else "")
