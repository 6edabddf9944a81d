"""``dcgan forget``: switch off what draws something."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from dcgan.cli.options import ExistingRun, OptionalData, Which, open_run_dataset

_WHICH = Which()


def forget(
    run: ExistingRun,
    /,
    *,
    reads: str | None = None,
    boxes: Path | None = None,
    row: int | None = None,
    samples: int = 2000,
    least: float = 0.7,
    out: Path = Path("forget.png"),
    neighbours: Annotated[bool, Parameter(negative=())] = False,
    data: OptionalData = None,
    data_root: Path | None = None,
    which: Which = _WHICH,
) -> None:
    """Switch off the feature maps that draw something, and see what is drawn in its place.

    A logistic probe finds the maps of one row of the generator that go with it. The sheet shows
    samples, the same without these maps, and without as many at random.

    Parameters
    ----------
    run
        A run folder.
    reads
        What samples show: a class, such as label=7 or smiling.
    boxes
        In place of it, a file of boxes around it, in lines NUMBER,LEFT,TOP,RIGHT,BOTTOM: of the
        numbered sheet's images, in pixels of the image itself.
    row
        Of the generator's table, counted from 1 (default: the last but one).
    samples
        How many --reads looks at; a quarter is held out.
    least
        Refuse a probe that is right about fewer of these, one half being chance.
    out
        A .png.
    neighbours
        Show below each image the real picture nearest to it, in pixels.
    data
        The pictures by whose labels samples are read (default: what the run was trained on).
    data_root
        Where named data sets lie (default: the variable DCGAN_DATA).
    """
    from dcgan.latent.forget import forget as find
    from dcgan.latent.labelling import Reader
    from dcgan.render.sheet import format_of, save_image
    from dcgan.runtime.progress import TerminalReporter

    format_of(out)
    opened, choice = which.open(run)
    reporter = TerminalReporter()
    try:
        reader = Reader(opened, data=data, data_root=data_root, note=reporter.note)
        found = find(
            opened,
            reader,
            choice,
            reads=reads,
            boxes=boxes,
            row=row,
            samples=samples,
            least=least,
            beside=open_run_dataset(opened, data, data_root) if neighbours else None,
        )
    finally:
        reporter.end()
    save_image(found.figure, out)
    off = found.probe.drawing()
    print(
        f"row {found.probe.row}: {off.sum()} of {len(off)} maps switched off (held-out accuracy"
        f" of the probe {found.probe.accuracy:.2f})"
    )
    for way, share in found.shares.items():
        low, high = found.random_range
        spread = f", {low:.1%} to {high:.1%} in ten draws" if way == "random off" else ""
        print(f"{way}: {share:.1%} of samples show {reads}{spread}")
    print(f"in {out}")
