"""The augmentation of D's input, with a probability that may adapt.

B batch · C channels · H, W sides
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from dcgan.augment.operations import OPERATIONS

_EVERY = 4
"""D steps between two adjustments of the probability."""

_OLD_NAMES = {"colour": "color"}
"""Names of earlier versions, with those of today."""


class Augment:
    """Augments real and generated images before D sees them.

    The probability is fixed, or adapts to overfitting (Karras et al. 2020, arXiv:2006.06676,
    section 3.1): r = E[sign D(x)] on real training images is 0 when D cannot distinguish them from
    generated ones and 1 when it overfits; above a target the probability rises, below it falls.

    Parameters
    ----------
    policy : sequence of str
        Names in ``OPERATIONS``, applied in that order; empty: no change.
    channels : int
        Of the images; with fewer than three, operations on color are skipped.
    probability : float in [0, 1], default 1
        Of each operation for each image; where it adapts, its first value.
    target : float in (0, 1), optional
        Adapt to this r; None: the probability stays.
    images_to_one : int, default 500,000
        Least number of images seen in which the probability goes from 0 to 1.
    begins_after : int, default 0
        Adapt after so many images: D cannot overfit to images that it saw only once.
    device : torch.device

    Raises
    ------
    KeyError
        No such operation.
    """

    def __init__(
        self,
        policy: Sequence[str] = (),
        *,
        channels: int = 3,
        probability: float = 1.0,
        target: float | None = None,
        images_to_one: int = 500_000,
        begins_after: int = 0,
        device: torch.device | str = "cpu",
    ) -> None:
        operations = [OPERATIONS[_OLD_NAMES.get(name, name)] for name in policy]
        self._operations = [one for one in operations if channels > 2 or not one.needs_color]
        self._is_certain = probability == 1 and target is None
        self._target = target
        self._images_to_one = images_to_one
        self._wait = begins_after
        # on the device, so that adapting never waits for it
        self.probability = torch.tensor(float(probability), device=device)
        # whether it can differ from 0, known without asking the device
        self._acts = probability > 0
        self._sign_sum = torch.zeros((), device=device)
        self._images = 0
        self._steps = 0

    def __call__(self, image_BCHW: Tensor) -> Tensor:
        """Images in [-1, 1] → augmented ones of the same shape, with gradients."""
        # reading the probability of a GPU would wait for it
        is_cpu = self.probability.device.type == "cpu"
        if not self._acts or (is_cpu and self.probability == 0):
            return image_BCHW
        for operation in self._operations:
            changed_BCHW = operation.apply(image_BCHW)
            if not self._is_certain:
                is_hit = torch.rand(len(image_BCHW), 1, 1, 1, device=image_BCHW.device)
                changed_BCHW = torch.where(is_hit < self.probability, changed_BCHW, image_BCHW)
            image_BCHW = changed_BCHW
        return image_BCHW

    @property
    def is_adaptive(self) -> bool:
        """Whether the probability changes and there are operations."""
        return self._target is not None and bool(self._operations)

    @torch.no_grad()
    def observe(self, sign: Tensor, images: int) -> None:
        """Take note of one D step, and adjust the probability when it is due.

        Parameters
        ----------
        sign : scalar Tensor
            Mean sign of D's logits on real images; if only differences of logits mean anything, of
            those to generated images.
        images : int
            How many real images it had, in all processes.
        """
        if self._target is None or not self._operations:
            return
        if self._wait > 0:
            self._wait -= images
            return
        self._sign_sum += sign
        self._images += images
        self._steps += 1
        if self._steps == _EVERY:
            direction = (self._sign_sum / _EVERY - self._target).sign()
            self.probability += direction * (self._images / self._images_to_one)
            self.probability.clamp_(0, 1)
            self._acts = True
            self._sign_sum.zero_()
            self._images = self._steps = 0

    def state(self) -> dict[str, float]:
        """Everything that changes, as numbers that JSON keeps exactly."""
        return {
            "probability": self.probability.item(),
            "sign_sum": self._sign_sum.item(),
            "images": self._images,
            "steps": self._steps,
            "wait": self._wait,
            "acts": self._acts,
        }

    def restore(self, state: dict[str, float]) -> None:
        """The inverse of :meth:`state`."""
        self.probability.fill_(state["probability"])
        self._sign_sum.fill_(state["sign_sum"])
        self._images, self._steps = int(state["images"]), int(state["steps"])
        self._wait = int(state.get("wait", 0))  # earlier versions never waited
        self._acts = bool(state.get("acts", True))
