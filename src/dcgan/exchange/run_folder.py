"""Write an imported model as a run folder, as a whole or not at all."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from dcgan.config import config_yaml
from dcgan.exchange.reading import WeightFile
from dcgan.exchange.tables import Tables
from dcgan.models.discriminator import Discriminator
from dcgan.models.generator import Generator
from dcgan.runs.checkpoints import write_checkpoint
from dcgan.runs.dataset import IMPORTED
from dcgan.runs.folder import RunFolder
from dcgan.runs.logs import now
from dcgan.runs.run import open_run
from dcgan.runtime.files import folder_written_whole, write_json, write_text
from dcgan.runtime.reading import sha256
from dcgan.runtime.versions import package_versions

FORMAT = 1
"""Version of the run folder's layout, as of a trained run."""

_ON_THE_SHEET = 64


@dataclass(frozen=True)
class Imported:
    """Both networks with the imported weights, and where they are from."""

    tables: Tables
    generator_file: WeightFile
    discriminator_file: WeightFile | None
    generator: Generator
    discriminator: Discriminator | None


def write_run(path: Path, imported: Imported) -> None:
    """Write the run folder: settings, origin, layers, a checkpoint at 0 images and a sheet."""
    with folder_written_whole(path, last="config.yaml") as unfinished:
        folder = RunFolder(unfinished)
        write_json(folder.networks, imported.tables.networks.to_json())
        provenance = _provenance(imported) | {"networks": sha256(folder.networks)}
        write_json(folder.provenance, provenance)
        weights = imported.generator.state_dict()
        # the generator is not averaged; both names, since each is read by some command
        parts: dict[str, dict[str, Tensor]] = {"generator": weights, "ema": weights}
        if imported.discriminator is not None:
            parts["discriminator"] = imported.discriminator.state_dict()
        write_checkpoint(folder.checkpoints, 0, parts, {"images_seen": 0})
        write_text(folder.config, config_yaml(imported.tables.config))
        folder.samples.mkdir()
        open_run(unfinished).sheet(_ON_THE_SHEET).save(folder.sheet(0))
        folder.events.append({"event": "imported", "time": now(), "images": 0})


def _provenance(imported: Imported) -> dict[str, Any]:
    files = {"generator": imported.generator_file, "discriminator": imported.discriminator_file}
    return {
        "format": FORMAT,
        "created": now(),
        "versions": package_versions(),
        "data": {"source": IMPORTED},
        "command": sys.argv,
        "imported": {
            "layers": imported.tables.source,
            "files": {
                name: {"path": str(file.path), "sha256": file.sha256}
                for name, file in files.items()
                if file is not None
            },
        },
    }
