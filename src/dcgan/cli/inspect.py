"""``dcgan inspect``: report on a dataset before training."""

from __future__ import annotations

import json
import re
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter, validators

from dcgan.cli.options import SIZE, DataRoot, Json, OptionalData
from dcgan.cli.output import choose_output

if TYPE_CHECKING:
    from PIL import Image

    from dcgan.data import Source
    from dcgan.data.quality.inspection import Inspection
    from dcgan.training.planning.advice import Advice


def inspect(
    data: OptionalData = None,
    /,
    *,
    size: Annotated[str | None, SIZE] = None,
    fit: Annotated[
        Literal["crop", "pad", "stretch", "cover-random"] | None,
        Parameter(name=["--fit", "--data.fit"]),
    ] = None,
    limit: Annotated[int | None, Parameter(validator=validators.Number(gte=1))] = None,
    out: Path | None = None,
    html: Path | None = None,
    split: Annotated[str, Parameter(name="--data.split")] = "auto",
    labels: Annotated[str, Parameter(name="--data.labels")] = "auto",
    data_root: DataRoot = None,
    as_json: Json = False,
) -> None:
    """Report on all images of a dataset: contents, problems, and settings to train with.

    It counts modes, sizes, classes, copies, blank, tiny and unreadable images, recommends settings
    with reasons, and saves a sheet of the images as the networks will see them.

    Parameters
    ----------
    data
        Choose the dataset, as for dcgan train: a path, a URL of tar shards, or a name
        (default: digits, 1,797 built-in images of handwritten digits).
    size
        Set the height and width of the sheet's images in pixels, 64 or 157x128 (default: the size
        that dcgan train chooses).
    fit
        Choose how images of another aspect ratio fit (default: recommended for these images).
    limit
        Read only this many images, spread evenly over the dataset (default: all).
    out
        Set the file of the sheet. An existing file is replaced (default: NAME-inspect.png in the
        current folder, or NAME-inspect-2.png and so on if it exists).
    html
        Also write the whole report to this HTML page.
    split
        Choose the split: train, val, test, another name, or all. auto uses train if the dataset
        has splits.
    labels
        Choose the labels: auto reads those stored with the images, none reads no labels, or set a
        CSV, TSV, JSON or JSONL file.
    """
    from dcgan.cli.flags import screen
    from dcgan.config import parse_config
    from dcgan.render.sheet import format_of, save_image
    from dcgan.runtime.files import expanded

    # what is wrong is refused before minutes of looking, and before torch is imported
    asked = parse_config({"data": {"size": size}} if size else {}).data.size
    if out is not None:
        format_of(out)
    html = None if html is None else expanded(html)

    from dcgan.cli.inspect_report import as_dict, as_lines, as_text
    from dcgan.data import open_source
    from dcgan.data.quality.inspection import inspect_dataset
    from dcgan.runtime.datasets import DEFAULT_DATA
    from dcgan.runtime.device import choose_device
    from dcgan.training.planning.advice import MINUTES, advise
    from dcgan.training.planning.time_plan import measure_sizes, outlook
    from dcgan.training.trial import images_per_second

    with screen() as reporter:
        if data is None:
            reporter.note(f"no `data` given: reporting on {DEFAULT_DATA}")
            data = "digits"
        source = open_source(data, data_root, split=split, labels=labels)
        seen = inspect_dataset(source, limit, reporter=reporter)
    advice = advise(
        seen,
        choose_device("auto").type,
        data=data,
        size=None if asked == "auto" else asked,
        fit=fit,
        data_root=None if data_root is None else str(data_root),
        split=split,
        labels=labels,
    )
    sheet = _sheet(source, seen, advice)
    stem = re.sub(r"[^\w.-]+", "-", Path(data).stem).strip("-.") or "images"
    file = choose_output(out, f"{stem}-inspect.png")
    save_image(sheet, file.path)
    report = as_dict(data, source, seen, advice)
    sizes = measure_sizes(
        seen, advice.size, advice.channels, choose_device("auto"), images_per_second
    )
    report["expectations"] = [asdict(one) for one in sizes]
    chosen = advice.size if advice.is_size_set else None
    report["reasons"]["time"] = outlook(sizes, minutes=MINUTES, size=chosen)
    report |= {"report": as_lines(report), "sheet": str(file.path)}
    if html is not None:
        _write_page(html, report, source, seen, sheet)
        report["html"] = str(html)
    print(json.dumps(report) if as_json else as_text(report | {"sheet": str(file)}))


def _sheet(source: Source, seen: Inspection, advice: Advice) -> Image.Image:
    """What the network will see; where aspects differ, below every way to fit them."""
    from dcgan.data.fit_choices import fit_choices, spread_in_aspect
    from dcgan.data.store import load_some
    from dcgan.render.sheet import captioned_rows, sheet
    from dcgan.training.planning.advice import SAME_ASPECT

    plain = load_some(
        source, advice.size, advice.channels, how=advice.fit, limit=64, values=seen.values
    )
    if seen.lost_to_cropping(advice.size).max() < SAME_ASPECT:
        return sheet(plain)
    few = spread_in_aspect(seen.by_aspect)
    choices = fit_choices(source, few, advice.size, advice.channels, seen.values)
    rows = {f"--data.fit {caption}": images for caption, images in choices.items()}
    return captioned_rows(rows | {f"chosen: {advice.fit}": plain}, columns=max(len(few), 6))


def _write_page(
    path: Path,
    report: dict[str, object],
    source: Source,
    seen: Inspection,
    sheet: Image.Image,
) -> None:
    import numpy as np

    from dcgan.cli.inspect_report import examples
    from dcgan.render.histogram import size_histograms
    from dcgan.render.page import write_page

    sizes = np.repeat(np.array(list(seen.sizes)), list(seen.sizes.values()), axis=0)
    write_page(
        "inspect.html.j2",
        path,
        report=report,
        sheet=sheet,
        histograms=size_histograms(sizes),
        examples=examples(source, seen),
    )
