"""``dcgan inspect``: what a picture collection holds, before any training."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter


def inspect(
    data: str = "digits",
    /,
    *,
    size: str | None = None,
    fit: Literal["crop", "pad", "stretch"] = "crop",
    out: Path | None = None,
    data_root: Path | None = None,
    as_json: Annotated[bool, Parameter(name="--json")] = False,
) -> None:
    """Report on a picture collection: counts, sizes, modes, labels, unreadable files, a sheet.

    Parameters
    ----------
    data
        A folder, .zip, .npy or .npz, or a name: digits, shapes, mnist, fashion-mnist.
    size
        Show the sheet at this size: 64, or 157x128 (default: what train would choose).
    fit
        How a picture of another aspect fits.
    out
        Where the sheet of what the network will see goes (default: NAME-inspect.png here).
    data_root
        Where named data sets lie (default: the variable DCGAN_DATA).
    as_json
        Print one JSON object in place of the report.
    """
    from dcgan.config import parse_config
    from dcgan.data import open_source, survey
    from dcgan.data.store import load_some
    from dcgan.render.sheet import save_image, sheet
    from dcgan.runtime.device import choose_device
    from dcgan.training.auto import choose_size

    source = open_source(data, data_root)
    seen = survey(source)
    wanted = parse_config({"data": {"size": size}} if size else {}).data.size
    shown = (
        choose_size(seen.median_size, choose_device("auto").type) if wanted == "auto" else wanted
    )
    channels = 3 if seen.is_colour else 1
    path = out or Path(f"{Path(data.replace(':', '-')).stem}-inspect.png")
    save_image(sheet(load_some(source, shown, channels, how=fit, limit=64)), path)
    if as_json:
        report = {
            "data": data,
            "count": seen.count,
            "modes": seen.modes,
            "sizes": {f"{h}x{w}": times for (h, w), times in seen.sizes.items()},
            "labels": seen.labels,
            "unreadable": {one.title: one.reason for one in seen.skipped},
            "ignored": seen.ignored,
            "size": list(shown),
            "channels": channels,
            "sheet": str(path),
        }
        print(json.dumps(report))
        return
    print(f"{data}: {seen.count:,} pictures, {seen.ignored:,} other files")
    print(f"modes       {_counts(seen.modes)}")
    print(f"sizes       {_counts({f'{h}x{w}': n for (h, w), n in seen.sizes.items()})}")
    for factor, counts in seen.labels.items():
        print(f"{factor:<11} {_counts(counts)}")
    print(f"unreadable  {len(seen.skipped):,} ({len(seen.skipped) / seen.count:.1%})")
    for one in seen.skipped:
        print(f"  {one.title}: {one.reason}")
    kind = "colour" if channels == 3 else "grey"
    print(f"training    {shown[0]}x{shown[1]} {kind} unless told otherwise")
    print(f"sheet       {path}")


def _counts(counts: dict[str, int], most: int = 12) -> str:
    """The most frequent first, the rest as a number."""
    listed = [f"{name} {times:,}" for name, times in list(counts.items())[:most]]
    if len(counts) > most:
        listed.append(f"and {len(counts) - most:,} more")
    return ", ".join(listed)
