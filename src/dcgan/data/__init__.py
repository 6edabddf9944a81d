"""Pictures: sources → decode → fit → memory → batches."""

from dcgan.data.loader import Batches
from dcgan.data.scale import PixelScale
from dcgan.data.sources import Labels, Source, open_source
from dcgan.data.store import Pictures, load_pictures
from dcgan.data.survey import Survey, survey

__all__ = [
    "Batches",
    "Labels",
    "Pictures",
    "PixelScale",
    "Source",
    "Survey",
    "load_pictures",
    "open_source",
    "survey",
]
