"""The results of a contest as JSON and as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median, quantiles
from typing import Any

from dcgan.bench.contest import Result

HEAD = (
    "",
    "images/s",
    "ratio",
    "GFLOP/image",
    "MB/image",
    "of matrix rate",
    "of copy rate",
    "peak MiB",
)


def row(result: Result, matrix_rate: float, copy_rate: float) -> dict[str, Any]:
    """The numbers of one contestant, on a machine of these FLOP/s and bytes/s.

    ``images_per_second`` and ``ratio`` are lower quartile, median and upper quartile;
    ``share_of_matrix_rate`` and ``share_of_copy_rate``, 0 to 1, are the time of the work at these
    rates divided by the measured time.
    """
    one, rate = result.contestant, median(result.rates)
    flops, moved = result.work.flops / one.batch, result.work.bytes / one.batch
    return {
        "name": one.name,
        "images_per_second": spread(result.rates),
        "ratio": spread(result.ratios) if result.ratios else None,
        "ratio_to": one.rival,
        "flops_per_image": flops,
        "bytes_per_image": moved,
        "share_of_matrix_rate": rate * flops / matrix_rate,
        "share_of_copy_rate": rate * moved / copy_rate,
    }


def cells(found: Mapping[str, Any]) -> list[str]:
    """One row of the table, below :data:`HEAD`."""
    ratio = found["ratio"]
    return [
        str(found["name"]),
        f"{found['images_per_second'][1]:,.0f}",
        f"{ratio[1]:.2f} ({ratio[0]:.2f} to {ratio[2]:.2f})" if ratio else "",
        f"{found['flops_per_image'] / 1e9:.3f}",
        f"{found['bytes_per_image'] / 1e6:.1f}",
        f"{found['share_of_matrix_rate']:.0%}",
        f"{found['share_of_copy_rate']:.0%}",
        f"{found['peak_memory'] / 2**20:,.0f}" if "peak_memory" in found else "",
    ]


def markdown(rows: Sequence[Mapping[str, Any]]) -> str:
    """The table as Markdown."""
    lines = [list(HEAD), ["---"] * len(HEAD), *(cells(found) for found in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def spread(values: Sequence[float]) -> list[float]:
    """Lower quartile, median, upper quartile."""
    if len(values) < 2:
        return [values[0]] * 3
    low, _, high = quantiles(values, n=4, method="inclusive")
    return [low, median(values), high]
