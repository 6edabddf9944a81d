"""Score the features of discriminators: the tables of the probe for finished runs.

    python benchmarks/probe.py RUN DATA [RUN DATA ...] [--labels 1000] [--out FILE] [--limit N]
        [--methods discriminator,pixels,untrained,k-means,supervised] [--data-root DIR]

Trains no GAN. For each pair of run folder and labeled images it prints the table of `dcgan probe`
as soon as it is ready, with all labels and, with `--labels`, with few. `--out` writes a new page
with date, machine and command. It must be a new file, because the text of probe.md is written by
hand. Named datasets have their own test images. For others, append them after a plus:
`train.zip+test.zip`.
"""

from __future__ import annotations

import os
import platform
import shlex
import sys
from argparse import ArgumentParser, Namespace
from datetime import date
from importlib.metadata import version
from pathlib import Path

from dcgan.probe import METHODS, probe
from dcgan.probe.sets import load_sets
from dcgan.runs import open_run
from dcgan.runtime.device import choose_device
from dcgan.runtime.progress import TerminalReporter


def main() -> None:
    """Print every table, and write the page."""
    asked = arguments()
    page = [heading(asked)]
    print(page[0], flush=True)
    for run, data, test in asked.pairs:
        for labels in (None, *asked.labels):
            page.append(section(asked, run, data, test, labels))
            print(page[-1], flush=True)
    if asked.out:
        asked.out.write_text("\n".join(page), encoding="utf-8")


def arguments() -> Namespace:
    """The command line; ``pairs`` holds (run, data, test)."""
    parser = ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pairs", nargs="+", metavar="RUN DATA[+TEST]")
    parser.add_argument("--labels", type=int, nargs="*", default=[])
    parser.add_argument("--repeats", type=int, default=10)
    parser.add_argument("--methods", default=",".join(METHODS))
    parser.add_argument("--limit", type=int)
    parser.add_argument("--data-root")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    if len(asked.pairs) % 2:
        parser.error("each RUN needs its DATA")
    asked.pairs = [
        (run, *[*data.split("+"), None][:2])
        for run, data in zip(asked.pairs[::2], asked.pairs[1::2], strict=True)
    ]
    return asked


def heading(asked: Namespace) -> str:
    """Date, machine and command."""
    words = ["+".join(Path(part).name for part in word.split("+")) for word in sys.argv]
    return (
        "# Scores of the discriminator's features\n\n"
        f"{date.today()} · {platform.processor() or platform.machine()}, {os.cpu_count()} cores,"
        f" torch {version('torch')} ({asked.device}) · `python benchmarks/{shlex.join(words)}`\n"
    )


def section(asked: Namespace, run: str, data: str, test: str | None, labels: int | None) -> str:
    """One table with its heading, protocol and verdict."""
    device = choose_device(asked.device)
    opened = open_run(run, device=device)
    learning, judging = load_sets(
        opened, data, test, root=asked.data_root, limit=asked.limit, reporter=TerminalReporter()
    )
    result = probe(
        opened,
        learning,
        judging,
        methods=asked.methods.split(","),
        labels=labels,
        repeats=asked.repeats,
        device=device,
        reporter=TerminalReporter(),
    )
    title = f"## {Path(run).name} on {Path(data).stem}"
    if labels is not None:
        title += f", {labels:,} labels"
    seen = f"{opened.images_seen:,} images seen in training. "
    lines = [f"- {line}" for line in (*result.verdict(), *result.notes())]
    protocol = result.protocol().replace(judging.name, Path(judging.name).stem)
    return "\n".join([title, "", seen + protocol + ".", "", result.table(), "", *lines, ""])


if __name__ == "__main__":
    main()
