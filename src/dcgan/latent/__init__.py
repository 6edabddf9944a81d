"""Tools for the latent space of a trained generator.

>>> import dcgan
>>> from dcgan.latent import Choice, interpolate, invert  # doctest: +SKIP
>>> run = dcgan.open_run("runs/mnist")  # doctest: +SKIP
>>> inversion = invert(run, images)  # doctest: +SKIP
>>> latents = interpolate(run.networks.latent, inversion.latent_NZ)  # doctest: +SKIP
>>> frames = run.generate(latents)  # doctest: +SKIP
"""

from dcgan.evaluation.nearest import nearest_real
from dcgan.latent.arithmetic import Concept, combine, neighbors, open_concepts
from dcgan.latent.choice import Choice
from dcgan.latent.direction_search import Request, find, from_samples
from dcgan.latent.directions import Direction, between, components, factorised, moved, without
from dcgan.latent.forget import Forgotten, forget
from dcgan.latent.interpolate import interpolate
from dcgan.latent.invert import Inversion, invert
from dcgan.latent.labeling import Reader
from dcgan.latent.noise import truncated
from dcgan.latent.sample import write_samples
from dcgan.latent.store import keep_direction, keep_latent, read_direction, read_latent

__all__ = [
    "Choice",
    "Concept",
    "Direction",
    "Forgotten",
    "Inversion",
    "Reader",
    "Request",
    "between",
    "combine",
    "components",
    "factorised",
    "find",
    "forget",
    "from_samples",
    "interpolate",
    "invert",
    "keep_direction",
    "keep_latent",
    "moved",
    "nearest_real",
    "neighbors",
    "open_concepts",
    "read_direction",
    "read_latent",
    "truncated",
    "without",
    "write_samples",
]


def __dir__() -> list[str]:
    return __all__
