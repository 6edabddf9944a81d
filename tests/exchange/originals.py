"""Models as other programs build them, without this package."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn
from torch.nn.utils import spectral_norm as old_spectral_norm
from torch.nn.utils.parametrizations import spectral_norm


def lived_in(module: nn.Module, seed: int = 0) -> nn.Module:
    """A module in evaluation mode, whose batch norms have seen something."""
    torch.manual_seed(seed)
    for one in module.modules():
        if isinstance(one, nn.BatchNorm1d | nn.BatchNorm2d):
            one.running_mean.normal_(0, 0.3)
            one.running_var.uniform_(0.3, 3)
            nn.init.normal_(one.weight, 1, 0.2)
            nn.init.normal_(one.bias, 0, 0.2)
    return module.eval().requires_grad_(False)


# PyTorch ---------------------------------------------------------------------------------------


class Example(nn.Module):
    """A network whose only child is ``main``, as in the example and the tutorial of PyTorch."""

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        self.main = nn.Sequential(*layers)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.main(x)


def example_generator(nz: int = 100, ngf: int = 8, nc: int = 3) -> Example:
    """Images of 64x64."""
    layers: list[nn.Module] = []
    before = nz
    for times in (8, 4, 2, 1):
        window = (4, 1, 0) if times == 8 else (4, 2, 1)
        layers += [
            nn.ConvTranspose2d(before, ngf * times, *window, bias=False),
            nn.BatchNorm2d(ngf * times),
            nn.ReLU(inplace=True),
        ]
        before = ngf * times
    return Example(*layers, nn.ConvTranspose2d(ngf, nc, 4, 2, 1, bias=False), nn.Tanh())


def example_discriminator(ndf: int = 8, nc: int = 3) -> Example:
    layers: list[nn.Module] = [nn.Conv2d(nc, ndf, 4, 2, 1, bias=False), nn.LeakyReLU(0.2)]
    for times in (2, 4, 8):
        layers += [
            nn.Conv2d(ndf * times // 2, ndf * times, 4, 2, 1, bias=False),
            nn.BatchNorm2d(ndf * times),
            nn.LeakyReLU(0.2),
        ]
    return Example(*layers, nn.Conv2d(ndf * 8, 1, 4, 1, 0, bias=False), nn.Sigmoid())


class GanGenerator(nn.Module):
    """The generator of PyTorch-GAN."""

    def __init__(self, latent: int = 20, size: int = 32, channels: int = 1) -> None:
        super().__init__()
        self.side = size // 4
        self.l1 = nn.Sequential(nn.Linear(latent, 128 * self.side**2))
        self.conv_blocks = nn.Sequential(
            nn.BatchNorm2d(128),
            nn.Upsample(scale_factor=2),
            nn.Conv2d(128, 128, 3, stride=1, padding=1),
            nn.BatchNorm2d(128, 0.8),
            nn.LeakyReLU(0.2),
            nn.Upsample(scale_factor=2),
            nn.Conv2d(128, 64, 3, stride=1, padding=1),
            nn.BatchNorm2d(64, 0.8),
            nn.LeakyReLU(0.2),
            nn.Conv2d(64, channels, 3, stride=1, padding=1),
            nn.Tanh(),
        )

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        return self.conv_blocks(self.l1(z).view(len(z), 128, self.side, self.side))


class GanDiscriminator(nn.Module):
    """The discriminator of PyTorch-GAN."""

    def __init__(self, size: int = 32, channels: int = 1, *, last_norm: bool = True) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        before = channels
        for made in (16, 32, 64, 128):
            layers += [nn.Conv2d(before, made, 3, 2, 1), nn.LeakyReLU(0.2), nn.Dropout2d(0.25)]
            if made in {32, 64} or (made == 128 and last_norm):
                layers.append(nn.BatchNorm2d(made, 0.8))
            before = made
        self.model = nn.Sequential(*layers)
        self.adv_layer = nn.Sequential(nn.Linear(128 * (size // 16) ** 2, 1), nn.Sigmoid())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.adv_layer(self.model(x).flatten(1))


# The classic systems, as plain Sequential -------------------------------------------------------


def upward(widths, windows, *, bias, last_bias=None, first=100):
    """Transposed convolutions, each but the last with batch norm and ReLU, then tanh."""
    layers: list[nn.Module] = []
    before = first
    for place, (made, window) in enumerate(zip(widths, windows, strict=True)):
        is_last = place == len(widths) - 1
        own = last_bias if is_last and last_bias is not None else bias
        layers.append(nn.ConvTranspose2d(before, made, *window, bias=own))
        layers += [nn.Tanh()] if is_last else [nn.BatchNorm2d(made), nn.ReLU()]
        before = made
    return layers


def downward_after_activation():
    """Activation before batch norm, two linear layers at the end."""
    layers: list[nn.Module] = []
    before = 1
    for made, kernel, stride in ((4, 3, 1), (16, 4, 2), (64, 4, 2)):
        layers += [nn.Conv2d(before, made, kernel, stride), nn.LeakyReLU(0.2), nn.BatchNorm2d(made)]
        before = made
    layers += [nn.Conv2d(64, 256, 5, 2), nn.Flatten(), nn.Linear(256, 16), nn.Linear(16, 1)]
    return nn.Sequential(*layers)


def downward(widths, *, first_bias, last_bias, channels):
    layers: list[nn.Module] = [nn.Conv2d(channels, widths[0], 4, 2, 1, bias=first_bias)]
    layers.append(nn.LeakyReLU(0.2))
    before = widths[0]
    for made in widths[1:]:
        layers.append(nn.Conv2d(before, made, 4, 2, 1, bias=False))
        layers += [nn.BatchNorm2d(made), nn.LeakyReLU(0.2)]
        before = made
    return nn.Sequential(*layers, nn.Conv2d(before, 1, 4, bias=last_bias))


_DOUBLING = [(4, 1, 0), *[(4, 2, 1)] * 4]
_SMALL = [(5, 2), (4, 2), (4, 2), (3, 1)]


def small_mnist():
    return nn.Sequential(*upward([64, 16, 4, 1], _SMALL, bias=True)), downward_after_activation()


def small_mnist_spatial():
    windows = [(4, 1, 4), *_SMALL[1:]]
    layers = upward([64, 16, 4, 1], windows, bias=True, first=1)
    generator = nn.Sequential(nn.Flatten(), nn.Unflatten(1, (1, 10, 10)), *layers)
    return generator, downward_after_activation()


def mlp_mnist():
    layers: list[nn.Module] = [nn.Flatten()]
    before = 100
    for made in (256, 512, 1024):
        layers += [nn.Linear(before, made), nn.BatchNorm1d(made), nn.ReLU()]
        before = made
    generator = nn.Sequential(
        *layers, nn.Linear(1024, 784), nn.Tanh(), nn.Unflatten(1, (1, 28, 28))
    )
    discriminator = nn.Sequential(
        nn.Flatten(),
        *(nn.Linear(784, 512), nn.LeakyReLU(0.2), nn.Dropout(0.3)),
        *(nn.Linear(512, 256), nn.LeakyReLU(0.2), nn.Dropout(0.3)),
        nn.Linear(256, 1),
    )
    return generator, discriminator


def wide_mnist():
    widths = [1024, 512, 256, 128, 1]
    generator = nn.Sequential(*upward(widths, _DOUBLING, bias=False, last_bias=True))
    discriminator = downward([128, 256, 512, 1024], first_bias=True, last_bias=True, channels=1)
    return generator, discriminator


def lsun_church():
    generator = nn.Sequential(*upward([1024, 512, 256, 128, 3], _DOUBLING, bias=False))
    return generator, downward([64, 128, 256, 512], first_bias=False, last_bias=False, channels=3)


def paper():
    generator = nn.Sequential(*upward([1024, 512, 256, 128, 3], _DOUBLING, bias=False))
    widths = [128, 256, 512, 1024]
    return generator, downward(widths, first_bias=False, last_bias=False, channels=3)


def celeba_rectangular(*, new: bool):
    """Spectral norm of either form, after enough passes to find its singular vectors."""
    norm = spectral_norm if new else old_spectral_norm
    layers: list[nn.Module] = [nn.Flatten(), nn.Linear(100, 8192), nn.Unflatten(1, (512, 4, 4))]
    before = 512
    for made in (512, 256, 128, 64):
        layers.append(norm(nn.ConvTranspose2d(before, made, (5, 4), 2, 1, bias=False)))
        layers += [nn.BatchNorm2d(made), nn.ReLU()]
        before = made
    layers += [norm(nn.ConvTranspose2d(64, 3, (5, 4), 2, (2, 1), bias=False)), nn.Tanh()]
    generator = nn.Sequential(*layers)
    layers, before = [], 3
    for made in (64, 128, 256, 512, 512):
        layers.append(norm(nn.Conv2d(before, made, 4, 2, 1, bias=False)))
        layers += [nn.LeakyReLU(0.2), nn.Dropout(0.3)]
        before = made
    discriminator = nn.Sequential(*layers, nn.Conv2d(512, 1, 4, 2, bias=False))
    with torch.no_grad():
        generator(torch.randn(2, 100, 1, 1))
        discriminator(torch.randn(2, 3, 157, 128))
    return generator, discriminator


# Arrays ----------------------------------------------------------------------------------------


def leaky(x, slope):
    return np.where(x > 0, x, slope * x)


def scatter(x_BHWI, kernel_HWOI, stride, cut, sides):
    """A transposed convolution by its definition: every input pixel adds its kernel."""
    batch, height, width, _ = x_BHWI.shape
    k = kernel_HWOI.shape[0]
    whole = np.zeros(
        (batch, (height - 1) * stride + k, (width - 1) * stride + k, kernel_HWOI.shape[2])
    )
    for row in range(height):
        for column in range(width):
            patch = np.einsum("bi,hwoi->bhwo", x_BHWI[:, row, column], kernel_HWOI)
            top, left = row * stride, column * stride
            whole[:, top : top + k, left : left + k] += patch
    # beyond the whole there is nothing but zeros
    wide = np.pad(whole, ((0, 0), (0, stride), (0, stride), (0, 0)))
    return wide[:, cut : cut + sides, cut : cut + sides]


def gather(x_BHWI, kernel_HWIO, stride, before, after):
    """A convolution without mirroring, by its definition."""
    x = np.pad(x_BHWI, ((0, 0), (before, after), (before, after), (0, 0)))
    k = kernel_HWIO.shape[0]
    sides = (x.shape[1] - k) // stride + 1
    out = np.zeros((len(x), sides, sides, kernel_HWIO.shape[3]))
    for row in range(sides):
        for column in range(sides):
            top, left = row * stride, column * stride
            window = x[:, top : top + k, left : left + k]
            out[:, row, column] = np.einsum("bhwi,hwio->bo", window, kernel_HWIO)
    return out


def keras_generator(latent=10, widths=(6, 5, 4), channels=1, side=7, seed=0):
    """The weights of the tutorial's generator as ``get_weights()`` lists them."""
    random = np.random.default_rng(seed)

    def norm(size):
        return [
            random.normal(1, 0.2, size),
            random.normal(0, 0.2, size),
            random.normal(0, 0.3, size),
            random.uniform(0.01, 2, size),  # small variances show eps
        ]

    features = side * side * widths[0]
    weights = [random.normal(0, 0.3, (latent, features)), *norm(features)]
    outs = [widths[1], widths[2], channels]
    for place, made in enumerate(outs):
        weights.append(random.normal(0, 0.2, (5, 5, made, widths[place])))
        if place < 2:
            weights += norm(made)
    return [one.astype(np.float32) for one in weights]


def keras_images(weights, latent_BZ, side=7):
    """(B, H, W, C) in TensorFlow's order."""
    dense, *rest = [one.astype(np.float64) for one in weights]

    def normalized(x, norm):
        gamma, beta, mean, variance = norm
        return leaky(gamma * (x - mean) / np.sqrt(variance + 1e-3) + beta, 0.3)

    x = normalized(latent_BZ.astype(np.float64) @ dense, rest[:4])
    x = x.reshape(len(x), side, side, -1)
    rest = rest[4:]
    for stride in (1, 2, 2):
        kernel = rest.pop(0)
        sides = x.shape[1] * stride
        # padding "same": what is cut off in all is kernel - stride, the smaller half first
        x = scatter(x, kernel, stride, (5 - stride) // 2, sides)
        if rest:
            x = normalized(x, rest[:4])
            rest = rest[4:]
    return np.tanh(x)


def keras_discriminator(widths=(4, 6), channels=1, side=28, seed=1):
    random = np.random.default_rng(seed)
    last = (side + 3) // 4
    weights = [
        random.normal(0, 0.2, (5, 5, channels, widths[0])),
        random.normal(0, 0.2, widths[0]),
        random.normal(0, 0.2, (5, 5, *widths)),
        random.normal(0, 0.2, widths[1]),
        random.normal(0, 0.2, (last * last * widths[1], 1)),
        random.normal(0, 0.2, 1),
    ]
    return [one.astype(np.float32) for one in weights]


def keras_logits(weights, image_BHWC):
    first, first_bias, second, second_bias, dense, dense_bias = (
        one.astype(np.float64) for one in weights
    )
    x = image_BHWC.astype(np.float64)
    for kernel, bias in ((first, first_bias), (second, second_bias)):
        side = x.shape[1]
        total = max((-(-side // 2) - 1) * 2 + 5 - side, 0)
        x = leaky(gather(x, kernel, 2, total // 2, total - total // 2) + bias, 0.3)
    return (x.reshape(len(x), -1) @ dense + dense_bias)[:, 0]


def theano_generator(latent=9, widths=(6, 5, 4), channels=3, seed=2):
    """gw, gg, gb, gw2, …, gwx: for images of 4 · 2^3 pixels here, 64 in the original."""
    random = np.random.default_rng(seed)
    weights = [random.normal(0, 0.5, (latent, widths[0] * 16))]
    weights += [random.normal(1, 0.2, widths[0] * 16), random.normal(0, 0.2, widths[0] * 16)]
    for before, made in zip(widths, (*widths[1:], channels), strict=True):
        weights.append(random.normal(0, 0.2, (before, made, 5, 5)))
        if made != channels or before != widths[-1]:
            weights += [random.normal(1, 0.2, made), random.normal(0, 0.2, made)]
    return [one.astype(np.float32) for one in weights]


class TheanoNorms:
    """Batch norms without statistics of their own, which are averaged over batches."""

    def __init__(self) -> None:
        self.means, self.variances, self.batches = {}, {}, 0

    def __call__(self, number, x, gamma, beta, *, training):
        """(B, F) or (B, H, W, C), normalized over all axes but the last."""
        axes = tuple(range(x.ndim - 1))
        if training:
            mean, variance = x.mean(axis=axes), x.var(axis=axes)
            count = x.size // x.shape[-1]
            self.means.setdefault(number, []).append(mean)
            self.variances.setdefault(number, []).append(variance * count / (count - 1))
        else:
            mean, variance = (np.mean(v[number], axis=0) for v in (self.means, self.variances))
        return np.maximum(gamma * (x - mean) / np.sqrt(variance + 1e-8) + beta, 0)


def theano_images(weights, latent_BZ, norms, *, training):
    """(B, H, W, C). A deconvolution is the gradient of a convolution with mirrored kernels."""
    dense, gamma, beta, *rest = [one.astype(np.float64) for one in weights]
    x = norms(0, latent_BZ.astype(np.float64) @ dense, gamma, beta, training=training)
    x = x.reshape(len(x), -1, 4, 4).transpose(0, 2, 3, 1)
    number = 1
    while rest:
        kernel = rest.pop(0)[:, :, ::-1, ::-1].transpose(2, 3, 1, 0)
        x = scatter(x, kernel, 2, 2, 2 * x.shape[1])
        if rest:
            x = norms(number, x, rest.pop(0), rest.pop(0), training=training)
            number += 1
    return np.tanh(x)
