"""Write samples to files, in constant memory.

N images · C channels · H, W sides
"""

from __future__ import annotations

import re
import zipfile
from collections import deque
from collections.abc import Iterator
from io import BytesIO
from itertools import chain
from pathlib import Path
from time import localtime

import numpy as np
from numpy.typing import NDArray

from dcgan.data import ImageDataset
from dcgan.errors import ConfigError, RunError
from dcgan.latent.choice import Choice
from dcgan.latent.draw import samples_sheet
from dcgan.render.outputs import SHEETS, samples_suffix
from dcgan.render.sheet import pillow_image, refuse_too_large, save_image
from dcgan.runs.checkpoints import checkpoint_name
from dcgan.runs.run import Run
from dcgan.runtime.files import StrPath, expanded, folder_written_whole, written_whole
from dcgan.runtime.isolation import isolated
from dcgan.runtime.signatures import checked
from dcgan.runtime.unfinished import leftovers

Pieces = Iterator[NDArray[np.uint8]]

_ANY = Choice()

_NUMBERED = re.compile(r"\d{6,}\.png")


@checked
@isolated()
def write_samples(
    run: Run,
    count: int,
    out: StrPath,
    choice: Choice = _ANY,
    *,
    numbered: bool = False,
    beside: ImageDataset | None = None,
) -> None:
    """Generate images and write them in the format of ``out``.

    With several processes, all generate and the first one writes.

    Parameters
    ----------
    run : Run
    count : int
    out : Path
        ``.png``, ``.jpg``, ``.jpeg`` or ``.webp``: one sheet. ``.npz``: an array ``images``, uint8
        (N, C, H, W). ``.zip``: PNGs named by number. No suffix: a new or empty folder of PNGs.
    choice : Choice
        The latents.
    numbered : bool
        On a sheet, write each image's number below it.
    beside : ImageDataset, optional
        On a sheet, show the nearest of these images below each image.

    Raises
    ------
    ConfigError
        Another suffix, or numbers or neighbors on anything but a sheet.
    RunError
        The folder holds other files.
    """
    out = expanded(out)
    suffix = samples_suffix(out)
    for name, wanted in {"numbered": numbered, "neighbors": beside is not None}.items():
        if wanted and suffix not in SHEETS:
            raise ConfigError(name, True, f"only on a sheet, not in {out}. Use .png")
    if suffix in SHEETS:
        refuse_too_large(
            count,
            run.networks.image_shape[1:],
            rows=1 if beside is None else 2,
            captions=numbered or beside is not None,
        )
    if run.ranks.broadcast(suffix == "" and _is_taken(out)):
        raise RunError(f"{out}: exists and is not an empty folder. Choose another `out`")
    run.ranks.agree("checkpoint", checkpoint_name(run.checkpoint))
    pieces = choice.images(run, count)
    if not run.ranks.is_first:
        deque(pieces, maxlen=0)
        return
    match suffix:
        case one if one in SHEETS:
            captions = [str(number) for number in range(count)] if numbered else []
            images = np.concatenate(list(pieces))
            save_image(samples_sheet(images, captions=captions, beside=beside), out)
        case ".npz":
            _write_npz(pieces, (count, *run.networks.image_shape), out)
        case ".zip":
            _write_zip(pieces, out)
        case _:
            _write_folder(pieces, out)


def _is_taken(out: Path) -> bool:
    """Whether it holds anything but files of a killed call."""
    if not out.is_dir():
        return out.exists()
    left = leftovers(out)
    return any(
        path not in left and not (left and _NUMBERED.fullmatch(path.name)) for path in out.iterdir()
    )


def _write_npz(pieces: Pieces, shape: tuple[int, ...], out: Path) -> None:
    """An .npz is a zip of .npy files, which are a header and then the numbers."""
    header = {"descr": "|u1", "fortran_order": False, "shape": shape}
    with (
        written_whole(out) as unfinished,
        zipfile.ZipFile(unfinished, "w") as archive,
        archive.open("images.npy", "w", force_zip64=True) as member,
    ):
        np.lib.format.write_array_header_1_0(member, header)
        for piece in pieces:
            member.write(piece.tobytes())


def _write_zip(pieces: Pieces, out: Path) -> None:
    # PNGs are already compressed
    with (
        written_whole(out) as unfinished,
        zipfile.ZipFile(unfinished, "w", zipfile.ZIP_STORED) as archive,
    ):
        for number, image in enumerate(chain.from_iterable(pieces)):
            buffer = BytesIO()
            pillow_image(image).save(buffer, "PNG")
            member = zipfile.ZipInfo(f"{number:06d}.png", localtime()[:6])
            member.external_attr = 0o666 << 16  # readable by all; unpacking applies the umask
            archive.writestr(member, buffer.getvalue())


def _write_folder(pieces: Pieces, out: Path) -> None:
    with folder_written_whole(out) as unfinished:
        for number, image in enumerate(chain.from_iterable(pieces)):
            pillow_image(image).save(unfinished / f"{number:06d}.png")
