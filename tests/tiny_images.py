"""Small images that tests of datasets put into files, and what a source says of them."""

from __future__ import annotations

from io import BytesIO

import numpy as np
from PIL import Image

from dcgan.data import Source


def png(tone: int = 0) -> bytes:
    """A gray picture, recognized by its tone."""
    buffer = BytesIO()
    Image.new("L", (3, 2), tone).save(buffer, "PNG")
    return buffer.getvalue()


def tones(source: Source) -> list[int]:
    """Of every picture, in its first pixel."""
    return [source.read(index).getpixel((0, 0)) for index in range(len(source))]


def read_all(source: Source) -> np.ndarray:
    """Every picture, which are of one shape."""
    return np.stack([np.asarray(source.read(index)) for index in range(len(source))])


def titles(source: Source) -> list[str]:
    """Of every picture, in order."""
    return [source.title(index) for index in range(len(source))]


def class_names(source: Source, factor: str = "label") -> list[str]:
    """Of every picture, in order."""
    labels = source.labels[factor]
    return [labels.names[value] for value in labels.values]
