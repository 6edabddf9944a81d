"""``dcgan evaluate``: scores of a trained run, each with the score of real images."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from dcgan.cli.options import (
    Checkpoint,
    DataRoot,
    Device,
    ExistingRun,
    Json,
    OptionalData,
    Seed,
    Switch,
    refuse_place,
)
from dcgan.runtime.arguments import refuse_seed
from dcgan.runtime.files import expanded

if TYPE_CHECKING:
    from dcgan.runs.folder import RunFolder


def evaluate(
    run: ExistingRun,
    data: OptionalData = None,
    /,
    *,
    every: Annotated[bool, Parameter(name="--all", negative=())] = False,
    extractor: str = "auto",
    images: Annotated[int, Parameter(name=["--number", "-n"])] = 10_000,
    held_out: OptionalData = None,
    checkpoint: Checkpoint = "best",
    seed: Seed = 0,
    data_root: DataRoot = None,
    device: Device = "auto",
    download: Switch = False,
    out: Path | None = None,
    as_json: Json = False,
) -> None:
    """Score the images of a trained run and compare with the scores of real images.

    Parameters
    ----------
    data
        Choose the real images, as for dcgan train (default: the run's training data).
    every
        Score every checkpoint, plot the scores over images seen, and choose the best one, which
        other commands then use.
    extractor
        Choose the feature extractor: auto (classifier if there are labels, else pretrained),
        pretrained, classifier, random, inception, or a file: Inception weights (.pth), TorchScript
        or exported (.pt2).
    images
        Set how many generated images to score, and as many real images: at most half of the
        dataset.
    held_out
        Choose images that the run was not trained on, for the test of copying (default: the test
        split of a dataset chosen by name, else a fifth of the training images).
    download
        Download the Inception weights (91 MB) if they are missing.
    out
        Set the folder for scores and figures (default: evaluations/ in the run folder).
    """
    out = expanded(out) if out else None
    # what is wrong is refused before torch is imported, which takes seconds
    refuse_place(run, "last" if every else checkpoint, device)
    refuse_seed(seed)

    from dcgan.cli.evaluate_report import all_lines, report_lines
    from dcgan.cli.flags import screen, with_flags
    from dcgan.cli.options import computing_device
    from dcgan.evaluation.evaluate_runs import evaluate as score_runs
    from dcgan.evaluation.results import keep_all_evaluations, keep_evaluation
    from dcgan.runs import open_run
    from dcgan.runs.run import open_every_checkpoint
    from dcgan.runtime.files import reason_of
    from dcgan.runtime.ranks import joined

    place = computing_device(device)
    with joined() as ranks, screen(is_first=ranks.is_first) as reporter:
        if every:
            runs = open_every_checkpoint(run, device=place, ranks=ranks, reporter=reporter)
        else:
            runs = [open_run(run, checkpoint=checkpoint, device=place, ranks=ranks)]
        found = score_runs(
            runs,
            data,
            extractor=extractor,
            images=images,
            held_out=held_out,
            seed=seed,
            brief=every,
            data_root=data_root,
            download=download,
            reporter=reporter,
        )
    if not ranks.is_first:
        return
    folder = runs[0].folder
    failed: OSError | None = None
    stored: Path | None = None
    try:
        if every:
            stored = keep_all_evaluations(folder, found, place=out, is_own=data is None)
        else:
            stored = keep_evaluation(folder, found[0], place=out)
    except OSError as error:  # the scores, which take minutes, are still printed
        failed = error
    lines = (
        all_lines(found, stored) if every else report_lines(found[0], stored, brief=_brief(folder))
    )
    lines = [with_flags(line) for line in lines]
    if failed is not None and out is None:
        lines.append(f"not stored: {reason_of(failed)}. Use --out FOLDER to store it elsewhere")
    if as_json:
        print(*lines, sep="\n", file=sys.stderr)
        content = [one.to_json() for one in found] if every else found[0].to_json()
        print(json.dumps(content))
    else:
        print(*lines, sep="\n")
    if failed is not None and out is not None:
        raise failed


def _brief(folder: RunFolder) -> str:
    """How many images the run has seen of those that recognizable images need, if it is fewer."""
    from dcgan.config import parse_config, read_yaml
    from dcgan.errors import DcganError
    from dcgan.runs.checkpoints import list_checkpoints, read_state
    from dcgan.runs.exported import is_exported
    from dcgan.training.planning.time_plan import still_needed

    try:
        config = parse_config(read_yaml(folder.config))
        last = [folder.path] if is_exported(folder.path) else list_checkpoints(folder.checkpoints)
        seen = int(read_state(last[-1])["images_seen"])
        needed = still_needed(config, seen)
    except (DcganError, IndexError):  # the scores need neither settings nor the last checkpoint
        return ""
    if needed is None:
        return ""
    return (
        f"Trained too briefly: {seen:,} images seen, and recognizable images need about {needed:,}."
    )
