"""Which precision and how many threads train fastest on this machine, by timing."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any, Literal

import torch

from dcgan.config import RunConfig, with_settings
from dcgan.config.fields import thread_changes
from dcgan.errors import ConfigError
from dcgan.runs.networks import Networks
from dcgan.runtime.cache import cache_folder
from dcgan.runtime.device import device_name, has_native_bf16, stated_bf16
from dcgan.runtime.files import write_json
from dcgan.runtime.load import free_cores, usage
from dcgan.runtime.reading import read_json
from dcgan.training.planning.threads import Threads, thread_choices
from dcgan.vocabulary import Precision

_GAIN = 1.05
"""More threads, or bf16, must be this many times as fast: speeds are not measured more exactly,
fewer threads leave cores to others, and fp32 is more exact."""

_KEPT = 500
"""Comparisons of precisions that are kept in the cache."""


@dataclass(frozen=True)
class ComputeMode:
    """A way to compute the same steps.

    Parameters
    ----------
    precision : {"fp32", "bf16"}
        Of matrix products.
    threads : int
        Of PyTorch's operations on a CPU; has no effect on other devices.
    """

    precision: Precision
    threads: int


@dataclass(frozen=True)
class SpeedComparison:
    """How fast each mode is.

    Parameters
    ----------
    speeds : mapping of ComputeMode to float
        Images per second, above 0, of the modes that are worth trying.
    has_stepped : bool
        Whether whole steps were timed; otherwise the speeds are estimates from a forward pass.
    """

    speeds: Mapping[ComputeMode, float]
    has_stepped: bool


SpeedRace = Callable[[RunConfig, Networks, torch.device, list[ComputeMode]], SpeedComparison]
"""Times modes: :func:`dcgan.training.trial.compare_speeds`."""


def open_modes(config: RunConfig, device: torch.device) -> list[ComputeMode]:
    """The modes that ``precision`` and ``threads`` leave open."""
    most = torch.get_num_threads()
    if config.threads != "auto":
        threads: tuple[int, ...] = (thread_changes(config.threads)[0][1],)
    else:
        threads = thread_choices(most) if device.type == "cpu" else (most,)
    precision = config.precision
    precisions = open_precisions(device) if precision == "auto" else (precision,)
    return [ComputeMode(*mode) for mode in product(precisions, threads)]


def open_precisions(device: torch.device) -> tuple[Precision, ...]:
    """What ``precision: auto`` chooses from; bf16 that is emulated is never faster."""
    stated = stated_bf16() if device.type == "cpu" else None
    if stated is not None:
        return ("bf16",) if stated else ("fp32",)
    return ("fp32", "bf16") if has_native_bf16(device) else ("fp32",)


def resolve_speed(
    config: RunConfig,
    networks: Networks,
    device: torch.device,
    compare: SpeedRace,
    processes: int = 1,
    *,
    may_change: bool = True,
) -> tuple[RunConfig, Threads, str | None]:
    """Fill ``precision: auto`` and, on a CPU, ``threads: auto``, by timing real steps.

    Parameters
    ----------
    compare : callable
        See ``SpeedRace``.
    processes : int
        Several share the cores as they were told at their start: their threads stay as they are.
    may_change : bool
        Whether nobody asked for a number of threads, so that the number of an earlier start may be
        lowered to what this machine has, and may change later.

    Returns
    -------
    (RunConfig, Threads, str or None)
        The string says what was chosen; None if there was nothing to choose.
    """
    most, reasons = torch.get_num_threads(), list[str]()
    chosen: Literal["timed", "asked", "given"]
    is_fixed = device.type != "cpu" or processes > 1
    if config.threads != "auto":
        chosen = "asked" if not may_change else "given" if is_fixed else "timed"
        threads = Threads(thread_changes(config.threads), most, chosen)
        if may_change:
            threads = threads.changed(0, min(threads.number, most))
        if len(threads.changes) > 1 and processes > 1:
            raise ConfigError(
                "threads", config.threads, f"must be one number for {processes} processes"
            )
    elif is_fixed or most == 1:
        threads = Threads(((0, most),), most, "given" if is_fixed else "timed")
    else:
        threads = _fastest_threads(config, networks, device, compare, most)
        number = threads.number
        reasons.append(f"{number} threads" if number == most else f"{number} of {most} threads")
    if config.threads == "auto" and not is_fixed:
        config = with_settings(config, {"threads": threads.number})
    if config.precision == "auto":
        precision, reason = _fastest_precision(config, networks, device, compare, threads.number)
        config = with_settings(config, {"precision": precision})
        reasons += [reason] if reason else []
    return config, threads, ", ".join(reasons) or None


def _fastest_threads(
    config: RunConfig, networks: Networks, device: torch.device, compare: SpeedRace, most: int
) -> Threads:
    """The fewest threads that train about as fast as one, half or all do at their best."""
    threads = Threads(((0, most),), most, "timed")
    precision: Precision = "bf16" if config.precision == "bf16" else "fp32"
    modes = [ComputeMode(precision, number) for number in thread_choices(most)]
    before = usage()
    found = compare(config, networks, device, modes)
    free = free_cores(before, usage())
    speeds = {mode.threads: speed for mode, speed in found.speeds.items()}
    if found.has_stepped:  # estimates cannot be compared with the speed of the run
        for number, speed in speeds.items():
            threads = threads.changed(0, number).observed(speed, free)
    chosen = min(number for number in speeds if _GAIN * speeds[number] >= max(speeds.values()))
    return threads.changed(0, chosen)


def _fastest_precision(
    config: RunConfig, networks: Networks, device: torch.device, compare: SpeedRace, threads: int
) -> tuple[Precision, str | None]:
    """bf16 if it trains faster than fp32, and the reason in words.

    Each kind of run is timed only once on a machine: the result is kept in the cache folder.
    """
    precisions = open_precisions(device)
    if len(precisions) == 1:
        return precisions[0], None
    fp32, bf16 = ComputeMode("fp32", threads), ComputeMode("bf16", threads)
    key = _key(config, networks, device, threads)
    known = _remembered().get(key)
    if not (isinstance(known, float) and known > 0):
        found = compare(config, networks, device, [fp32, bf16])
        known = round(found.speeds[bf16] / found.speeds[fp32], 3)
        _remember(key, known)
    chosen: Precision = "bf16" if known >= _GAIN else "fp32"
    if chosen == "bf16":
        return chosen, f"bf16 ({known:.2g} times as fast as fp32)"
    return chosen, f"fp32 (bf16 is {'slower' if known < 1 else 'not clearly faster'} here)"


def _key(config: RunConfig, networks: Networks, device: torch.device, threads: int) -> str:
    """What the speeds of both precisions depend on."""
    what = {
        "device": device_name(device),
        "torch": torch.__version__,
        "threads": threads,
        "networks": {k: v for k, v in networks.to_json().items() if k != "scale"},
        "batch": config.optim.batch,
        "settings": config.model_dump(mode="json", include={"objective", "augment"}),
    }
    return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()[:24]


def _remembered() -> Mapping[str, Any]:
    """Ratios by key; none where the file is missing, damaged or cannot be read."""
    with suppress(OSError, ValueError):
        return read_json(_file())
    return {}


def _remember(key: str, ratio: float) -> None:
    """Keep a ratio; a full or read-only disk does not stop a run."""
    kept = {**_remembered(), key: ratio}
    with suppress(OSError):
        write_json(_file(), dict(list(kept.items())[-_KEPT:]))


def _file() -> Path:
    return cache_folder() / "precision.json"
