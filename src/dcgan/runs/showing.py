"""A run as one line of text, and as HTML for notebooks."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

from dcgan.errors import DcganError
from dcgan.render.embedding import png_uri
from dcgan.runs.scores import read_best

if TYPE_CHECKING:
    from dcgan.runs.run import Run

_LONGEST_SIDE = 640
"""Pixels of the sheet in a notebook, whose file stores every output."""


def verdict(run: Run) -> str:
    """Images seen and the best score, such as ``12,800 images seen; best Fréchet distance 0.39;
    real images score 0.04; lower is better``."""
    try:
        seen, best = f"{run.images_seen:,} images seen", read_best(run.folder)
    except (DcganError, OSError):
        return "its files are missing or damaged"
    return f"{seen}; best {best.score}" if best else f"{seen}; no score yet"


def as_html(run: Run) -> str:
    """The sheet as an embedded PNG, with the folder and verdict below it."""
    line = html.escape(f"{run.path}: {verdict(run)}")
    try:
        sheet = run.sheet()
    except (DcganError, OSError):
        return f"<p>{line}</p>"
    sheet.thumbnail((_LONGEST_SIDE, _LONGEST_SIDE))
    image = png_uri(sheet)
    return f'<figure><img src="{image}" alt="{line}"><figcaption>{line}</figcaption></figure>'
