"""The layer table: a network as data, one frozen row per layer."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any, Self

from dcgan.vocabulary import Activation, Interpolation, Operation, Order

Pair = tuple[int, int]

CENTERED = ("batch", "group", "instance", "layer")
"""Norms that subtract a mean and divide by a deviation, to whose variance they add ``eps``."""


@dataclass(frozen=True, kw_only=True)
class Layer:
    """One row of a layer table.

    It computes, in this order: ``noise``, ``resize``, ``pack``, ``minibatch_stddev``,
    ``operation`` (its weights under spectral norm when ``norm`` says so), norm and activation in
    ``order``, ``dropout``.

    Parameters
    ----------
    operation : {"conv", "conv_transpose", "linear"}
    channels : int
        Output channels, or output features of a linear row.
    kernel, stride, padding, output_padding : (int, int)
        (height, width); refused in linear rows. ``output_padding`` is for ``conv_transpose``.
    end_padding : (int, int), optional
        Padding at the bottom and at the right, if it differs from ``padding``, which is then only
        that at the top and at the left. TensorFlow's padding ``same`` needs it.
    reshape : (int, int, int), optional
        (channels, height, width) given to a linear row's features.
    bias : bool
    norm : str
        ``none``, or a ``+`` joined choice of ``spectral``, ``batch`` and ``pixel``, or of
        ``spectral`` and one of ``group``, ``instance`` and ``layer``.
    eps : float above 0
        Added to the variance in batch, group, instance and layer norm.
    norm_groups : int
        Groups of channels of group norm.
    norm_features : bool
        Whether the norm of a linear row with ``reshape`` is over its features, before the reshape,
        and not over channels, after it.
    activation : {"none", "relu", "leaky_relu", "selu", "tanh", "sigmoid"}
    slope : float
        Negative slope of leaky ReLU.
    order : {"norm-activation", "activation-norm"}
    dropout : float in [0, 1)
    noise : float
        Standard deviation of Gaussian noise on the row's input, while training.
    resize : (int, int), optional
        (height, width) to which the input is brought first; not for linear rows.
    interpolation : {"bilinear", "nearest"}
        How ``resize`` fills in pixels.
    pack : int
        Inputs stacked as channels, see :class:`dcgan.models.blocks.Pack`.
    minibatch_stddev : bool
        Append the batch's mean standard deviation to the input as one more channel.
    """

    operation: Operation
    channels: int
    kernel: Pair = (1, 1)
    stride: Pair = (1, 1)
    padding: Pair = (0, 0)
    output_padding: Pair = (0, 0)
    end_padding: Pair | None = None
    reshape: tuple[int, int, int] | None = None
    bias: bool = True
    norm: str = "none"
    eps: float = 1e-5
    norm_groups: int = 8
    norm_features: bool = False
    activation: Activation = "none"
    slope: float = 0.2
    order: Order = "norm-activation"
    dropout: float = 0.0
    noise: float = 0.0
    resize: Pair | None = None
    interpolation: Interpolation = "bilinear"
    pack: int = 1
    minibatch_stddev: bool = False

    @property
    def norms(self) -> tuple[str, ...]:
        """The names in ``norm``, ``()`` for none."""
        return () if self.norm == "none" else tuple(self.norm.split("+"))

    @property
    def paddings(self) -> tuple[Pair, Pair]:
        """The padding at the start and at the end, each (height, width)."""
        return self.padding, self.padding if self.end_padding is None else self.end_padding

    def to_json(self) -> dict[str, Any]:
        """A dictionary that JSON can hold; only what differs from the defaults."""
        defaults = {field.name: field.default for field in fields(self)}
        return {name: value for name, value in asdict(self).items() if value != defaults[name]}

    @classmethod
    def from_json(cls, row: dict[str, Any]) -> Self:
        """The inverse of :meth:`to_json`."""
        values: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in row.items()
        }
        return cls(**values)
