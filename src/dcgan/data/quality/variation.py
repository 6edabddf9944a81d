"""Whether a source gives another image each time the same one is fetched."""

from __future__ import annotations

from PIL import Image

from dcgan.data.quality.survey import spread_evenly
from dcgan.data.sources.base import Source
from dcgan.errors import UnreadableImage

_FETCHED_TWICE = 32
"""Images that are compared with themselves. Of a transform that changes one image in twenty, the
two differ in 9.5 % of all pairs, which 32 pairs miss once in 24 times; of one that changes every
second image, never in practice (0.5^32)."""

VARYING = (
    "the same item gives another image each time it is fetched, as with random transforms: items"
    " are fetched when they are shown and never cached, and a resumed run sees other images"
)


def varies(source: Source) -> bool:
    """Fetch some images twice, and tell whether one of them differs.

    Only sources of which that must be feared are asked; see
    :attr:`dcgan.data.sources.base.Source.may_vary`.
    """
    if not source.may_vary:
        return False
    return any(_differs(source, index) for index in spread_evenly(len(source), _FETCHED_TWICE))


def _differs(source: Source, index: int) -> bool:
    try:
        return _pixels(source.read(index)) != _pixels(source.read(index))
    except UnreadableImage:
        return False


def _pixels(image: Image.Image) -> tuple[str, tuple[int, int], bytes]:
    return image.mode, image.size, image.tobytes()
