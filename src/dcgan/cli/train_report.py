"""What ``dcgan train`` prints at its end: results, the best checkpoint, and next commands."""

from __future__ import annotations

import json
import shlex
import sys
from shutil import which
from typing import Any

from dcgan.config import parse_config, read_yaml
from dcgan.evaluation.real_images import FEWEST
from dcgan.runs import Run
from dcgan.runs.checkpoints import list_checkpoints
from dcgan.runs.dataset import FROM_PYTHON
from dcgan.runs.scores import read_best
from dcgan.runtime.arguments import is_name
from dcgan.runtime.shell import command
from dcgan.training.resume_command import resume_call, twice_as_long


def as_text(run: Run) -> str:
    """Every result's file, and what to do next."""
    folder = run.folder
    lines = [
        f"sample sheet   {folder.sheets()[-1]}",
        f"training GIF   {folder.animation}",
        f"loss curves    {folder.curves}",
        f"gradients      {folder.gradients}",
    ]
    if folder.quality.is_file():
        lines.append(f"quality        {folder.quality}")
    lines += [f"run folder     {folder.path}", f"best           {_best_line(run)}", "next:"]
    return "\n".join(lines + [f"  {step}" for step in _next_steps(run)])


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


def _next_steps(run: Run) -> list[str]:
    """Commands that make sense after this run, each with what it does."""
    folder = run.folder
    config = parse_config(read_yaml(folder.config))
    length = twice_as_long(config, _images_seen(run), _seconds(run))
    viewer = {"darwin": "open", "win32": "start"}.get(sys.platform, "xdg-open")
    steps = {}
    if which(viewer) or sys.platform == "win32":  # a command of the Windows shell, and no program
        steps[shlex.join([viewer, str(folder.sheets()[-1])])] = "look at the sample sheet"
    steps |= {
        resume_call(folder.path, config, **length): "train twice as long in total",
        command("sample", folder.path, "-n", "100", "--out", "samples.png"): "generate images",
        command("interpolate", folder.path, "--out", "interpolate.gif"): "morph between images",
    }
    if config.data.source != FROM_PYTHON and _images_in_dataset(run) >= 2 * FEWEST:
        steps[command("evaluate", folder.path)] = "scores, compared with real images"
    if is_name(config.data.source):
        steps[f"{command('train')} IMAGES --minutes 10"] = (
            "train on your own folder or zip of images"
        )
    widest = max(map(len, steps))
    return [f"{step:<{widest}}  # {what}" for step, what in steps.items()]


def _images_in_dataset(run: Run) -> int:
    return int(json.loads(run.folder.provenance.read_text(encoding="utf-8"))["data"]["count"])


def _images_seen(run: Run) -> int:
    """Of the newest checkpoint; the one that is opened is the best."""
    return int(list_checkpoints(run.folder.checkpoints)[-1].name)


def _seconds(run: Run) -> float:
    records = run.log()
    return float(records[-1].get("seconds", 0.0)) if records else 0.0


def _best_line(run: Run) -> str:
    """Which checkpoint commands take by default, and by what it was found."""
    best = read_best(run.folder)
    if best is None:
        return f"{run.checkpoint.name}, the last: no checkpoint was scored during training"
    score = best.score
    return (
        f"{best.checkpoint}: {score.name} {score.value:.3g}; real images score"
        f" {score.baseline:.2g}; {score.generated:,} images each"
    )
