"""``dcgan bench``: time training on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from dcgan.cli.options import SIZE, Device, Json


def bench(
    *,
    recipe: str = "paper",
    size: Annotated[str | None, SIZE] = None,
    batch: int | None = None,
    rounds: int = 5,
    seconds: float = 2.0,
    workers: int = 0,
    device: Device = "auto",
    precision: Literal["auto", "fp32", "bf16", "both"] = "auto",
    memory: bool = True,
    out: Path | None = None,
    as_json: Json = False,
) -> None:
    """Time training steps of dcgan and of the standard PyTorch DCGAN example on this machine.

    The table compares both with the limits of this machine. The images are random noise.

    Parameters
    ----------
    recipe
        Choose the recipe, by name or file, whose networks and optimizers are timed.
    size
        Set the height and width of the images in pixels: 64, or 157x128 (default: the size in the
        recipe, else 64).
    batch
        Set the number of images per step (default: the batch in the recipe, else 64).
    rounds
        Set how many rounds are timed. Each round times every variant; the table shows medians.
    seconds
        Set the approximate time of each variant in a round, in seconds.
    workers
        Set how many processes load images for the standard example. 0 loads in the main process.
    precision
        Choose the precision of dcgan's step. auto times fp32, and also bf16 where the hardware
        supports it.
    memory
        Measure the peak memory of each variant, in a separate process.
    out
        Also write the table to this Markdown file.
    """
    import json

    from dcgan.bench.report import measure
    from dcgan.bench.table import markdown
    from dcgan.cli.flags import screen
    from dcgan.runtime.files import expanded, written_whole

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
        reporter=screen(),
    )
    table = markdown(found["results"])
    print(table)
    if out is not None:
        with written_whole(expanded(out)) as unfinished:
            unfinished.write_text(f"{found['about']}\n\n{table}\n", encoding="utf-8")
    if as_json:
        print(json.dumps(found))
