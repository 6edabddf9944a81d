"""How many images a run sees until something can be recognized in its samples."""

from __future__ import annotations

from dcgan.runtime.wording import rounded

_NEEDED_PER_PIXEL = {"gray": 360, "color": 900}
"""Images until objects in samples can be recognized, for each pixel of the longer side. Read from
the sheets of real runs of the default recipe: digits of MNIST at 28x28 after 10,000 images, faces
and figures of emoji at 32x32 after about 30,000 and at 64x64 after about 60,000."""


def images_needed(size: tuple[int, int], channels: int) -> int:
    """How many images a run of the default recipe sees until objects can be recognized, to two
    digits: nobody knows more exactly, and it is named in many places.

    Parameters
    ----------
    size : (H, W)
        In pixels.
    channels : int
    """
    return rounded(_NEEDED_PER_PIXEL["color" if channels > 2 else "gray"] * max(size))
