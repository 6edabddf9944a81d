"""A run in one line, and as what a notebook shows."""

from __future__ import annotations

import base64
import html
from io import BytesIO
from typing import TYPE_CHECKING

from dcgan.errors import DcganError
from dcgan.runs.scores import read_best

if TYPE_CHECKING:
    from PIL import Image

    from dcgan.runs.run import Run

_LONGEST_SIDE = 640
"""Pixels of the sheet in a notebook, which keeps every output in its file."""


def verdict(run: Run) -> str:
    """How far a run is and its best score, such as ``12,800 images seen; best Fréchet distance
    0.39; real images score 0.04; lower is better``."""
    try:
        seen, best = f"{run.images_seen:,} images seen", read_best(run.folder)
    except (DcganError, OSError):
        return "its files are missing or damaged"
    return f"{seen}; best {best.score}" if best else f"{seen}; no score yet"


def as_html(run: Run) -> str:
    """The run's folder and verdict, below the sheet as a PNG inside the page."""
    line = html.escape(f"{run.path}: {verdict(run)}")
    try:
        image = _inline(run.sheet())
    except (DcganError, OSError):
        return f"<p>{line}</p>"
    return f'<figure><img src="{image}" alt="{line}"><figcaption>{line}</figcaption></figure>'


def _inline(image: Image.Image) -> str:
    image.thumbnail((_LONGEST_SIDE, _LONGEST_SIDE))
    buffer = BytesIO()
    image.save(buffer, "PNG")
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"
