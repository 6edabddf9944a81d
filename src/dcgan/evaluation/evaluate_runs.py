"""From run folders to evaluations: opens the pictures and the extractor that measuring takes."""

from __future__ import annotations

from collections.abc import Sequence
from os import fspath

from dcgan.data import ImageDataset
from dcgan.errors import ConfigError, DcganError
from dcgan.evaluation.evaluator import Evaluation, Evaluator, refuse_few, refuse_few_images
from dcgan.evaluation.extractors import open_extractor, refuse_unknown
from dcgan.evaluation.real_images import name_of
from dcgan.evaluation.sampler import Sampler
from dcgan.runs.dataset import held_out_name, open_dataset
from dcgan.runtime.files import StrPath
from dcgan.runtime.isolation import isolated
from dcgan.runtime.reporting import SILENT, Reporter
from dcgan.runtime.signatures import checked


@checked
@isolated()
def evaluate(
    runs: Sequence[Sampler],
    data: StrPath | None = None,
    *,
    extractor: StrPath = "auto",
    images: int = 10_000,
    held_out: StrPath | None = None,
    seed: int = 0,
    brief: bool = False,
    data_root: StrPath | None = None,
    download: bool = False,
    reporter: Reporter = SILENT,
) -> list[Evaluation]:
    """Measure checkpoints against the same real pictures, on the same features.

    Parameters
    ----------
    runs : sequence of Sampler
        Each opened at the checkpoint to measure; all draw images of one shape. Where they were
        opened by several processes, these share the work, and each returns all of it.
    data : str, optional
        The real pictures, as for :func:`dcgan.train`; default what the first run was trained on.
    extractor : str, default "auto"
        See :func:`dcgan.evaluation.extractors.open_extractor`.
    images : int, default 10,000
        Generated images, and as many real ones; at most half of the pictures.
    held_out : str, optional
        Pictures that the runs were not trained on, for the test of copying; default the test
        split of a named set.
    seed : int
        Of the latents.
    brief : bool
        Only distances and shares on features.
    data_root : path, optional
        Where named sets lie.
    download : bool
        Whether Inception's weights may be fetched.
    reporter
        Told what is being done.

    Returns
    -------
    list of Evaluation

    Raises
    ------
    DataError, ConfigError
        What was asked for cannot be measured, or several processes do not see the same.
    """
    # before anything is decoded, or a classifier trained, in vain
    refuse_few(images)
    extractor = fspath(extractor)
    refuse_unknown(extractor)
    folder, networks, ranks = runs[0].folder, runs[0].networks, runs[0].ranks
    with ranks.first_ahead():
        dataset = open_dataset(folder, networks, data, data_root=data_root, reporter=reporter)
    refuse_few_images(len(dataset))
    others = None
    if held_out is not None and (brief or data is not None):
        raise ConfigError(
            "held_out",
            held_out,
            "copies are looked for among a run's own pictures, of one checkpoint; leave out DATA"
            " and --all",
        )
    with ranks.first_ahead():
        if not brief and data is None:
            others = _held_out(runs[0], held_out, data_root, reporter)
        opened = open_extractor(
            extractor, dataset, device=runs[0].device, download=download, reporter=reporter
        )
    ranks.agree("checkpoints", [run.checkpoint.name for run in runs])
    ranks.agree("pictures", [(name_of(some), len(some)) for some in (dataset, others) if some])
    ranks.agree("extractor", opened.label)
    opened.ranks = ranks
    evaluator = Evaluator(
        dataset,
        opened,
        images=images,
        held_out=others,
        brief=brief,
        copies=data is None,
        reporter=reporter,
    )
    return [evaluator.evaluate(run, seed=seed) for run in runs]


def _held_out(
    run: Sampler,
    asked: StrPath | None,
    data_root: StrPath | None,
    reporter: Reporter,
) -> ImageDataset | None:
    name = asked or held_out_name(run.folder)
    if name is None:
        return None
    try:
        return open_dataset(run.folder, run.networks, name, data_root=data_root, reporter=reporter)
    except DcganError:
        if asked is not None:
            raise
        return None  # nobody asked for the test split, and it is not there
