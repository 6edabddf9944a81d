"""``dcgan prepare``: decode a dataset once, for all later runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from dcgan.cli.options import DataRoot, ExistingData, Json
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
    data_root: DataRoot = None,
    as_json: Json = False,
) -> None:
    """Decode and fit a dataset once, so that later runs load it at memory speed.

    The folder holds NumPy files: images.npy is uint8 (N, C, H, W).

    Parameters
    ----------
    data
        Choose the dataset, as for dcgan train: a path, a URL of tar shards, or a name.
    out
        Set the folder to write. It appears only when it is complete.
    size
        Set the height and width in pixels: 64, or 157x128 (default: the size that dcgan train
        chooses).
    channels
        Set the channels: 1 gray, 2 gray with alpha, 3 color, 4 color with alpha (default: 1 for
        gray images, 3 for color).
    fit
        Choose how images of another aspect ratio fit: crop the center, pad, or stretch.
    background
        Set the color behind transparent pixels and in padding, as #rrggbb.
    frames
        Choose what to read from an animated image: its first frame, or all frames as separate
        images.
    duplicates
        Keep or drop images that are exact or near copies of an earlier image.
    blank
        Keep or drop blank images, on which nothing is visible.
    integer_range
        Set the values that become black and white in images of 16-bit or 32-bit integers, such as
        0:4095. auto finds them from the images.
    float_range
        Set the values that become black and white in images of floats, such as -1:1. auto finds
        them from the images.
    split
        Choose the split: train, val, test, another name, or all. auto uses train if the dataset
        has splits.
    labels
        Choose the labels: auto reads those stored with the images, none reads no labels, or set a
        CSV, TSV, JSON or JSONL file.
    max_unreadable
        Refuse if more than this share of the files (0 to 1) is unreadable.
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

    from dcgan.cli.flags import screen
    from dcgan.data.prepared import read_manifest
    from dcgan.runtime.shell import command
    from dcgan.training.prepare_dataset import prepare as prepare_data

    prepare_data(
        data,
        out,
        size=size,
        data_root=data_root,
        settings=settings,
        reporter=screen(),
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
        f"{out}: {manifest['count']:,} images of {height}x{width}x{view['channels']},"
        f" {len(manifest['skipped']):,} skipped"
    )
    for title, reason in manifest["skipped"][:20]:
        print(printable(f"  {title}: {reason}"))
    print(f"next: {command('train', out)}")
