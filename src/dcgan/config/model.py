"""Settings of the networks and the latent."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, field_validator, model_serializer, model_validator

from dcgan.config.fields import (
    OPERATIONS,
    Auto,
    Natural,
    Pair,
    Positive,
    PositivePair,
    Section,
)
from dcgan.vocabulary import (
    Activation,
    Distribution,
    Initialization,
    Interpolation,
    Norm,
    Operation,
    Order,
    Upsampling,
)


class LayerRow(Section):
    """One layer of a table, written ``{conv_transpose: 64, kernel: 5, stride: 2}``.

    It computes, in this order: noise, resize, minibatch standard deviation, the operation (spectral
    norm acts on its weights), norm and activation in ``order``, dropout. Without bias, norm,
    activation or order it has its network's.
    """

    operation: Operation
    """What the layer computes; in YAML the key that holds the output channels."""
    channels: Positive
    """Output channels, or output features of a linear layer."""
    kernel: PositivePair = (1, 1)
    """Kernel size, one number or [height, width]."""
    stride: PositivePair = (1, 1)
    """Stride, one number or [height, width]."""
    padding: Pair = (0, 0)
    """Zero padding, one number or [height, width]."""
    output_padding: Pair = (0, 0)
    """Rows and columns added to one side of a transposed convolution's output."""
    end_padding: Pair | None = None
    """Zero padding at the bottom and right if it differs; padding is then that at the top and
    left."""
    reshape: tuple[Positive, Positive, Positive] | None = None
    """Reshape the features of a linear layer to (channels, height, width)."""
    bias: bool | None = None
    """Whether the operation has a bias."""
    norm: Norm | None = None
    """Normalization of this layer."""
    eps: Annotated[float, Field(gt=0)] = 1e-5
    """Number that batch, group, instance and layer norm add to the variance."""
    norm_groups: Positive = 8
    """Groups of channels that group norm normalizes."""
    norm_features: bool = False
    """Normalize the features of a linear layer before its reshape, not its channels after it."""
    activation: Activation | None = None
    """Activation of this layer; sigmoid in the output layer needs data.scaling unit."""
    order: Order | None = None
    """Which comes first, norm or activation."""
    dropout: Annotated[float, Field(ge=0, lt=1)] | None = None
    """Probability of dropping an activation while training."""
    noise: Annotated[float, Field(ge=0)] | None = None
    """Standard deviation of Gaussian noise added to the input while training."""
    resize: PositivePair | None = None
    """Resize the input to this size first; one number or [height, width]."""
    interpolation: Interpolation = "bilinear"
    """How to resize: bilinear, or nearest, which repeats pixels."""
    minibatch_stddev: bool = False
    """Append the batch's mean standard deviation to the input as one more channel."""

    @model_validator(mode="before")
    @classmethod
    def _expand_shorthand(cls, row: Any) -> Any:
        if not isinstance(row, dict) or "operation" in row:
            return row
        named = [key for key in OPERATIONS if key in row]
        if len(named) != 1:
            raise ValueError(
                f"a layer names exactly one operation with its channels ({', '.join(OPERATIONS)}),"
                " such as {conv: 64, kernel: 4}"
            )
        rest = {key: value for key, value in row.items() if key != named[0]}
        return {"operation": named[0], "channels": row[named[0]], **rest}

    @model_serializer(mode="wrap")
    def _write_shorthand(self, handler: Any) -> dict[str, Any]:
        full = handler(self)
        row = {full.pop("operation"): full.pop("channels")}
        defaults = {
            name: field.default for name, field in type(self).model_fields.items() if name in full
        }
        return row | {
            name: value for name, value in full.items() if getattr(self, name) != defaults[name]
        }


class LatentConfig(Section):
    """The latent: the random vector from which the generator makes an image."""

    dim: Positive = 100
    """Set how many random numbers a latent has. More than 100 rarely help."""
    distribution: Distribution = "normal"
    """Choose the distribution of the latent: normal is N(0, 1), uniform is [-1, 1] as in the DCGAN
    paper."""
    shape: tuple[Positive, Positive, Positive] | None = None
    """Reshape the latent to channels, height and width, for a latent that varies over the image
    (default: dim 1 1)."""
    categorical: tuple[Annotated[int, Field(ge=2)], ...] = ()
    """Set how many values each categorical InfoGAN code has, such as 10 for one code of ten
    values."""
    continuous: Natural = 0
    """Set the number of continuous InfoGAN codes, each uniform on [-1, 1]."""


class NetworkConfig(Section):
    """A network: a table of layers, or a planned network."""

    layers: tuple[LayerRow, ...] | None = None
    """Set each layer in a table, in a recipe file (default: plan the layers for the image size and
    channels, with the settings below)."""
    width: Positive | Auto = "auto"
    """Set the channels of a planned network's hidden layer next to the image. They double each time
    the size halves. A wider network is better in the end and slower. auto chooses 16 to 64."""
    max_width: Positive = 512
    """Limit the channels of every layer of a planned network. Lower it to save memory."""
    norm: Norm = "batch"
    """Choose the normalization of layers that do not set one. The output layer of a planned network
    does not use batch or pixel."""
    activation: Activation = "relu"
    """Choose the activation of layers that do not set one. The output layer of a planned network
    uses tanh."""
    order: Order = "norm-activation"
    """Choose the order of normalization and activation in layers that do not set it."""
    bias: bool | Auto = "auto"
    """Use a bias in layers that do not set it. auto uses one where no batch norm follows."""
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Set the dropout probability in the hidden layers of a planned network. Try 0.3 in a
    discriminator that is overfitting."""
    noise: Annotated[float, Field(ge=0)] = 0.0
    """Add Gaussian noise of this standard deviation to the input of a planned network (instance
    noise). Try 0.1 if the discriminator is overfitting from the start."""
    noise_until: Natural = 0
    """Reduce the instance noise linearly to zero over this many images seen. 0 keeps it
    constant."""
    slope: Annotated[float, Field(ge=0)] = 0.2
    """Set the negative slope of leaky ReLU. Other activations do not use it."""
    init: Initialization = "default"
    """Choose the initial weights: default (of PyTorch), dcgan (N(0, 0.02), as in the paper), or he
    (keeps the variance of activations from layer to layer, He et al. 2015)."""

    def rows(self) -> list[dict[str, Any]]:
        """The rows of the layer table, with the network's settings where a row has none."""
        found = []
        for row in self.layers or ():
            settings = {name: value for name, value in row if value is not None}
            for name in ("norm", "bias", "activation", "order"):
                settings.setdefault(name, getattr(self, name))
            found.append({"slope": self.slope, **settings})
        return found


class GeneratorConfig(NetworkConfig):
    """The generator: a table of layers, or a planned network."""

    upsampling: Upsampling = "transposed"
    """Choose how a planned network doubles the size: transposed convolutions, or resizing (bilinear
    or nearest, which repeats pixels) and a convolution, which avoids checkerboard patterns."""


class DiscriminatorConfig(NetworkConfig):
    """The discriminator: a table of layers, or a planned network."""

    norm: Norm = "none"
    """Choose the normalization of layers that do not set one. The first and the output layer of a
    planned network do not use batch or pixel."""
    activation: Activation = "leaky_relu"
    """Choose the activation of layers that do not set one. The output layer of a planned network
    uses none."""
    minibatch_stddev: bool = False
    """Add the minibatch standard deviation to the smallest feature map of a planned network. Try it
    against mode collapse."""
    hidden: Natural | Auto = 0
    """Set the features of a linear layer before the output of a planned network. 0 adds no such
    layer, as in the paper; auto uses 8 times the width."""
    pack: Positive = 1
    """Set how many images the discriminator judges together, stacked as channels (PacGAN). Try 2
    against mode collapse."""


class ModelConfig(Section):
    """Both networks and the latent."""

    condition: str | None = None
    """Train on labels: set the factor, usually label, whose classes the generator can then generate
    on request. clusters needs no labels: it sorts similar images into up to 40 clusters, and learns
    these. auto uses labels if they sort the images into classes that are large enough, with no more
    than 55 % of the images in one, and clusters otherwise; none uses neither."""
    latent: LatentConfig = LatentConfig()
    generator: GeneratorConfig = GeneratorConfig()
    discriminator: DiscriminatorConfig = DiscriminatorConfig()

    @field_validator("condition", mode="before")
    @classmethod
    def _none(cls, value: object) -> object:
        return None if value == "none" else value
