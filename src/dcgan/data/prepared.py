"""Prepared pictures on disk: decoded and fitted once, mapped into memory ever after.

::

    FOLDER/
      images.npy      uint8 (N, C, H, W); of ragged ones all pixels (total,)
      kept.npy        int64 (N,), only where some could not be read: their numbers in the source
      sides.npy       int64 (N, 2), only of ragged ones: height and width of each
      labels.npz      one array (N,) per factor
      prepared.json   view, fingerprint, names of classes, what was skipped; checksums of the
                      other files, and of itself

N pictures · C channels · H, W sides
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dcgan.data.checksums import Damaged, checksums_of, once_per_state, refuse_damage
from dcgan.data.dataset import CoveredDataset, HeldDataset, ImageDataset, Skipped, digest_of
from dcgan.data.image_view import View
from dcgan.data.labels import Labels
from dcgan.data.remarks import Remarks
from dcgan.data.sources.base import Source
from dcgan.data.sources.paths import digest
from dcgan.errors import DataError
from dcgan.runtime.files import as_json, folder_written_whole
from dcgan.runtime.reading import read_json

MANIFEST = "prepared.json"
"""Written last: a folder that holds it is whole."""

_FORMAT = 2
_WITHOUT_CHECKSUMS = 1
"""The format of folders that an earlier version wrote."""

_IMAGES, _SIDES, _LABELS, _KEPT = "images.npy", "sides.npy", "labels.npz", "kept.npy"


_CURE = "Restore it from a copy, or prepare the dataset again with 'dcgan prepare'"


@dataclass(frozen=True)
class Decoded:
    """One picture of a source as the view shows it, or why there is none."""

    index: int
    pixels: NDArray[np.uint8] | Skipped
    remarks: frozenset[str] = frozenset()


class PreparedWriter:
    """Receives decoded pictures in order and leaves a prepared folder, whole or not at all.

    Use :func:`writing`.
    """

    def __init__(self, folder: Path, source: Source, view: View) -> None:
        self._folder, self._source, self._view = folder, source, view
        self._rows: list[int] = []
        self._sides: list[tuple[int, int]] = []
        self.skipped: list[Skipped] = []
        self.remarks = Remarks()
        self._total = 0
        self._file = (folder / _IMAGES).open("w+b")
        self._write_header()
        self._start = self._file.tell()

    def add(self, decoded: Decoded) -> None:
        """Append one picture."""
        if isinstance(decoded.pixels, Skipped):
            self.skipped.append(decoded.pixels)
            return
        if decoded.remarks:
            self.remarks.add(self._source.title(decoded.index), decoded.remarks)
        _, height, width = decoded.pixels.shape
        self._file.write(np.ascontiguousarray(decoded.pixels).data)
        self._total += decoded.pixels.size
        self._rows.append(decoded.index)
        if self._view.is_ragged:
            self._sides.append((height, width))

    def finish(self) -> None:
        """Write what only the end knows: the header, labels, and the manifest."""
        self._file.seek(0)
        self._write_header()
        if self._file.tell() != self._start:
            raise AssertionError("NumPy keeps room in its header for the first axis to grow")
        self._file.close()
        images = np.load(self._folder / _IMAGES, mmap_mode="r")
        if self._view.is_ragged:
            np.save(self._folder / _SIDES, np.array(self._sides, np.int64).reshape(-1, 2))
        rows = np.array(self._rows, dtype=np.int64)
        if self.skipped:
            np.save(self._folder / _KEPT, rows)
        labels = {name: labels.take(rows) for name, labels in self._source.labels.items()}
        values: dict[str, Any] = {name: _small(labels[name].values) for name in labels}
        np.savez(self._folder / _LABELS, **values)
        manifest = {
            "format": _FORMAT,
            "source": self._source.name,
            "view": self._view.to_json(),
            "count": len(rows),
            "positions": len(rows) + len(self.skipped),
            "digest": digest_of(images),
            "run": self._source.run,
            "labels": {name: list(labels[name].names) for name in labels},
            "skipped": [[one.title, one.reason] for one in self.skipped],
            "remarks": self.remarks.to_json(),
            "files": {path.name: checksums_of(path) for path in sorted(self._folder.iterdir())},
        }
        text = as_json(manifest | {"checksum": _checksum(manifest)})
        (self._folder / MANIFEST).write_text(text, encoding="utf-8")

    def close(self) -> None:
        """Let go of the file, whether or not it is finished."""
        self._file.close()

    def _write_header(self) -> None:
        shape = (self._total,) if self._view.is_ragged else (len(self._rows), *self._view.shape)
        header = {"descr": "|u1", "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(self._file, header)


@contextmanager
def writing(folder: Path, source: Source, view: View) -> Iterator[PreparedWriter]:
    """A writer whose result appears as ``folder`` whole, which is new or empty; on an error,
    nothing stays.

    Raises
    ------
    OSError
        Such as ``DiskFull``.
    """
    with folder_written_whole(folder, last=MANIFEST) as unfinished:
        writer = PreparedWriter(unfinished, source, view)
        try:
            yield writer
            writer.finish()
        finally:
            writer.close()


def is_prepared(folder: Path) -> bool:
    """Whether a folder holds prepared pictures."""
    return (folder / MANIFEST).is_file()


def read_manifest(folder: Path) -> dict[str, Any]:
    """What a prepared folder says of itself.

    Raises
    ------
    DataError
        Damaged, or of a newer version.
    """
    path = folder / MANIFEST
    try:
        manifest = read_json(path)
        version = int(manifest["format"])
        checksum = manifest.pop("checksum", None)
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from error
    except (ValueError, KeyError, TypeError) as error:
        raise _damaged(path, error) from error
    if version > _FORMAT:
        raise DataError(f"{folder}: prepared by a newer dcgan; install that")
    if version != _WITHOUT_CHECKSUMS and checksum != _checksum(manifest):
        raise _damaged(path, "its content does not match its checksum")
    return dict(manifest)


def has_checksums(folder: Path) -> bool:
    """Whether damage to a prepared folder can be told; not where an earlier version wrote it."""
    return "files" in read_manifest(folder)


def open_prepared(folder: Path, *, is_new: bool = False) -> ImageDataset:
    """The pictures of a prepared folder, mapped and not read.

    Its files are compared with their checksums first, once for each state of them.

    Parameters
    ----------
    folder : Path
    is_new : bool, default False
        Whether this process has just written it: then nothing is compared.

    Raises
    ------
    DataError
        A file is missing or damaged, or does not belong to the others.
    """
    manifest = read_manifest(folder)
    try:
        if not is_new:
            refuse_damage(folder, manifest.get("files", {}))
        dataset, count, strange = _opened(folder, manifest)
        lengths = {len(one.values) for one in dataset.labels.values()}
    except Damaged as error:
        raise DataError(f"{error}. {_CURE}") from error
    except MemoryError:
        raise
    except Exception as error:  # whatever a damaged file brings up
        raise _damaged(folder, error) from error
    if strange or lengths - {count}:
        raise DataError(f"{folder}: its files do not belong together. {_CURE}")
    return dataset


def _opened(folder: Path, manifest: dict[str, Any]) -> tuple[ImageDataset, int, bool]:
    """The pictures, how many there are to be, and whether the files contradict each other."""
    images = np.load(folder / _IMAGES, mmap_mode="r", allow_pickle=False)
    with np.load(folder / _LABELS, allow_pickle=False) as values:
        labels = {
            name: Labels(values[name], tuple(names)) for name, names in manifest["labels"].items()
        }
    count, view = int(manifest["count"]), manifest["view"]
    height, width = map(int, view["size"])
    shape = (int(view["channels"]), height, width)
    common: dict[str, Any] = {
        "digest": str(manifest["digest"]),
        "positions": int(manifest["positions"]),
        "kept": _read(folder / _KEPT) if manifest["skipped"] else None,
        "labels": labels,
        "skipped": tuple(Skipped(*pair) for pair in manifest["skipped"]),
        "run": int(manifest["run"]),
        "remarks": Remarks(manifest.get("remarks")),
    }
    if (folder / _SIDES).exists():
        sides = _read(folder / _SIDES)
        expected: tuple[int, ...] = (int(shape[0] * sides.prod(axis=1).sum()),)
        dataset: ImageDataset = CoveredDataset(shape, images, sides, **common)
    else:
        expected = (count, *shape)
        dataset = HeldDataset(images, **common)
    if "files" not in manifest:
        _refuse_other_pixels(folder / _IMAGES, images, manifest["digest"])
    strange = images.dtype != np.uint8 or images.shape != expected
    beyond = any(one.names and one.values.max() >= len(one.names) for one in labels.values())
    return dataset, count, bool(strange or beyond)


def _refuse_other_pixels(path: Path, images: NDArray[np.uint8], wanted: str) -> None:
    """Check a folder without checksums by all it has, the digest of its pixels."""

    def compare() -> None:
        if digest_of(images) != wanted:
            raise Damaged(f"{path}: damaged: its content does not match its digest")

    once_per_state([path], wanted, compare)


def _checksum(manifest: dict[str, Any]) -> str:
    return digest([json.dumps(manifest, sort_keys=True)])


def _damaged(path: Path, how: object) -> DataError:
    return DataError(f"{path}: damaged: {how}. {_CURE}")


def _read(path: Path) -> NDArray[np.int64]:
    return np.asarray(np.load(path, allow_pickle=False), dtype=np.int64)


def _small(values: NDArray[Any]) -> NDArray[Any]:
    """Whole numbers in as few bytes as they need."""
    if values.dtype.kind not in "iu" or not values.size:
        return values
    return values.astype(
        np.promote_types(np.min_scalar_type(values.min()), np.min_scalar_type(values.max()))
    )
