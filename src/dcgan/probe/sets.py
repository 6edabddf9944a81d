"""Which pictures a probe learns from, and which it is judged on."""

from __future__ import annotations

from os import fspath

from dcgan.data.sources.named import named_test_of
from dcgan.probe.labelled import Labelled, held_out, limited, load_labelled, matched
from dcgan.runs.run import Run
from dcgan.runtime.cache import cache_folder
from dcgan.runtime.files import StrPath
from dcgan.runtime.reporting import Reporter


def load_sets(
    run: Run,
    data: StrPath,
    test: StrPath | None = None,
    *,
    factor: str | None = None,
    root: StrPath | None = None,
    limit: int | None = None,
    seed: int = 0,
    reporter: Reporter,
) -> tuple[Labelled, Labelled]:
    """Open the pictures to learn from and those to judge on, as the run sees pictures.

    Parameters
    ----------
    run : Run
    data : str
        As for :func:`dcgan.data.open_source`.
    test : str, optional
        Default: the split ``test`` of a named set that has one; else one sixth of each class of
        ``data``, drawn at random, which is then not learned from.
    factor : str, optional
        See :func:`dcgan.probe.load_labelled`.
    root : path, optional
        Where named data sets lie.
    limit : int, optional
        At most so many of each, drawn at random.
    seed : int, default 0
    tell : callable
        Called with a line about what was chosen.

    Raises
    ------
    DataError, ConfigError
        No such pictures, no classes, or classes that do not match.
    """

    def load(name: StrPath) -> Labelled:
        return load_labelled(
            run,
            name,
            factor=factor,
            root=root,
            cache=cache_folder() / "pictures",
            reporter=reporter,
        )

    learning = load(data)
    test = test or named_test_of(fspath(data))
    if test is None:
        rest, judging = held_out(learning, seed, purpose="test")
        reporter.note(
            f"no --test: {len(judging):,} of {len(learning):,} pictures are held out to judge on"
        )
        judging = _named(judging, "held out")
        return limited(rest, limit, seed), limited(judging, limit, seed)
    judging = matched(load(test), learning.names)
    return limited(learning, limit, seed), limited(judging, limit, seed)


def _named(some: Labelled, name: str) -> Labelled:
    return Labelled(name, some.dataset, some.index, some.label, some.names)
