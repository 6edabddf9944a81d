"""Penalties: closed forms, Jacobians, and derivatives by finite differences."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.func import functional_call

from dcgan.models import Discriminator, Layer
from dcgan.objectives import PENALTIES, clip_weights, one_centered_penalty, zero_centered_penalty
from dcgan.objectives.penalties import around_images, between_images

SHAPE = (2, 5, 4)


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


def images(count: int) -> Tensor:
    return torch.randn(count, *SHAPE, dtype=torch.float64, requires_grad=True)


def small_network() -> nn.Sequential:
    """Smooth, so that finite differences of its gradient exist everywhere."""
    return nn.Sequential(
        nn.Conv2d(2, 3, 3), nn.Tanh(), nn.Flatten(), nn.Linear(18, 1), nn.Flatten(0)
    ).double()


@pytest.mark.parametrize("count", [1, 3, 8])
def test_the_penalty_of_a_linear_discriminator_is_half_its_squared_weights(count):
    """D(x) = w·x has the gradient w at every image."""
    weight = torch.randn(SHAPE, dtype=torch.float64)
    real_BCHW = images(count)
    logit_B = (real_BCHW * weight).sum(dim=(1, 2, 3))
    expected = weight.square().sum() / 2
    torch.testing.assert_close(zero_centered_penalty(logit_B, real_BCHW), expected)


def test_the_penalty_of_packs_is_the_mean_over_packs():
    """D(x, y) = w·x + v·y has the gradient (w, v) at every pair."""
    weight = torch.randn(2, *SHAPE, dtype=torch.float64)
    real_BCHW = images(6)
    logit_B = (real_BCHW.unflatten(0, (3, 2)) * weight).sum(dim=(1, 2, 3, 4))
    expected = weight.square().sum() / 2
    torch.testing.assert_close(zero_centered_penalty(logit_B, real_BCHW), expected)
    expected = (weight.square().sum().sqrt() - 1).square()
    torch.testing.assert_close(one_centered_penalty(logit_B, real_BCHW), expected)


def test_the_penalty_is_the_mean_over_images_of_their_own_gradients():
    """D(x) = ½‖x‖² has the gradient x, another at every image."""
    real_BCHW = images(6)
    logit_B = real_BCHW.square().sum(dim=(1, 2, 3)) / 2
    expected = torch.stack([image.square().sum() / 2 for image in real_BCHW]).mean()
    torch.testing.assert_close(zero_centered_penalty(logit_B, real_BCHW), expected)


def test_the_penalty_does_not_depend_on_the_logits_themselves():
    real_BCHW = images(4)
    network = small_network()
    moved = zero_centered_penalty(network(real_BCHW) + 100, real_BCHW)
    torch.testing.assert_close(moved, zero_centered_penalty(network(real_BCHW), real_BCHW))


def test_the_penalty_of_a_constant_discriminator_is_zero():
    real_BCHW = images(4)
    assert zero_centered_penalty((real_BCHW * 0).sum(dim=(1, 2, 3)), real_BCHW).item() == 0


def test_the_penalty_of_a_network_equals_its_jacobians():
    network, real_BCHW = small_network(), images(5)
    norms = []
    for image in real_BCHW.detach():
        jacobian = torch.autograd.functional.jacobian(network, image[None])
        norms.append(jacobian.square().sum())
    expected = torch.stack(norms).mean() / 2
    torch.testing.assert_close(zero_centered_penalty(network(real_BCHW), real_BCHW), expected)


def test_the_penalty_of_a_network_equals_finite_differences_over_pixels():
    network, real_BCHW = small_network(), images(3)
    step = 1e-5
    total = 0.0
    with torch.no_grad():
        for pixel in range(real_BCHW[0].numel()):
            shift = torch.zeros(real_BCHW[0].numel(), dtype=torch.float64)
            shift[pixel] = step
            shift = shift.reshape(SHAPE)
            slope_B = (network(real_BCHW + shift) - network(real_BCHW - shift)) / (2 * step)
            total += slope_B.square().mean().item() / 2
    penalty = zero_centered_penalty(network(real_BCHW), real_BCHW)
    assert penalty.item() == pytest.approx(total, rel=1e-6)


def test_the_penalty_can_be_descended_in_the_discriminators_weights():
    """Its derivative in every weight, against finite differences of the penalty itself."""
    network, real_BCHW = small_network(), images(3)
    names = [name for name, _ in network.named_parameters()]

    def penalty(*weights: Tensor) -> Tensor:
        logit_B = functional_call(network, dict(zip(names, weights, strict=True)), (real_BCHW,))
        return zero_centered_penalty(logit_B, real_BCHW)

    assert torch.autograd.gradcheck(penalty, tuple(network.parameters()))


def test_descending_the_penalty_flattens_the_discriminator():
    network, real_BCHW = small_network(), images(8)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.05)
    before = zero_centered_penalty(network(real_BCHW), real_BCHW).item()
    for _ in range(20):
        optimizer.zero_grad()
        zero_centered_penalty(network(real_BCHW), real_BCHW).backward()
        optimizer.step()
    assert zero_centered_penalty(network(real_BCHW), real_BCHW).item() < before / 2


def test_the_penalty_goes_through_a_layer_table_under_spectral_norm():
    table = [
        Layer(
            operation="conv", channels=4, kernel=(3, 3), norm="spectral", activation="leaky_relu"
        ),
        Layer(operation="linear", channels=1),
    ]
    discriminator = Discriminator(table, SHAPE)
    real_BCHW = images(3).detach().float().requires_grad_()
    zero_centered_penalty(discriminator(real_BCHW), real_BCHW).backward()
    for name, weight in discriminator.layer_weights().items():
        assert weight.grad.isfinite().all(), name
        assert weight.grad.any(), name


@pytest.mark.parametrize("slope", [0.25, 1.0, 3.0])
def test_the_one_centered_penalty_of_a_linear_discriminator(slope):
    """D(x) = w·x with ‖w‖ = slope: (slope - 1)², zero at a slope of one."""
    weight = torch.randn(SHAPE, dtype=torch.float64)
    weight *= slope / weight.norm()
    image_BCHW = images(4)
    penalty = one_centered_penalty((image_BCHW * weight).sum(dim=(1, 2, 3)), image_BCHW)
    assert penalty.item() == pytest.approx((slope - 1) ** 2, abs=1e-9)


def test_the_one_centered_penalty_has_a_gradient_where_the_discriminator_is_flat():
    weight = torch.zeros(SHAPE, dtype=torch.float64, requires_grad=True)
    image_BCHW = images(4)
    one_centered_penalty((image_BCHW * weight).sum(dim=(1, 2, 3)), image_BCHW).backward()
    assert weight.grad.isfinite().all()


def test_the_one_centered_penalty_can_be_descended_in_the_discriminators_weights():
    network, image_BCHW = small_network(), images(3)
    names = [name for name, _ in network.named_parameters()]

    def penalty(*weights: Tensor) -> Tensor:
        logit_B = functional_call(network, dict(zip(names, weights, strict=True)), (image_BCHW,))
        return one_centered_penalty(logit_B, image_BCHW)

    assert torch.autograd.gradcheck(penalty, tuple(network.parameters()))


def test_points_between_lie_on_the_line_of_each_pair_each_at_its_own_place():
    real, fake = torch.randn(400, *SHAPE), torch.randn(400, *SHAPE)
    found = between_images(real, fake)
    shares = ((found - fake) / (real - fake)).flatten(1)
    share = shares.median(dim=1).values
    torch.testing.assert_close(
        found, fake + share[:, None, None, None] * (real - fake), atol=1e-4, rtol=1e-3
    )
    assert share.min() >= 0
    assert share.max() <= 1
    # uniform on [0, 1]: mean 1/2, variance 1/12
    assert share.mean().item() == pytest.approx(0.5, abs=0.06)
    assert share.var().item() == pytest.approx(1 / 12, abs=0.02)


def test_points_around_real_images_have_noise_of_half_their_deviation():
    real = 3.0 * torch.randn(200, *SHAPE) + 5
    noise = around_images(real) - real
    assert noise.std().item() == pytest.approx(1.5, rel=0.05)
    assert noise.mean().item() == pytest.approx(0, abs=0.1)


def test_each_penalty_has_its_place_and_its_center():
    places = {name: penalty.at for name, penalty in PENALTIES.items()}
    assert places == {"r1": "real", "r2": "fake", "wgan_gp": "between", "dragan": "around"}
    centers = {name: penalty.of for name, penalty in PENALTIES.items()}
    assert centers["r1"] is centers["r2"] is zero_centered_penalty
    assert centers["wgan_gp"] is centers["dragan"] is one_centered_penalty


def test_clipping_moves_only_weights_beyond_the_bound():
    layer = nn.Linear(3, 1)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[-2.0, 0.05, 0.3]]))
    clip_weights(layer.parameters(), 0.1)
    torch.testing.assert_close(layer.weight.detach(), torch.tensor([[-0.1, 0.05, 0.1]]))
    assert layer.weight.requires_grad
