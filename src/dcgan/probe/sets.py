"""The images a probe learns from, and those it is tested on."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from os import fspath

from dcgan.data.sources.named import named_test_of
from dcgan.probe.labeled import Labeled, held_out, limited, load_labeled, matched
from dcgan.runs.run import Run
from dcgan.runtime.cache import cache_folder
from dcgan.runtime.files import StrPath
from dcgan.runtime.reporting import SILENT, Reporter


def load_sets(
    run: Run,
    data: StrPath,
    test: StrPath | None = None,
    *,
    factor: str | None = None,
    root: StrPath | None = None,
    limit: int | None = None,
    seed: int = 0,
    reporter: Reporter = SILENT,
) -> tuple[Labeled, Labeled]:
    """Open the images to learn from and those to test on, at the size of the run.

    Parameters
    ----------
    run : Run
    data : str
        As for :func:`dcgan.data.open_source`.
    test : str, optional
        Default: the split ``test`` of a named dataset that has one; else one sixth of each class of
        ``data``, chosen at random and held out.
    factor : str, optional
        See :func:`dcgan.probe.load_labeled`.
    root : path, optional
        Folder of named datasets.
    limit : int, optional
        Use at most so many images of each, chosen at random.
    seed : int, default 0
    reporter : Reporter, default silent

    Raises
    ------
    DataError, ConfigError
        No such images, no classes, or classes that do not match.
    """

    load = partial(
        load_labeled,
        run,
        factor=factor,
        root=root,
        cache=cache_folder() / "pictures",
        reporter=reporter,
    )
    learning = load(data)
    test = test or named_test_of(fspath(data))
    if test is None:
        count = len(learning)
        learning, testing = held_out(learning, seed, purpose="test")
        reporter.note(
            f"no `test`: {len(testing):,} of {count:,} images are held out as test images"
        )
        testing = replace(testing, name="held out")
    else:
        testing = matched(load(test), learning.names)
    return limited(learning, limit, seed), limited(testing, limit, seed)
