"""Layers and rows: every one against its own formula."""

from __future__ import annotations

from dataclasses import replace
from math import sqrt
from typing import get_args

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from dcgan.config.model import Norm
from dcgan.errors import GeometryError
from dcgan.models import Discriminator, Generator, Layer, plan_discriminator
from dcgan.models.blocks import Block, InstanceNoise, MinibatchStddev, Pack
from dcgan.models.geometry import layer_shapes
from dcgan.models.norms import PixelNorm

SHAPES = [(8, 3, 5, 7), (8, 6)]
"""A batch of pictures and one of features."""


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


def operation_of(block: nn.Module) -> nn.Conv2d | nn.ConvTranspose2d | nn.Linear:
    """The one layer of a row that holds a weight matrix or kernel."""
    kinds = nn.Conv2d | nn.ConvTranspose2d | nn.Linear
    (operation,) = (module for module in block.modules() if isinstance(module, kinds))
    return operation


def identity(channels: int, **settings) -> Block:
    """A row whose operation passes its input on, to see what stands around it."""
    settings = {"operation": "conv", "bias": False} | settings
    shape = (channels, 4, 4) if settings["operation"] == "conv" else (channels,)
    block = Block(Layer(channels=channels, **settings), shape)
    with torch.no_grad():
        weight = operation_of(block).weight
        weight.copy_(torch.eye(channels).reshape(weight.shape))
    return block


def top_singular_value(module: nn.Module) -> float:
    """Of the weights as the layer applies them, one row per output channel."""
    weight = module.weight.detach()
    if isinstance(module, nn.ConvTranspose2d):
        weight = weight.transpose(0, 1)
    return torch.linalg.matrix_norm(weight.flatten(1), 2).item()


# Instance noise --------------------------------------------------------------------------------


@pytest.mark.parametrize("deviation", [0.05, 0.1, 1.0])
def test_instance_noise_is_gaussian_with_its_deviation(deviation):
    x = torch.full((64, 3, 32, 32), 0.25)
    noise = (InstanceNoise(deviation)(x) - x) / deviation
    assert noise.mean().item() == pytest.approx(0, abs=0.02)
    assert noise.std().item() == pytest.approx(1, abs=0.02)
    # 68 % within one deviation: normal, where a uniform of the same deviation has 58 %
    assert (noise.abs() < 1).float().mean().item() == pytest.approx(0.683, abs=0.01)


def test_instance_noise_is_new_in_every_call_and_for_every_image():
    noise, x = InstanceNoise(0.1), torch.zeros(2, 1, 8, 8)
    once, again = noise(x), noise(x)
    assert not torch.equal(once, again)
    assert not torch.equal(once[0], once[1])


def test_instance_noise_is_absent_in_evaluation():
    x = torch.randn(4, 3, 8, 8)
    assert torch.equal(InstanceNoise(0.5).eval()(x), x)


def test_instance_noise_of_no_deviation_changes_nothing():
    x = torch.randn(4, 3, 8, 8)
    assert torch.equal(InstanceNoise(0.0)(x), x)


def test_noise_lies_on_a_rows_input():
    """Before the operation, so that weights of zero hide it."""
    block = identity(3, noise=0.5)
    x = torch.zeros(256, 3, 4, 4)
    assert block(x).std().item() == pytest.approx(0.5, rel=0.05)
    nn.init.zeros_(operation_of(block).weight)
    assert not block(x).any()


# Pixel norm ------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", SHAPES)
def test_pixel_norm_divides_by_the_root_of_the_mean_square_over_channels(shape):
    x = torch.randn(shape) * 3
    pixels = x.numpy().astype(np.float64)
    expected = pixels / np.sqrt((pixels**2).mean(axis=1, keepdims=True) + 1e-8)
    np.testing.assert_allclose(PixelNorm()(x).numpy(), expected, rtol=1e-5, atol=1e-6)


def test_pixel_norm_of_black_is_black():
    assert not PixelNorm()(torch.zeros(2, 3, 4, 4)).any()


# Resizing --------------------------------------------------------------------------------------


def test_a_row_that_doubles_its_input_weighs_neighbors_three_to_one():
    """Bilinear: a new pixel lies a quarter of an old pixel's side from the old center."""
    layer = Layer(operation="conv", channels=1, resize=(1, 8), bias=False)
    block = Block(layer, (1, 1, 4))
    nn.init.ones_(block.conv.weight)
    old = torch.tensor([0.0, 4.0, 8.0, 0.0])
    expected = [0, 1, 3, 5, 7, 6, 2, 0]
    found = block(old.reshape(1, 1, 1, 4)).flatten()
    assert found.tolist() == expected


def test_nearest_neighbors_repeat_pixels_on_both_axes():
    layer = Layer(operation="conv", channels=1, resize=(4, 6), interpolation="nearest", bias=False)
    block = Block(layer, (1, 2, 3))
    nn.init.ones_(block.conv.weight)
    old = torch.randn(5, 1, 2, 3)
    expected = old.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)
    assert torch.equal(block(old), expected)


def test_a_row_convolves_what_it_resized():
    layer = Layer(operation="conv", channels=4, kernel=(3, 3), padding=(1, 1), resize=(9, 7))
    block = Block(layer, (2, 5, 4))
    image = torch.randn(3, 2, 5, 4)
    resized = interpolate(image, (9, 7), mode="bilinear")
    torch.testing.assert_close(block(image), block.conv(resized))
    assert layer_shapes([layer], (2, 5, 4)) == [(4, 9, 7)]


# Packs -----------------------------------------------------------------------------------------


def test_a_pack_holds_images_that_follow_each_other_channel_by_channel():
    images = torch.arange(4 * 3 * 2 * 2).reshape(4, 3, 2, 2).float()
    packed = Pack(2)(images)
    assert packed.shape == (2, 6, 2, 2)
    for number in range(2):
        pair = torch.cat([images[2 * number], images[2 * number + 1]])
        assert torch.equal(packed[number], pair)


def test_in_evaluation_every_image_is_a_pack_of_itself():
    images = torch.randn(3, 2, 4, 4)
    packed = Pack(3).eval()(images)
    assert packed.shape == (3, 6, 4, 4)
    for part in packed.split(2, dim=1):
        assert torch.equal(part, images)
    features = torch.randn(3, 5)
    assert torch.equal(Pack(2).eval()(features), torch.cat([features, features], dim=1))


def test_a_discriminator_of_packs_gives_a_logit_to_each():
    first, *rest = plan_discriminator((16, 16), width=4)
    discriminator = Discriminator((replace(first, pack=2), *rest), (3, 16, 16))
    assert discriminator.layer_weights()["1 conv"].shape[1] == 6
    images = torch.randn(8, 3, 16, 16)
    together = discriminator(images)
    assert together.shape == (4,)
    torch.testing.assert_close(discriminator(images[2:4]), together[1:2])
    assert not torch.allclose(discriminator(images[[2, 4]]), together[1:2])
    assert discriminator.eval()(images).shape == (8,)


# Minibatch standard deviation ------------------------------------------------------------------


@pytest.mark.parametrize("shape", SHAPES)
def test_minibatch_stddev_appends_the_mean_deviation_over_the_batch(shape):
    x = torch.randn(shape) * torch.linspace(0.5, 2, shape[1]).reshape(-1, *[1] * (len(shape) - 2))
    expected = x.numpy().astype(np.float64).std(axis=0).mean()
    out = MinibatchStddev()(x)
    batch, channels, *sides = shape
    # the extra channel is there, not repeated zero times
    assert out.shape == (batch, channels + 1, *sides)
    assert torch.equal(out[:, :-1], x)
    extra = out[:, -1]
    assert extra.shape == (batch, *sides)
    np.testing.assert_allclose(extra.numpy(), expected, rtol=1e-5)


def test_minibatch_stddev_of_identical_images_is_zero():
    one = torch.randn(1, 3, 5, 7)
    extra = MinibatchStddev()(one.expand(8, -1, -1, -1))[:, -1]
    assert extra.max() < 1e-3


def test_minibatch_stddev_has_a_gradient_for_identical_images():
    """A root at zero would make it infinite or not a number, just when the generator collapses."""
    x = torch.ones(4, 2, 3, 3, requires_grad=True)
    MinibatchStddev()(x)[:, -1].sum().backward()
    assert x.grad.isfinite().all()


@pytest.mark.parametrize("operation", ["conv", "linear"])
def test_a_row_with_minibatch_stddev_reads_the_extra_channel(operation):
    shape = (3, 4, 4) if operation == "conv" else (3,)
    layer = Layer(operation=operation, channels=1, bias=False, minibatch_stddev=True)
    block = Block(layer, shape)
    weight = operation_of(block).weight
    assert weight.shape[1] == 4
    nn.init.zeros_(weight)
    with torch.no_grad():
        weight[:, -1] = 1
    x = torch.randn(16, *shape)
    expected = x.numpy().std(axis=0).mean()
    np.testing.assert_allclose(block(x).detach().numpy(), expected, rtol=1e-4)


def test_minibatch_stddev_before_a_linear_row_counts_the_flattened_features():
    layer = Layer(operation="linear", channels=2, minibatch_stddev=True)
    block = Block(layer, (3, 4, 5))
    assert operation_of(block).in_features == 3 * 4 * 5 + 1
    assert block(torch.randn(6, 3, 4, 5)).shape == (6, 2)


def test_minibatch_stddev_sees_the_noise_of_its_row():
    block = Block(Layer(operation="conv", channels=1, noise=0.5, minibatch_stddev=True), (3, 8, 8))
    operation = operation_of(block)
    nn.init.zeros_(operation.bias)
    nn.init.zeros_(operation.weight)
    with torch.no_grad():
        operation.weight[:, -1] = 1
    same = torch.zeros(256, 3, 8, 8)
    assert block(same).mean().item() == pytest.approx(0.5, rel=0.02)
    assert block.eval()(same).abs().max() < 1e-3


# Norms, activations and their order ------------------------------------------------------------


def by_hand(layer: Layer, linear: Tensor, batch_norm: nn.BatchNorm2d | None, activation) -> Tensor:
    """What follows a row's operation, in evaluation, written out."""
    x = linear
    steps = []
    if batch_norm is not None:
        variance = batch_norm.running_var[:, None, None] + 1e-5
        mean, scale, shift = (
            values[:, None, None]
            for values in (batch_norm.running_mean, batch_norm.weight, batch_norm.bias)
        )
        steps.append(lambda x: (x - mean) / variance.sqrt() * scale + shift)
    if "pixel" in layer.norm:
        steps.append(lambda x: x / (x.square().mean(1, keepdim=True) + 1e-8).sqrt())
    ordered = [activation, *steps] if layer.order == "activation-norm" else [*steps, activation]
    for step in ordered:
        x = step(x)
    return x


ACTIVATIONS = {
    "none": lambda x: x,
    "relu": lambda x: x.clamp(min=0),
    "leaky_relu": lambda x: torch.where(x > 0, x, 0.1 * x),
    # the two constants of Klambauer et al. 2017, equation 14
    "selu": lambda x: 1.0507009873554805 * torch.where(x > 0, x, 1.6732632423543772 * x.expm1()),
    "tanh": lambda x: 1 - 2 / ((2 * x).exp() + 1),
}


BATCH_AND_PIXEL = [
    norm for norm in get_args(Norm) if not {"group", "instance", "layer"} & set(norm.split("+"))
]


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("order", ["norm-activation", "activation-norm"])
@pytest.mark.parametrize("norm", BATCH_AND_PIXEL)
def test_norms_and_activation_follow_the_operation_in_the_order_asked_for(norm, order, activation):
    layer = Layer(
        operation="conv",
        channels=5,
        kernel=(3, 3),
        norm=norm,
        activation=activation,
        slope=0.1,
        order=order,
    )
    block = Block(layer, (3, 6, 6))
    batch_norms = [module for module in block.modules() if isinstance(module, nn.BatchNorm2d)]
    assert len(batch_norms) == ("batch" in norm)
    for module in batch_norms:
        nn.init.uniform_(module.weight, 0.5, 1.5)
        nn.init.normal_(module.bias)
    with torch.no_grad():
        for _ in range(20):  # spectral norm and running statistics find their values
            block(torch.randn(16, 3, 6, 6))
        block.eval()
        x = torch.randn(4, 3, 6, 6)
        convolution = operation_of(block)
        linear = nn.functional.conv2d(x, convolution.weight, convolution.bias)
        batch_norm = batch_norms[0] if batch_norms else None
        expected = by_hand(layer, linear, batch_norm, ACTIVATIONS[activation])
        torch.testing.assert_close(block(x), expected, rtol=1e-4, atol=1e-5)
    bounded = top_singular_value(convolution) == pytest.approx(1, abs=0.05)
    assert bounded == ("spectral" in norm)


def test_batch_norm_after_the_activation_centers_what_leaves_the_row():
    x = torch.randn(64, 3, 4, 4) + 1
    after = identity(3, norm="batch", activation="relu", order="activation-norm")(x)
    before = identity(3, norm="batch", activation="relu", order="norm-activation")(x)
    torch.testing.assert_close(after.mean(dim=(0, 2, 3)), torch.zeros(3), rtol=0, atol=1e-5)
    assert after.min() < 0
    assert before.min() == 0


def test_batch_norm_of_features_normalizes_each_over_the_batch():
    block = identity(4, operation="linear", norm="batch")
    out = block(torch.randn(512, 4) * 3 + 2)
    torch.testing.assert_close(out.mean(0), torch.zeros(4), rtol=0, atol=1e-5)
    torch.testing.assert_close(out.std(0, unbiased=False), torch.ones(4), rtol=1e-3, atol=0)


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (Layer(operation="conv", channels=24, kernel=(4, 4), norm="spectral"), (8, 12, 12)),
        (
            Layer(operation="conv_transpose", channels=6, kernel=(5, 4), norm="spectral"),
            (24, 4, 4),
        ),
        (Layer(operation="linear", channels=40, norm="spectral"), (64,)),
    ],
)
def test_spectral_norm_brings_the_largest_singular_value_to_one(layer, shape):
    block = Block(layer, shape)
    operation = operation_of(block)
    original = next(weight for name, weight in operation.named_parameters() if "original" in name)
    with torch.no_grad():
        original.mul_(30)
        for _ in range(30):
            block(torch.randn(2, *shape))
        assert top_singular_value(operation) == pytest.approx(1, abs=0.02)


def test_spectral_norm_follows_weights_that_grow():
    block = Block(Layer(operation="linear", channels=8, norm="spectral", bias=False), (8,))
    x = torch.randn(4, 8)
    with torch.no_grad():
        for _ in range(30):
            before = block(x)
        for weight in block.parameters():
            weight.mul_(7)
        after = block(x)
    torch.testing.assert_close(after, before, rtol=1e-2, atol=1e-3)


# Dropout ---------------------------------------------------------------------------------------


def test_dropout_drops_its_share_in_training_and_nothing_in_evaluation():
    block = identity(3, dropout=0.3)
    x = torch.ones(256, 3, 4, 4)
    out = block(x)
    dropped = out == 0
    assert dropped.float().mean().item() == pytest.approx(0.3, abs=0.02)
    torch.testing.assert_close(out[~dropped], torch.full_like(out[~dropped], 1 / 0.7))
    assert torch.equal(block.eval()(x), x)


@pytest.mark.parametrize("order", ["norm-activation", "activation-norm"])
def test_dropout_comes_last(order):
    """Behind batch norm and a shift, dropped activations are still exactly zero."""
    block = identity(3, norm="batch", activation="leaky_relu", order=order, dropout=0.5)
    for module in block.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.constant_(module.bias, 5)
    out = block(torch.randn(256, 3, 4, 4))
    assert (out == 0).float().mean().item() == pytest.approx(0.5, abs=0.02)


# Initial weights -------------------------------------------------------------------------------


@pytest.mark.parametrize("init", ["default", "dcgan", "he"])
@pytest.mark.parametrize(
    ("layer", "shape", "fan_in"),
    [
        (Layer(operation="conv", channels=64, kernel=(3, 5), activation="selu"), (32, 8, 8), 480),
        (Layer(operation="linear", channels=256, activation="selu"), (200,), 200),
        (Layer(operation="linear", channels=256, activation="selu"), (8, 5, 5), 200),
        (
            Layer(
                operation="conv_transpose",
                channels=64,
                kernel=(4, 4),
                stride=(2, 2),
                activation="selu",
            ),
            (64, 8, 8),
            64 * 4 * 4 // (2 * 2),
        ),
        (
            Layer(operation="conv_transpose", channels=64, kernel=(4, 4), activation="selu"),
            (100,),
            100,  # each output is a sum over the one pixel there is
        ),
    ],
)
def test_a_row_that_feeds_selu_begins_with_lecun_weights(layer, shape, fan_in, init):
    operation = operation_of(Block(layer, shape, init))
    assert operation.weight.std().item() == pytest.approx(1 / sqrt(fan_in), rel=0.03)
    assert operation.weight.mean().item() == pytest.approx(0, abs=0.05 / sqrt(fan_in))
    assert not operation.bias.any()


@pytest.mark.parametrize(("operation", "stride"), [("conv", 1), ("conv", 2), ("conv_transpose", 2)])
def test_an_untrained_selu_row_keeps_mean_and_variance(operation, stride):
    """Klambauer et al. 2017: zero mean and unit variance are a fixed point."""
    layer = Layer(
        operation=operation,
        channels=64,
        kernel=(4, 4),
        stride=(stride, stride),
        activation="selu",
    )
    with torch.no_grad():
        out = Block(layer, (64, 24, 24))(torch.randn(4, 64, 24, 24))
    inside = out[..., 4:-4, 4:-4]  # a transposed convolution's rim sums fewer inputs
    assert inside.mean().item() == pytest.approx(0, abs=0.1)
    assert inside.var().item() == pytest.approx(1, abs=0.15)


def test_the_papers_initialization_reaches_weights_and_batch_norm():
    layer = Layer(operation="conv", channels=2000, kernel=(4, 4), norm="batch", activation="relu")
    block = Block(layer, (4, 8, 8), "dcgan")
    assert operation_of(block).weight.std().item() == pytest.approx(0.02, rel=0.02)
    (batch_norm,) = (module for module in block if isinstance(module, nn.BatchNorm2d))
    assert batch_norm.weight.mean().item() == pytest.approx(1, abs=0.003)
    assert batch_norm.weight.std().item() == pytest.approx(0.02, rel=0.1)
    assert not batch_norm.bias.any()


@pytest.mark.parametrize(
    ("activation", "slope", "gain"),
    [("relu", 0.2, 2), ("leaky_relu", 0.2, 2 / 1.04), ("leaky_relu", 0.5, 1.6), ("none", 0.2, 1)],
)
@pytest.mark.parametrize("operation", ["conv", "conv_transpose", "linear"])
def test_hes_initialization_has_its_variance_and_no_bias(operation, activation, slope, gain):
    layer = Layer(operation=operation, channels=64, activation=activation, slope=slope)
    if operation != "linear":
        layer = replace(layer, kernel=(4, 4), stride=(2, 2))
    block = Block(layer, (64, 8, 8) if operation != "linear" else (512,), "he")
    fan_in = {"conv": 64 * 16, "conv_transpose": 64 * 4, "linear": 512}[operation]
    assert operation_of(block).weight.var().item() == pytest.approx(gain / fan_in, rel=0.05)
    assert not operation_of(block).bias.any()


def test_hes_initialization_carries_the_signal_through_a_deep_discriminator():
    """Mean squares stay what they were; PyTorch's own fade away."""
    layer = Layer(operation="linear", channels=800, activation="leaky_relu")
    x = torch.randn(50, 800)
    squares = {}
    for init in ("he", "default"):
        out = x
        with torch.no_grad():
            for _ in range(6):
                out = Block(layer, (800,), init)(out)
        squares[init] = out.square().mean().item()
    assert squares["he"] == pytest.approx(1, abs=0.4)
    assert squares["default"] < 0.01


def test_the_default_initialization_is_that_of_torch():
    layer = Layer(operation="conv", channels=16, kernel=(4, 4), norm="batch", activation="relu")
    torch.manual_seed(3)
    ours = Block(layer, (8, 8, 8))
    torch.manual_seed(3)
    reference = nn.Conv2d(8, 16, 4)
    assert torch.equal(operation_of(ours).weight, reference.weight)
    assert torch.equal(operation_of(ours).bias, reference.bias)


# Between pictures and features -----------------------------------------------------------------


def test_a_linear_row_gives_its_features_the_shape_asked_for():
    block = Block(Layer(operation="linear", channels=24, reshape=(2, 3, 4)), (6,))
    x = torch.randn(5, 6)
    linear = operation_of(block)
    expected = (x @ linear.weight.T + linear.bias).reshape(5, 2, 3, 4)
    torch.testing.assert_close(block(x), expected)


def test_norm_and_activation_of_a_reshaped_row_see_the_image():
    """Batch norm then counts channels, not features."""
    layer = Layer(
        operation="linear", channels=24, reshape=(2, 3, 4), norm="batch+pixel", activation="relu"
    )
    block = Block(layer, (6,))
    (batch_norm,) = (module for module in block if isinstance(module, nn.BatchNorm2d))
    assert batch_norm.num_features == 2
    out = block(torch.randn(5, 6))
    assert out.shape == (5, 2, 3, 4)
    assert out.min() == 0


def test_a_linear_row_after_a_image_reads_all_of_it_in_order():
    block = Block(Layer(operation="linear", channels=7), (3, 4, 5))
    x = torch.randn(2, 3, 4, 5)
    linear = operation_of(block)
    torch.testing.assert_close(block(x), x.reshape(2, 60) @ linear.weight.T + linear.bias)


def test_a_convolution_after_features_sees_a_image_of_one_pixel():
    block = Block(Layer(operation="conv_transpose", channels=3, kernel=(4, 5)), (6,))
    x = torch.randn(2, 6)
    deconvolution = operation_of(block)
    expected = torch.einsum("bf,fchw->bchw", x, deconvolution.weight)
    expected = expected + deconvolution.bias[:, None, None]
    torch.testing.assert_close(block(x), expected)


def test_networks_pass_from_features_to_images_and_back():
    table = [
        Layer(operation="linear", channels=12),
        Layer(operation="conv_transpose", channels=4, kernel=(4, 4)),
        Layer(operation="linear", channels=48, reshape=(3, 4, 4), activation="tanh"),
    ]
    generator = Generator(table, latent_dim=10)
    image_BCHW = generator(torch.randn(2, 10))
    assert image_BCHW.shape == (2, 3, 4, 4)
    discriminator = Discriminator([*table, Layer(operation="linear", channels=1)], (3, 4, 4))
    assert discriminator(image_BCHW).shape == (2,)


def test_a_generator_views_its_latent_in_the_shape_asked_for():
    table = [Layer(operation="conv_transpose", channels=2, bias=False)]
    generator = Generator(table, latent_dim=12, latent_shape=(1, 3, 4))
    latent_BZ = torch.randn(2, 12)
    weight = operation_of(generator).weight
    expected = latent_BZ.reshape(2, 1, 3, 4) * weight.reshape(1, 2, 1, 1)
    torch.testing.assert_close(generator(latent_BZ), expected)


def test_a_discriminator_names_the_weight_that_each_row_trains():
    table = [
        Layer(operation="conv", channels=4, kernel=(4, 4), norm="spectral"),
        Layer(operation="linear", channels=1),
    ]
    discriminator = Discriminator(table, (1, 4, 4))
    discriminator(torch.randn(3, 1, 4, 4)).sum().backward()
    weights = discriminator.layer_weights()
    assert [(name, tuple(weight.shape)) for name, weight in weights.items()] == [
        ("1 conv", (4, 1, 4, 4)),
        ("2 linear", (1, 4)),
    ]
    trained = {id(weight) for weight in discriminator.parameters()}
    assert {id(weight) for weight in weights.values()} <= trained
    assert all(weight.grad.any() for weight in weights.values())


# Norms over parts of one image -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("norm", "groups"), [("group", 2), ("group", 3), ("instance", 6), ("layer", 1)]
)
def test_a_norm_over_parts_of_an_image_centers_each_part(norm, groups):
    """Group norm of as many groups as channels is instance norm, of one group layer norm."""
    own = {"norm_groups": groups} if norm == "group" else {}
    layer = Layer(
        operation="conv", channels=6, kernel=(3, 3), norm=norm, eps=0.25, bias=True, **own
    )
    block = Block(layer, (3, 7, 6))
    gain, shift = torch.rand(6) + 0.5, torch.randn(6)
    with torch.no_grad():
        module = block.get_submodule(norm)
        shape = module.weight.shape
        module.weight.copy_(gain.view(-1, *[1] * (len(shape) - 1)).expand(shape))
        module.bias.copy_(shift.view(-1, *[1] * (len(shape) - 1)).expand(shape))
        x = torch.randn(4, 3, 7, 6)
        found = block.eval()(x).numpy()
        linear = block.conv(x).numpy().astype(np.float64)
    parts = linear.reshape(4, groups, -1)
    mean, variance = parts.mean(axis=2, keepdims=True), parts.var(axis=2, keepdims=True)
    expected = ((parts - mean) / np.sqrt(variance + 0.25)).reshape(linear.shape)
    expected = expected * gain.numpy()[:, None, None] + shift.numpy()[:, None, None]
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_batch_norm_adds_its_own_eps():
    block = identity(2, norm="batch", eps=0.8).eval()
    x = torch.randn(3, 2, 4, 4)
    torch.testing.assert_close(block(x), x / (1.8**0.5))


@pytest.mark.parametrize("features", [True, False])
def test_the_norm_before_a_reshape_has_its_own_statistics_for_each_feature(features):
    layer = Layer(
        operation="linear", channels=12, reshape=(3, 2, 2), norm="batch", norm_features=features
    )
    block = Block(layer, (5,))
    out = block(torch.randn(64, 5))
    assert out.shape == (64, 3, 2, 2)
    assert block.batch.num_features == (12 if features else 3)
    mean = out.mean(dim=0) if features else out.mean(dim=(0, 2, 3))
    torch.testing.assert_close(mean, torch.zeros_like(mean), rtol=0, atol=1e-5)
    assert (out.mean(dim=0).abs().max() < 1e-5) == features


# Padding that differs at both ends -------------------------------------------------------------


@pytest.mark.parametrize("start", [(0, 0), (1, 2), (2, 0)])
@pytest.mark.parametrize("end", [(0, 1), (2, 1), (1, 2)])
def test_uneven_padding_is_padding_before_and_cropping_behind(start, end):
    x = torch.randn(2, 3, 6, 5)
    settings = {"channels": 4, "kernel": (5, 4), "stride": (2, 2), "padding": start}
    down = Layer(operation="conv", end_padding=end, **settings)
    block = Block(down, (3, 6, 5))
    padded = nn.functional.pad(x, (start[1], end[1], start[0], end[0]))
    expected = nn.functional.conv2d(padded, block.conv.weight, block.conv.bias, stride=2)
    torch.testing.assert_close(block(x), expected)
    assert layer_shapes([down], (3, 6, 5)) == [tuple(expected.shape[1:])]

    up = Layer(operation="conv_transpose", end_padding=end, output_padding=(1, 0), **settings)
    block = Block(up, (3, 6, 5))
    whole = nn.functional.conv_transpose2d(
        x, block.conv_transpose.weight, block.conv_transpose.bias, stride=2, output_padding=(1, 0)
    )
    height, width = whole.shape[2] - end[0], whole.shape[3] - end[1]
    expected = whole[:, :, start[0] : height, start[1] : width]
    torch.testing.assert_close(block(x), expected)
    assert layer_shapes([up], (3, 6, 5)) == [tuple(expected.shape[1:])]


@pytest.mark.parametrize(
    ("wrong", "key"),
    [
        ({"norm": "group", "norm_groups": 4}, "norm_groups"),
        ({"norm": "instance", "kernel": (6, 6)}, "norm"),
        ({"norm": "pixel", "eps": 0.1}, "eps"),
        ({"norm": "batch", "norm_groups": 2}, "norm_groups"),
        ({"norm": "batch", "norm_features": True}, "norm_features"),
    ],
)
def test_norms_that_cannot_normalize_are_refused(wrong, key):
    layer = Layer(operation="conv", channels=6, **wrong)
    with pytest.raises(GeometryError) as caught:
        layer_shapes([layer], (3, 6, 6))
    assert caught.value.key == f"layers[0].{key}"
