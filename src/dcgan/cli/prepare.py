"""``dcgan prepare``: decode a collection once, for all later runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from dcgan.cli.options import ExistingData
from dcgan.errors import printable


def prepare(
    data: ExistingData,
    /,
    *,
    out: Path,
    size: str | None = None,
    channels: Annotated[
        Literal[1, 2, 3, 4] | None, Parameter(name=["--channels", "--data.channels"])
    ] = None,
    fit: Annotated[
        Literal["crop", "pad", "stretch"], Parameter(name=["--fit", "--data.fit"])
    ] = "crop",
    background: Annotated[str, Parameter(name=["--background", "--data.background"])] = "#ffffff",
    frames: Annotated[
        Literal["first", "all"], Parameter(name=["--frames", "--data.frames"])
    ] = "first",
    duplicates: Annotated[
        Literal["keep", "drop"], Parameter(name=["--duplicates", "--data.duplicates"])
    ] = "keep",
    blank: Annotated[Literal["keep", "drop"], Parameter(name=["--blank", "--data.blank"])] = "keep",
    integer_range: Annotated[
        str, Parameter(name=["--integer-range", "--data.integer-range"])
    ] = "auto",
    float_range: Annotated[str, Parameter(name=["--float-range", "--data.float-range"])] = "auto",
    split: Annotated[str, Parameter(name="--data.split")] = "auto",
    labels: Annotated[str, Parameter(name="--data.labels")] = "auto",
    max_unreadable: Annotated[
        float, Parameter(name=["--max-unreadable", "--data.max-unreadable"])
    ] = 0.05,
    data_root: Path | None = None,
    as_json: Annotated[bool, Parameter(name="--json", negative=())] = False,
) -> None:
    """Decode, fit and pack a picture collection once; later runs read it at memory speed.

    The folder holds plain NumPy files: images.npy is uint8 (N, C, H, W).

    Parameters
    ----------
    data
        As for train: a path, an address of shards, or a name.
    out
        The folder to write; it appears when it is whole.
    size
        Height and width: 64, or 157x128 (default: what train would choose).
    channels
        1 grey, 2 grey with alpha, 3 colour, 4 colour with alpha (default: as the pictures are).
    fit
        How a picture of another aspect fits.
    background
        Colour under transparent pixels and in padding.
    frames
        What an animated picture gives: its first frame, or each as a picture.
    duplicates
        Drop images that are copies of an earlier one, exact or near.
    blank
        Drop images on which nothing can be seen.
    integer_range
        Values that are black and white in images of 16-bit or 32-bit integers: 0:4095 (default: as
        the images show).
    float_range
        The same in images of floats: -1:1.
    split
        Which split: train, val, test, another name, or all (default: train, where there are
        splits).
    labels
        A CSV, TSV, JSON or JSONL file of labels, or none (default: what lies beside the images).
    max_unreadable
        Refuse when more than this share of the files is unreadable.
    data_root
        Where named data sets lie (default: the variable DCGAN_DATA).
    as_json
        Print one JSON object in place of the report.
    """
    from dcgan.config import parse_config

    settings = {
        "channels": channels or "auto",
        "fit": fit,
        "background": background,
        "frames": frames,
        "split": split,
        "labels": labels,
        "duplicates": duplicates,
        "blank": blank,
        "integer_range": integer_range,
        "float_range": float_range,
        "max_unreadable": max_unreadable,
    }
    # what is wrong is refused before torch is imported, which takes seconds
    parse_config({"data": settings | ({"size": size} if size else {})})

    from dcgan.data.prepared import read_manifest
    from dcgan.runtime.progress import TerminalReporter
    from dcgan.runtime.shell import command
    from dcgan.training.prepare_dataset import prepare as prepare_data

    prepare_data(
        data,
        out,
        size=size,
        data_root=data_root,
        settings=settings,
        reporter=TerminalReporter(),
    )
    manifest = read_manifest(out)
    view = manifest["view"]
    height, width = view["size"]
    if as_json:
        report = {"folder": str(out), "count": manifest["count"], "size": [height, width]}
        report |= {"channels": view["channels"], "skipped": len(manifest["skipped"])}
        print(json.dumps(report | {"digest": manifest["digest"]}))
        return
    print(
        f"{out}: {manifest['count']:,} pictures of {height}x{width}x{view['channels']},"
        f" {len(manifest['skipped']):,} skipped"
    )
    for title, reason in manifest["skipped"][:20]:
        print(printable(f"  {title}: {reason}"))
    print(f"next: {command('train', out)}")
