"""Write samples to files, in constant memory.

N images · C channels · H, W sides
"""

from __future__ import annotations

import re
import zipfile
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import replace
from io import BytesIO
from itertools import chain
from pathlib import Path
from time import localtime

import numpy as np
from numpy.typing import NDArray

from dcgan.data import ImageDataset
from dcgan.errors import ConfigError, RunError
from dcgan.evaluation.nearest import nearest_row
from dcgan.latent.choice import Choice
from dcgan.render.outputs import SHEETS, samples_suffix
from dcgan.render.sheet import Row, pillow_image, refuse_too_large, save_image, stacked
from dcgan.runs.checkpoints import checkpoint_name
from dcgan.runs.conditions import refuse_no_classes
from dcgan.runs.run import Run
from dcgan.runtime.files import StrPath, expanded, folder_written_whole, written_whole
from dcgan.runtime.isolation import isolated
from dcgan.runtime.signatures import checked
from dcgan.runtime.unfinished import leftovers

Pieces = Iterator[NDArray[np.uint8]]

_ANY = Choice()

_NUMBERED = re.compile(r"\d{6,}\.png")

_NO_FOLDER = re.compile(r'.*[<>:"/\\|?*\x00-\x1f].*|.*[ .]|', re.DOTALL)
"""Names that a folder cannot have on every system."""


@checked
@isolated()
def write_samples(
    run: Run,
    count: int,
    out: StrPath,
    choice: Choice = _ANY,
    *,
    each_class: bool = False,
    numbered: bool = False,
    beside: ImageDataset | None = None,
) -> None:
    """Generate images and write them in the format of ``out``.

    With several processes, all generate and the first one writes.

    Parameters
    ----------
    run : Run
    count : int
        Number of images; with ``each_class``, of each class.
    out : Path
        ``.png``, ``.jpg``, ``.jpeg`` or ``.webp``: one sheet. ``.npz``: an array ``images``, uint8
        (N, C, H, W). ``.zip``: PNGs named by number. No suffix: a new or empty folder of PNGs.
    choice : Choice
        The latents.
    each_class : bool
        Generate all classes of a run that was trained with labels. On a sheet, a row of each class,
        all from the same latents. Otherwise each class has the next ``count`` latents: a folder of
        each class in a folder or ``.zip``, also an array ``labels`` of class names (N,) in an
        ``.npz``.
    numbered : bool
        On a sheet, write each image's number below it.
    beside : ImageDataset, optional
        On a sheet, show the nearest of these images below each image.

    Raises
    ------
    ConfigError
        Another suffix, numbers or neighbors on anything but a sheet, or ``each_class`` with a
        ``label``, of a run without classes, or with class names that are no names of folders.
    RunError
        The folder holds other files.
    """
    out = expanded(out)
    suffix = samples_suffix(out)
    for name, wanted in {"numbered": numbered, "neighbors": beside is not None}.items():
        if wanted and suffix not in SHEETS:
            raise ConfigError(name, True, f"only on a sheet, not in {out}. Use .png")
    classes = _classes(run, choice, in_folders=suffix in {"", ".zip"}) if each_class else ()
    columns = count if each_class else None
    if suffix in SHEETS:
        refuse_too_large(
            count,
            run.networks.image_shape[1:],
            rows=(len(classes) or 1) * (1 if beside is None else 2),
            captions=numbered or beside is not None,
            columns=columns,
        )
    if run.ranks.broadcast(suffix == "" and _is_taken(out)):
        raise RunError(f"{out}: exists and is not an empty folder. Choose another `out`")
    run.ranks.agree("checkpoint", checkpoint_name(run.checkpoint))
    chosen = [replace(choice, label=name) for name in classes] or [choice]
    # what rows of a sheet show is compared, and a dataset shall vary
    apart = 0 if suffix in SHEETS else count
    pieces = chain.from_iterable(
        one.images(run, count, at * apart) for at, one in enumerate(chosen)
    )
    if not run.ranks.is_first:
        deque(pieces, maxlen=0)
        return
    match suffix:
        case one if one in SHEETS:
            captions = [str(number) for number in range(count)] if numbered else []
            images = np.concatenate(list(pieces))
            rows = []
            for title, part in zip(classes or [""], np.split(images, len(chosen)), strict=True):
                rows.append(Row(part, captions, title))
                if beside is not None:
                    rows.append(Row(*nearest_row(beside, part)))
            save_image(stacked(rows, columns), out)
        case ".npz":
            shape = (count * len(chosen), *run.networks.image_shape)
            _write_npz(pieces, shape, np.repeat(np.array(classes, str), count), out)
        case ".zip":
            _write_zip(pieces, _names(count, classes), out)
        case _:
            _write_folder(pieces, _names(count, classes), out)


def _classes(run: Run, choice: Choice, *, in_folders: bool) -> tuple[str, ...]:
    """The names of all classes of the run."""
    refuse_no_classes(run.networks, "each_class", True)
    if choice.label is not None:
        raise ConfigError("label", choice.label, "cannot be set with `each_class`. Use one of them")
    names = run.classes
    bad = [name for name in names if _NO_FOLDER.fullmatch(name)]
    if in_folders and (bad or len({name.casefold() for name in names}) < len(names)):
        wrong = (
            f"the class {bad[0]!r} cannot be the name of a folder"
            if bad
            else "the names of two classes differ only in upper and lower case"
        )
        raise ConfigError("each_class", True, f"{wrong}. Use an .npz as `out`")
    return names


def _names(count: int, classes: Sequence[str]) -> Iterator[str]:
    """The paths of the images, in their order, with the numbers of their latents."""
    for at, folder in enumerate([f"{name}/" for name in classes] or [""]):
        for number in range(at * count, (at + 1) * count):
            yield f"{folder}{number:06d}.png"


def _is_taken(out: Path) -> bool:
    """Whether it holds anything but files of a killed call."""
    if not out.is_dir():
        return out.exists()
    left = leftovers(out)
    return any(
        path not in left and not (left and _NUMBERED.fullmatch(path.name)) for path in out.iterdir()
    )


def _write_npz(pieces: Pieces, shape: tuple[int, ...], labels: NDArray[np.str_], out: Path) -> None:
    """An .npz is a zip of .npy files, which are a header and then the numbers."""
    header = {"descr": "|u1", "fortran_order": False, "shape": shape}
    with (
        written_whole(out) as unfinished,
        zipfile.ZipFile(unfinished, "w") as archive,
    ):
        with archive.open("images.npy", "w", force_zip64=True) as member:
            np.lib.format.write_array_header_1_0(member, header)
            for piece in pieces:
                member.write(piece.tobytes())
        if len(labels):
            with archive.open("labels.npy", "w") as member:
                np.lib.format.write_array(member, labels)


def _write_zip(pieces: Pieces, names: Iterator[str], out: Path) -> None:
    # PNGs are already compressed
    with (
        written_whole(out) as unfinished,
        zipfile.ZipFile(unfinished, "w", zipfile.ZIP_STORED) as archive,
    ):
        for name, image in zip(names, chain.from_iterable(pieces), strict=True):
            buffer = BytesIO()
            pillow_image(image).save(buffer, "PNG")
            member = zipfile.ZipInfo(name, localtime()[:6])
            member.external_attr = 0o666 << 16  # readable by all; unpacking applies the umask
            archive.writestr(member, buffer.getvalue())


def _write_folder(pieces: Pieces, names: Iterator[str], out: Path) -> None:
    with folder_written_whole(out) as unfinished:
        for name, image in zip(names, chain.from_iterable(pieces), strict=True):
            path = unfinished / name
            path.parent.mkdir(exist_ok=True)
            pillow_image(image).save(path)
