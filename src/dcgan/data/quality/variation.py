"""Whether a source returns another image each time the same one is fetched."""

from __future__ import annotations

from contextlib import suppress

from dcgan.data.quality.evidence import spread_evenly
from dcgan.data.sources.base import Source
from dcgan.errors import UnreadableImage

_FETCHED_TWICE = 32
"""Images fetched twice and compared. A transform that changes one image in twenty makes 9.5 % of
the pairs differ; 32 pairs miss it once in 24 times. One that changes every second image is never
missed in practice (0.5^32)."""

VARYING = (
    "items differ each time they are fetched, as with random transforms: they are fetched when"
    " they are shown and never cached, and a resumed run sees other images"
)


def varies(source: Source) -> bool:
    """Fetch some images twice and return whether any differs, if ``source.may_vary``."""

    def fetch(index: int) -> tuple[str, tuple[int, int], bytes]:
        image = source.read(index)
        return image.mode, image.size, image.tobytes()

    for index in spread_evenly(len(source), _FETCHED_TWICE) if source.may_vary else ():
        with suppress(UnreadableImage):
            if fetch(index) != fetch(index):
                return True
    return False
