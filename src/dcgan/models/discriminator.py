"""The discriminator: image to logit.

B batch · C channels · H, W sides
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from torch import Tensor, nn
from torch.nn.utils import parametrize

from dcgan.errors import GeometryError
from dcgan.models.blocks import Block
from dcgan.models.geometry import layer_shapes
from dcgan.models.init import Initialisation
from dcgan.models.table import Layer


class Discriminator(nn.Module):
    """Maps images to one logit each through a layer table; positive means real.

    Parameters
    ----------
    layers : sequence of Layer
        The table; its last shape must hold one number.
    image_shape : (C, H, W)
        Of the images it judges.
    init : {"default", "dcgan"}
        Initial weights, see :func:`dcgan.models.init.initialise`.

    Attributes
    ----------
    shapes : list of tuple
        The shape after each row.

    Raises
    ------
    GeometryError
        The table's shapes do not fit together, or end in more than one number.

    Examples
    --------
    >>> import torch
    >>> from dcgan.models import Discriminator, plan_discriminator
    >>> discriminator = Discriminator(plan_discriminator((28, 28), width=8), (1, 28, 28))
    >>> discriminator(torch.zeros(2, 1, 28, 28)).shape
    torch.Size([2])
    """

    def __init__(
        self,
        layers: Sequence[Layer],
        image_shape: tuple[int, int, int],
        *,
        init: Initialisation = "default",
    ) -> None:
        super().__init__()
        self.shapes = layer_shapes(layers, image_shape)
        if not self.shapes or prod(self.shapes[-1]) != 1:
            found = "×".join(map(str, self.shapes[-1])) if self.shapes else "nothing"
            raise GeometryError(
                "layers",
                found,
                "a discriminator ends in one logit; end the table with {linear: 1}, or with a conv"
                " whose kernel is the size of its input",
            )
        self._operations = [layer.operation for layer in layers]
        inputs = [image_shape, *self.shapes[:-1]]
        self.blocks = nn.Sequential(
            *(Block(layer, shape, init) for layer, shape in zip(layers, inputs, strict=True))
        )

    def forward(self, image_BCHW: Tensor) -> Tensor:
        """(B, C, H, W) → logits (B,)."""
        logit_B: Tensor = self.blocks(image_BCHW)
        return logit_B.reshape(-1)

    def layer_weights(self) -> dict[str, nn.Parameter]:
        """Each row's trained weights by a name for people, such as ``1 conv``."""
        weights = {}
        for number, (block, operation) in enumerate(
            zip(self.blocks, self._operations, strict=True), start=1
        ):
            module = block.get_submodule(operation)
            under_norm = parametrize.is_parametrized(module, "weight")
            name = "parametrizations.weight.original" if under_norm else "weight"
            weights[f"{number} {operation}"] = module.get_parameter(name)
        return weights
