"""CelebA's aligned faces with their 40 attributes, in the official layout."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import compress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dcgan.data.labels import Labels
from dcgan.data.sources.base import EncodedSource
from dcgan.data.sources.image_folder import FolderSource
from dcgan.data.sources.named import Request
from dcgan.data.sources.paths import digest, file_stamp
from dcgan.data.sources.zips import ZipSource
from dcgan.errors import DataError, SourceNotFound

_IMAGES = "img_align_celeba"
_PARTITION = "list_eval_partition.txt"
_ATTRIBUTES = "list_attr_celeba.txt"
_PAGE = "http://mmlab.ie.cuhk.edu.hk/projects/CelebA.html"

_SPLITS = {"train": 0, "valid": 1, "test": 2}
_ANSWERS = {b"-1": 0, b"1": 1}


def open_celeba(request: Request) -> CelebaSource:
    """CelebA's aligned images, 218×178 in color, in the order of the lists.

    The folder ``celeba`` or ``CelebA`` below the data root holds ``img_align_celeba.zip``, read in
    place, or that zip unpacked; ``list_eval_partition.txt``, without which only the split ``all``
    can be read; and ``list_attr_celeba.txt``, without which there are no labels. Kaggle's ``.csv``
    files of these names are read too. Images that no list names are ignored.

    Raises
    ------
    SourceNotFound
        Files are missing; names them, the folder and where to get them.
    DataError
        A list is damaged, or does not belong to the images.
    """
    folder = request.find(
        ("celeba", "CelebA"),
        lambda folder: (folder / _IMAGES).is_dir() or (folder / f"{_IMAGES}.zip").is_file(),
        f"{_IMAGES}.zip, {_PARTITION} and {_ATTRIBUTES} from {_PAGE}",
    )
    names: list[str] | None = None
    if (partition := _list(folder, _PARTITION)).is_file():
        names, numbers = _read_partition(partition)
        if request.split != "all":
            names = list(compress(names, numbers == _SPLITS[request.split]))
    elif request.split != "all":
        raise SourceNotFound(
            f"celeba: {_PARTITION} is missing. Put it into {folder}/ (from {_PAGE}), or use"
            " celeba:all"
        )
    unpacked = folder / _IMAGES
    images: EncodedSource = (
        FolderSource(unpacked, split="all", labels="none")
        if unpacked.is_dir()
        else ZipSource(folder / f"{_IMAGES}.zip", split="all", labels="none")
    )
    labels: dict[str, Labels] = {}
    rows = np.arange(len(images))
    attributes = _list(folder, _ATTRIBUTES)
    if attributes.is_file():
        factors, listed, answers = _read_attributes(attributes)
        names = listed if names is None else names
        known = _places(names, listed, attributes)
        labels = {name: Labels(answers[known, i], ("no", "yes")) for i, name in enumerate(factors)}
    if names is not None:
        titles = (images.title(row).rpartition("/")[2] for row in range(len(images)))
        rows = _places(names, titles, unpacked)
        if len(np.unique(rows)) < len(rows):
            raise DataError(f"{folder}: a list names an image twice. Download it from {_PAGE}")
    return CelebaSource(f"celeba:{request.split}", folder, images, rows, labels)


class CelebaSource(EncodedSource):
    """The images ``rows`` (int64 (N,)) of all images; ``folder`` holds the lists."""

    def __init__(
        self,
        name: str,
        folder: Path,
        images: EncodedSource,
        rows: NDArray[np.int64],
        labels: Mapping[str, Labels],
    ) -> None:
        super().__init__(name, labels=labels, others=images.others)
        self._folder = folder
        self._images = images
        self._rows = rows

    def __len__(self) -> int:
        return len(self._rows)

    def fetch(self, index: int) -> bytes:
        return self._images.fetch(int(self._rows[index]))

    def title(self, index: int) -> str:
        return self._images.title(int(self._rows[index]))

    def stamp(self) -> str:
        folder = self._folder.resolve()
        lists = file_stamp(_list(folder, name) for name in (_PARTITION, _ATTRIBUTES))
        return digest((self._images.stamp(), lists, self._rows.tobytes()))


def _read_partition(path: Path) -> tuple[list[str], NDArray[np.uint8]]:
    """Names and split numbers, from lines such as ``000001.jpg 0``."""
    lines = enumerate(_lines(path), 1)
    if path.suffix == ".csv":
        next(lines, None)  # names of columns
    numbers = {str(number).encode(): number for number in _SPLITS.values()}
    names, values = _read_rows(path, lines, numbers, 1, "a file name and 0, 1 or 2")
    return names, values[:, 0]


def _read_attributes(path: Path) -> tuple[list[str], list[str], NDArray[np.uint8]]:
    """Attributes, names of images, and answers (N, attributes).

    The file has the count, the names of the attributes, then lines such as ``000001.jpg -1 1 …``.
    Kaggle's has no count.
    """
    lines = enumerate(_lines(path), 1)
    is_csv = path.suffix == ".csv"
    count = [] if is_csv else next(lines, (0, []))[1]
    words = next(lines, (0, []))[1][1 if is_csv else 0 :]
    factors = [word.decode("ascii", "replace").lower() for word in words]
    if not (is_csv or b"".join(count).isdigit()) or not 0 < len(factors) == len(set(factors)):
        raise _damaged(path, 1, "the number of images, and in line 2 the names of the attributes")
    wanted = f"a file name and {len(factors)} times 1 or -1"
    names, answers = _read_rows(path, lines, _ANSWERS, len(factors), wanted)
    if count and len(names) != int(count[0]):
        raise DataError(
            f"{path}: declares {int(count[0]):,} images and lists {len(names):,}. Download it"
            f" again from {_PAGE}"
        )
    return factors, names, answers


def _read_rows(
    path: Path,
    lines: Iterable[tuple[int, list[bytes]]],
    codes: Mapping[bytes, int],
    width: int,
    wanted: str,
) -> tuple[list[str], NDArray[np.uint8]]:
    """The first word of each line, and the codes of the ``width`` others, (N, width)."""
    names = []
    values = bytearray()
    for number, (name, *words) in lines:
        if len(words) != width or not codes.keys() >= set(words):
            raise _damaged(path, number, wanted)
        names.append(name.decode("utf-8", "surrogateescape"))
        values.extend([codes[word] for word in words])
    return names, np.frombuffer(values, np.uint8).reshape(-1, width)


def _lines(path: Path) -> Iterator[list[bytes]]:
    """The words of each line that is not blank."""
    mark = b"," if path.suffix == ".csv" else None
    try:
        with path.open("rb") as file:
            yield from ([w.strip() for w in line.split(mark)] for line in file if line.strip())
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error})") from error


def _list(folder: Path, name: str) -> Path:
    """A list in the official form or, where only that exists, in Kaggle's."""
    official = folder / name
    kaggle = official.with_suffix(".csv")
    return kaggle if kaggle.is_file() and not official.is_file() else official


def _places(names: Sequence[str], there: Iterable[str], path: Path) -> NDArray[np.int64]:
    """Where each name stands among others, which ``path`` holds."""
    place = {name: index for index, name in enumerate(there)}
    places = np.fromiter((place.get(name, -1) for name in names), np.int64, len(names))
    missing = np.flatnonzero(places < 0)
    if missing.size:
        raise DataError(
            f"{path}: lacks {missing.size:,} of the {len(names):,} images that the lists name"
            f" ({names[int(missing[0])]} first). Download it again from {_PAGE}"
        )
    return places


def _damaged(path: Path, line: int, wanted: str) -> DataError:
    return DataError(f"{path}, line {line}: must be {wanted}. Download it again from {_PAGE}")
