"""Shapes: layer tables against torch's own modules, and tables planned for any size."""

from __future__ import annotations

from math import prod
from typing import get_args

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from dcgan.config.model import Norm
from dcgan.errors import GeometryError
from dcgan.models import (
    Discriminator,
    Generator,
    Layer,
    layer_shapes,
    plan_discriminator,
    plan_generator,
)
from dcgan.models.geometry import Upsampling, describe_plan, halvings

examples = settings(max_examples=50, deadline=None)
more_examples = settings(max_examples=200, deadline=None)


def pairs(low: int, high: int) -> st.SearchStrategy[tuple[int, int]]:
    return st.tuples(st.integers(low, high), st.integers(low, high))


SIZES = st.tuples(st.integers(16, 160), st.integers(16, 160))
NORMS = st.sampled_from(get_args(Norm))


# Layer tables ----------------------------------------------------------------------------------


def shape_by_torch(layer: Layer, input_shape: tuple[int, int, int]) -> tuple[int, ...] | None:
    """What torch's module makes of a picture; None where it cannot."""
    image = torch.zeros(1, *input_shape)
    if layer.operation == "conv":
        module: nn.Module = nn.Conv2d(
            input_shape[0], layer.channels, layer.kernel, layer.stride, layer.padding
        )
    else:
        module = nn.ConvTranspose2d(
            input_shape[0],
            layer.channels,
            layer.kernel,
            layer.stride,
            layer.padding,
            layer.output_padding,
        )
    try:
        with torch.inference_mode():
            shape = tuple(module(image).shape[1:])
    except RuntimeError:
        return None
    return shape if min(shape) >= 1 else None


def shape_by_table(layer: Layer, input_shape: tuple[int, int, int]) -> tuple[int, ...] | None:
    try:
        return layer_shapes([layer], input_shape)[0]
    except GeometryError:
        return None


@more_examples
@given(
    size=pairs(1, 14),
    channels=pairs(1, 3),
    kernel=pairs(1, 8),
    stride=pairs(1, 4),
    padding=pairs(0, 5),
)
def test_a_convolution_has_the_shape_torch_gives_it_or_is_refused(
    size, channels, kernel, stride, padding
):
    layer = Layer(
        operation="conv", channels=channels[1], kernel=kernel, stride=stride, padding=padding
    )
    input_shape = (channels[0], *size)
    assert shape_by_table(layer, input_shape) == shape_by_torch(layer, input_shape)


@more_examples
@given(
    size=pairs(1, 9),
    channels=pairs(1, 3),
    kernel=pairs(1, 6),
    stride=pairs(1, 4),
    padding=pairs(0, 5),
    output_padding=pairs(0, 4),
)
def test_a_transposed_convolution_has_the_shape_torch_gives_it_or_is_refused(
    size, channels, kernel, stride, padding, output_padding
):
    layer = Layer(
        operation="conv_transpose",
        channels=channels[1],
        kernel=kernel,
        stride=stride,
        padding=padding,
        output_padding=output_padding,
    )
    input_shape = (channels[0], *size)
    assert shape_by_table(layer, input_shape) == shape_by_torch(layer, input_shape)


@examples
@given(
    operation=st.sampled_from(["conv", "conv_transpose"]),
    size=pairs(4, 12),
    kernel=pairs(1, 4),
    stride=pairs(2, 4),
    padding=pairs(0, 1),
    output_padding=pairs(0, 1),
)
def test_the_rows_of_a_network_have_the_shapes_of_its_table(
    operation, size, kernel, stride, padding, output_padding
):
    layer = Layer(
        operation=operation,
        channels=2,
        kernel=kernel,
        stride=stride,
        padding=padding,
        output_padding=output_padding if operation == "conv_transpose" else (0, 0),
    )
    generator = Generator([layer], latent_dim=prod(size), latent_shape=(1, *size))
    with torch.inference_mode():
        image_BCHW = generator(torch.zeros(3, prod(size)))
    assert image_BCHW.shape == (3, *layer_shapes([layer], (1, *size))[0])


@pytest.mark.parametrize(
    ("layer", "setting", "value"),
    [
        (Layer(operation="conv", channels=8, kernel=(3, 9)), "kernel", 9),
        (Layer(operation="conv", channels=8, output_padding=(0, 1)), "output_padding", 1),
        (
            Layer(operation="conv_transpose", channels=8, stride=(2, 2), output_padding=(2, 0)),
            "output_padding",
            2,
        ),
        (
            Layer(operation="conv_transpose", channels=8, kernel=(3, 3), padding=(1, 6)),
            "padding",
            6,
        ),
        (Layer(operation="linear", channels=99, reshape=(1, 10, 10)), "reshape", [1, 10, 10]),
        (Layer(operation="linear", channels=9, resize=(16, 16)), "resize", [16, 16]),
        (Layer(operation="conv", channels=9, interpolation="nearest"), "interpolation", "nearest"),
    ],
)
def test_a_row_that_does_not_fit_is_named_with_its_setting(layer, setting, value):
    before = Layer(operation="conv", channels=4)
    with pytest.raises(GeometryError) as caught:
        layer_shapes([before, layer], (1, 8, 8))
    assert caught.value.key == f"layers[1].{setting}"
    assert caught.value.value == value


def test_the_cure_of_too_large_a_kernel_works():
    layer = Layer(operation="conv", channels=1, kernel=(12, 12), padding=(1, 1))
    with pytest.raises(GeometryError, match="at most 10"):
        layer_shapes([layer], (1, 8, 8))
    cured = Layer(operation="conv", channels=1, kernel=(10, 10), padding=(1, 1))
    assert layer_shapes([cured], (1, 8, 8)) == [(1, 1, 1)]


def test_a_linear_row_takes_any_shape_and_gives_features_or_a_image():
    layers = [
        Layer(operation="linear", channels=24),
        Layer(operation="linear", channels=24, reshape=(2, 3, 4)),
        Layer(operation="linear", channels=5),
    ]
    assert layer_shapes(layers, (3, 7, 9)) == [(24,), (2, 3, 4), (5,)]


def test_features_are_a_image_of_one_pixel_to_a_convolution():
    layer = Layer(operation="conv_transpose", channels=6, kernel=(5, 4))
    assert layer_shapes([layer], (100,)) == [(6, 5, 4)]


def test_an_empty_table_has_no_shapes():
    assert layer_shapes([], (1, 8, 8)) == []


@pytest.mark.parametrize("rows", [[], [Layer(operation="conv", channels=1, kernel=(3, 3))]])
def test_a_discriminator_that_ends_in_no_single_logit_is_refused(rows):
    with pytest.raises(GeometryError, match="one logit"):
        Discriminator(rows, (1, 16, 16))


@pytest.mark.parametrize("rows", [[], [Layer(operation="linear", channels=784)]])
def test_a_generator_that_ends_in_no_image_is_refused(rows):
    with pytest.raises(GeometryError, match="ends in an image"):
        Generator(rows)


# Planned tables --------------------------------------------------------------------------------


@examples
@given(
    size=SIZES,
    channels=st.integers(1, 4),
    width=st.integers(1, 5),
    max_width=st.integers(5, 9),
    upsampling=st.sampled_from(get_args(Upsampling)),
)
def test_a_planned_generator_draws_exactly_the_size_asked_for(
    size, channels, width, max_width, upsampling
):
    table = plan_generator(size, channels, width=width, max_width=max_width, upsampling=upsampling)
    is_transposed = [layer.operation == "conv_transpose" for layer in table]
    assert is_transposed == [True] + (len(table) - 1) * [upsampling == "transposed"]
    modes = {block.resize.mode for block in Generator(table).blocks if hasattr(block, "resize")}
    assert modes == {upsampling} - {"transposed"}
    assert layer_shapes(table, (100, 1, 1))[-1] == (channels, *size)
    generator = Generator(table).eval()
    with torch.inference_mode():
        image_BCHW = generator(torch.randn(2, 100))
    assert image_BCHW.shape == (2, channels, *size)
    assert generator.image_shape == (channels, *size)
    assert image_BCHW.abs().max() <= 1
    assert max(layer.channels for layer in table[:-1]) <= max_width


@examples
@given(
    size=SIZES,
    channels=st.integers(1, 4),
    width=st.integers(1, 5),
    max_width=st.integers(5, 9),
    hidden=st.sampled_from([0, 7]),
)
def test_a_planned_discriminator_gives_one_number_an_image(
    size, channels, width, max_width, hidden
):
    table = plan_discriminator(size, width=width, max_width=max_width, hidden=hidden)
    shapes = layer_shapes(table, (channels, *size))
    assert shapes[-2:] == ([(7,), (1,)] if hidden else [shapes[-2], (1, 1, 1)])
    with torch.inference_mode():
        logit_B = Discriminator(table, (channels, *size)).eval()(torch.zeros(2, channels, *size))
    assert logit_B.shape == (2,)
    assert max(layer.channels for layer in table if layer.operation == "conv") <= max_width


@examples
@given(size=SIZES, norm=NORMS)
def test_a_planned_networks_ends_have_neither_batch_nor_pixel_norm(size, norm):
    generator = plan_generator(size, 3, norm=norm)
    discriminator = plan_discriminator(size, norm=norm)
    at_ends = ("spectral",) if norm.startswith("spectral") else ()
    assert generator[-1].norms == at_ends
    assert discriminator[0].norms == discriminator[-1].norms == at_ends
    hidden = [*generator[:-1], *discriminator[1:-1]]
    assert {layer.norm for layer in hidden} == {norm}
    assert generator[-1].activation == "tanh"
    assert discriminator[-1].activation == "none"


@examples
@given(size=SIZES, norm=NORMS)
def test_a_planned_row_has_a_bias_where_no_batch_norm_takes_it_away(size, norm):
    table = [*plan_generator(size, 3, norm=norm), *plan_discriminator(size, norm=norm)]
    assert all(layer.bias == ("batch" not in layer.norms) for layer in table)


def test_a_batch_norm_behind_the_activation_leaves_the_bias_its_work():
    table = [
        *plan_generator((32, 32), 3, norm="batch", order="activation-norm"),
        *plan_discriminator((32, 32), norm="batch", order="activation-norm", hidden=8),
    ]
    assert all(layer.bias for layer in table)


@pytest.mark.parametrize("bias", [True, False])
def test_a_bias_asked_for_or_forbidden_holds_for_every_planned_row(bias):
    table = [
        *plan_generator((32, 32), 3, norm="batch", bias=bias),
        *plan_discriminator((32, 32), norm="batch", bias=bias),
    ]
    assert {layer.bias for layer in table} == {bias}


@examples
@given(size=SIZES, width=st.integers(1, 70), max_width=st.integers(1, 300))
def test_planned_channels_double_with_every_halving_up_to_the_bound(size, width, max_width):
    generator = plan_generator(size, 3, width=width, max_width=max_width)
    discriminator = plan_discriminator(size, width=width, max_width=max_width)
    depth = len(generator) - 1
    doubled = [min(width * 2**step, max_width) for step in range(depth)]
    assert [layer.channels for layer in generator] == [*reversed(doubled), 3]
    assert [layer.channels for layer in discriminator] == [*doubled, 1]


@examples
@given(size=SIZES)
def test_a_planned_discriminator_passes_the_sizes_of_the_generator_backwards(size):
    drawn = [shape[1:] for shape in layer_shapes(plan_generator(size, 1, width=4), (100, 1, 1))]
    judged = [shape[1:] for shape in layer_shapes(plan_discriminator(size, width=4), (1, *size))]
    assert [*reversed(drawn[:-1]), (1, 1)] == judged
    assert halvings(size) == [*reversed(drawn)]


@examples
@given(size=SIZES)
def test_a_planned_network_begins_with_four_to_seven_on_the_larger_side(size):
    assert 4 <= max(layer_shapes(plan_generator(size, 1), (100, 1, 1))[0][1:]) <= 7


def test_the_plan_for_64_is_the_papers():
    """Radford et al. 2016, figure 1."""
    plan = describe_plan(plan_generator((64, 64), 3, width=128, max_width=1024), (100, 1, 1))
    assert plan == "100×1×1 → 1024×4×4 → 512×8×8 → 256×16×16 → 128×32×32 → 3×64×64"


def test_noise_and_dropout_stand_where_they_help():
    """Noise at the discriminator's input only, dropout in every row but its last."""
    table = plan_discriminator((64, 64), noise=0.1, dropout=0.3, minibatch_stddev=True)
    assert [layer.noise for layer in table] == [0.1, 0, 0, 0, 0]
    assert [layer.dropout for layer in table] == [0.3, 0.3, 0.3, 0.3, 0]
    assert [layer.minibatch_stddev for layer in table] == [False, False, False, False, True]
    drawing = plan_generator((64, 64), 3, noise=0.1, dropout=0.3)
    assert [layer.noise for layer in drawing] == [0.1, 0, 0, 0, 0]
    assert [layer.dropout for layer in drawing] == [0.3, 0.3, 0.3, 0.3, 0]


def test_a_linear_row_before_the_logit_is_a_hidden_row_that_sees_how_a_batch_varies():
    table = plan_discriminator(
        (64, 64), hidden=5, norm="spectral+batch", dropout=0.3, minibatch_stddev=True
    )
    assert [layer.operation for layer in table] == ["conv"] * 4 + ["linear"] * 2
    assert [layer.minibatch_stddev for layer in table] == [False] * 4 + [True, False]
    assert [layer.norm for layer in table] == ["spectral"] + ["spectral+batch"] * 4 + ["spectral"]
    assert [layer.bias for layer in table] == [True] + [False] * 4 + [True]
    assert [layer.dropout for layer in table] == [0.3] * 5 + [0]
    assert table[-1].activation == "none"


@pytest.mark.parametrize("hidden", [0, 4])
def test_a_planned_networks_hidden_rows_take_the_choices_given(hidden):
    choices = {"activation": "selu", "order": "activation-norm", "slope": 0.1}
    generator = plan_generator((32, 32), 3, **choices)
    discriminator = plan_discriminator((32, 32), hidden=hidden, **choices)
    for layer in (*generator[:-1], *discriminator[:-1]):
        found = {name: getattr(layer, name) for name in choices}
        assert found == choices


@examples
@given(short=st.integers(1, 15), other=st.integers(1, 400), lies=st.booleans())
def test_sides_below_16_are_refused_with_a_size_that_works(short, other, lies):
    size = (short, other) if lies else (other, short)
    for plan in (lambda: plan_generator(size, 3), lambda: plan_discriminator(size)):
        with pytest.raises(GeometryError, match="16") as caught:
            plan()
        assert caught.value.key == "data.size"
        assert caught.value.value == f"{size[0]}x{size[1]}"


@pytest.mark.parametrize("size", [(16, 400), (400, 16), (17, 1000), (16, 16), (157, 128)])
def test_very_long_and_very_small_images_are_planned_too(size):
    generator = Generator(plan_generator(size, 3, width=2, max_width=8))
    discriminator = Discriminator(plan_discriminator(size, width=2, max_width=8), (3, *size))
    with torch.inference_mode():
        image_BCHW = generator(torch.randn(2, 100))
        assert image_BCHW.shape == (2, 3, *size)
        assert discriminator(image_BCHW).isfinite().all()


@pytest.mark.parametrize("hidden", [1, 8, 12, 33, 64])
def test_group_norm_of_a_hidden_layer_leaves_images_apart(hidden):
    """A group of one number is always 0: the discriminator would call all images the same."""
    table = plan_discriminator((16, 16), width=4, norm="group", hidden=hidden)
    groups = table[-2].norm_groups
    assert hidden % groups == 0 and (groups == 1 or hidden // groups >= 8)
