"""Scores of the runs of a lab: the same real images, feature extractor and latents for all.

N, M images · C channels · H, W sides · F features
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from dcgan.config import parse_config, read_yaml
from dcgan.errors import CheckpointError, RunError
from dcgan.evaluation.score_and_signs import ScoreAndSigns
from dcgan.metrics.extractors.pretrained import pretrained_extractor
from dcgan.runs.checkpoints import list_checkpoints, write_checkpoint
from dcgan.runs.dataset import open_dataset
from dcgan.runs.folder import RunFolder
from dcgan.runs.run import Run, open_run, read_networks
from dcgan.runtime.files import write_json
from dcgan.runtime.reading import read_json
from dcgan.runtime.reporting import Reporter
from dcgan.runtime.rng import seed_everything
from dcgan.training.build import build_state

SCORED = 5_000
"""Generated images of a score, as of ``dcgan compare``; at most half of the dataset."""

_SEED = 0
"""Of the latents: all runs get the same."""


@dataclass(frozen=True)
class Scored:
    """The scores of one checkpoint.

    Parameters
    ----------
    checkpoint : str
    images_seen : int
    values : mapping of str to float
        Metrics and vital signs by name.
    real : float or None
        The Fréchet distance of real images.
    protocol : str
        What all scores of a lab must share.
    """

    checkpoint: str
    images_seen: int
    values: Mapping[str, float]
    real: float | None
    protocol: str

    def to_json(self) -> dict[str, Any]:
        """A dictionary that JSON can hold."""
        return {**vars(self), "values": dict(self.values)}


def read_scored(path: Path) -> Scored | None:
    """Stored scores; None if they are missing or damaged."""
    try:
        found = Scored(**read_json(path))
    except (OSError, ValueError, TypeError):
        return None
    return found if isinstance(found.values, dict) else None


class Scorer:
    """Scores runs of one dataset, and stores the scores.

    Parameters
    ----------
    run : Run
        One of the runs: it names the dataset.
    data_root : Path, optional
    reporter : Reporter
    """

    def __init__(self, run: Run, data_root: Path | None, reporter: Reporter) -> None:
        dataset = open_dataset(run.folder, run.networks, data_root=data_root, reporter=reporter)
        channels, height, width = self._shape = dataset.shape
        extractor = pretrained_extractor(channels, (height, width), device=run.device)
        self._features = f"{extractor.label}: {extractor.about}"
        self._count = min(SCORED, len(dataset) // 2)
        self._compare = ScoreAndSigns("frechet", extractor, dataset, self._count, seed=_SEED)

    def score(self, run: Run, path: Path) -> Scored:
        """Score the checkpoint that a run is opened at, and store the result in a file.

        Raises ``RunError`` for images of another shape than those of the other runs.
        """
        shape = run.networks.image_shape
        if shape != self._shape:
            raise RunError(
                f"{run.path}: generates images of shape {shape}, and other arms {self._shape}."
                " Set data.size and data.channels in the settings of the lab"
            )
        distance, signs = self._compare.of(run.stream(self._count, seed=_SEED))
        found = Scored(
            checkpoint=run.checkpoint.name,
            images_seen=run.images_seen,
            values={distance.metric: distance.value, **signs},
            real=distance.baseline,
            protocol=f"{distance.generated:,} generated images, compared with {distance.split};"
            f" features of {self._features}",
        )
        write_json(path, found.to_json())
        return found


def open_usable(path: Path, checkpoint: str, device: str | torch.device) -> Run:
    """Open a run at a checkpoint, else at the newest usable one, else untrained.

    A run that diverged must count, however little it left.
    """
    folder = RunFolder(path)
    older = [one.name for one in reversed(list_checkpoints(folder.checkpoints))]
    for name in dict.fromkeys([checkpoint, "last", *older]):
        try:
            return open_run(path, checkpoint=name, device=device)
        except CheckpointError:
            continue
    _save_untrained(folder)
    return open_run(path, checkpoint="last", device=device)


def _save_untrained(folder: RunFolder) -> None:
    """Write the checkpoint of a run before its first step, from its seed."""
    config, networks = parse_config(read_yaml(folder.config)), read_networks(folder)
    seed_everything(config.seed)
    state = build_state(config, networks, torch.device("cpu"))
    write_checkpoint(folder.checkpoints, 0, state.parts(), state.plain())
