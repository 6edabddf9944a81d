"""``dcgan arithmetic``: add and subtract concepts."""

from __future__ import annotations

from pathlib import Path

from dcgan.cli.options import ExistingRun, RealImages, Switch, Which
from dcgan.cli.output import choose_output

_REAL, _WHICH = RealImages(), Which()


def arithmetic(
    run: ExistingRun,
    /,
    *,
    plus: tuple[str, ...] = (),
    minus: tuple[str, ...] = (),
    exemplars: int = 3,
    as_is: Switch = False,
    out: Path | None = None,
    real: RealImages = _REAL,
    which: Which = _WHICH,
) -> None:
    """Add and subtract concepts in latent space: man with glasses - man + woman.

    Parameters
    ----------
    plus
        Add a concept: sample numbers, such as 3,17,40 (see dcgan sample --numbered), or a class,
        such as label=7, shape=circle+color=red or smiling.
    minus
        Subtract a concept.
    exemplars
        Set how many samples are averaged for a concept that is a class.
    as_is
        Keep the length of the sum. Without it, the sum is scaled to the length of a random latent.
    out
        Set the file of the figure, a .png. An existing file is replaced (default: arithmetic.png,
        or arithmetic-2.png and so on if it exists).
    """
    from dcgan.cli.flags import screen
    from dcgan.errors import ConfigError

    if not plus:
        raise ConfigError("", [], "`plus` is missing. Add a concept, such as --plus 3,17,40")

    from dcgan.render.sheet import format_of, save_image

    # what is wrong is refused before torch is imported, which takes seconds
    if out is not None:
        format_of(out)
    which.refuse_wrong(run)

    from dcgan.latent.arithmetic import figure, open_concepts
    from dcgan.latent.labeling import Reader

    opened, choice = which.open(run)
    with screen() as reporter:
        reader = Reader(opened, data=real.data, data_root=real.data_root, reporter=reporter)
        concepts = open_concepts(
            opened, plus, minus, choice=choice, reader=reader, exemplars=exemplars
        )
    beside = real.open_if_shown(opened)
    drawn = figure(opened, concepts, rescale=not as_is, seed=which.seed, beside=beside)
    file = choose_output(out, "arithmetic.png")
    save_image(drawn, file.path)
    for concept in concepts:
        sign = "+" if concept.sign > 0 else "-"
        is_listed = concept.name == ",".join(concept.points)
        print(f"{sign} {concept.name}" + ("" if is_listed else f": {', '.join(concept.points)}"))
    print(f"figure: {file}")
