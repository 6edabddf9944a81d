"""The discriminator: image to logit.

B batch · C channels · H, W sides · F features before the output layer · K classes
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from torch import Tensor, nn
from torch.nn.utils import parametrize

from dcgan.errors import GeometryError
from dcgan.models.blocks import Block
from dcgan.models.geometry import layer_shapes
from dcgan.models.spectral import spectral_norm
from dcgan.models.table import Layer
from dcgan.runtime.wording import shape_text
from dcgan.vocabulary import ClassPooling, Initialization

_HIDDEN = 128
"""Features of the hidden layer that reads codes."""


class Discriminator(nn.Module):
    """Maps images to one logit each through a layer table; positive means real.

    Parameters
    ----------
    layers : sequence of Layer
        The table; its last shape must hold one number.
    image_shape : (C, H, W)
        Of its images.
    init : {"default", "dcgan", "he"}
        Initial weights, see :func:`dcgan.models.init.initialize`.
    classes : int, default 0
        K; above 0, the logit says whether an image is a real one of its class, by a projection of
        the class on the features before the output layer (Miyato & Koyama 2018, arXiv:1802.05637,
        equation 3): ψ(φ(x)) + yᵀ V φ(x).
    class_pooling : {"sum", "mean"}, default "sum"
        How features (B, F, H, W) become φ(x) in the class term. The authors sum over positions. The
        mean makes the class term H·W times smaller, so the generator hardly learns classes; it
        exists for old runs.
    codes : int, default 0
        Numbers that :meth:`read_codes` returns; above 0, two linear layers read the latent codes
        from the same features (Chen et al. 2016, arXiv:1606.03657, InfoGAN's Q).

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
        init: Initialization = "default",
        classes: int = 0,
        class_pooling: ClassPooling = "sum",
        codes: int = 0,
    ) -> None:
        super().__init__()
        self.shapes = layer_shapes(layers, image_shape)
        if not self.shapes or prod(self.shapes[-1]) != 1:
            found = shape_text(self.shapes[-1]) if self.shapes else "nothing"
            raise GeometryError(
                "layers",
                found,
                "a discriminator ends in one logit. End the table with {linear: 1}, or with a conv"
                " whose kernel is the size of its input",
            )
        self._operations = [layer.operation for layer in layers]
        inputs = [image_shape, *self.shapes[:-1]]
        self.blocks = nn.Sequential(
            *(Block(layer, shape, init) for layer, shape in zip(layers, inputs, strict=True))
        )

        features = inputs[-1]
        if classes:
            self.projection = nn.Linear(classes, features[0], bias=False)
            if "spectral" in layers[-1].norms:
                spectral_norm(self.projection)
        if codes:
            self.reader = nn.Sequential(
                nn.Flatten(),
                nn.Linear(prod(features), _HIDDEN),
                nn.LeakyReLU(0.2),
                nn.Linear(_HIDDEN, codes),
            )
        self.classes, self.class_pooling, self.codes = classes, class_pooling, codes

    def forward(self, image_BCHW: Tensor, class_BK: Tensor | None = None) -> Tensor:
        """(B, C, H, W), and classes (B, K) of which one number is 1 → logits (B,).

        Without classes, the logit of a conditional discriminator is about the image alone.
        """
        return self.logits_of(self.features(image_BCHW), class_BK)

    def features(self, image_BCHW: Tensor) -> Tensor:
        """The input of the output layer, (B, F) or (B, F, H, W)."""
        feature: Tensor = image_BCHW
        for block in list(self.blocks)[:-1]:
            feature = block(feature)
        return feature

    def logits_of(self, feature: Tensor, class_BK: Tensor | None = None) -> Tensor:
        """:meth:`features` → logits (B,)."""
        logit_B: Tensor = self.blocks[-1](feature).reshape(-1)
        if class_BK is None or not self.classes:
            return logit_B
        pooled_BF = feature
        if feature.dim() > 2:
            by_position_BFP = feature.flatten(2)
            pooled_BF = (
                by_position_BFP.sum(2) if self.class_pooling == "sum" else by_position_BFP.mean(2)
            )
        projected_BF: Tensor = self.projection(class_BK)
        return logit_B + (projected_BF * pooled_BF).sum(dim=1)

    def read_codes(self, feature: Tensor) -> Tensor:
        """:meth:`features` → logits of categorical and means of continuous codes, (B, codes)."""
        code: Tensor = self.reader(feature)
        return code

    def layer_weights(self) -> dict[str, nn.Parameter]:
        """Each layer's trained weights by a readable name, such as ``1 conv``."""
        weights = {}
        for number, (block, operation) in enumerate(
            zip(self.blocks, self._operations, strict=True), start=1
        ):
            module = block.get_submodule(operation)
            under_norm = parametrize.is_parametrized(module, "weight")
            name = "parametrizations.weight.original" if under_norm else "weight"
            weights[f"{number} {operation}"] = module.get_parameter(name)
        return weights
