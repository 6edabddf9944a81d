"""What every contestant of `peers.py` shares: it trains for so many seconds whenever it is told to.

Needs nothing but NumPy, because the contestants live in different environments.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np


def random_images(task: dict[str, Any]) -> np.ndarray:
    """The same uint8 images (N, H, W, C) for all."""
    channels, height, width = task["networks"]["image_shape"]
    shape = (task["images"], height, width, channels)
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


def take_turns(build: Callable[[dict[str, Any]], tuple[Callable[[], float], int]]) -> None:
    """Read a task, then seconds, one line each; answer each with a line, the task after one step.

    ``build`` turns the task into a step, which trains on the next batch and returns D's loss once
    it is computed, and the number of trained weights.
    """
    answers, sys.stdout = sys.stdout, sys.stderr  # libraries may print
    task = json.loads(sys.stdin.readline())
    step, weights = build(task)
    first_loss = step()

    def answer(**found: Any) -> None:
        print(json.dumps(found), file=answers, flush=True)

    answer(weights=weights, first_loss=first_loss)
    for line in sys.stdin:
        seconds, steps, began, busy = float(line), 0, time.perf_counter(), time.process_time()
        while (passed := time.perf_counter() - began) < seconds:
            step()
            steps += 1
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        busy = time.process_time() - busy
        images = steps * task["batch"]
        answer(rate=images / passed, core_rate=images / busy, peak_memory=1024 * peak)
