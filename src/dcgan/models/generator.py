"""The generator: latent to image.

B batch · Z latent · C channels · H, W sides
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from dcgan.errors import GeometryError
from dcgan.models.blocks import Block
from dcgan.models.geometry import layer_shapes
from dcgan.models.table import Layer
from dcgan.vocabulary import Initialization


class Generator(nn.Module):
    """Maps latents to images through a layer table.

    Parameters
    ----------
    layers : sequence of Layer
        The table; its last shape must be (C, H, W).
    latent_dim : int, default 100
        Z.
    latent_shape : (int, int, int), optional
        Reshape the latent to (channels, height, width); default (Z, 1, 1).
    init : {"default", "dcgan", "he"}
        Initial weights, see :func:`dcgan.models.init.initialize`.

    Attributes
    ----------
    image_shape : (C, H, W)
    shapes : list of tuple
        The shape after each row.

    Raises
    ------
    GeometryError
        The table's shapes do not fit together, or end in no image.

    Examples
    --------
    >>> import torch
    >>> from dcgan.models import Generator, plan_generator
    >>> generator = Generator(plan_generator((28, 28), 1, width=8))
    >>> generator(torch.randn(2, 100)).shape
    torch.Size([2, 1, 28, 28])
    """

    def __init__(
        self,
        layers: Sequence[Layer],
        *,
        latent_dim: int = 100,
        latent_shape: tuple[int, int, int] | None = None,
        init: Initialization = "default",
    ) -> None:
        super().__init__()
        self.latent_dim = latent_dim
        self.input_shape = latent_shape or (latent_dim, 1, 1)
        self.shapes = layer_shapes(layers, self.input_shape)
        if not self.shapes or len(self.shapes[-1]) != 3:
            raise GeometryError(
                "layers", len(layers), "a generator ends in an image. Reshape its last linear layer"
            )
        inputs = [self.input_shape, *self.shapes[:-1]]
        self.blocks = nn.Sequential(
            *(Block(layer, shape, init) for layer, shape in zip(layers, inputs, strict=True))
        )

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(C, H, W) of its images."""
        channels, height, width = self.shapes[-1]
        return channels, height, width

    def forward(self, latent_BZ: Tensor) -> Tensor:
        """(B, Z) → (B, C, H, W), in [-1, 1] if the output layer has tanh."""
        image_BCHW: Tensor = self.blocks(latent_BZ.reshape(-1, *self.input_shape))
        return image_BCHW
