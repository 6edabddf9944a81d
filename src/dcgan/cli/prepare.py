"""``dcgan prepare``: decode a dataset once, for all later runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from dcgan.cli.options import SIZE, DataRoot, ExistingData, Json
from dcgan.config.tree import DataConfig
from dcgan.errors import printable
from dcgan.vocabulary import Frames, KeepOrDrop

_FIT = Parameter(
    help="Choose how images of another aspect ratio fit: crop the center, pad, or stretch."
)


def _setting(name: str) -> Parameter:
    """The option of a setting ``data.NAME``, with the help of the setting."""
    option = name.replace("_", "-")
    return Parameter(
        name=[f"--{option}", f"--data.{option}"], help=DataConfig.model_fields[name].description
    )


def prepare(
    data: ExistingData,
    /,
    *,
    out: Path,
    size: Annotated[str | None, _setting("size"), SIZE] = None,
    channels: Annotated[Literal[1, 2, 3, 4] | None, _setting("channels")] = None,
    fit: Annotated[Literal["crop", "pad", "stretch"], _setting("fit"), _FIT] = "crop",
    background: Annotated[str, _setting("background")] = "#ffffff",
    frames: Annotated[Frames, _setting("frames")] = "first",
    duplicates: Annotated[KeepOrDrop, _setting("duplicates")] = "keep",
    blank: Annotated[KeepOrDrop, _setting("blank")] = "keep",
    integer_range: Annotated[str, _setting("integer_range")] = "auto",
    float_range: Annotated[str, _setting("float_range")] = "auto",
    split: Annotated[str, _setting("split")] = "auto",
    labels: Annotated[str, _setting("labels")] = "auto",
    max_unreadable: Annotated[float, _setting("max_unreadable")] = 0.05,
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

    from dcgan.cli.flags import screen, with_flags
    from dcgan.data.prepared import read_manifest
    from dcgan.runtime.files import expanded
    from dcgan.runtime.shell import command
    from dcgan.runtime.wording import counted
    from dcgan.training.prepare_dataset import prepare as prepare_data

    out = expanded(out)  # shells expand no ~ in --out=~/a
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
        f"{out}: {counted(manifest['count'], 'image')} of {height}x{width}x{view['channels']},"
        f" {len(manifest['skipped']):,} skipped"
    )
    for title, reason in manifest["skipped"][:20]:
        print(printable(f"  {title}: {with_flags(reason)}"))
    print(f"next: {command('train', out)}")
