"""``dcgan report``: one HTML page about a run."""

from __future__ import annotations

from pathlib import Path

from dcgan.cli.options import DataRoot, Device, ExistingRun, OptionalData


def report(
    run: ExistingRun,
    /,
    *,
    out: Path | None = None,
    data: OptionalData = None,
    data_root: DataRoot = None,
    device: Device = "auto",
) -> None:
    """Write one HTML page about a run, with everything inside: it needs no other file.

    It shows the verdict, samples, training images, losses, scores, gradients, the training images
    nearest to samples, all settings, and how to repeat the run. dcgan train writes the same page
    without the parts that take long.

    Parameters
    ----------
    out
        Set the file of the page, an .html (default: RUN/report.html).
    data
        Choose the dataset whose images are shown (default: the run's training data).
    """
    from dcgan.cli.flags import screen
    from dcgan.cli.options import computing_device
    from dcgan.report import write_report
    from dcgan.report.write import refuse_other_suffix

    if out is not None:
        refuse_other_suffix(out)
    place = computing_device(device)
    with screen() as reporter:
        page = write_report(
            run, out=out, data=data, data_root=data_root, device=str(place), reporter=reporter
        )
    print(f"report         {page}")
