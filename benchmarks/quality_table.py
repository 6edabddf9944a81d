"""Print the results of `time_to_quality.py` over all seeds as tables.

    python benchmarks/quality_table.py mnist [CONTESTANT ...]
        [--to plain-loop] [--until SECONDS] [--results DIR]

Prints three Markdown tables: the final scores of each contestant (median of its seeds, minimum and
maximum in parentheses), its scores over time, and, with ``--to``, how soon each contestant reached
the final FD of the named one (median of its seeds). Times are interpolated linearly in both
logarithms, or are the first scoring. A single seed has no spread. A seed that never reached the FD
counts as slower than all others. ``--until`` leaves out later scores.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Sequence
from math import exp, inf, isinf, log
from pathlib import Path
from statistics import median
from typing import Any

HERE = Path(__file__).parent

Run = dict[str, Any]


_SAME = 1.05
"""Times of different seeds that lie within this factor share one row."""


def read_runs(folder: Path, names: Sequence[str], until: float = inf) -> dict[str, list[Run]]:
    """All results by contestant, of the named ones or all, up to ``until`` seconds."""
    runs: dict[str, list[Run]] = {}
    for path in sorted(folder.glob("*.json")):
        run = json.loads(path.read_text(encoding="utf-8"))
        if not names or run["contestant"] in names:
            run["points"] = [one for one in run["points"] if one["seconds"] < until * _SAME]
            runs.setdefault(run["contestant"], []).append(run)
    return runs


def seconds_to(run: Run, level: float) -> float:
    """When the distance was first at most ``level``; infinite: never."""
    before = None
    for point in run["points"]:
        if point["fd"] <= level:
            if before is None:
                return float(point["seconds"])
            share = log(before["fd"] / level) / log(before["fd"] / point["fd"])
            return before["seconds"] * exp(share * log(point["seconds"] / before["seconds"]))
        before = point
    return inf


def spread(values: Iterable[float], form: str = ".3g") -> str:
    """Median, and minimum to maximum if there are several values."""
    ordered = sorted(values)

    def shown(value: float) -> str:
        return "never" if isinf(value) else f"{value:{form}}"

    if len(ordered) == 1:
        return shown(ordered[0])
    return f"{shown(median(ordered))} ({shown(ordered[0])} to {shown(ordered[-1])})"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def ends(runs: dict[str, list[Run]]) -> str:
    """Final scores of each contestant, with shares of the classes if the extractor gives them."""
    last_points = [run["points"][-1] for found in runs.values() for run in found]
    extremes = (min, max) if all("shares" in point for point in last_points) else ()

    def row(name: str, found: list[Run]) -> list[str]:
        last = [run["points"][-1] for run in found]
        return [
            f"`{name}`",
            " ".join(str(run["seed"]) for run in found),
            spread((point["seconds"] for point in last), ",.0f"),
            spread((point["images"] for point in last), ",.0f"),
            spread(point["fd"] for point in last),
            *(
                spread((100 * extreme(point["shares"]) for point in last), ".1f")
                for extreme in extremes
            ),
        ]

    shares = ["rarest class, %", "most frequent class, %"][: len(extremes)]
    head = ["contestant", "seeds", "seconds", "images", "FD", *shares]
    return table(head, (row(name, found) for name, found in runs.items()))


def course(runs: dict[str, list[Run]]) -> str:
    """FD of each contestant over time."""
    stops: list[float] = []
    points = [point for found in runs.values() for run in found for point in run["points"]]
    for second in sorted(point["seconds"] for point in points):
        if not stops or second > _SAME * stops[-1]:
            stops.append(second)

    def at(found: list[Run], stop: float) -> str:
        near = (
            [point["fd"] for point in run["points"] if stop <= point["seconds"] <= _SAME * stop]
            for run in found
        )
        there = [distances[-1] for distances in near if distances]
        if not there:
            return ""
        return spread(there) + (
            f", {len(there)} of {len(found)}" if len(there) < len(found) else ""
        )

    rows = ([f"{stop:,.0f}", *(at(found, stop) for found in runs.values())] for stop in stops)
    return table(["seconds", *(f"`{name}`" for name in runs)], rows)


def how_soon(runs: dict[str, list[Run]], to: str) -> str:
    """How soon each contestant reached the final FD of ``to``."""
    level = median(run["points"][-1]["fd"] for run in runs[to])
    took = median(run["points"][-1]["seconds"] for run in runs[to])
    rows = []
    for name, found in runs.items():
        if name == to:
            continue
        seconds = [seconds_to(run, level) for run in found]
        nearest = median(min(point["fd"] for point in run["points"]) for run in found)
        sooner = "" if isinf(median(seconds)) else f"1/{took / median(seconds):.0f}"
        rows.append([f"`{name}`", spread(seconds, ",.0f"), sooner, f"1/{level / nearest:.1f}"])
    head = [
        "contestant",
        f"seconds to FD {level:.3g}",
        f"fraction of {took:,.0f} seconds",
        f"best FD as a fraction of {level:.3g}",
    ]
    return table(head, rows)


def main() -> None:
    """Print what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", help="mnist, or cifar10")
    parser.add_argument("names", nargs="*", metavar="CONTESTANT")
    parser.add_argument("--to", help="contestant whose final FD the others have to reach")
    parser.add_argument("--until", type=float, default=inf, help="ignore later scores (seconds)")
    parser.add_argument("--results", type=Path, default=HERE / "results")
    asked = parser.parse_args()
    names = [*asked.names, asked.to] if asked.names and asked.to else asked.names
    runs = read_runs(asked.results / asked.data, names, asked.until)
    one = next(iter(runs.values()))[0]
    print(f"{one['extractor']}; {one['count']:,} other real images: {one['floor']:.3f}\n")
    print(ends(runs))
    print(course(runs))
    if asked.to:
        print(how_soon(runs, asked.to))


if __name__ == "__main__":
    main()
