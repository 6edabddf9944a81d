"""What an export wrote, and how far it is from the run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Difference:
    """How far exported outputs are from those of the run.

    Parameters
    ----------
    largest, mean : float
        Absolute differences, in the units of the network's output: an image has pixels in [-1, 1].
        If outputs exceed 1, they are divided by the largest output of the run. For ``uint8`` images
        the largest is what exceeds rounding.
    latents : int
        The number of latents that were compared.
    """

    largest: float
    mean: float
    latents: int


@dataclass(frozen=True)
class Exported:
    """The result of :func:`dcgan.export`.

    Parameters
    ----------
    path : Path
        The file or folder that was written.
    sizes : dict of str to int
        Name of each file → its bytes.
    about : str
        What it is, in a few words, such as ``ONNX, opset 18``.
    use : tuple of str
        How to use it: lines of a shell or of Python, with a comment for each input of a network.
    difference : Difference, optional
        The comparison with the run; None if the format's writer compares by itself.
    """

    path: Path
    sizes: dict[str, int]
    about: str
    use: tuple[str, ...]
    difference: Difference | None = None


def sizes_of(path: Path) -> dict[str, int]:
    """The files at a path, by name relative to it, with their bytes."""
    if path.is_file():
        return {path.name: path.stat().st_size}
    files = sorted(one for one in path.rglob("*") if one.is_file())
    return {str(one.relative_to(path)): one.stat().st_size for one in files}
