"""Pictures: sources → decode → fit → memory → batches."""

from dcgan.data.loader import Batches
from dcgan.data.pictures import HeldPictures, Pictures
from dcgan.data.scale import PixelScale
from dcgan.data.sources.base import Labels, Source
from dcgan.data.sources.items import open_items
from dcgan.data.sources.opening import open_source
from dcgan.data.store import load_pictures
from dcgan.data.survey import Survey, survey

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


def __dir__() -> list[str]:
    return __all__
