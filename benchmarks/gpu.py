"""Run the parts of `gpu.sh`, each in a process and with a time limit, and write the table.

Needs only Python's standard library, so that missing packages are rows of the table, too.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import signal
import sys
import time
import traceback
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from multiprocessing import get_context, set_start_method
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

Found = dict[str, Any]
"""What a part has found: ``rows`` for the table, and anything else for the JSON file."""


@dataclass(frozen=True)
class Part:
    """One part of the measurement.

    ``function`` is ``module:name`` of a generator function. It takes the arguments of the command
    and ``arguments``, and yields what it has found so far, each time all of it.
    """

    name: str
    title: str
    limit: float
    """Seconds."""
    function: str
    arguments: dict[str, Any] = field(default_factory=dict)

    def run(self, asked: argparse.Namespace) -> Iterator[Found]:
        """Carry it out."""
        yield from resolve_name(self.function)(asked, **self.arguments)


def _contest(ways: str, title: str, recipe: str, limit: float = 75) -> Part:
    arguments = {"recipe": recipe, "ways": ways}
    title = f"{title}, networks of `{recipe}`"
    return Part(f"{ways}-{recipe}", title, limit, "gpu_speed:contest", arguments)


PARTS = [  # in this order: if the time is over, the last ones are missing
    Part("machine", "Machine", 30, "gpu_setup:machine"),
    Part("step", "One step on the GPU and on the CPU, fp32", 45, "gpu_equality:step_equality"),
    Part("resume", "Resume with `deterministic`", 75, "gpu_equality:resume_equality"),
    Part("captured", "A captured step and the step itself", 40, "gpu_equality:captured_equality"),
    _contest("steps", "Speed", "paper"),
    _contest("graphs", "Speed with whole-step CUDA graphs", "paper"),
    _contest("steps", "Speed", "wide-mnist"),
    Part("quality-auto", "Time to quality, `auto`", 170, "gpu_quality:quality", {"name": "auto"}),
    Part(
        "quality-plain", "Time to quality, plain loop", 75, "gpu_quality:quality", {"name": "plain"}
    ),
    _contest("graphs", "Speed with whole-step CUDA graphs", "wide-mnist"),
    _contest("compiled", "Speed with `torch.compile(mode='reduce-overhead')`", "paper", 120),
]


MODULES = sorted({part.function.partition(":")[0] for part in PARTS})


@dataclass(frozen=True)
class Outcome:
    """How a part ended, and what it has found until then."""

    part: Part
    result: str
    """``complete``, or why it is not, in one line."""
    seconds: float
    found: Found

    @cached_property
    def rows(self) -> list[dict[str, Any]]:
        """Rows of its table; the last one says if it is not complete."""
        rows = list(self.found.get("rows", []))
        if self.result != "complete":
            rows.append({next(iter(rows[0]), "") if rows else "": self.result})
        return rows


def carry_out(part: Part, asked: argparse.Namespace, path: Path) -> None:
    """Run a part in this process, and keep what it finds, and its error, in a file."""
    os.setsid()  # so that its own processes end with it
    set_start_method(None, force=True)  # data loaders start theirs as in any other program
    found: Found = {}
    try:
        for found in part.run(asked):
            _write(path, {"state": "running", **found})
    except Exception as error:
        traceback.print_exc()
        _write(path, {"state": f"failed: {line_of(error)}", **found})
    else:
        _write(path, {"state": "complete", **found})


def line_of(error: BaseException) -> str:
    """The error and the place where it was raised, in one line."""
    place = traceback.extract_tb(error.__traceback__)[-1:]
    message = " ".join(str(error).split())
    where = "".join(f" ({Path(frame.filename).name}:{frame.lineno})" for frame in place)
    return f"{type(error).__name__}: {message[:300]}{where}"


def run_limited(part: Part, asked: argparse.Namespace, seconds: float) -> Outcome:
    """Run a part in a new process, which is ended after so many seconds."""
    path = asked.out / f"{part.name}.json"
    path.unlink(missing_ok=True)
    began = time.monotonic()
    process = get_context("forkserver").Process(target=carry_out, args=(part, asked, path))
    process.start()
    try:
        process.join(seconds)
    finally:  # also if this process is stopped
        is_cut = process.is_alive()
        if process.exitcode != 0:
            _end(process.pid)
            process.kill()
            process.join()
    found: Found = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    result = _result(found.pop("state", "running"), process.exitcode, seconds if is_cut else None)
    outcome = Outcome(part, result, time.monotonic() - began, found)
    _write(path, {"result": result, "seconds": round(outcome.seconds, 1), **found})
    return outcome


def _result(state: str, exit_code: int | None, cut_after: float | None) -> str:
    if cut_after is not None:
        return f"cut after {cut_after:.0f} s"
    return state if state != "running" else f"failed: the process ended with {exit_code}"


def _end(group: int | None) -> None:
    """End the processes that a part has started, and itself."""
    with suppress(ProcessLookupError, PermissionError):
        if group is not None:
            os.killpg(group, signal.SIGKILL)


def _write(path: Path, content: Found) -> None:
    new = path.with_suffix(".new")
    new.write_text(json.dumps(content, indent=1, default=str) + "\n", encoding="utf-8")
    new.replace(path)


def cell(value: Any) -> str:
    """One cell: ``[low, middle, high]`` is the middle, with both others in parentheses."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "**no**"
        case int():
            return f"{value:,}"
        case float():
            return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
        case [low, middle, high]:
            return f"{cell(middle)} ({cell(low)} to {cell(high)})"
    return " ".join(str(value).split()).replace("|", "\\|")


def table(rows: Sequence[dict[str, Any]]) -> str:
    """Rows as Markdown, with the columns of all of them."""
    columns = list(dict.fromkeys(column for row in rows for column in row))
    lines = [columns, ["---"] * len(columns)]
    lines += [[cell(row.get(column)) for column in columns] for row in rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def page(command: str, outcomes: Sequence[Outcome]) -> str:
    """The page: first how each part ended, then the table of each."""
    ends = [
        {"part": one.part.name, "result": one.result, "seconds": one.seconds} for one in outcomes
    ]
    now = datetime.now(UTC)
    parts = [f"# GPU\n\n`{command}`, {now:%Y-%m-%d %H:%M} UTC", f"## Parts\n\n{table(ends)}"]
    parts += [f"## {one.part.title}\n\n{_section(one)}" for one in outcomes]
    return "\n\n".join(parts) + "\n"


def _section(outcome: Outcome) -> str:
    about = outcome.found.get("about")
    return "\n\n".join([*([about] if about else []), table(outcome.rows)])


def main() -> None:
    """Run the parts one after the other, and write the page after each."""
    parser = argparse.ArgumentParser(prog="benchmarks/gpu.sh", description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--minutes", type=float, default=9.0, help="for all parts together")
    parser.add_argument("--data-root", default=os.environ.get("DCGAN_DATA"))
    parser.add_argument("--images", default="cifar10", help="to train on; if missing, shapes")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", nargs="+", choices=[part.name for part in PARTS])
    parser.add_argument("--quick", action="store_true", help="tiny networks, to check the script")
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    command = shlex.join(["benchmarks/gpu.sh", *sys.argv[1:]])
    end = time.monotonic() + 60 * asked.minutes
    get_context("forkserver").set_forkserver_preload(MODULES)  # PyTorch is imported only once
    outcomes: list[Outcome] = []
    for part in PARTS:
        if asked.only and part.name not in asked.only:
            continue
        seconds = min(part.limit, end - time.monotonic())
        if seconds > 0:
            outcomes.append(run_limited(part, asked, seconds))
        else:
            outcomes.append(
                Outcome(part, f"not started: {asked.minutes:g} minutes are over", 0, {})
            )
        text = page(command, outcomes)
        (asked.out / "gpu.md").write_text(text, encoding="utf-8")
        print(f"\n## {part.title}\n\n{_section(outcomes[-1])}", flush=True)
    print(f"\n{asked.out / 'gpu.md'}")


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))
    main()
