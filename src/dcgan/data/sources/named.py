"""What the openers of named datasets have in common: the request, the search and the error."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from pkgutil import resolve_name

from dcgan.data.sources.base import Source
from dcgan.errors import SourceNotFound, Unreachable
from dcgan.runtime.cache import data_folders, fetching_folder
from dcgan.runtime.datasets import DATASETS
from dcgan.runtime.reporting import SILENT, Reporter
from dcgan.runtime.split_names import ALL, AUTO, canonical


@dataclass(frozen=True)
class Request:
    """A named dataset to open, such as ``mnist`` or ``lsun/church_outdoor``.

    ``split`` is one of the splits in the table of datasets, or what the user gave if only the
    opener knows the splits. ``root`` is the folder of datasets.
    """

    name: str
    split: str
    root: Path | None = None
    reporter: Reporter = SILENT

    def find(
        self,
        folders: Sequence[str],
        is_complete: Callable[[Path], bool],
        files: str,
        fetch: Callable[[Path], Path] | None = None,
    ) -> Path:
        """The first folder below the data root and the cache that is complete.

        Parameters
        ----------
        folders : sequence of str
            Where to look, relative to the root.
        is_complete : callable
            Whether a folder holds all files.
        files : str
            What the user should get, for the message.
        fetch : callable, optional
            Downloads the files into a folder and returns the folder to read.

        Raises
        ------
        SourceNotFound
            Not found, and not to be downloaded; names the files and the folder to put them into.
        """
        for place in data_folders(self.root):
            for folder in folders:
                if is_complete(place / folder):
                    return place / folder
        home = self.name.partition("/")[0]
        reason = ""
        try:
            if fetch is not None:
                return fetch(fetching_folder(self.root) / home)
        except Unreachable as error:
            reason = f" ({error})"
        cure = "" if self.root else ", and set `data_root=DIR` or the variable DCGAN_DATA"
        place = (self.root or Path("DIR")) / home
        raise SourceNotFound(f"{self.name}: not found. Put {files} into {place}/{cure}{reason}")


def open_named(name: str, split: str, root: Path | None, reporter: Reporter) -> Source:
    """Open a dataset of the table.

    Raises
    ------
    SourceNotFound
        No such split, or the dataset is not found.
    """
    dataset = DATASETS[name.partition(":")[0].partition("/")[0]]
    if dataset.splits is not None:
        split = _choose_split(name, dataset.splits, split)
    opener = resolve_name(f"dcgan.data.sources.{dataset.opener}")
    source: Source = opener(Request(name, split, root, reporter))
    return source


def named_test_of(data: str) -> str | None:
    """The test split that belongs to a named training set.

    >>> named_test_of("mnist"), named_test_of("cifar10:train"), named_test_of("digits")
    ('mnist:test', 'cifar10:test', None)
    """
    name, _, split = data.partition(":")
    has_test = name in DATASETS and "test" in (DATASETS[name].splits or ())
    return f"{name}:test" if has_test and split in {"", "train"} else None


def _choose_split(name: str, splits: Sequence[str], split: str) -> str:
    if split == AUTO or (split == ALL and not splits):
        return splits[0] if splits else ""
    for known in splits:
        if canonical(known) == canonical(split):
            return known
    if not splits:
        raise SourceNotFound(f"{name}:{split}: {name} has no splits. Use {name}")
    listed = f"{', '.join(splits[:-1])} and {splits[-1]}"
    raise SourceNotFound(f"{name}:{split}: no such split. The splits are {listed}")
