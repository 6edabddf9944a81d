"""Where everything lies in a run folder.

::

    RUN/
      config.yaml            the whole resolved configuration
      run.json               format, versions, data fingerprint, command line, hardware
      networks.json          layer tables, latent and pixel scale: enough to rebuild the networks
      log.jsonl              one line per logging interval
      events.jsonl           checkpoints, signals, divergence
      tensorboard/           the same numbers and sheets for TensorBoard
      samples/000120000.png  fixed-latent sheets, named by images seen
      checkpoints/000120000/ weights and training state
      scores.jsonl           one line per measurement while training
      best.json              which checkpoint is best, by what measure (once one is measured)
      directions/            directions of the latent space by name (``dcgan directions``)
      latents/               latents of pictures by name (``dcgan invert``)
      evaluations/           what ``dcgan evaluate`` found: numbers and pictures by checkpoint
      quality.png            the measure over images seen
      cache/                 decoded pictures, where data.cache is "run"
      training.gif           the sheets in sequence
      curves.png             losses and scores
      gradients.png          gradients by discriminator layer
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from dcgan.runs.checkpoints import list_checkpoints
from dcgan.runs.logs import JsonLines, of_training


@dataclass(frozen=True)
class RunFolder:
    """The paths of one run."""

    path: Path

    @property
    def config(self) -> Path:
        return self.path / "config.yaml"

    @property
    def provenance(self) -> Path:
        return self.path / "run.json"

    @property
    def networks(self) -> Path:
        return self.path / "networks.json"

    @property
    def log(self) -> JsonLines:
        return JsonLines(self.path / "log.jsonl")

    @property
    def events(self) -> JsonLines:
        return JsonLines(self.path / "events.jsonl")

    @property
    def scores(self) -> JsonLines:
        return JsonLines(self.path / "scores.jsonl")

    @property
    def tensorboard(self) -> Path:
        return self.path / "tensorboard"

    @property
    def samples(self) -> Path:
        return self.path / "samples"

    @property
    def checkpoints(self) -> Path:
        return self.path / "checkpoints"

    @property
    def best(self) -> Path:
        return self.path / "best.json"

    @property
    def directions(self) -> Path:
        return self.path / "directions"

    @property
    def latents(self) -> Path:
        return self.path / "latents"

    @property
    def evaluations(self) -> Path:
        return self.path / "evaluations"

    @property
    def cache(self) -> Path:
        return self.path / "cache"

    @property
    def animation(self) -> Path:
        return self.path / "training.gif"

    @property
    def curves(self) -> Path:
        return self.path / "curves.png"

    @property
    def quality(self) -> Path:
        return self.path / "quality.png"

    @property
    def gradients(self) -> Path:
        return self.path / "gradients.png"

    def sheet(self, images_seen: int) -> Path:
        """The fixed-latent sheet drawn at a number of images seen."""
        return self.samples / f"{images_seen:09d}.png"

    def forget_beyond(self, images_seen: int) -> None:
        """Set the records back to a checkpoint: what came after it will happen anew."""
        for path in self.sheets():
            if int(path.stem) > images_seen:
                path.unlink()
        if images_seen > 0 or self.log.path.exists():
            self.log.append({"goes_on_from": images_seen})
        if self.scores.path.exists():
            self.scores.append({"goes_on_from": images_seen})

    def last_logged(self) -> int:
        """Images seen at the last line of the log: until then, losses were within bounds."""
        lines = of_training(self.log.read())
        return int(lines[-1]["images"]) if lines else 0

    def sheets(self) -> list[Path]:
        """All fixed-latent sheets, oldest first."""
        return sorted(path for path in self.samples.glob("*.png") if path.stem.isdigit())

    def latest_checkpoint(self) -> Path | None:
        """The newest checkpoint, if there is any."""
        found = list_checkpoints(self.checkpoints)
        return found[-1] if found else None
