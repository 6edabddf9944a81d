"""Pictures: sources → decode → fit → memory → batches."""

from dcgan.data.dataset import HeldDataset, ImageDataset
from dcgan.data.labels import Labels
from dcgan.data.loader import Batches
from dcgan.data.scale import PixelScale
from dcgan.data.sources.base import Source
from dcgan.data.sources.items import open_items
from dcgan.data.sources.opening import open_source
from dcgan.data.store import load_dataset
from dcgan.data.survey import Survey, survey

__all__ = [
    "Batches",
    "HeldDataset",
    "ImageDataset",
    "Labels",
    "PixelScale",
    "Source",
    "Survey",
    "load_dataset",
    "open_items",
    "open_source",
    "survey",
]


def __dir__() -> list[str]:
    return __all__
