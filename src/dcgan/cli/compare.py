"""``dcgan compare``: compare runs side by side."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from dcgan.cli.options import (
    Checkpoint,
    DataRoot,
    Device,
    ExistingRun,
    Json,
    OptionalData,
    Seed,
    refuse_place,
)
from dcgan.cli.output import choose_output
from dcgan.runtime.arguments import refuse_seed
from dcgan.runtime.shell import command


def compare(
    *runs: Annotated[ExistingRun, Parameter(help="Choose at least two run folders.")],
    data: OptionalData = None,
    out: Path | None = None,
    images: Annotated[int, Parameter(name=["--number", "-n"])] = 5_000,
    repeats: int = 3,
    extractor: str = "auto",
    checkpoint: Checkpoint = "best",
    seed: Seed = 0,
    data_root: DataRoot = None,
    device: Device = "auto",
    as_json: Json = False,
) -> None:
    """Compare runs: samples of the same latents, curves, scores with spreads, and settings.

    Parameters
    ----------
    data
        Choose the real images for the scores (default: the first run's training data).
    out
        Set the file of the comparison: an .html page, or a .png figure. An existing file is
        replaced (default: compare.html, or compare-2.html and so on if it exists).
    images
        Set how many generated images are scored each time, at most half of the dataset. 0 computes
        no scores.
    repeats
        Set how many times to score, each time with other latents. The spread shows the effect of
        the latents, not of training.
    extractor
        Choose the feature extractor, as for dcgan evaluate.
    """
    from dcgan.cli.flags import screen
    from dcgan.errors import ConfigError

    # what is wrong is refused before torch is imported, which takes seconds
    if out is not None and out.suffix.lower() not in (".html", ".png"):
        raise ConfigError("out", str(out), "must be an .html page or a .png, such as compare.html")
    if len(runs) < 2:
        given = command("compare", *runs)
        missing = "RUN" if runs else "RUN RUN"
        raise ConfigError("", runs, f"a comparison needs two runs or more. Use: {given} {missing}")
    for number, run in enumerate(runs):
        if any(run.resolve() == other.resolve() for other in runs[:number]):
            raise ConfigError("", runs, f"{run} is given twice. A comparison needs different runs")
        refuse_place(run, checkpoint, device)
    if repeats < 2 and images:
        raise ConfigError("repeats", repeats, "use at least 2: a spread needs two scores")
    refuse_seed(seed)

    from dcgan.cli.compare_report import comparison_lines
    from dcgan.cli.options import computing_device
    from dcgan.evaluation.comparison import compare as compare_runs
    from dcgan.evaluation.comparison import draw_comparison
    from dcgan.report import write_comparison
    from dcgan.runs import open_run

    place = computing_device(device)
    opened = [open_run(run, checkpoint=checkpoint, device=place) for run in runs]
    with screen() as reporter:
        found = compare_runs(
            opened,
            data,
            images=images,
            repeats=repeats,
            extractor=extractor,
            seed=seed,
            data_root=data_root,
            reporter=reporter,
        )
    file = choose_output(out, "compare.html")
    write = write_comparison if file.path.suffix.lower() == ".html" else draw_comparison
    write(found, file.path)
    lines = [*comparison_lines(found), f"comparison     {file}"]
    if as_json:
        print(*lines, sep="\n", file=sys.stderr)
        print(json.dumps(found.to_json()))
        return
    print(*lines, sep="\n")
