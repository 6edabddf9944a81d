"""Where pictures come from: paths and names."""

from dcgan.data.sources.base import Labels, Source
from dcgan.data.sources.opening import NAMES, open_source

__all__ = ["NAMES", "Labels", "Source", "open_source"]
