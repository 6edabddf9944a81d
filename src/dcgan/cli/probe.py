"""``dcgan probe``: the discriminator as a feature extractor."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from dcgan.cli.options import ExistingData, ExistingRun, OptionalData
from dcgan.errors import printable

if TYPE_CHECKING:
    from dcgan.probe import ProbeResult
    from dcgan.runs import Run


def probe(
    run: ExistingRun,
    data: ExistingData,
    /,
    *,
    test: OptionalData = None,
    labels: int | None = None,
    repeats: int = 10,
    max_features: int = 8192,
    limit: int | None = None,
    methods: str = "discriminator,pixels,untrained,k-means,supervised",
    factor: str | None = None,
    checkpoint: str = "best",
    seed: int = 0,
    out: Path | None = None,
    data_root: Path | None = None,
    device: str = "auto",
    as_json: Annotated[bool, Parameter(name="--json", negative=())] = False,
) -> None:
    """Judge the discriminator's features by a linear classifier.

    All its convolutional layers, max-pooled to 4x4, feed a linear L2-SVM whose C is chosen on
    held-out pictures, as in the DCGAN paper; beside it, the same for raw pixels, for an untrained
    discriminator and for k-means features, and a supervised network of the same shape.

    Parameters
    ----------
    run
        A run folder.
    data
        Labelled pictures to learn from: as for train.
    test
        Labelled pictures to judge on (default: the test split of a named set, else a sixth of
        DATA held out).
    labels
        Train on so many labels only, the same of each class (default: all).
    repeats
        With --labels: draws, of which mean and spread are shown.
    max_features
        More features than these go through a fixed random projection.
    limit
        Use at most so many pictures to learn from, and to judge on (default: all).
    methods
        Which rows, joined by commas.
    factor
        Which labels, where pictures have several (default: label).
    checkpoint
        best, last, or a number of images seen.
    seed
        Of splits, draws, projection, untrained weights and k-means.
    out
        The folder for confusion.png and probe.json (default: RUN/probe, or RUN/probe-N of N
        labels).
    data_root
        Where named data sets lie (default: the variable DCGAN_DATA).
    device
        auto, cpu, cuda or mps.
    as_json
        Print one JSON object in place of the table.
    """
    from dcgan.cli.options import computing_device
    from dcgan.errors import ConfigError
    from dcgan.probe.methods import checked_methods
    from dcgan.probe.protocol import probe as logits_of
    from dcgan.probe.sets import load_sets
    from dcgan.runs import open_run

    if not 0 <= seed < 2**63:
        raise ConfigError("seed", seed, "from 0 to 2^63 - 1")
    if limit is not None and limit < 1:
        raise ConfigError("limit", limit, "at least 1 picture")
    chosen = checked_methods([name.strip() for name in methods.split(",") if name.strip()])
    where = computing_device(device)
    opened = open_run(run, checkpoint=checkpoint, device=where)
    learning, judging = load_sets(
        opened, data, test, factor=factor, root=data_root, limit=limit, seed=seed, tell=_tell
    )
    result = logits_of(
        opened,
        learning,
        judging,
        methods=chosen,
        labels=labels,
        repeats=repeats,
        max_features=max_features,
        seed=seed,
        device=where,
        tell=_tell,
    )
    folder = out or opened.path / ("probe" if labels is None else f"probe-{labels}")
    report = _write(result, opened, data, folder)
    if as_json:
        print(json.dumps(report))
        return
    print(f"{opened.path}, {opened.images_seen:,} images seen, on {printable(data)}")
    for line in (result.protocol(), result.table(), *result.verdict(), *result.notes()):
        print(line)
    print(f"confusion matrix: {report['confusion']}")


def _write(result: ProbeResult, run: Run, data: str, folder: Path) -> dict[str, object]:
    from dcgan.render.confusion import confusion_matrix
    from dcgan.runtime.files import write_json

    first = result.methods[0]
    image = folder / "confusion.png"
    count_KK = first.confusion(len(result.names))
    accuracy = sum(first.test) / len(first.test)
    title = f"{first.method}: {accuracy:.2%} of {result.test:,} test pictures"
    if result.labels is not None:
        title += f", {result.repeats} draws of {result.labels:,} labels"
    confusion_matrix(count_KK, result.names, image, title=title)
    report = {
        "run": str(run.path),
        "checkpoint": run.checkpoint.name,
        "images_seen": run.images_seen,
        "data": data,
        **result.to_json(),
        "confusion": str(image),
        "confusion_counts": count_KK.tolist(),
    }
    write_json(folder / "probe.json", report)
    return report


def _tell(line: str) -> None:
    print(printable(line), file=sys.stderr, flush=True)
