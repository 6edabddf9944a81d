"""The discriminator as a feature extractor, scored with a linear classifier."""

from dcgan.probe.labeled import Labeled, load_labeled
from dcgan.probe.methods import METHODS
from dcgan.probe.protocol import probe
from dcgan.probe.results import MethodResult, ProbeResult

__all__ = ["METHODS", "Labeled", "MethodResult", "ProbeResult", "load_labeled", "probe"]


def __dir__() -> list[str]:
    return __all__
