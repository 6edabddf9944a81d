"""The parts of `gpu.sh`: what each measures. Every part yields what it has found so far.

With ``asked.quick``, networks and datasets are tiny, so that a CPU needs seconds.
"""

from __future__ import annotations

import argparse
import platform
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import time_to_quality
import torch
from gpu import line_of
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn

import dcgan
from dcgan.bench.capture import compiled, graphed
from dcgan.bench.contest import (
    WARM_UP,
    Change,
    Step,
    Update,
    compete,
    our_steps,
    plain_step,
    plain_steps,
    tf32_set_to,
)
from dcgan.bench.contest import Contestant as Entrant
from dcgan.bench.report import open_config
from dcgan.bench.table import spread
from dcgan.config import RunConfig, load_recipe, merge, parse_config, resolved
from dcgan.data import open_source
from dcgan.errors import DataError
from dcgan.layer_tables import resolve_networks
from dcgan.render.sheet import save_image, sheet
from dcgan.runs.checkpoints import read_part
from dcgan.runtime.device import choose_device, device_name, make_deterministic, synchronise
from dcgan.training.build import build_rules, build_state
from dcgan.training.rules import Batch, StepPlan
from dcgan.training.step import update

Found = dict[str, Any]
Asked = argparse.Namespace

CPU = torch.device("cpu")
BATCH, SECONDS, WORKERS = 128, 0.6, 2
"""Of the contests: images per step, seconds per contestant and round, and processes of the plain
loop's DataLoader, as many as in the standard PyTorch DCGAN example."""


def machine(asked: Asked) -> Iterator[Found]:
    """Versions and names."""
    device = choose_device(asked.device)
    found = {
        "device": device_name(device),
        "driver": _driver() if device.type == "cuda" else None,
        "torch": torch.__version__,
        "CUDA": torch.version.cuda,
        "cuDNN": torch.backends.cudnn.version(),  # type: ignore[no-untyped-call]
        "Python": platform.python_version(),
        "dcgan": dcgan.__version__,
    }
    yield {"rows": [{"": name, "value": value} for name, value in found.items()]}


def _driver() -> str:
    query = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
    try:
        return subprocess.run(query, check=True, capture_output=True, text=True).stdout.split()[0]
    except (OSError, subprocess.CalledProcessError, IndexError) as error:
        return f"unknown: {line_of(error)}"


# Equality


def step_equality(asked: Asked) -> Iterator[Found]:
    """Losses and gradients of one step, compared with those of the CPU."""
    device, rows = choose_device(asked.device), []
    for recipe in ("paper", "wide-mnist", "auto"):
        config = _config(recipe, asked, batch=16, settings=SLOW)
        here, there = _one_step(_Trial(config, device)), _one_step(_Trial(config, CPU))
        rounded = _one_step(_Trial(config, CPU, nudged=True))
        rows += [
            compared(f"{recipe}: {name}", here[name], values, rounded[name])
            for name, values in there.items()
        ]
        yield {"about": ABOUT_EQUALITY, "rows": rows}


def captured_equality(asked: Asked) -> Iterator[Found]:
    """Losses and changes of weights after some replays, compared with those of the same steps."""
    make_deterministic()
    device, rows = choose_device(asked.device), []
    for precision in ("fp32", "bf16"):
        config = _config("paper", asked, batch=16, settings={"precision": precision, **SLOW})
        replays = _some_steps(_Trial(config, device), graphed)
        steps = _some_steps(_Trial(config, device))
        rounded = _some_steps(_Trial(config, device, nudged=True))
        rows += [
            compared(f"{precision}: {name}", replays[name], values, rounded[name])
            for name, values in steps.items()
        ]
        yield {"about": ABOUT_EQUALITY, "rows": rows}


SLOW = {"optim": {player: {"lr": 1e-6} for player in ("generator", "discriminator")}}
"""Rates at which rounding does not grow from step to step. Where a gradient is nearly 0, a step of
Adam has the full length in a direction that rounding decides."""

LEAST, TIMES, MOST = 1e-5, 10, 0.5
ABOUT_EQUALITY = (
    "Differences are norms of the difference, divided by the norm of the value, of the tensor where"
    f" this is largest. Equal means at most {MOST:g}, and at most the larger of {LEAST:g} and"
    f" {TIMES} times the difference by rounding, which is that of the same steps with every weight"
    " changed to the next fp32 number, up or down at random."
)

Tensors = dict[str, Tensor]


def compared(name: str, ours: Tensors, theirs: Tensors, rounded: Tensors) -> dict[str, Any]:
    """One row: ours and theirs, and theirs after the smallest change of all weights."""
    difference, rounding = relative_difference(ours, theirs), relative_difference(rounded, theirs)
    return {
        "": name,
        "difference": difference,
        "difference by rounding": rounding,
        "equal": difference <= min(MOST, max(LEAST, TIMES * rounding)),
    }


def relative_difference(ours: Tensors, theirs: Tensors) -> float:
    """The norm of the difference, divided by the norm of theirs; the largest of all tensors."""
    assert ours.keys() == theirs.keys()
    return max(
        float((ours[name] - theirs[name]).norm() / theirs[name].norm().clamp_min(1e-30))
        for name in ours
    )


class _Trial:
    """Fresh players of a configuration, and batches that are the same on every device."""

    def __init__(self, config: RunConfig, device: torch.device, *, nudged: bool = False) -> None:
        torch.manual_seed(0)
        networks = resolve_networks(config)
        self.device = device
        self.players = build_state(config, networks, device).players
        self._rules = build_rules(config, networks.latent, device)
        self._shape = (resolved(config.optim.batch), *networks.image_shape)
        self._plan = StepPlan(with_penalties=bool(self._rules.penalties))
        if nudged:
            _nudge(self._weights())
        self._start = [weight.detach().clone() for weight in self._weights()]

    def batch(self, number: int) -> Batch:
        """Random images and latents of a number."""
        real_BCHW = torch.rand(self._shape, generator=torch.Generator().manual_seed(number))
        latent_BZ = self._rules.latent.numbered(number, 0, len(real_BCHW))
        return Batch((2 * real_BCHW - 1).to(self.device), latent_BZ.to(self.device))

    def update(self, batch: Batch) -> Tensors:
        """One update of both players."""
        return update(self.players, batch, self._rules, self._plan)

    def gradients(self, network: nn.Module) -> Tensors:
        """Of the last step, on the CPU."""
        found = {name: weight.grad for name, weight in network.named_parameters()}
        return {name: gradient.cpu() for name, gradient in found.items() if gradient is not None}

    def changes(self) -> Tensors:
        """How far all weights have moved, on the CPU."""
        pairs = zip(self._weights(), self._start, strict=True)
        return {
            f"{number}": (now.detach() - start).cpu() for number, (now, start) in enumerate(pairs)
        }

    def _weights(self) -> list[nn.Parameter]:
        players = self.players
        return [*players.generator.parameters(), *players.discriminator.parameters()]


@torch.no_grad()
def _nudge(weights: Sequence[Tensor]) -> None:
    """Change every weight to the next fp32 number, up or down at random."""
    random = torch.Generator().manual_seed(1)
    for weight in weights:
        is_up = torch.rand(weight.shape, generator=random).to(weight.device) < 0.5
        weight.copy_(weight.nextafter(torch.where(is_up, torch.inf, -torch.inf)))


def _one_step(trial: _Trial) -> dict[str, Tensors]:
    with tf32_set_to(False):
        losses = _losses(trial.update(trial.batch(0)))
    return {
        "losses": losses,
        "gradients of D": trial.gradients(trial.players.discriminator),
        "gradients of G": trial.gradients(trial.players.generator),
    }


def _some_steps(trial: _Trial, change: Change | None = None) -> dict[str, Tensors]:
    """Three steps with new batches, after ``WARM_UP`` steps with one batch, as a capture makes."""
    losses: Tensors = {}
    with tf32_set_to(False):
        one_update: Update = trial.update
        if change is not None:
            one_update = change(trial.players, trial.update, trial.batch(0))
        else:
            for _ in range(WARM_UP):
                trial.update(trial.batch(0))
        for number in range(1, 4):
            found = _losses(one_update(trial.batch(number)))
            losses |= {f"{name} {number}": value for name, value in found.items()}
    return {"losses": losses, "changes of weights": trial.changes()}


def _losses(statistics: Tensors) -> Tensors:
    return {name: statistics[name].cpu() for name in ("loss_d", "loss_g")}


def resume_equality(asked: Asked) -> Iterator[Found]:
    """Whether a resumed run has the checkpoint of one that was not interrupted, bit for bit."""
    images, rows = 64 if asked.quick else 2048, []
    pixels = np.random.default_rng(0).integers(0, 256, (images, 3, 32, 32), dtype=np.uint8)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _save_images(pixels, folder / "images")
        paths = {"images on the device": pixels, "loader": folder / "images"}
        for precision in ("fp32",) if asked.quick else ("fp32", "bf16"):
            for number, (path, data) in enumerate(paths.items()):
                out = folder / f"{precision}{number}"
                unequal = _unequal_after_resume(data, out, asked, precision)
                found = ", ".join(unequal[:3]) + f" ({len(unequal)} in all)" * bool(unequal)
                row = {"": f"{path}, {precision}", "bit-identical": not unequal}
                rows.append({**row, "unequal": found or None})
                yield {"rows": rows}


def _save_images(pixel_NCHW: NDArray[np.uint8], folder: Path) -> None:
    folder.mkdir()
    for number, pixel_CHW in enumerate(pixel_NCHW):
        Image.fromarray(pixel_CHW.transpose(1, 2, 0)).save(folder / f"{number:05}.png")


def _unequal_after_resume(data: object, out: Path, asked: Asked, precision: str) -> list[str]:
    """Names of tensors that differ between a whole run and one in two parts."""
    settings: dict[str, Any] = {
        "deterministic": True,
        "metrics": {"metric": "off"},
        "records": {"tensorboard": False, "sheets": 1},
        "data": {"cache": "off", "duplicates": "keep"},
        "augment": {"policy": "color+translation+cutout", "probability": 0.5},
    }
    if isinstance(data, Path):
        settings["data"]["memory_gb"] = 0.0  # decoded when they are shown
    if asked.quick:
        settings["model"] = {"generator": {"width": 4}, "discriminator": {"width": 4}}
    batch = 8 if asked.quick else 64
    train = partial(
        dcgan.train,
        data,
        batch=batch,
        device=asked.device,
        precision=precision,
        threads=1,
        settings=settings,
        progress=False,
    )
    steps = 4 if asked.quick else 48
    whole = train(out=out / "whole", images=steps * batch)
    train(out=out / "parts", images=steps // 2 * batch)
    parts = train(out=out / "parts", images=steps * batch, resume=True)
    return unequal_tensors(whole.checkpoint, parts.checkpoint)


def unequal_tensors(one: Path, other: Path) -> list[str]:
    """Names of the tensors of two checkpoints that are not bit-identical."""
    found = []
    for part in sorted(path.stem for path in one.glob("*.safetensors")):
        ours, theirs = read_part(one, part), read_part(other, part)
        found += [
            f"{part}: {name}"
            for name in sorted(ours.keys() | theirs.keys())
            if name not in ours or name not in theirs or not torch.equal(ours[name], theirs[name])
        ]
    return found


# Speed


@dataclass(frozen=True)
class Way:
    """A way to train. ``kind`` names the plain one that it is compared with."""

    name: str
    kind: str
    precision: str
    build: Callable[[RunConfig, torch.device], Step]

    @property
    def label(self) -> str:
        """The name of its row."""
        return f"{self.name}, {self.precision}"


PLAIN = ("fp32", "tf32")
"""Precisions of the plain loop. PyTorch's default is TF32 for convolutions."""


def ways_to_train(names: str, workers: int) -> list[Way]:
    """The plain loop, and ours: its ``steps``, ``graphs`` or ``compiled`` networks."""
    loop, step = partial(plain_steps, workers=workers), plain_step
    found = [Way("plain loop", "loop", one, partial(_plain, loop, one)) for one in PLAIN]
    found += [Way("plain step", "step", one, partial(_plain, step, one)) for one in PLAIN]
    changes: dict[str, Change] = {"graphs": graphed, "compiled": compiled}
    for one in ("fp32", "tf32", "bf16"):
        found.append(Way("ours", "loop", one, partial(_ours, one, fresh=True)))
        if names == "steps":
            found.append(Way("our step", "step", one, partial(_ours, one, fresh=False)))
    precisions = {"graphs": ("fp32", "tf32", "bf16"), "compiled": ("fp32", "bf16")}
    for one in precisions.get(names, ()):  # compiling takes long
        build = partial(_ours, one, fresh=True, change=changes[names])
        found.append(Way(f"ours, {names}", "loop", one, build))
    return found


def _plain(
    build: Callable[[RunConfig, torch.device], Step],
    precision: str,
    config: RunConfig,
    device: torch.device,
) -> Step:
    step = build(config, device)

    def with_precision() -> None:
        with tf32_set_to(precision == "tf32"):
            step()

    return with_precision


def _ours(
    precision: str,
    config: RunConfig,
    device: torch.device,
    *,
    fresh: bool,
    change: Change | None = None,
) -> Step:
    of_products = "bf16" if precision == "bf16" else "fp32"
    config = parse_config(merge(config.model_dump(mode="json"), {"precision": of_products}))
    return our_steps(config, device, fresh=fresh, tf32=precision == "tf32", change=change)


RATIOS = (
    "Random images. All take turns; medians over the rounds, with quartiles in parentheses. Ratios"
    " are those of one round: of loops to the plain loop, of steps to the plain step. PyTorch's"
    " default for the plain loop is TF32."
)


def contest(asked: Asked, *, recipe: str, ways: str) -> Iterator[Found]:
    """Images per second of each way, in turns, and the peak memory of each."""
    device = choose_device(asked.device)
    config = _config(recipe, asked, batch=BATCH)
    able: list[tuple[Way, Entrant]] = []
    memory: dict[str, float | None] = {}
    failed: dict[str, str] = {}
    about = f"{config.data.size[0]}x{config.data.size[1]}, batch {config.optim.batch}. {RATIOS}"
    for way in ways_to_train(ways, 0 if asked.quick else WORKERS):
        entrant = Entrant(
            way.label, partial(way.build, config, device), device, resolved(config.optim.batch)
        )
        try:
            memory[way.label] = peak_mebibytes(entrant)
        except Exception as error:
            failed[way.label] = f"failed: {line_of(error)}"
        else:
            able.append((way, entrant))
        yield {"about": about, "rows": _rows(able, [], memory, failed)}
    rounds: list[Mapping[str, float]] = []
    entrants = [entrant for _, entrant in able]
    seconds = 0.01 if asked.quick else SECONDS
    for _, rates in compete(entrants, rounds=asked.rounds, seconds=seconds):
        rounds.append(rates)
        yield {"about": about, "rows": _rows(able, rounds, memory, failed), "rounds": rounds}


def peak_mebibytes(entrant: Entrant) -> float | None:
    """Peak GPU memory of building it and of its first steps, beyond what others hold already."""
    device, on_gpu = entrant.device, entrant.device.type == "cuda"
    before = torch.cuda.memory_allocated(device) if on_gpu else 0
    if on_gpu:
        torch.cuda.reset_peak_memory_stats(device)
    for _ in range(WARM_UP):
        entrant.step()
    synchronise(device)
    return (torch.cuda.max_memory_allocated(device) - before) / 2**20 if on_gpu else None


def _rows(
    able: Sequence[tuple[Way, Entrant]],
    rounds: Sequence[Mapping[str, float]],
    memory: Mapping[str, float | None],
    failed: Mapping[str, str],
) -> list[dict[str, Any]]:
    rows = []
    for way, _ in able:
        rates = [found[way.label] for found in rounds]
        row: dict[str, Any] = {"": way.label, "images/s": spread(rates) if rates else None}
        for precision in PLAIN:
            rival = f"plain {way.kind}, {precision}"
            ratios = ratios_to(rival, way.label, rounds)
            row[f"ratio to plain {precision}"] = spread(ratios) if ratios else None
        rows.append({**row, "peak MiB": memory[way.label], "rounds": len(rounds)})
    return rows + [{"": label, "images/s": error} for label, error in failed.items()]


def ratios_to(rival: str, label: str, rounds: Sequence[Mapping[str, float]]) -> list[float]:
    """Rates divided by the rival's of the same round; none for the rival itself."""
    if label == rival:
        return []
    return [found[label] / found[rival] for found in rounds if rival in found]


# Quality


def quality(asked: Asked, *, name: str) -> Iterator[Found]:
    """Scores over training time of `auto`, or of the plain loop with the paper's networks."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        source, note = _images_to_learn(asked, folder)
        seconds = 0.05 if asked.quick else {"auto": 75.0, "plain": 45.0}[name]
        first = seconds if asked.quick else seconds / 4
        task = time_to_quality.Task(
            source, asked.data_root, 0, seconds, first, size=32, device=asked.device
        )
        dataset = time_to_quality.open_data(task)
        measure = time_to_quality.Measuring(
            dataset, "pretrained", count=32 if asked.quick else 10_000, device=asked.device
        )
        about = (
            f"{note}. FD of {measure.count:,} images on the features of `pretrained`;"
            f" {measure.count:,} other real images score {measure.floor:.3g}; lower is better. The"
            " clock does not run during evaluations."
        )
        rows = []
        for took, images, draw in _snapshots(name, asked, task, folder):
            fd = measure(draw)["fd"]
            rows.append({"seconds": took, "images": images, "images/s": images / took, "FD": fd})
            save_image(sheet(draw(64)), asked.out / f"quality-{name}.png")
            yield {"about": about, "rows": rows}


def _images_to_learn(asked: Asked, folder: Path) -> tuple[str, str]:
    """What was asked for if it is there, else shapes; and which, in words."""
    if asked.quick:
        pixels = np.random.default_rng(0).integers(0, 256, (64, 3, 32, 32), dtype=np.uint8)
        _save_images(pixels, folder / "images")
        return str(folder / "images"), "Random images"
    try:
        open_source(asked.images, asked.data_root)
    except DataError as error:
        return "shapes", f"`shapes`, because of {str(error).partition('. ')[0]}"
    return asked.images, f"`{asked.images}`"


def _snapshots(
    name: str, asked: Asked, task: time_to_quality.Task, folder: Path
) -> Iterator[tuple[float, int, time_to_quality.Draw]]:
    small: dict[str, Any] = {"data": {"size": 32}}
    if asked.quick:
        small["data"]["cache"] = "off"
        small |= {"optim": {"batch": 4}, "precision": "fp32", "threads": 1}
    if name == "auto":
        if asked.quick:
            small["model"] = _narrow("auto")["model"]
        entered = time_to_quality.Contestant("auto", settings=small)
        return time_to_quality.recipe_snapshots(entered, task, folder, 0.0)
    entered = time_to_quality.contestants("cifar10")["paper-32"]
    settings = merge(entered.settings, small)
    if asked.quick:
        settings = merge(settings, {"model": _narrower(entered.settings["model"])})
    entered = replace(entered, loop="plain", settings=settings)
    return time_to_quality.plain_snapshots(entered, task, folder, 0.0)


# Configurations


def _config(
    recipe: str, asked: Asked, *, batch: int, settings: Mapping[str, Any] | None = None
) -> RunConfig:
    """The recipe's configuration; with ``quick``, few filters and a small batch. fp32 if neither
    the recipe nor ``settings`` says otherwise."""
    settings = merge({"precision": "fp32"}, settings or {})
    if asked.quick:
        settings, batch = merge(settings, _narrow(recipe)), 4
    return open_config(recipe, None, batch, CPU, settings)


def _narrow(recipe: str) -> dict[str, Any]:
    """Settings that give a recipe few filters."""
    model = load_recipe(recipe)["model"] if recipe != "auto" else {}
    if not model:
        player = {"width": 4}
        return {"data": {"size": 16}, "model": {"generator": player, "discriminator": player}}
    return {"model": _narrower(model)}


def _narrower(model: Mapping[str, Any]) -> dict[str, Any]:
    """The layers of both networks with a 64th of their filters."""
    return {
        player: {
            "layers": [
                {
                    key: max(1, value // 64) if _is_wide(key, value) else value
                    for key, value in layer.items()
                }
                for layer in model[player]["layers"]
            ]
        }
        for player in ("generator", "discriminator")
    }


def _is_wide(key: str, value: object) -> bool:
    return key in {"conv", "conv_transpose"} and isinstance(value, int) and value > 3
