"""Sizes, errors and speed of each export format: prints the tables of ``export.md``.

    OMP_NUM_THREADS=1 python benchmarks/export.py

It trains two `auto` generators briefly: sizes and speed do not depend on how well they are trained.
The error of low precisions does a little, so it is for orientation.
"""

from __future__ import annotations

import argparse
import platform
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnxruntime
import torch

import dcgan
from dcgan.exchange.onnx_file import OPSET

RUNS = {"28×28 gray": ("digits", 28, 3_000), "64×64 color": ("shapes", 64, 640)}
FORMATS = (
    ("weights", "fp32"),
    ("weights", "fp16"),
    ("torch", "fp32"),
    ("onnx", "fp32"),
    ("onnx", "fp16"),
    ("onnx", "int8"),
)
SUFFIX = {"weights": "", "torch": ".pt2", "onnx": ".onnx"}
BATCHES = (1, 64)


def main(seconds: float) -> None:
    print(f"{platform.processor() or platform.machine()}, {torch.get_num_threads()} thread(s),")
    print(f"torch {torch.__version__}, onnxruntime {onnxruntime.__version__}, opset {OPSET}")
    with tempfile.TemporaryDirectory() as folder:
        for title, (data, size, images) in RUNS.items():
            out = Path(folder) / data
            run = dcgan.train(data, size=size, images=images, out=out, progress=False)
            print_table(title, dcgan.open_run(run.path, "last"), Path(folder) / f"{data}-", seconds)


def print_table(title: str, run: dcgan.Run, prefix: Path, seconds: float) -> None:
    weights = sum(value.numel() for value in run.generator.parameters())
    print(f"\n### {title}, {weights:,} weights\n")
    print("| format | file | largest error | mean error | images/s, batch 1 | batch 64 |")
    print("|---|---|---|---|---|---|")
    print(row("`run.generate`", "", run.generate, run, seconds))
    for to, precision in FORMATS:
        path = prefix.with_name(f"{prefix.name}{to}-{precision}{SUFFIX[to]}")
        found = run.export(to, path, precision=precision, progress=False)
        size = found.sizes.get("generator.safetensors") or sum(found.sizes.values())
        error = found.difference
        assert error is not None
        cells = f"{size / 1e6:.2f} MB | {error.largest:.1g} | {error.mean:.1g}"
        print(row(f"{to}, {precision}", cells, generator_of(to, path), run, seconds))


def generator_of(to: str, path: Path) -> Callable[[torch.Tensor], object]:
    """Generates images of latents with an exported file."""
    if to == "weights":
        return dcgan.load(path).generate
    if to == "torch":
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return torch.export.load(path).module()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return lambda latent: session.run(None, {"latent": latent.numpy()})


def row(
    name: str,
    cells: str,
    generate: Callable[[torch.Tensor], object],
    run: dcgan.Run,
    seconds: float,
) -> str:
    speeds = [images_per_second(generate, run, batch, seconds) for batch in BATCHES]
    return f"| {name} | {cells or ' | | '} | {' | '.join(f'{speed:,.0f}' for speed in speeds)} |"


@torch.inference_mode()
def images_per_second(
    generate: Callable[[torch.Tensor], object], run: dcgan.Run, batch: int, seconds: float
) -> float:
    """The fastest of many calls: others that use the machine only make calls slower."""
    latent = run.networks.latent.numbered(0, 0, batch)
    generate(latent)
    times, until = [], time.perf_counter() + seconds
    while len(times) < 3 or time.perf_counter() < until:
        start = time.perf_counter()
        generate(latent)
        times.append(time.perf_counter() - start)
    return batch / float(np.min(times))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=3.0, help="of timing, for each number")
    main(parser.parse_args().seconds)
