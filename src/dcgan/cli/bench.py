"""``dcgan bench``: how fast this machine trains."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter


def bench(
    *,
    recipe: str = "paper",
    size: str | None = None,
    batch: int | None = None,
    rounds: int = 5,
    seconds: float = 2.0,
    workers: int = 0,
    device: str = "auto",
    precision: Literal["auto", "fp32", "bf16", "both"] = "auto",
    memory: bool = True,
    out: Path | None = None,
    as_json: Annotated[bool, Parameter(name="--json", negative=())] = False,
) -> None:
    """Time our training step and the loop everybody copies, in turns, beside this machine's limits.

    Pictures are noise: what they show costs nothing.

    Parameters
    ----------
    recipe
        A recipe's name or file: its networks and optimisers.
    size
        Of the pictures, 64 or 157x128 (default: the recipe's, else 64).
    batch
        Images of a step (default: the recipe's, else 64).
    rounds
        How often all take their turns; medians count.
    seconds
        That each turn takes, about.
    workers
        Processes that load pictures for the plain loop; 0: it loads them itself.
    device
        auto, cpu, cuda or mps.
    precision
        In which ours computes: auto is fp32, and bf16 where the hardware has it.
    memory
        Measure each one's memory, in a process of its own.
    out
        Write the table as Markdown, too.
    as_json
        Make the last line on stdout one JSON object.
    """
    import json

    from dcgan.bench.report import measure
    from dcgan.bench.table import markdown
    from dcgan.runtime.files import written_whole

    found = measure(
        recipe,
        size=size,
        batch=batch,
        rounds=rounds,
        seconds=seconds,
        workers=workers,
        device=device,
        precision=precision,
        with_memory=memory,
        note=print,
    )
    table = markdown(found["results"])
    print(table)
    if out is not None:
        with written_whole(out) as unfinished:
            unfinished.write_text(f"{found['about']}\n\n{table}\n", encoding="utf-8")
    if as_json:
        print(json.dumps(found))
