"""``dcgan probe``: score the discriminator as a feature extractor."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from dcgan.cli.options import (
    Checkpoint,
    DataRoot,
    Device,
    ExistingData,
    ExistingRun,
    Json,
    OptionalData,
    refuse_place,
)
from dcgan.errors import printable
from dcgan.runtime.arguments import refuse_seed

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
    checkpoint: Checkpoint = "best",
    seed: int = 0,
    out: Path | None = None,
    data_root: DataRoot = None,
    device: Device = "auto",
    as_json: Json = False,
) -> None:
    """Score the discriminator's features with a linear classifier.

    As in the DCGAN paper, the outputs of all its convolutional layers, max-pooled to 4x4, train a
    linear L2-SVM, whose C is chosen on held-out images. For comparison, the table shows the same
    for raw pixels, an untrained discriminator and k-means features, and a supervised network of
    the same shape.

    Parameters
    ----------
    data
        Choose the labeled images to learn from, as for dcgan train.
    test
        Choose the labeled images to test on (default: the test split of a dataset chosen by name,
        else a sixth of DATA, held out).
    labels
        Train on only this many labels, the same number of each class (default: all).
    repeats
        Set how many random subsets --labels chooses. The table shows their mean and spread.
    max_features
        Set the maximum number of features. More are reduced by a fixed random projection.
    limit
        Limit the images to learn from, and those to test on, to this many each (default: all).
    methods
        Choose the rows of the table, joined by commas. All but discriminator are for comparison.
    factor
        Choose the label factor, if images have several (default: label).
    seed
        Set the seed of splits, subsets, projection, untrained weights and k-means.
    out
        Set the folder for probe.json and, up to 200 classes, confusion.png (default: RUN/probe, or
        RUN/probe-N with --labels N).
    """
    from dcgan.errors import ConfigError

    # what is wrong is refused before torch is imported, which takes seconds
    refuse_place(run, checkpoint, device)
    refuse_seed(seed)
    if limit is not None and limit < 1:
        raise ConfigError("limit", limit, "use at least 1 image")

    from dcgan.cli.flags import screen, with_flags
    from dcgan.cli.options import computing_device
    from dcgan.probe.methods import checked_methods
    from dcgan.probe.protocol import probe as run_probe
    from dcgan.probe.sets import load_sets
    from dcgan.runs import open_run
    from dcgan.runtime.files import expanded, write_json

    chosen = checked_methods([name.strip() for name in methods.split(",") if name.strip()])
    where = computing_device(device)
    reporter = screen()
    opened = open_run(run, checkpoint=checkpoint, device=where)
    learning, judging = load_sets(
        opened, data, test, factor=factor, root=data_root, limit=limit, seed=seed, reporter=reporter
    )
    result = run_probe(
        opened,
        learning,
        judging,
        methods=chosen,
        labels=labels,
        repeats=repeats,
        max_features=max_features,
        seed=seed,
        device=where,
        reporter=reporter,
    )
    folder = (
        expanded(out) if out else opened.path / ("probe" if labels is None else f"probe-{labels}")
    )
    report = _report(result, opened, data)
    failed: OSError | None = None
    try:
        report["confusion"] = _draw(result, folder / "confusion.png")
        write_json(folder / "probe.json", report)
    except OSError as error:  # the scores, which take minutes, are still printed
        failed = error
    if as_json:
        print(json.dumps(report))
    else:
        print(f"{opened.path}, {opened.images_seen:,} images seen, on {printable(data)}")
        for line in (result.protocol(), result.table(), *result.verdict(), *result.notes()):
            print(with_flags(line))
        if report["confusion"]:
            print(f"confusion matrix: {report['confusion']}")
    if failed is not None:
        raise failed


def _report(result: ProbeResult, run: Run, data: str) -> dict[str, object]:
    """The content of ``probe.json``, before a figure is drawn."""
    count_KK = result.methods[0].confusion(len(result.names))
    return {
        "run": str(run.path),
        "checkpoint": run.checkpoint_name,
        "images_seen": run.images_seen,
        "data": data,
        **result.to_json(),
        "confusion": None,
        "confusion_counts": count_KK.tolist(),
    }


def _draw(result: ProbeResult, image: Path) -> str | None:
    """Draw the confusion matrix of the first method; None if it has too many classes to be seen."""
    from dcgan.render.confusion import MOST_CLASSES, confusion_matrix

    if len(result.names) > MOST_CLASSES:
        return None
    first = result.methods[0]
    accuracy = sum(first.test) / len(first.test)
    title = f"{first.method}: {accuracy:.2%} of {result.test:,} test images"
    if result.labels is not None:
        title += f", {result.repeats} subsets of {result.labels:,} labels"
    confusion_matrix(first.confusion(len(result.names)), result.names, image, title=title)
    return str(image)
