"""What ``dcgan train`` prints at its end: whether it went well, its files, and what to do next."""

from __future__ import annotations

from typing import Any

from dcgan.cli.health import step_lines, wrapped
from dcgan.config import RunConfig, parse_config, read_yaml
from dcgan.evaluation.real_images import FEWEST
from dcgan.runs import Run
from dcgan.runs.checkpoints import list_checkpoints
from dcgan.runs.dataset import FROM_PYTHON
from dcgan.runs.expectation import expectation_of
from dcgan.runs.scores import read_best, read_scores
from dcgan.runtime.arguments import is_name
from dcgan.runtime.reading import read_json
from dcgan.runtime.shell import command
from dcgan.runtime.wording import digits, rounded

_AS_EXPECTED = 0.7
"""A run that saw this part of the images expected in its time was not clearly slower."""


def as_text(run: Run) -> str:
    """Whether training went well and where to look, then every file, then what to try next."""
    folder = run.folder
    config = parse_config(read_yaml(folder.config))
    which = "best" if read_best(folder) else "last"
    files = {
        f"{which} checkpoint": f"{run.checkpoint.name} (other commands use it)",
        "animation": folder.animation,
        "loss curves": folder.curves,
        "gradient curves": folder.gradients,
    }
    if folder.report.is_file():
        files = {"report": folder.report} | files
    if folder.quality.is_file():
        files["score curve"] = folder.quality
    files["run folder"] = folder.path
    lines = [*_outcome(run), *_slower(run, config)]
    lines += [f"look at the images: {folder.sheets()[-1]}", ""]
    lines += [f"{name:<17}{path}" for name, path in files.items()]
    others = [f"  {step}" for step in _other_commands(run, config)]
    return "\n".join([*lines, "", "other commands:", *others])


def _outcome(run: Run) -> list[str]:
    """Whether training went well, and the scores of its checkpoints."""
    diagnosis = run.health()
    lines = [*wrapped(diagnosis.verdict), *step_lines(diagnosis.step), ""]
    best = read_best(run.folder)
    if best is None:
        return lines
    scores = [one for one in read_scores(run.folder) if one.score.protocol == best.score.protocol]
    values = {one.images: one.score.value for one in scores} | {best.images: best.score.value}
    first = min(values)
    before = f"{digits(values[first])} after {first:,} images, " if first != best.images else ""
    score = (
        f"{best.score.label}: {before}{digits(best.score.value)} after"
        f" {best.images:,} images (best). Real images score"
        f" {digits(best.score.baseline or 0.0, 2)}; lower is better"
    )
    return [*lines, score]


def _slower(run: Run, config: RunConfig) -> list[str]:
    """How many images were expected at the start, if the run has seen clearly fewer in its time."""
    seen, minutes = _images_seen(run), config.length.minutes
    expected = expectation_of(run.folder, minutes).get("expected")
    if not expected or seen >= _AS_EXPECTED * expected:
        return []
    return [
        f"{seen:,} images seen; about {rounded(expected):,} were expected: other programs"
        " probably used the processor"
    ]


def as_dict(run: Run) -> dict[str, Any]:
    """The same for programs: what ``--json`` prints."""
    seen, seconds = _images_seen(run), _seconds(run)
    best = read_best(run.folder)
    return {
        "run": str(run.path),
        "images": seen,
        "images_per_second": round(seen / seconds, 1) if seconds else None,
        "best": run.checkpoint.name,
        "scores": best.score.to_json() if best else None,
    }


def _other_commands(run: Run, config: RunConfig) -> list[str]:
    """Commands that make sense after this run, each with what it does."""
    folder = run.folder
    steps = {
        command("health", folder.path): "all findings, with what they mean",
        command("sample", folder.path, "-n", "100"): "generate images",
    }
    if run.classes:
        steps[command("sample", folder.path, "--each-class")] = "generate images of each class"
    steps[command("interpolate", folder.path)] = "morph between images"
    if config.data.source != FROM_PYTHON and _images_in_dataset(run) >= 2 * FEWEST:
        steps[command("evaluate", folder.path)] = "scores, compared with real images"
    if is_name(config.data.source):
        steps[f"{command('train')} IMAGES --minutes 10"] = (
            "train on your own folder or zip of images"
        )
    widest = max(map(len, steps))
    return [f"{step:<{widest}}  # {what}" for step, what in steps.items()]


def _images_in_dataset(run: Run) -> int:
    return int(read_json(run.folder.provenance)["data"]["count"])


def _images_seen(run: Run) -> int:
    """Of the newest checkpoint; the one that is opened is the best."""
    return int(list_checkpoints(run.folder.checkpoints)[-1].name)


def _seconds(run: Run) -> float:
    records = run.log()
    return float(records[-1].get("seconds", 0.0)) if records else 0.0
