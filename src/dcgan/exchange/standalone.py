"""The networks as other programs use them: conditions are inputs with names, images are pixels.

B batch · D numbers of noise · Z latent · K classes · C channels · H, W sides
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from dcgan.data.pixels.scale import PixelScale
from dcgan.errors import printable
from dcgan.models.blocks import MinibatchStddev
from dcgan.models.discriminator import Discriminator
from dcgan.models.folding import folded
from dcgan.models.generator import Generator
from dcgan.models.latents import LatentSpace
from dcgan.models.norms import PixelNorm
from dcgan.models.spectral import plain_weights
from dcgan.runs.networks import Networks
from dcgan.runs.run import Run

Pixels = Literal["uint8", "float"]


class _OfPixels(nn.Module):
    """A module that knows the pixel scale."""

    mean: Tensor
    deviation: Tensor

    def __init__(self, scale: PixelScale, pixels: Pixels) -> None:
        super().__init__()
        self.pixels = pixels
        for name, numbers in (("mean", scale.mean), ("deviation", scale.deviation)):
            self.register_buffer(name, torch.tensor(numbers).view(1, -1, 1, 1))


class StandaloneGenerator(_OfPixels):
    """A generator whose latent holds only noise.

    Parameters
    ----------
    generator : Generator
        In evaluation mode, in single or half precision.
    latent : LatentSpace
    scale : PixelScale
    pixels : {"uint8", "float"}
        Images from 0 to 255, or as the network makes them, which ``scale`` describes.

    Shape: ``latent`` (B, D), then for a run with labels ``label`` (B,), then each code (B,) →
    (B, C, H, W). A label and a categorical code are whole numbers from 0; an unknown number is like
    no class.
    """

    def __init__(
        self, generator: Generator, latent: LatentSpace, scale: PixelScale, pixels: Pixels
    ) -> None:
        super().__init__(scale, pixels)
        self.generator = generator
        self._one_hot = [len(latent.classes)] if latent.classes else []
        self._one_hot += latent.categorical

    def forward(self, latent_BD: Tensor, *condition_B: Tensor) -> Tensor:
        parts = [latent_BD]
        for place, value_B in enumerate(condition_B):
            if place < len(self._one_hot):
                parts.append(_one_hot(value_B, self._one_hot[place]))
            else:
                parts.append(value_B[:, None])
        latent_BZ = torch.cat(parts, dim=1) if condition_B else latent_BD
        dtype = next(self.generator.parameters()).dtype
        image_BCHW: Tensor = self.generator(latent_BZ.to(dtype)).float()
        if self.pixels == "float":
            return image_BCHW
        pixel_BCHW = image_BCHW * self.deviation + self.mean
        return pixel_BCHW.round().clamp(0, 255).to(torch.uint8)


class StandaloneDiscriminator(_OfPixels):
    """A discriminator of pixels.

    Parameters are as for :class:`StandaloneGenerator`.

    Shape: ``image`` (B, C, H, W), then for a run with labels ``label`` (B,) → logits (B,), and the
    features before the output layer, (B, F) or (B, F, H, W). With the label -1 the logit is about
    the image alone.
    """

    def __init__(
        self, discriminator: Discriminator, latent: LatentSpace, scale: PixelScale, pixels: Pixels
    ) -> None:
        super().__init__(scale, pixels)
        self.discriminator = discriminator
        self._classes = len(latent.classes)

    def forward(self, image_BCHW: Tensor, *label_B: Tensor) -> tuple[Tensor, Tensor]:
        x_BCHW = image_BCHW
        if self.pixels == "uint8":
            x_BCHW = (image_BCHW.float() - self.mean) / self.deviation
        dtype = next(self.discriminator.parameters()).dtype
        feature = self.discriminator.features(x_BCHW.to(dtype))
        class_BK = _one_hot(label_B[0], self._classes).to(dtype) if label_B else None
        logit_B = self.discriminator.logits_of(feature, class_BK)
        return logit_B.float(), feature.float()


class _PixelNorm(nn.Module):
    """:class:`dcgan.models.norms.PixelNorm` without the number 1e-8.

    The exporter to ONNX takes it for zero and removes it, and half precision does not have it. Then
    a pixel of zeros would not stay zero, but become NaN.
    """

    def forward(self, x: Tensor) -> Tensor:
        large = 1e4 * x.float()
        return (large * torch.rsqrt(large.square().mean(dim=1, keepdim=True) + 1)).to(x.dtype)


class _MinibatchStddev(nn.Module):
    """:class:`dcgan.models.blocks.MinibatchStddev` without the number 1e-8."""

    def forward(self, x: Tensor) -> Tensor:
        variance = 1e8 * x.float().var(dim=0, unbiased=False)
        deviation = 1e-4 * (variance + 1).sqrt().mean().to(x.dtype)
        return torch.cat([x, deviation.expand_as(x[:, :1])], dim=1)


def _without_tiny_numbers(network: nn.Module) -> None:
    for module in list(network.modules()):
        for name, child in module.named_children():
            if isinstance(child, PixelNorm):
                setattr(module, name, _PixelNorm())
            elif isinstance(child, MinibatchStddev):
                setattr(module, name, _MinibatchStddev())


Standalone = StandaloneGenerator | StandaloneDiscriminator


def standalone_generator(run: Run, pixels: Pixels, *, half: bool = False) -> StandaloneGenerator:
    """The generator of a run, on the CPU, with batch norm folded into weights."""
    networks = run.networks.without_spectral_norm()
    generator = networks.build_generator()
    generator.load_state_dict(plain_weights(run.generator))
    ready = folded(generator.eval(), in_phases=False)
    _without_tiny_numbers(ready)
    ready = ready.half() if half else ready
    return StandaloneGenerator(ready, networks.latent, networks.scale, pixels).eval()


def standalone_discriminator(
    run: Run, pixels: Pixels, *, half: bool = False
) -> StandaloneDiscriminator:
    """The discriminator of a run, on the CPU."""
    networks = run.networks.without_spectral_norm()
    discriminator = networks.build_discriminator()
    discriminator.load_state_dict(plain_weights(run.discriminator))
    ready = discriminator.eval().requires_grad_(False)
    _without_tiny_numbers(ready)
    ready = ready.half() if half else ready
    return StandaloneDiscriminator(ready, networks.latent, networks.scale, pixels).eval()


def input_names(networks: Networks, part: str) -> list[str]:
    """The names of a standalone network's inputs, in order.

    Codes are numbered from 1, categorical ones first, as in :meth:`dcgan.Run.sample`.
    """
    latent = networks.latent
    label = ["label"] if latent.classes else []
    if part == "discriminator":
        return ["image", *label]
    codes = len(latent.categorical) + latent.continuous
    return ["latent", *label, *(f"code_{number}" for number in range(1, codes + 1))]


def inputs_in_words(networks: Networks, part: str, pixels: Pixels) -> list[str]:
    """What each input is, a line each, as comments of Python."""
    latent = networks.latent
    shape = ", ".join(map(str, networks.image_shape))
    image = "uint8" if pixels == "uint8" else "float32"
    noise = "from N(0, 1)" if latent.distribution == "normal" else "uniform in [-1, 1]"
    last = len(latent.classes) - 1
    names = networks.class_names
    are_numbers = names == tuple(map(str, range(len(names))))
    which = "" if are_numbers else f": {printable(names[0])} to {printable(names[-1])}"
    about = {
        "image": f"{image} (B, {shape})",
        "latent": f"float32 (B, {latent.dim}), {noise}",
        "label": f"int64 (B,), the number of a class, 0 to {last}{which}",
    }
    for number, values in enumerate(latent.categorical, start=1):
        about[f"code_{number}"] = f"int64 (B,), 0 to {values - 1}"
    for number in range(latent.continuous):
        code = len(latent.categorical) + number + 1
        about[f"code_{code}"] = "float32 (B,), in [-1, 1]"
    return [f"# {name}: {about[name]}" for name in input_names(networks, part)]


def output_names(part: str) -> list[str]:
    """The names of its outputs, in order."""
    return ["logits", "features"] if part == "discriminator" else ["image"]


def inputs_of(latent: LatentSpace, latent_BZ: Tensor) -> tuple[Tensor, ...]:
    """Latents with their conditions taken apart: the inputs of a standalone generator.

    >>> space = LatentSpace(dim=2, classes=(0.5, 0.5), continuous=1)
    >>> [tuple(part.shape) for part in inputs_of(space, torch.zeros(4, 5))]
    [(4, 2), (4,), (4,)]
    """
    slices = [latent.class_slice] if latent.classes else []
    hot = [latent_BZ[:, place].argmax(dim=1) for place in (*slices, *latent.categorical_slices)]
    continuous = latent_BZ[:, latent.continuous_slice].unbind(dim=1) if latent.continuous else ()
    noise_BD = latent_BZ[:, : latent.dim].contiguous()
    return noise_BD, *hot, *(value.contiguous() for value in continuous)


def _one_hot(number_B: Tensor, values: int) -> Tensor:
    """Compared and not indexed, since other programs must accept every number."""
    return (number_B[:, None] == torch.arange(values, device=number_B.device)).float()
