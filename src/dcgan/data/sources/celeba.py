"""CelebA's aligned faces with their 40 attributes, in the official layout."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dcgan.data.labels import Labels
from dcgan.data.sources.base import EncodedSource
from dcgan.data.sources.image_folder import FolderSource
from dcgan.data.sources.paths import digest, file_stamp
from dcgan.data.sources.zips import ZipSource
from dcgan.errors import DataError, SourceNotFound

_FOLDERS = ("celeba", "CelebA")
_IMAGES = "img_align_celeba"
_PARTITION = "list_eval_partition.txt"
_ATTRIBUTES = "list_attr_celeba.txt"
_PAGE = "http://mmlab.ie.cuhk.edu.hk/projects/CelebA.html"

_SPLITS = {"train": b"0", "valid": b"1", "test": b"2"}
_ANSWERS = {b"-1": 0, b"1": 1}


def open_celeba(split: str, root: Path | None) -> CelebaSource:
    """CelebA's aligned pictures, 218×178 in colour.

    Under the data root lies ``celeba/`` (or ``CelebA/``) with ``img_align_celeba.zip``, read in
    place, or the folder ``img_align_celeba/`` of what it holds; with ``list_eval_partition.txt``;
    and with ``list_attr_celeba.txt``; or with the ``.csv`` files of these names that Kaggle
    gives out. Without the last there are no labels. Without the partition
    only ``all`` can be had. Pictures that no list names are passed over.

    Parameters
    ----------
    split : {"train", "valid", "test", "all"}
        162,770, 19,867, 19,962 or 202,599 pictures.
    root : Path, optional
        The data root.

    Raises
    ------
    SourceNotFound
        No such split, or files are missing; names them, the folder and where to get them.
    DataError
        A list is damaged, or does not belong to the pictures.
    """
    if split not in {*_SPLITS, "all"}:
        raise SourceNotFound(f"celeba:{split}: the splits are train, valid, test and all")
    folder, dataset = _dataset(split, root)
    named = _read_attributes(_list(folder, _ATTRIBUTES))
    names = _members(folder, split, named)
    if names is None:
        return CelebaSource(folder, split, dataset, np.arange(len(dataset)), {})
    rows = _rows(folder, {_file(dataset.title(i)): i for i in range(len(dataset))}, names)
    labels = {} if named is None else named.labels(folder, names)
    return CelebaSource(folder, split, dataset, rows, labels)


class CelebaSource(EncodedSource):
    """Some of the pictures, in the order of the lists.

    Parameters
    ----------
    folder : Path
        Where the lists lie.
    split : str
    dataset : EncodedSource
        All of them.
    rows : int64 (N,)
        Which ones.
    labels : dict
    """

    def __init__(
        self,
        folder: Path,
        split: str,
        dataset: EncodedSource,
        rows: NDArray[np.int64],
        labels: dict[str, Labels],
    ) -> None:
        super().__init__(f"celeba:{split}", labels=labels, others=dataset.others)
        self._folder = folder
        self._dataset = dataset
        self._rows = rows

    def __len__(self) -> int:
        return len(self._rows)

    def fetch(self, index: int) -> bytes:
        return self._dataset.fetch(int(self._rows[index]))

    def title(self, index: int) -> str:
        return self._dataset.title(int(self._rows[index]))

    def stamp(self) -> str:
        folder = self._folder.resolve()
        lists = file_stamp(_list(folder, name) for name in (_PARTITION, _ATTRIBUTES))
        return digest((self._dataset.stamp(), lists, self._rows.tobytes()))


@dataclass(frozen=True)
class _Attributes:
    """The list of attributes: ``answers`` is uint8 (attributes, N)."""

    factors: list[str]
    names: list[str]
    answers: NDArray[np.uint8]

    def labels(self, folder: Path, names: list[str]) -> dict[str, Labels]:
        """The answers about some pictures, by factor."""
        row = {name: index for index, name in enumerate(self.names)}
        rows = np.fromiter((row.get(name, -1) for name in names), np.int64, len(names))
        if (without := np.flatnonzero(rows < 0)).size:
            raise DataError(
                f"{folder / _ATTRIBUTES}: says nothing about {without.size:,} of {len(names):,}"
                f" pictures ({names[int(without[0])]} first); fetch it again from {_PAGE}"
            )
        return {
            factor: Labels(answers[rows], ("no", "yes"))
            for factor, answers in zip(self.factors, self.answers, strict=True)
        }


def _dataset(split: str, root: Path | None) -> tuple[Path, EncodedSource]:
    """The folder of the lists, and all pictures; refused where anything needed is missing."""
    needed = [] if split == "all" else [_PARTITION]
    for folder in (root / name for name in _FOLDERS) if root else ():
        unpacked, packed = folder / _IMAGES, folder / f"{_IMAGES}.zip"
        if not (unpacked.is_dir() or packed.is_file()):
            continue
        if all(_list(folder, name).is_file() for name in needed):
            open_them, path = (FolderSource, unpacked) if unpacked.is_dir() else (ZipSource, packed)
            return folder, open_them(path, split="all", labels="none")  # the lists tell both
        raise SourceNotFound(
            f"celeba: put {_PARTITION} into {folder}/ too (from {_PAGE}), or say celeba:all"
        )
    place = (root or Path("DIR")) / _FOLDERS[0]
    cure = "" if root else "; then say --data-root DIR, or set the variable DCGAN_DATA"
    raise SourceNotFound(
        f"celeba: put {_IMAGES}.zip, {_PARTITION} and {_ATTRIBUTES} into {place}/{cure}; they are"
        f" given out on {_PAGE} and cannot be fetched from here"
    )


def _members(folder: Path, split: str, named: _Attributes | None) -> list[str] | None:
    """The pictures of a split in the lists' order; None where no list says any."""
    partition = _list(folder, _PARTITION)
    if not partition.is_file():
        return named.names if named else None
    return list(_in_split(partition, _SPLITS.get(split)))


def _in_split(partition: Path, wanted: bytes | None) -> Iterator[str]:
    """Names out of lines as ``000001.jpg 0``; all of them where no split is wanted."""
    is_csv = partition.suffix == ".csv"
    for number, line in enumerate(_lines(partition), 1):
        words = _words(line, is_csv=is_csv)
        if is_csv and number == 1:  # names of columns
            continue
        if len(words) != 2 or words[1] not in _SPLITS.values():
            raise _damaged(partition, number, "a file's name and 0, 1 or 2")
        if wanted in {None, words[1]}:
            yield words[0].decode("utf-8", "surrogateescape")


def _read_attributes(path: Path) -> _Attributes | None:
    """The count, the names of the attributes, then lines as ``000001.jpg -1 1 ...``.

    Kaggle's has no count, and commas.
    """
    if not path.is_file():
        return None
    is_csv = path.suffix == ".csv"
    lines = _lines(path)
    count = b"" if is_csv else next(lines, b"").strip()
    named = _words(next(lines, b""), is_csv=is_csv)[1 if is_csv else 0 :]
    factors = [word.decode("ascii", "replace").lower() for word in named]
    if not (is_csv or count.isdigit()) or not factors or len(set(factors)) < len(factors):
        raise _damaged(path, 1, "how many pictures, and in line 2 the names of the attributes")
    answers = bytearray()

    def names() -> Iterator[str]:
        for number, line in enumerate(lines, 2 if is_csv else 3):
            name, *words = _words(line, is_csv=is_csv)
            try:
                answers.extend([_ANSWERS[word] for word in words])
            except KeyError:
                words = []
            if len(words) != len(factors):
                raise _damaged(path, number, f"a file's name and {len(factors)} times 1 or -1")
            yield name.decode("utf-8", "surrogateescape")

    listed = list(names())
    if count and len(listed) != int(count):
        raise DataError(
            f"{path}: says {int(count):,} pictures and lists {len(listed):,}; fetch it again from"
            f" {_PAGE}"
        )
    by_image = np.frombuffer(answers, np.uint8).reshape(-1, len(factors))
    return _Attributes(factors, listed, np.ascontiguousarray(by_image.T))


def _list(folder: Path, name: str) -> Path:
    """A list in the official form or, where only that is there, as Kaggle gives it out."""
    official = folder / name
    kaggle = official.with_suffix(".csv")
    return kaggle if kaggle.is_file() and not official.is_file() else official


def _words(line: bytes, *, is_csv: bool) -> list[bytes]:
    return [word.strip() for word in line.split(b",")] if is_csv else line.split()


def _lines(path: Path) -> Iterator[bytes]:
    """The lines of a list that are not blank."""
    try:
        with path.open("rb") as file:
            yield from (line for line in file if line.strip())
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error})") from error


def _damaged(path: Path, line: int, wanted: str) -> DataError:
    return DataError(f"{path}, line {line}: wants {wanted}; fetch it again from {_PAGE}")


def _rows(folder: Path, there: dict[str, int], names: list[str]) -> NDArray[np.int64]:
    """Where the pictures of a list lie."""
    rows = np.fromiter((there.get(name, -1) for name in names), np.int64, len(names))
    missing = np.flatnonzero(rows < 0)
    if missing.size:
        raise DataError(
            f"{folder}: {missing.size:,} of the {len(names):,} pictures listed are not in"
            f" {_IMAGES} ({names[int(missing[0])]} first); fetch or unpack it again, or give the"
            " folder of pictures itself as DATA"
        )
    if len(np.unique(rows)) < len(rows):
        raise DataError(f"{folder}: a list names a picture twice; fetch it again from {_PAGE}")
    return rows


def _file(title: str) -> str:
    return title.rpartition("/")[2]
