"""Pictures: sources → decode → fit → memory → batches."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcgan.data.survey import Survey, survey
from dcgan.lazily import lazily

if TYPE_CHECKING:
    from dcgan.data.loader import Batches
    from dcgan.data.pictures import HeldPictures, Pictures
    from dcgan.data.scale import PixelScale
    from dcgan.data.sources.base import Labels, Source
    from dcgan.data.sources.items import open_items
    from dcgan.data.sources.opening import open_source
    from dcgan.data.store import load_pictures

__all__ = [
    "Batches",
    "HeldPictures",
    "Labels",
    "Pictures",
    "PixelScale",
    "Source",
    "Survey",
    "load_pictures",
    "open_items",
    "open_source",
    "survey",
]

# most of them need torch, which what only reads settings does not
__getattr__, __dir__ = lazily(
    __name__,
    {
        "Batches": "dcgan.data.loader",
        "HeldPictures": "dcgan.data.pictures",
        "Labels": "dcgan.data.sources.base",
        "Pictures": "dcgan.data.pictures",
        "PixelScale": "dcgan.data.scale",
        "Source": "dcgan.data.sources.base",
        "Survey": "dcgan.data.survey",
        "load_pictures": "dcgan.data.store",
        "open_items": "dcgan.data.sources.items",
        "open_source": "dcgan.data.sources.opening",
        "survey": "dcgan.data.survey",
    },
)
