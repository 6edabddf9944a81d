"""``dcgan forget``: switch off the feature maps that generate something."""

from __future__ import annotations

from pathlib import Path

from dcgan.cli.options import ExistingRun, RealImages, Which
from dcgan.cli.output import choose_output

_REAL, _WHICH = RealImages(), Which()

_WAYS = {
    "all maps": "with all maps",
    "without": "without these maps",
    "random off": "without as many random maps",
}
"""Which maps are off, in words."""


def forget(
    run: ExistingRun,
    /,
    *,
    reads: str | None = None,
    boxes: Path | None = None,
    row: int | None = None,
    samples: int = 2000,
    least: float = 0.7,
    out: Path | None = None,
    real: RealImages = _REAL,
    which: Which = _WHICH,
) -> None:
    """Switch off the feature maps that generate something, and show what appears in its place.

    A logistic probe finds these maps in one layer of the generator. The sheet shows samples, the
    same samples without these maps, and without as many random maps.

    Parameters
    ----------
    reads
        Choose what to forget: a class, such as label=7 or smiling.
    boxes
        Choose what to forget with boxes instead: a file of lines NUMBER,LEFT,TOP,RIGHT,BOTTOM, with
        numbers of samples (see dcgan sample --numbered) and coordinates in pixels of the image.
    row
        Choose the generator layer, counted from 1 (default: the last but one).
    samples
        Set how many samples the probe uses with --reads. A quarter of them is held out.
    least
        Refuse a probe whose accuracy on the held-out samples is lower. Chance is 0.5.
    out
        Set the file of the sheet, a .png. An existing file is replaced (default: forget.png, or
        forget-2.png and so on if it exists).
    """
    from dcgan.render.sheet import format_of, save_image

    # what is wrong is refused before torch is imported, which takes seconds
    if out is not None:
        format_of(out)
    which.refuse_wrong(run)

    from dcgan.cli.flags import screen
    from dcgan.latent.forget import forget as find
    from dcgan.latent.labeling import Reader

    opened, choice = which.open(run)
    with screen() as reporter:
        reader = Reader(opened, data=real.data, data_root=real.data_root, reporter=reporter)
        found = find(
            opened,
            reader,
            choice,
            reads=reads,
            boxes=boxes,
            row=row,
            samples=samples,
            least=least,
            beside=real.open_if_shown(opened),
        )
    file = choose_output(out, "forget.png")
    save_image(found.figure, file.path)
    off = found.probe.drawing()
    print(
        f"layer {found.probe.row}: {off.sum()} of {len(off)} maps switched off (held-out accuracy"
        f" of the probe {found.probe.accuracy:.2f})"
    )
    for way, share in found.shares.items():
        low, high = found.random_range
        spread = f" ({low:.1%} to {high:.1%} in ten random choices)" if way == "random off" else ""
        print(f"{_WAYS[way]}: {share:.1%} of samples show {reads}{spread}")
    print(f"figure: {file}")
