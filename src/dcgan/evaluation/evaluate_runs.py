"""Evaluation of run folders: opens the real images and the feature extractor."""

from __future__ import annotations

from os import fspath

from dcgan.errors import ConfigError, DcganError
from dcgan.evaluation.evaluator import Evaluation, Evaluator, refuse_few, refuse_few_images
from dcgan.evaluation.extractors import open_extractor, refuse_unknown
from dcgan.evaluation.real_images import name_of
from dcgan.evaluation.sampler import Samplers, samplers
from dcgan.runs.checkpoints import checkpoint_name
from dcgan.runs.dataset import held_out_name, open_dataset
from dcgan.runtime.arguments import refuse_seed
from dcgan.runtime.files import StrPath
from dcgan.runtime.isolation import isolated
from dcgan.runtime.reporting import SILENT, Reporter
from dcgan.runtime.signatures import checked


@checked
@isolated()
def evaluate(
    runs: Samplers,
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
    """Evaluate checkpoints against the same real images, with the same feature extractor.

    Parameters
    ----------
    runs : Run, path, or sequence of them
        Such as ``dcgan.open_run("runs/a")``. Each run is opened at the checkpoint to evaluate; a
        path is opened at its best one. All runs must generate images of the same shape. If several
        processes opened the runs, they share the work, and each process returns all results.
    data : str, optional
        The real images, as for :func:`dcgan.train`; default the training data of the first run.
    extractor : str, default "auto"
        The feature extractor; see :func:`dcgan.evaluation.extractors.open_extractor`.
    images : int, default 10,000
        Number of generated images, and of real images to compare with; at most half of the dataset.
    held_out : str, optional
        Images that the runs were not trained on, for the search for copies. The default is the test
        split if the dataset is chosen by name and has one, otherwise a fifth of the dataset.
    seed : int, default 0
        The seed of the latents.
    brief : bool, default False
        Compute only the metrics on features and classes. Compute no metrics on pixels, and do not
        search for copies.
    data_root : path, optional
        The folder of datasets chosen by name; default that of the run.
    download : bool, default False
        Whether to download the Inception weights if they are missing.
    reporter : Reporter, default silent
        Receives notes and progress.

    Returns
    -------
    list of Evaluation
        One for each run, also for a single one.

    Raises
    ------
    DataError, ConfigError
        The images, the extractor or the numbers cannot be used, or several processes disagree.
    """
    # refused before any image is decoded or a classifier trained
    refuse_few(images)
    refuse_seed(seed)
    if held_out is not None and (brief or data is not None):
        raise ConfigError(
            "held_out",
            held_out,
            "copies are searched for only in the training data. Leave out `data`, and evaluate one"
            " checkpoint at a time",
        )
    runs = samplers(runs)
    extractor = fspath(extractor)
    refuse_unknown(extractor)
    folder, networks, ranks = runs[0].folder, runs[0].networks, runs[0].ranks
    with ranks.first_ahead():
        dataset = open_dataset(folder, networks, data, data_root=data_root, reporter=reporter)
    refuse_few_images(len(dataset))
    others = None
    with ranks.first_ahead():
        if not brief and data is None:
            name = held_out or held_out_name(folder)
            try:
                if name is not None:
                    others = open_dataset(
                        folder, networks, name, data_root=data_root, reporter=reporter
                    )
            except DcganError:
                if held_out is not None:  # the default, the test split, may be missing
                    raise
        opened = open_extractor(
            extractor, dataset, device=runs[0].device, download=download, reporter=reporter
        )
    ranks.agree("checkpoints", [checkpoint_name(run.checkpoint) for run in runs])
    ranks.agree("images", [(name_of(some), len(some)) for some in (dataset, others) if some])
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
