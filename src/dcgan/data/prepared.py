"""Read a prepared folder: decoded and fitted images that are mapped into memory.

::

    FOLDER/
      images.npy      uint8 (N, C, H, W); all pixels (total,) if sizes differ
      kept.npy        int64 (N,), only if some images were unreadable: numbers in the source
      sides.npy       int64 (N, 2), only if sizes differ: height and width of each image
      labels.npz      one array (N,) per factor
      prepared.json   view, digest, class names, skipped images; checksums of the other files
                      and of itself

N images · C channels · H, W sides
"""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dcgan.data.checksums import Damaged, once_per_state, refuse_damage
from dcgan.data.dataset import CoveredDataset, DecodedDataset, HeldDataset, digest_of
from dcgan.data.labels import Labels
from dcgan.data.pixels.remarks import Remarks, Skipped
from dcgan.data.sources.paths import digest
from dcgan.errors import DataError
from dcgan.runtime.reading import read_json

MANIFEST = "prepared.json"
"""Written last: a folder that holds it is complete."""

FORMAT = 2
_WITHOUT_CHECKSUMS = 1
"""The format of folders that an earlier version wrote."""

IMAGES, SIDES, LABELS, KEPT = "images.npy", "sides.npy", "labels.npz", "kept.npy"

_HEADER_BYTES, _LABEL_BYTES = 1024, 8
"""Maximum bytes of an array's header, and of the label of one image."""

_CURE = "Restore it from a copy, or prepare the dataset again with 'dcgan prepare'"


def is_prepared(folder: Path) -> bool:
    """Whether a folder holds prepared images."""
    return (folder / MANIFEST).is_file()


def read_manifest(folder: Path) -> dict[str, Any]:
    """The content of a prepared folder's ``prepared.json``.

    Raises
    ------
    DataError
        Damaged, or of a newer version.
    """
    path = folder / MANIFEST
    try:
        manifest = read_json(path)
        version = int(manifest["format"])
        stored = manifest.pop("checksum", None)
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from error
    except (ValueError, KeyError, TypeError) as error:
        raise _damaged(path, error) from error
    if version > FORMAT:
        raise DataError(f"{folder}: prepared by a newer dcgan. Install that version")
    if version != _WITHOUT_CHECKSUMS and stored != checksum(manifest):
        raise _damaged(path, "its content does not match its checksum")
    return dict(manifest)


def has_checksums(folder: Path) -> bool:
    """Whether a prepared folder has checksums; those of an earlier version have none."""
    return "files" in read_manifest(folder)


def open_prepared(folder: Path, *, is_new: bool = False) -> DecodedDataset:
    """Map the images of a prepared folder into memory.

    Compares its files with their checksums first, once until they change; not at all if this
    process has just written them (``is_new``).

    Raises
    ------
    DataError
        A file is missing or damaged, or does not belong to the others.
    """
    manifest = read_manifest(folder)
    try:
        if not is_new:
            refuse_damage(folder, manifest.get("files", {}))
        return _opened(folder, manifest)
    except Damaged as error:
        raise DataError(f"{error}. {_CURE}") from error
    except MemoryError:
        raise
    except Exception as error:  # whatever NumPy raises for a damaged file
        raise _damaged(folder, error) from error


def _opened(folder: Path, manifest: dict[str, Any]) -> DecodedDataset:
    images = np.load(folder / IMAGES, mmap_mode="r", allow_pickle=False)
    count, view = int(manifest["count"]), manifest["view"]
    with np.load(folder / LABELS, allow_pickle=False) as values:
        _refuse_oversized(values.zip, count)
        labels = {
            name: Labels(values[name], tuple(names)) for name, names in manifest["labels"].items()
        }
    height, width = map(int, view["size"])
    shape = (int(view["channels"]), height, width)
    common: dict[str, Any] = {
        "digest": str(manifest["digest"]),
        "positions": int(manifest["positions"]),
        "kept": _read(folder / KEPT) if manifest["skipped"] else None,
        "labels": labels,
        "skipped": tuple(Skipped(*pair) for pair in manifest["skipped"]),
        "run": int(manifest["run"]),
        "remarks": Remarks(manifest.get("remarks")),
    }
    if (folder / SIDES).exists():
        sides = _read(folder / SIDES)
        expected: tuple[int, ...] = (int(shape[0] * sides.prod(axis=1).sum()),)
        dataset: DecodedDataset = CoveredDataset(shape, images, sides, **common)
    else:
        expected = (count, *shape)
        dataset = HeldDataset(images, **common)
    if "files" not in manifest:
        _refuse_other_pixels(folder / IMAGES, images, manifest["digest"])
    is_right = images.dtype == np.uint8 and images.shape == expected
    for one in labels.values():
        is_right &= len(one.values) == count
        is_right &= not one.names or bool(one.values.max() < len(one.names))
    if not is_right:
        raise Damaged(f"{folder}: its files do not belong together")
    return dataset


def _refuse_oversized(archive: zipfile.ZipFile, count: int) -> None:
    """Refuse labels that would unpack to more than those of ``count`` images."""
    for member in archive.infolist():
        plain = member.compress_type in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
        if not plain or member.file_size > _HEADER_BYTES + _LABEL_BYTES * count:
            raise Damaged(f"{archive.filename}: {member.filename} is not as dcgan writes it")


def _refuse_other_pixels(path: Path, images: NDArray[np.uint8], wanted: str) -> None:
    """Check the digest of the pixels of a folder without checksums."""

    def compare() -> None:
        if digest_of(images) != wanted:
            raise Damaged(f"{path}: damaged: its content does not match its digest")

    once_per_state([path], wanted, compare)


def checksum(manifest: dict[str, Any]) -> str:
    """The checksum of a manifest without its own checksum."""
    return digest([json.dumps(manifest, sort_keys=True)])


def _damaged(path: Path, how: object) -> DataError:
    return DataError(f"{path}: damaged: {how}. {_CURE}")


def _read(path: Path) -> NDArray[np.int64]:
    return np.asarray(np.load(path, allow_pickle=False), dtype=np.int64)
