"""Time a recipe, from its name to the numbers."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import torch

from dcgan.bench.contest import compete, contestants, results
from dcgan.bench.limits import copy_rate, matrix_rate
from dcgan.bench.memory import peak_memory
from dcgan.bench.table import row
from dcgan.config import RunConfig, merge, parse_config
from dcgan.data import Survey
from dcgan.errors import ConfigError
from dcgan.layer_tables import resolve_networks
from dcgan.runtime.device import DTYPES, choose_device, choose_precision, describe_hardware
from dcgan.runtime.reporting import SILENT, Reporter
from dcgan.runtime.wording import counted
from dcgan.training.planning.arguments import collect_settings
from dcgan.training.planning.auto import resolve_auto

_SIDE, _BATCH = 64, 64
"""Defaults for recipes without them, as in the standard PyTorch DCGAN example."""

_COUNT = 60_000
"""Images in the dataset that ``auto`` assumes."""

_MOST_ROUNDS = 1000


def measure(
    recipe: str,
    *,
    size: str | None = None,
    batch: int | None = None,
    rounds: int = 5,
    seconds: float = 2.0,
    workers: int = 0,
    device: str = "auto",
    precision: str = "auto",
    with_memory: bool = True,
    reporter: Reporter = SILENT,
) -> dict[str, Any]:
    """The numbers of ``dcgan bench``. Parameters are those of the command.

    The dictionary has ``matrix_rates`` in FLOP/s by precision, ``copy_rate`` in bytes/s, and
    ``results`` of :func:`dcgan.bench.table.row`, with ``peak_memory`` in bytes if ``with_memory``
    and it is known.
    """
    if not 1 <= rounds <= _MOST_ROUNDS:
        raise ConfigError("rounds", rounds, f"from 1 to {_MOST_ROUNDS:,}")
    if not 0 < seconds <= 3600:
        raise ConfigError("seconds", seconds, "above 0 and at most 3,600")
    if workers < 0:
        raise ConfigError("workers", workers, "0 or more")
    place = choose_device(device)
    config = open_config(recipe, size, batch, place)
    precisions = _precisions(precision, place)
    resolve_networks(config)  # refuses a size that its layers do not make
    entered = contestants(config, place, precisions, workers)
    hardware = describe_hardware(place)
    about = (
        f"{recipe}, {config.data.size[0]}x{config.data.size[1]}x{config.data.channels}, batch"
        f" {config.optim.batch}; {hardware['device']}, {hardware['threads']} threads, torch"
        f" {torch.__version__}, {date.today()}; {counted(rounds, 'round')} of {seconds:g} s each"
    )
    reporter.note(about)
    matrix_rates = {name: matrix_rate(place, dtype) for name, dtype in DTYPES.items()}
    copied = copy_rate(place)
    reporter.note(
        f"limits: matrix products {matrix_rates['fp32'] / 1e9:,.0f} GFLOP/s in fp32,"
        f" {matrix_rates['bf16'] / 1e9:,.0f} in bf16; copies {copied / 1e9:.1f} GB/s"
    )
    rates = [found for _, found in compete(entered, rounds=rounds, seconds=seconds)]
    rows = []
    for result in results(entered, rates):
        name = "bf16" if result.contestant.precision is torch.bfloat16 else "fp32"
        found = row(result, matrix_rates[name], copied)
        if with_memory:
            peak = peak_memory(config, result.contestant.name, place, precisions)
            found |= {} if peak is None else {"peak_memory": peak}
        rows.append(found)
    return {
        "about": about,
        "recipe": recipe,
        "device": str(place),
        "hardware": hardware,
        "date": f"{date.today()}",
        "torch": torch.__version__,
        "matrix_rates": matrix_rates,
        "copy_rate": copied,
        "results": rows,
    }


def open_config(
    recipe: str,
    size: str | None,
    batch: int | None,
    device: torch.device,
    settings: Mapping[str, Any] | None = None,
) -> RunConfig:
    """The recipe's configuration without ``auto``, with ``settings`` in place of its own; images
    are in color unless it says otherwise."""
    shortcuts = {"size": size, "batch": batch}
    config = parse_config(
        collect_settings(None, recipe=recipe, shortcuts=shortcuts, settings=settings or {})
    )
    left_open: dict[str, Any] = {}
    if config.data.size == "auto":
        left_open = merge(left_open, {"data": {"size": _SIDE}})
    if config.optim.batch == "auto":
        left_open = merge(left_open, {"optim": {"batch": _BATCH}})
    config = parse_config(merge(config.model_dump(mode="json"), left_open))
    seen = Survey(
        count=_COUNT,
        looked_at=1,
        modes={"RGB": 1},
        sizes={(_SIDE, _SIDE): 1},
        labels={},
        skipped=(),
        ignored=0,
    )
    return resolve_auto(config, seen, device)[0]


def _precisions(asked: str, device: torch.device) -> tuple[str, ...]:
    if asked in {"fp32", "bf16"}:
        return (asked,)
    native = choose_precision("auto", device) is torch.bfloat16
    return ("fp32", "bf16") if native or asked == "both" else ("fp32",)
