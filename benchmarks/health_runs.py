"""The runs of `health.py`, as described in `health.yaml`, and how each is trained."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import yaml

import dcgan
from dcgan.config import merge
from dcgan.data import open_source

_SMALL = {
    "metrics": {"images": 1000},
    "records": {"tensorboard": False, "sheets": 6, "keep": 1000, "checkpoint_minutes": 1000},
}
_NETWORKS = {"model": {"generator": {"width": 16}, "discriminator": {"width": 16}}}


@dataclass(frozen=True)
class HealthRun:
    """One run: a cause on one dataset with one seed.

    `finding` is the id that must be reported; None for a healthy run.
    """

    data: str
    cause: str
    seed: int
    finding: str | None

    @property
    def name(self) -> str:
        return f"{self.data}-{self.cause}-{self.seed}"

    def train(self, root: Path, out: Path) -> None:
        """Train it on one thread; raises `Diverged` where training is lost for good."""
        cause, data = described()["runs"][self.cause], described()["data"][self.data]
        is_auto = cause.get("recipe", "auto") == "auto"
        images = int(data["images"] * cause.get("longer", 1) * (0.5 if self.finding else 1))
        settings = merge(_SMALL, _NETWORKS if is_auto else {})
        settings = merge(settings, {"metrics": {"every": images // 20}})
        settings = merge(settings, {"records": {"checkpoint_every": images // 16}})
        own = _settings(cause, data["size"])
        if "layers" in own.get("model", {}).get("generator", {}):
            settings["model"] = {"discriminator": settings["model"]["discriminator"]}
        settings = merge(settings, own)
        dcgan.train(
            _source(data, root, out.parent / "parts"),
            recipe=cause.get("recipe", "auto"),
            size=data["size"] if is_auto else None,
            images=images,
            seed=self.seed,
            threads=1,
            precision="fp32",
            data_root=root,
            out=out,
            settings=settings,
            progress=False,
        )


@cache
def described() -> dict[str, Any]:
    """`health.yaml`."""
    return yaml.safe_load(Path(__file__).with_suffix("").with_name("health.yaml").read_text())


def all_runs(shift: int = 0) -> list[HealthRun]:
    """Every run, with seeds that are larger by `shift`."""
    return [
        HealthRun(data, name, seed + shift, cause.get("finding"))
        for name, cause in described()["runs"].items()
        for data in cause["data"]
        for seed in cause.get("seeds", [0])
    ]


def _settings(cause: dict[str, Any], size: int) -> dict[str, Any]:
    settings = cause.get("settings", {})
    table = settings.get("model", {}).get("generator")
    if isinstance(table, str):
        return settings | {"model": {"generator": described()[table][size]}}
    return settings


def _source(data: dict[str, Any], root: Path, parts: Path) -> str:
    """The dataset, or a file with a random part of it."""
    source = data["source"]
    path = str(root / source) if source.endswith(".zip") else source
    if "only" not in data:
        return path
    opened = open_source(path, root)
    rows = np.sort(np.random.default_rng(0).permutation(len(opened))[: data["only"]])
    part = parts / f"{Path(source).stem}-{data['only']}.zip"
    if not part.exists():
        parts.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(part.with_suffix(".tmp"), "w") as archive:
            for row in rows:
                name = f"{Path(opened.title(int(row))).parent.name or 'all'}/{row}.png"
                with archive.open(name, "w") as member:
                    opened.read(int(row)).save(member, "PNG")
        part.with_suffix(".tmp").replace(part)
    return str(part)
