"""``dcgan directions``: find directions that change one property of an image."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from dcgan.cli.options import ExistingRun, Film, RealImages, Which
from dcgan.cli.output import choose_output
from dcgan.errors import RunError, printable
from dcgan.runtime.run_names import refuse_no_direction
from dcgan.runtime.shell import command

if TYPE_CHECKING:
    from dcgan.latent.directions import Direction
    from dcgan.runs.run import Run

_REAL, _WHICH, _FILM = RealImages(), Which(), Film()


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
    real: RealImages = _REAL,
    which: Which = _WHICH,
    film: Film = _FILM,
) -> None:
    """Find directions in latent space that change one property, store them by name, and show them.

    Without a name, it lists the stored directions. With only a name, it shows that direction.
    dcgan sample RUN --move NAME=2 moves samples along it.

    Parameters
    ----------
    name
        Set the name of the direction. With only a name, show that stored direction; without a
        name, list all stored directions.
    plus
        Find the direction from two groups: set the group it leads to, as for dcgan arithmetic.
    minus
        Set the group that the direction starts from.
    reads
        Find the direction of a property that samples show: a class, such as label=7 or smiling, a
        numeric factor, or, without labels, brightness, area, x, y, slant or stroke.
    method
        Find several directions, NAME-1, NAME-2, ..., from the generator's first layer: sefa
        factorizes its weights, pca computes principal components of its outputs.
    count
        Set how many directions --method finds.
    leave
        Remove these stored directions from the new one, so that it does not change them.
    samples
        Set how many samples the search uses. A quarter of them is held out.
    least
        Refuse a direction whose score on the held-out samples is lower (default: accuracy 0.7,
        where chance is 0.5; R2 0.2 for a numeric factor).
    most
        Set how far the figure moves in both directions, in standard deviations.
    out
        Set the file: a .png for a sheet of moved samples, or a .gif, .webp or .mp4 for an
        animation. An existing file is replaced (default: NAME.png, or NAME-2.png and so on if it
        exists).
    """
    from dcgan.render.outputs import refuse_film

    # what is wrong is refused before torch is imported, which takes seconds
    which.refuse_wrong(run)
    if name is not None and not (plus or minus or reads or method):
        refuse_no_direction(run, name)
    refuse_film(out or Path("sheet.png"), fps=film.fps, side=film.side, beside=real.neighbors)

    from dcgan.cli.flags import screen
    from dcgan.latent.direction_search import Request, find
    from dcgan.latent.labeling import Reader
    from dcgan.latent.store import keep_direction, stored_names
    from dcgan.latent.sweep import refuse_far, write_sweep

    refuse_far(most)
    opened, choice = which.open(run)
    request = Request(plus, minus, reads, method, count, leave, samples, least)
    if name is None and not request.searches:
        known = [_known(opened, one) for one in stored_names(opened)]
        example = command("directions", opened.path, "brightness", "--reads", "brightness")
        print(*(known or [f"no directions yet. To find one: {example}"]), sep="\n")
        return
    with screen() as reporter:
        reader = Reader(opened, data=real.data, data_root=real.data_root, reporter=reporter)
        found = find(opened, name, request, reader, choice)
    beside = real.open_if_shown(opened)
    for one in found:
        of_its_own = out.with_stem(one.name) if out and len(found) > 1 else out
        file = choose_output(of_its_own, f"{one.name}.png")
        if request.searches:
            keep_direction(opened, one)
        write_sweep(
            opened,
            one,
            choice,
            file.path,
            most=most,
            fps=film.fps,
            side=film.side,
            smooth=film.smooth,
            loop=not film.once,
            beside=beside,
        )
        print(f"{_line(one)}; in {file}")


def _known(run: Run, name: str) -> str:
    from dcgan.cli.flags import with_flags
    from dcgan.latent.store import read_direction

    try:
        return _line(read_direction(run, name))
    except RunError as error:
        return f"{name}: {with_flags(str(error))}"


def _line(direction: Direction) -> str:
    measured = ", ".join(
        f"{name} {value:.3g}{_MEANING.get(name, '')}" for name, value in direction.measured.items()
    )
    line = f"{direction.name}: {direction.method}" + (f" ({measured})" if measured else "")
    return printable(line)  # the run may be of somebody else


_MEANING = {
    "held-out R²": "; 1 is exact, 0 is no better than the mean",
    "held-out accuracy": "; 1 is exact, 0.5 is chance",
    "variance explained": " of 1",
}
"""What measured numbers mean, by their stored names."""
