"""The parts of `gpu.sh` about speed and memory: ours and the plain loop, in turns."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from gpu import line_of
from gpu_capture import compiled, graphed
from gpu_setup import Asked, Found, config_of

from dcgan.bench.contest import (
    WARM_UP,
    Change,
    Step,
    compete,
    our_steps,
    plain_step,
    plain_steps,
    tf32_set_to,
)
from dcgan.bench.contest import Contestant as Entrant
from dcgan.bench.table import spread
from dcgan.config import RunConfig, merge, parse_config, resolved
from dcgan.runtime.device import choose_device, synchronize

BATCH, SECONDS, WORKERS = 128, 0.6, 2
"""Of the contests: images per step, seconds per contestant and round, and processes of the plain
loop's DataLoader, as many as in the standard PyTorch DCGAN example."""


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
    config = config_of(recipe, asked, batch=BATCH)
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
    synchronize(device)  # starts CUDA, without which there are no statistics to reset
    before = torch.cuda.memory_allocated(device) if on_gpu else 0
    if on_gpu:
        torch.cuda.reset_peak_memory_stats(device)
    for _ in range(WARM_UP):
        entrant.step()
    synchronize(device)
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
