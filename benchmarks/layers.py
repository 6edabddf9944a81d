"""Time each convolution of a recipe in several exact forms, on one thread, beside the matrix rate.

    python benchmarks/layers.py [RECIPE[@SIDExCHANNELS] ...] [--results DIR]

The forms of a pass (the output, the gradient of the input, that of the weights):

- plain: PyTorch's convolution on images in the order (C, H, W);
- channels last: the same on images in the order (H, W, C), which training uses;
- product: one matrix product, after gathering the pixels of each window, or before adding up
  overlapping windows.

All three compute the same numbers up to rounding. "As it is" adds up a step in the order (H, W, C),
"fastest" takes the fastest form of each pass, and "matrix rate" is the time of the multiplications
alone at the rate of a large matrix product. Rows that are computed as matrix products are left out.

B batch · I, O channels · H, W sides · K kernel
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import fold, unfold

from dcgan.bench.limits import matrix_rate
from dcgan.bench.report import open_config
from dcgan.config import resolved
from dcgan.layer_tables import resolve_networks
from dcgan.models.geometry import layer_shapes
from dcgan.models.table import Layer
from dcgan.runtime.device import describe_hardware

HERE = Path(__file__).parent
RECIPES = ("small-mnist", "auto@28x1", "auto@32x3", "auto@64x3", str(HERE / "example64.yaml"))
PASSES = ("output", "input", "weights")
_REPEATS, _SECONDS = 15, 0.02

Forms = dict[str, Callable[[], object]]


@dataclass(frozen=True)
class Convolution:
    """One row of a table, with the shape (C, H, W) of its input."""

    row: Layer
    entering: tuple[int, int, int]
    leaving: tuple[int, int, int]
    batch: int

    @property
    def is_transposed(self) -> bool:
        """Whether it enlarges."""
        return self.row.operation == "conv_transpose"

    @property
    def operations(self) -> float:
        """Multiplications and additions of each of its passes."""
        small = self.entering if self.is_transposed else self.leaving
        kernel = self.row.kernel[0] * self.row.kernel[1]
        return 2 * self.batch * self.entering[0] * self.leaving[0] * kernel * small[1] * small[2]

    def forms(self) -> dict[str, Forms]:
        """Functions that compute each pass, by pass and form."""
        row = self.row
        given_BIHW = torch.randn(self.batch, *self.entering)
        gradient_BOHW = torch.randn(self.batch, *self.leaving)
        channels = (self.entering[0], self.leaving[0])
        weight = torch.randn(*(channels if self.is_transposed else channels[::-1]), *row.kernel)
        found: dict[str, Forms] = {name: {} for name in PASSES}
        for name, layout in (
            ("plain", torch.contiguous_format),
            ("channels last", torch.channels_last),
        ):
            placed = (
                one.contiguous(memory_format=layout) for one in (given_BIHW, weight, gradient_BOHW)
            )
            for one, call in self._of_pytorch(*placed).items():
                found[one][name] = call
        for one, call in self._products(given_BIHW, weight, gradient_BOHW).items():
            found[one]["product"] = call
        return found

    def _of_pytorch(self, given: Tensor, weight: Tensor, gradient: Tensor) -> Forms:
        row = self.row
        one = torch.nn.functional.conv_transpose2d if self.is_transposed else torch.conv2d
        backward = partial(
            torch.ops.aten.convolution_backward,
            *(gradient, given, weight, None, row.stride, row.padding, (1, 1)),
            *(self.is_transposed, row.output_padding, 1),
        )
        return {
            "output": lambda: one(given, weight, None, row.stride, row.padding),
            "input": lambda: backward((True, False, False)),
            "weights": lambda: backward((False, True, False)),
        }

    def _products(self, given: Tensor, weight: Tensor, gradient: Tensor) -> Forms:
        """A convolution gathers windows of the larger image, a transposed one adds them up."""
        row = self.row
        large, small = (gradient, given) if self.is_transposed else (given, gradient)
        matrix, side = weight.flatten(1), large.shape[2:]
        small_BCP = small.flatten(2)

        def gathered() -> Tensor:
            return unfold(large, row.kernel, padding=row.padding, stride=row.stride)

        def gather() -> Tensor:
            return torch.matmul(matrix, gathered())

        def spread() -> Tensor:
            windows = torch.matmul(matrix.t(), small_BCP)
            return fold(windows, side, row.kernel, padding=row.padding, stride=row.stride)

        def weights() -> Tensor:
            rows = gathered().transpose(0, 1).flatten(1)
            return torch.matmul(small_BCP.transpose(0, 1).flatten(1), rows.t())

        output, of_input = (spread, gather) if self.is_transposed else (gather, spread)
        return {"output": output, "input": of_input, "weights": weights}


def milliseconds(call: Callable[[], object]) -> float:
    """Processor time of a call, the best of several turns."""
    call()
    best = float("inf")
    for _ in range(_REPEATS):
        began, calls = time.process_time(), 0
        while (passed := time.process_time() - began) < _SECONDS or calls == 0:
            call()
            calls += 1
        best = min(best, 1000 * passed / calls)
    return best


def convolutions(
    table: tuple[Layer, ...], shape: tuple[int, int, int], batch: int
) -> Iterator[Convolution]:
    """The rows that are not computed as matrix products."""
    shapes = [shape, *layer_shapes(table, shape)]
    for row, entering, leaving in zip(table, shapes, shapes[1:], strict=False):
        if row.operation == "linear" or len(entering) < 3 or len(leaving) < 3:
            continue
        if (1, 1) not in (entering[1:], leaving[1:]):
            yield Convolution(row, entering, leaving, batch)


def measured(name: str, rate: float) -> dict[str, Any]:
    """The times of all layers, and of the convolutions of a step."""
    recipe, _, shape = name.partition("@")
    side, _, channels = shape.partition("x")
    settings = {"data": {"channels": int(channels)}} if channels else None
    config = open_config(recipe, side or None, None, torch.device("cpu"), settings)
    networks, batch = resolve_networks(config), resolved(config.optim.batch)
    latent_shape = networks.latent_shape or (networks.latent.width, 1, 1)
    rows, step = list[dict[str, Any]](), {"as it is": 0.0, "fastest": 0.0, "matrix rate": 0.0}
    for player, table, given in (
        ("G", networks.generator, latent_shape),
        ("D", networks.discriminator, networks.image_shape),
    ):
        for number, one in enumerate(convolutions(table, given, batch)):
            is_first = player == "D" and number == 0
            # D judges real images, generated ones, and these again for G, without its weights
            times = (1, 1, 1) if player == "G" else (3, 1 if is_first else 3, 2)
            found = {
                name: {form: round(milliseconds(call), 3) for form, call in calls.items()}
                for name, calls in one.forms().items()
            }
            at_rate = 1000 * one.operations / rate
            for pass_, count in zip(PASSES, times, strict=True):
                step["as it is"] += count * found[pass_]["channels last"]
                step["fastest"] += count * min(found[pass_].values())
                step["matrix rate"] += count * at_rate
            rows.append(
                {
                    "layer": f"{player}: {one.row.operation.replace('_', ' ')}"
                    f" {'×'.join(map(str, one.entering))} → {'×'.join(map(str, one.leaving))}",
                    "matrix rate": round(at_rate, 3),
                    **found,
                }
            )
    return {"recipe": Path(name).stem, "batch": batch, "layers": rows, "step": step}


def table_of(found: dict[str, Any]) -> str:
    """The results as Markdown."""
    lines = [
        f"`{found['recipe']}`, batch {found['batch']}, milliseconds:",
        "",
        "| layer | matrix rate | output: plain, last, product | gradient of the input |"
        " gradient of the weights |",
        "|---|---|---|---|---|",
    ]
    for row in found["layers"]:
        cells = []
        for name in PASSES:
            best = min(row[name].values())
            cells.append(
                ", ".join(
                    f"**{value:.2f}**" if value == best else f"{value:.2f}"
                    for value in row[name].values()
                )
            )
        lines.append(f"| {row['layer']} | {row['matrix rate']:.2f} | {' | '.join(cells)} |")
    step = ", ".join(f"{name} {value:.1f}" for name, value in found["step"].items())
    return "\n".join([*lines, "", f"All convolutions of a step: {step}."])


def main() -> None:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("recipes", nargs="*", default=RECIPES, metavar="RECIPE")
    parser.add_argument("--results", type=Path, default=HERE / "results")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    rate = matrix_rate(torch.device("cpu"), torch.float32)
    found = {
        "date": f"{date.today()}",
        "hardware": describe_hardware(torch.device("cpu")),
        "torch": torch.__version__,
        "matrix_rate": rate,
        "recipes": [measured(name, rate) for name in asked.recipes],
    }
    (asked.results / "layers.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print(f"Matrix rate {rate / 1e9:.0f} GFLOP/s.\n")
    for one in found["recipes"]:
        print(table_of(one), end="\n\n")


if __name__ == "__main__":
    main()
