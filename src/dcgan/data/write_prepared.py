"""Write a prepared folder, which :mod:`dcgan.data.prepared` describes and reads."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from dcgan.data.checksums import checksums_of
from dcgan.data.dataset import digest_of
from dcgan.data.decoding import Decoded, Readable, refuse_too_many
from dcgan.data.image_view import View
from dcgan.data.prepared import FORMAT, IMAGES, KEPT, LABELS, MANIFEST, SIDES, checksum
from dcgan.data.sources.base import Source
from dcgan.runtime.files import as_json, folder_written_whole


def write_prepared(
    folder: Path,
    source: Source,
    view: View,
    images: Iterable[Decoded],
    max_unreadable: float = 1.0,
) -> None:
    """Write decoded images in their order to ``folder``, which must be new or empty.

    The folder appears when it is complete; after an error, nothing is left.

    Raises
    ------
    TooManyUnreadable
        More than a share ``max_unreadable`` of the images.
    OSError
        Such as ``DiskFull``.
    """
    with folder_written_whole(folder, last=MANIFEST) as unfinished:
        readable, total = Readable(source, view), 0
        with (unfinished / IMAGES).open("w+b") as file:
            _write_header(file, view, 0, 0)
            start = file.tell()
            for decoded in images:
                pixels = readable.add(decoded)
                if pixels is not None:
                    file.write(np.ascontiguousarray(pixels).data)
                    total += pixels.size
            file.seek(0)
            _write_header(file, view, len(readable), total)
            if file.tell() != start:
                raise AssertionError("NumPy reserves room in its header for the first axis")
        refuse_too_many(source, readable.skipped, max_unreadable)
        _write_rest(unfinished, source, view, readable)


def _write_header(file: BinaryIO, view: View, count: int, total: int) -> None:
    shape = (total,) if view.is_ragged else (count, *view.shape)
    header = {"descr": "|u1", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, header)


def _write_rest(folder: Path, source: Source, view: View, readable: Readable) -> None:
    """Write the small files, and the manifest last."""
    about = readable.about()
    labels, skipped = about["labels"], about["skipped"]
    if view.is_ragged:
        np.save(folder / SIDES, readable.sides)
    if skipped:
        np.save(folder / KEPT, about["kept"])
    _write_arrays(folder / LABELS, {name: _small(labels[name].values) for name in labels})
    manifest = {
        "format": FORMAT,
        "source": source.name,
        "view": view.to_json(),
        "count": len(readable),
        "positions": about["positions"],
        "digest": digest_of(np.load(folder / IMAGES, mmap_mode="r")),
        "run": source.run,
        "labels": {name: list(labels[name].names) for name in labels},
        "skipped": [[one.title, one.reason] for one in skipped],
        "remarks": about["remarks"].to_json(),
        "files": {path.name: checksums_of(path) for path in sorted(folder.iterdir())},
    }
    text = as_json(manifest | {"checksum": checksum(manifest)})
    (folder / MANIFEST).write_text(text, encoding="utf-8")


def _write_arrays(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write a ``.npz`` file; ``numpy.savez`` does not take every name, such as ``file``."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, array, allow_pickle=False)


def _small(values: NDArray[Any]) -> NDArray[Any]:
    """Whole numbers in as few bytes as they need."""
    if values.dtype.kind not in "iu" or not values.size:
        return values
    return values.astype(
        np.promote_types(np.min_scalar_type(values.min()), np.min_scalar_type(values.max()))
    )
