"""The files of a run folder.

::

    RUN/
      config.yaml            the whole resolved configuration
      run.json               format, versions, data fingerprint, command line, hardware
      networks.json          layer tables, latent and pixel scale: enough to rebuild the networks
      clusters.safetensors   the cluster of each image, if the run learns clusters
      log.jsonl              one line per logging interval
      events.jsonl           checkpoints, signals, divergence
      tensorboard/           the same numbers and sheets for TensorBoard
      samples/000120000.png  sheets of the same latents, named by images seen
      checkpoints/000120000/ weights and training state
      scores.jsonl           one line per score during training, with vital signs of the generator
      best.json              the best checkpoint and its score (once there is a score)
      directions/            named directions in latent space (``dcgan directions``)
      latents/               named latents of images (``dcgan invert``)
      evaluations/           scores and figures of ``dcgan evaluate``, by checkpoint
      quality.png            the score over images seen
      cache/                 decoded images, if data.cache is "run"
      training.gif           the sheets as an animation
      curves.png             losses and scores
      gradients.png          gradients by discriminator layer
      report.html            the whole run on one page
"""

from __future__ import annotations

from pathlib import Path

from dcgan.runs.checkpoints import list_checkpoints
from dcgan.runs.logs import JsonLines, of_training
from dcgan.runtime.reading import read_json
from dcgan.runtime.run_names import is_count_name


class RunFolder:
    """The paths of one run."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.config = path / "config.yaml"
        self.provenance = path / "run.json"
        self.networks = path / "networks.json"
        self.clusters = path / "clusters.safetensors"
        self.log = JsonLines(path / "log.jsonl")
        self.events = JsonLines(path / "events.jsonl")
        self.scores = JsonLines(path / "scores.jsonl")
        self.tensorboard = path / "tensorboard"
        self.samples = path / "samples"
        self.checkpoints = path / "checkpoints"
        self.best = path / "best.json"
        self.directions = path / "directions"
        self.latents = path / "latents"
        self.evaluations = path / "evaluations"
        self.cache = path / "cache"
        self.animation = path / "training.gif"
        self.curves = path / "curves.png"
        self.quality = path / "quality.png"
        self.gradients = path / "gradients.png"
        self.report = path / "report.html"

    def is_imported(self) -> bool:
        """Whether the run was made of a model trained elsewhere and not trained here."""
        try:
            return "imported" in read_json(self.provenance)
        except (OSError, ValueError):
            return False

    def sheet(self, images_seen: int) -> Path:
        """The sample sheet at a number of images seen."""
        return self.samples / f"{images_seen:09d}.png"

    def forget_beyond(self, images_seen: int) -> None:
        """Remove or mark the records after a checkpoint, from which training resumes."""
        for path in self.sheets():
            if int(path.stem) > images_seen:
                path.unlink()
        if images_seen > 0 or self.log.path.exists():
            self.log.append({"goes_on_from": images_seen})
        if self.scores.path.exists():
            self.scores.append({"goes_on_from": images_seen})

    def last_logged(self) -> int:
        """Images seen at the last log line; up to there, losses were within bounds."""
        lines = of_training(self.log.read())
        return int(lines[-1]["images"]) if lines else 0

    def sheets(self) -> list[Path]:
        """All sample sheets, oldest first."""
        return sorted(path for path in self.samples.glob("*.png") if is_count_name(path.stem))

    def latest_checkpoint(self) -> Path | None:
        """The newest checkpoint, if there is any."""
        found = list_checkpoints(self.checkpoints)
        return found[-1] if found else None
