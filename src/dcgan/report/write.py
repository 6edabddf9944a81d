"""Write the report of a run: all of it, or at the end of training what is quick to make."""

from __future__ import annotations

from pathlib import Path

from dcgan.data import ImageDataset
from dcgan.errors import ConfigError, DcganError
from dcgan.metrics.registry import BETTER
from dcgan.metrics.score import in_words
from dcgan.render.page import write_page
from dcgan.report.gather import Material, gather
from dcgan.runs.dataset import open_dataset
from dcgan.runs.folder import RunFolder
from dcgan.runs.run import Run, open_run, read_networks
from dcgan.runtime.arguments import refuse_no_run
from dcgan.runtime.built_in import run_path
from dcgan.runtime.files import StrPath, expanded
from dcgan.runtime.isolation import isolated
from dcgan.runtime.reporting import SILENT, Reporter
from dcgan.runtime.signatures import checked

SUFFIXES = (".html", ".htm")

_TEMPLATE = "report.html.j2"


@checked
@isolated()
def write_report(
    run: Run | StrPath,
    *,
    out: StrPath | None = None,
    data: StrPath | None = None,
    data_root: StrPath | None = None,
    device: str = "cpu",
    reporter: Reporter = SILENT,
) -> Path:
    """Write one HTML page about a run: verdict, samples, dataset, curves, settings.

    The page needs no other file, no script and no network. It is made of whatever the run folder
    holds: a run may be unfinished, damaged, or from an earlier version.

    Parameters
    ----------
    run : Run or path
    out : path, optional
        An ``.html`` file; default ``report.html`` in the run folder.
    data : str, optional
        The dataset to show and to search for the images nearest to samples; default the run's
        training data.
    data_root : path, optional
        The folder of datasets chosen by name; default that of the run.
    device : str, default "cpu"
        Where samples are generated, if ``run`` is a path.
    reporter : Reporter, optional

    Returns
    -------
    Path
        The page.

    Raises
    ------
    RunError
        The path is not a run folder.
    ConfigError
        ``out`` is not an ``.html`` file.

    Examples
    --------
    >>> dcgan.write_report("runs/digits-auto")  # doctest: +SKIP
    PosixPath('runs/digits-auto/report.html')
    """
    folder = RunFolder(run.path if isinstance(run, Run) else run_path(run))
    refuse_no_run(folder.path)
    path = folder.report if out is None else expanded(out)
    refuse_other_suffix(path)
    opened = run if isinstance(run, Run) else _opened(folder, device, reporter)
    dataset = _dataset(folder, data, data_root, reporter)
    _write(folder, Material(opened, dataset), path)
    return path


def write_finished(folder: RunFolder, dataset: ImageDataset) -> None:
    """Write the report of a run that has just ended, from what is in memory and in its folder.

    Quick: it generates nothing and searches nothing. Samples are from the sheet that was saved
    nearest to the best checkpoint.
    """
    note = (
        "From the sheet saved nearest to the best checkpoint. dcgan report adds samples of the"
        " checkpoint itself, and the nearest training images."
    )
    _write(folder, Material(note, dataset), folder.report)


def refuse_other_suffix(path: Path) -> None:
    """Raise ``ConfigError`` if the page has another suffix than ``.html``."""
    if path.suffix.lower() not in SUFFIXES:
        raise ConfigError("out", str(path), "the page must be an .html file, such as report.html")


def _write(folder: RunFolder, material: Material, path: Path) -> None:
    write_page(_TEMPLATE, path, report=gather(folder, material), better=BETTER, in_words=in_words)


def _opened(folder: RunFolder, device: str, reporter: Reporter) -> Run | str:
    """The run at its best checkpoint, else at the last; or why it cannot be opened."""
    problem = ""
    for checkpoint in ("best", "last"):
        try:
            run = open_run(folder.path, checkpoint=checkpoint, device=device)
        except DcganError as error:
            problem = problem or str(error)
            continue
        if problem:
            reporter.note(f"{problem}. Samples are from the last checkpoint")
        return run
    reporter.note(problem)
    return f"No checkpoint can be used: {problem}."


def _dataset(
    folder: RunFolder, data: StrPath | None, root: StrPath | None, reporter: Reporter
) -> ImageDataset | str:
    try:
        networks = read_networks(folder)
        return open_dataset(folder, networks, data, data_root=root, reporter=reporter)
    except (DcganError, OSError) as error:
        if data is not None:  # it was asked for
            raise
        return f"The dataset cannot be opened, so none of its images are shown: {error}."
