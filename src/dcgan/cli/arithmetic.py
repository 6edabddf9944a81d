"""``dcgan arithmetic``: concepts added and subtracted."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from dcgan.cli.options import ExistingRun, OptionalData, Which, open_run_dataset

_WHICH = Which()


def arithmetic(
    run: ExistingRun,
    /,
    *,
    plus: tuple[str, ...] = (),
    minus: tuple[str, ...] = (),
    exemplars: int = 3,
    as_is: Annotated[bool, Parameter(negative=())] = False,
    out: Path = Path("arithmetic.png"),
    neighbours: Annotated[bool, Parameter(negative=())] = False,
    data: OptionalData = None,
    data_root: Path | None = None,
    which: Which = _WHICH,
) -> None:
    """Add and subtract concepts: man with glasses, less man, plus woman.

    Parameters
    ----------
    run
        A run folder.
    plus
        A concept: numbers on the sheet that sample --numbered makes, such as 3,17,40, or what
        samples show, such as label=7, shape=circle+colour=red or smiling.
    minus
        A concept to subtract.
    exemplars
        How many samples make a concept that is known by what they show.
    as_is
        Leave the sum at the length it has; without, it gets that of a drawn latent.
    out
        The figure, a .png.
    neighbours
        Show the real picture nearest to the sum, in pixels.
    data
        The pictures by whose labels concepts are known (default: what the run was trained on).
    data_root
        Where named data sets lie (default: the variable DCGAN_DATA).
    """
    from dcgan.errors import ConfigError

    if not plus:
        raise ConfigError("plus", [], "give at least one concept, such as --plus 3,17,40")

    from dcgan.latent.arithmetic import figure, open_concepts
    from dcgan.latent.labelling import Reader
    from dcgan.render.sheet import save_image
    from dcgan.runtime.progress import TerminalReporter

    opened, choice = which.open(run)
    reporter = TerminalReporter()
    try:
        reader = Reader(opened, data=data, data_root=data_root, note=reporter.note)
        concepts = open_concepts(
            opened, plus, minus, choice=choice, reader=reader, exemplars=exemplars
        )
    finally:
        reporter.end()
    beside = open_run_dataset(opened, data, data_root) if neighbours else None
    drawn = figure(opened, concepts, rescale=not as_is, seed=which.seed, beside=beside)
    save_image(drawn, out)
    for concept in concepts:
        print(f"{'+' if concept.sign > 0 else '-'} {concept.name}: {', '.join(concept.points)}")
    print(f"their sum in {out}")
