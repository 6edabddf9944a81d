"""The discriminator as a feature extractor, scored with a linear classifier."""

from dcgan.probe.labelled import Labelled, load_labelled
from dcgan.probe.methods import METHODS
from dcgan.probe.protocol import probe
from dcgan.probe.results import MethodResult, ProbeResult

__all__ = ["METHODS", "Labelled", "MethodResult", "ProbeResult", "load_labelled", "probe"]


def __dir__() -> list[str]:
    return __all__
