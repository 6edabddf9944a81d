"""The allowed words of settings, for configuration, networks, losses, data and runs."""

from __future__ import annotations

from typing import Literal

# images
Fit = Literal["crop", "pad", "stretch", "cover-random"]
Frames = Literal["first", "all"]
KeepOrDrop = Literal["keep", "drop"]
CachePlace = Literal["user", "run", "off"]
PixelScaling = Literal["symmetric", "unit", "standardized"]

# networks
Operation = Literal["conv", "conv_transpose", "linear"]
Norm = Literal[
    "none",
    "batch",
    "pixel",
    "group",
    "instance",
    "layer",
    "spectral",
    "batch+pixel",
    "spectral+batch",
    "spectral+pixel",
    "spectral+group",
    "spectral+instance",
    "spectral+layer",
    "spectral+batch+pixel",
]
Activation = Literal["none", "relu", "leaky_relu", "selu", "tanh", "sigmoid"]
Order = Literal["norm-activation", "activation-norm"]
Initialization = Literal["default", "dcgan", "he"]
Upsampling = Literal["transposed", "bilinear", "nearest"]
Interpolation = Literal["bilinear", "nearest"]
ClassPooling = Literal["sum", "mean"]
Distribution = Literal["normal", "uniform"]

# training
CLUSTERS = "clusters"
"""The factor whose classes are clusters of similar images."""
LossName = Literal[
    "non-saturating",
    "non-saturating-on-probabilities",
    "saturating",
    "hinge",
    "least-squares",
    "wasserstein",
    "relativistic",
]
PenaltyName = Literal["r1", "r2", "wgan_gp", "dragan"]
PenaltyPlace = Literal["real", "fake", "between", "around"]
Augmentation = Literal["color", "translation", "cutout"]
Optimizer = Literal["adam", "adamw", "sgd"]
BatchNormStatistics = Literal["all", "own"]
LearningRateSchedule = Literal["constant", "linear", "cosine"]
Precision = Literal["fp32", "bf16"]
FailureAction = Literal["continue", "stop", "rollback"]

DEVICE = r"auto|cpu|mps|cuda(:\d+)?"
"""The pattern of device names."""

NO_DEVICE = (
    "not a device. Use cuda (or cuda:N for one of several) for an NVIDIA GPU, or cpu, mps or auto"
)

# metrics
Distance = Literal["frechet", "kernel"]
Better = Literal["lower", "higher", "zero", "real"]
EXTRACTORS = ("auto", "pretrained", "classifier", "random", "inception")
"""Feature extractors with a name; others are files."""

AxisScale = Literal["linear", "log"]
