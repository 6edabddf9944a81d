"""The runs of `health.py`: healthy ones, and failures induced on purpose, each with its cause.

A run is named DATA/CAUSE/SEED. The first letters of the cause's entry are the finding that must be
reported; healthy causes have none.
"""

from __future__ import annotations

import os
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

DATA = {  # images of one size and small networks: a run takes about half a minute on one core
    "digits": {"source": "digits", "size": 16},
    "shapes": {"source": "shapes", "size": 16},
    "mnist": {"source": "mnist", "size": 28},
    "cifar10": {"source": "cifar10-train.zip", "size": 32},
    "emoji": {"source": "emoji-64.zip", "size": 32},
    "cifar-1000": {"source": "cifar10-train.zip", "size": 16, "only": 1000},
    "emoji-120": {"source": "emoji-64.zip", "size": 32, "only": 120},
    "mnist-150": {"source": "mnist", "size": 28, "only": 150},
}
"""Six datasets, and two with far too few images. `only` is a random part of a zip."""

IMAGES = {
    "digits": 40_000, "shapes": 60_000, "mnist": 40_000, "cifar10": 24_000, "emoji": 24_000,
    "cifar-1000": 40_000, "emoji-120": 24_000, "mnist-150": 24_000,
}  # fmt: skip

_WIDTH = {"generator": {"width": 16}, "discriminator": {"width": 16}}
_PLAIN = {"augment": {"policy": "none"}, "objective": {"r1": 0}}


def rates(generator: float, discriminator: float) -> dict[str, Any]:
    return {"generator": {"lr": generator}, "discriminator": {"lr": discriminator}}


@dataclass(frozen=True)
class Cause:
    """Settings that induce a failure, or none.

    `finding` is the id that must be reported; `also` are ids that may be reported without being
    wrong, because they follow from the same cause.
    """

    finding: str | None
    settings: dict[str, Any] = field(default_factory=dict)
    data: tuple[str, ...] = ("digits", "mnist", "emoji")
    recipe: str = "auto"
    seeds: tuple[int, ...] = (0,)
    longer: float = 1.0


def deep(rows: list[dict[str, Any]]) -> dict[str, Any]:
    return {"layers": rows}


_STRIPES = {  # stride 3 after stride 2: windows of 4 overlap unevenly
    28: [
        {"linear": 784, "reshape": [16, 7, 7]},
        {"conv_transpose": 16, "kernel": 3, "stride": 2, "padding": 1, "output_padding": 1},
        {"conv_transpose": 1, "kernel": 3, "stride": 2, "padding": 1, "output_padding": 1,
         "norm": "none", "activation": "tanh"},
    ],
    32: [
        {"linear": 1024, "reshape": [16, 8, 8]},
        {"conv_transpose": 16, "kernel": 3, "stride": 2, "padding": 1, "output_padding": 1},
        {"conv_transpose": 3, "kernel": 3, "stride": 2, "padding": 1, "output_padding": 1,
         "norm": "none", "activation": "tanh"},
    ],
}  # fmt: skip

CAUSES: dict[str, Cause] = {
    # healthy
    "auto": Cause(None, {}, ("digits", "shapes", "mnist", "cifar10", "emoji", "cifar-1000"), seeds=(0, 1)),
    "auto-longer": Cause(None, {}, ("digits", "mnist", "shapes", "cifar-1000"), seeds=(2,), longer=2.5),
    "hinge": Cause(None, {"objective": {"loss": "hinge"}}, ("mnist", "emoji", "shapes")),
    "relativistic": Cause(None, {"objective": {"loss": "relativistic"}}, ("mnist", "cifar10")),
    "small-mnist": Cause(None, {}, ("mnist",), recipe="small-mnist", seeds=(0, 1), longer=2),
    "bilinear": Cause(None, {"model": {"generator": {"upsampling": "bilinear"}}}, ("emoji", "cifar10")),
    "wide": Cause(None, {"model": {"generator": {"width": 32}}}, ("digits", "cifar-1000")),
    "two-d-steps": Cause(None, {"optim": {"discriminator_steps": 2}}, ("shapes", "mnist")),
    # the discriminator wins
    "d-rate-x100": Cause("discriminator-wins", {"optim": rates(1e-4, 1e-2), **_PLAIN}, ("digits", "mnist", "shapes")),
    "saturating": Cause("discriminator-wins", {"objective": {"loss": "saturating", "r1": 0}, "augment": {"policy": "none"}, "optim": rates(2e-4, 4e-3)}, ("mnist", "cifar10")),
    "g-hardly-learns": Cause("discriminator-wins", {"optim": rates(1e-6, 2e-3), **_PLAIN}, ("emoji", "cifar10")),
    # garbage fools the discriminator
    "g-rate-x100": Cause("generator-fools-discriminator", {"optim": rates(1e-2, 1e-4)}, ("digits", "mnist", "emoji")),
    "d-frozen": Cause("generator-fools-discriminator", {"optim": rates(1e-3, 1e-7)}, ("shapes", "cifar10")),
    # the discriminator loses all the time
    "d-noise": Cause("discriminator-loses", {"model": {"discriminator": {"noise": 8.0}}, "optim": rates(2e-4, 2e-4), **_PLAIN}, ("digits", "mnist")),
    "d-dropout": Cause("discriminator-loses", {"model": {"discriminator": {"dropout": 0.97}}, "optim": rates(2e-4, 2e-4), **_PLAIN}, ("emoji", "shapes")),
    # gradients
    "d-tanh-huge": Cause("vanishing-gradients", {"model": {"discriminator": {"activation": "tanh"}}, "optim": rates(2e-4, 5e-2), **_PLAIN}, ("digits", "mnist")),
    "d-deep-tiny": Cause("vanishing-gradients", {"model": {"discriminator": {"init": "dcgan", "activation": "tanh"}}, "optim": rates(1e-5, 1e-6), **_PLAIN}, ("mnist", "emoji")),
    "wasserstein-unbound": Cause("exploding-gradients", {"objective": {"loss": "wasserstein", "r1": 0}, "augment": {"policy": "none"}, "optim": rates(1e-3, 2e-3)}, ("digits", "mnist")),
    "d-sgd": Cause("exploding-gradients", {"optim": {"discriminator": {"algorithm": "sgd", "lr": 0.5, "momentum": 0.9}}, **_PLAIN}, ("shapes", "emoji")),
    # oscillation
    "momentum": Cause("oscillation", {"optim": {"generator": {"lr": 4e-3, "betas": [0.95, 0.999]}, "discriminator": {"lr": 4e-3, "betas": [0.95, 0.999]}}, **_PLAIN}, ("digits", "mnist")),
    "fast": Cause("oscillation", {"optim": rates(1e-2, 1e-2), **_PLAIN}, ("shapes", "emoji")),
    # mode collapse
    "g-fast": Cause("mode-collapse", {"optim": rates(2e-2, 1e-3), **_PLAIN}, ("mnist", "emoji")),
    "no-norm-fast": Cause("mode-collapse", {"model": {"generator": {"norm": "none"}}, "optim": rates(5e-3, 1e-3), **_PLAIN}, ("digits", "cifar10")),
    "one-number": Cause("partial-mode-collapse", {"model": {"latent": {"dim": 1}}}, ("mnist", "emoji", "shapes")),
    "one-code": Cause("partial-mode-collapse", {"model": {"latent": {"dim": 1, "distribution": "uniform"}}, **_PLAIN}, ("digits", "cifar10")),
    # too few images
    "few": Cause("copying", _PLAIN, ("emoji-120", "mnist-150"), longer=3),
    "few-auto": Cause("too-few-images", {}, ("emoji-120", "mnist-150")),
    "unaugmented": Cause("discriminator-overfits", {**_PLAIN, "optim": rates(1e-3, 2e-3)}, ("emoji-120", "cifar-1000"), longer=2),
    # quality peaks and falls
    "late-collapse": Cause("degrading", {"optim": {**rates(2e-3, 4e-3)}, **_PLAIN}, ("cifar-1000", "digits"), longer=2.5),
    # images
    "stride-3": Cause("checkerboard", {"model": {"generator": "stripes"}, "optim": rates(2e-4, 1e-3)}, ("mnist", "emoji")),
    "late-average": Cause("contrast", {"average": {"half_life": 3_000_000, "ramp_up": 0.0}}, ("mnist", "emoji")),
    "g-crawls": Cause("contrast", {"optim": rates(2e-5, 2e-5)}, ("digits", "cifar10")),
    "g-sgd": Cause("saturated-output", {"model": {"generator": {"norm": "none", "init": "he"}}, "optim": {"generator": {"algorithm": "sgd", "lr": 3.0}}}, ("cifar10", "cifar-1000")),
    "g-no-norm": Cause("saturated-output", {"model": {"generator": {"norm": "none", "init": "he"}}, "optim": rates(5e-2, 1e-3)}, ("cifar10",)),
    "batch-2": Cause("batch-norm-mismatch", {"optim": {"batch": 2, **rates(2e-4, 2e-4)}}, ("digits", "mnist"), longer=0.3),
    "batch-3": Cause("batch-norm-mismatch", {"optim": {"batch": 3, **rates(1e-3, 1e-3)}}, ("emoji",), longer=0.3),
    "g-dead": Cause("dead-units", {"model": {"generator": {"norm": "none", "init": "he"}}, "optim": {"generator": {"lr": 0.1}}}, ("mnist", "cifar10")),
    "d-relu": Cause("dead-units", {"model": {"discriminator": {"activation": "relu"}}, "optim": rates(1e-3, 5e-2)}, ("digits", "emoji")),
    "rate-1": Cause("diverged", {"optim": rates(1.0, 1.0), **_PLAIN}, ("digits", "mnist")),
    "d-rate-3": Cause("diverged", {"optim": rates(1e-3, 3.0), **_PLAIN}, ("emoji", "shapes")),
}  # fmt: skip


@dataclass(frozen=True)
class HealthRun:
    data: str
    cause: str
    seed: int

    @property
    def name(self) -> str:
        return f"{self.data}-{self.cause}-{self.seed}"

    def train(self, root: Path, out: Path) -> None:
        import dcgan
        from dcgan.config import merge

        cause, data = CAUSES[self.cause], DATA[self.data]
        shorter = 1.0 if cause.finding is None else 0.5
        images = int(IMAGES[self.data] * cause.longer * shorter)
        settings = merge(
            {
                "model": _WIDTH if cause.recipe == "auto" else {},
                "metrics": {"images": 1000, "every": images // 20},
                "records": {"tensorboard": False, "sheets": 6, "keep": 1000, "checkpoint_every": images // 16, "checkpoint_minutes": 1000},
                "data": {"size": data["size"]} if cause.recipe == "auto" else {},
            },
            cause.settings,
        )  # fmt: skip
        if settings["model"].get("generator") == "stripes":
            settings["model"]["generator"] = deep(_STRIPES[data["size"]])
        dcgan.train(
            _source(data, root, out.parent.parent / "parts"),
            recipe=cause.recipe,
            images=images,
            seed=self.seed,
            threads=1,
            precision="fp32",
            data_root=root,
            out=out,
            settings=settings,
            progress=False,
        )


def _source(data: dict[str, Any], root: Path, parts: Path) -> str:
    source = data["source"]
    path = str(root / source) if source.endswith(".zip") else source
    if "only" not in data:
        return path
    part = parts / f"{Path(source).stem}-{data['only']}.npz"
    if not part.exists():
        from dcgan.data import open_source

        opened = open_source(path, root)
        rows = np.sort(np.random.default_rng(0).permutation(len(opened))[: data["only"]])
        if source.endswith(".zip"):
            part = part.with_suffix(".zip")
            if not part.exists():
                _zip_part(Path(path), [opened.title(int(row)) for row in rows], part)
            return str(part)
        images = np.stack([np.asarray(opened.read(int(row))) for row in rows])
        part.parent.mkdir(parents=True, exist_ok=True)
        np.savez(part, images=images)
    return str(part)


def _zip_part(archive: Path, names: list[str], part: Path) -> None:
    part.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(archive) as source, zipfile.ZipFile(part.with_suffix(".tmp"), "w") as out:
        members = {name: name for name in source.namelist()}
        for name in names:
            member = next(one for one in members if name.endswith(one))
            out.writestr(member, source.read(member))
    os.replace(part.with_suffix(".tmp"), part)


def all_runs() -> list[HealthRun]:
    return [
        HealthRun(data, name, seed)
        for name, cause in CAUSES.items()
        for data in cause.data
        for seed in cause.seeds
    ]
