"""Work is counted as by hand, whatever other threads do."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest
import torch
from torch import nn

from dcgan.models.convolution import FromPixel, ToPixel
from dcgan.runtime.work import work_of


def test_a_product_is_two_operations_for_each_pair():
    left, right = torch.randn(30, 20), torch.randn(20, 7)
    found = work_of(lambda: left @ right)
    assert found.flops == 2 * 30 * 20 * 7
    assert found.bytes == 4 * (30 * 20 + 20 * 7 + 30 * 7)


@pytest.mark.parametrize(
    ("layer", "size", "forward"),
    [
        # every output takes kernel² times inputs channels products; of a transposed one, every input
        (nn.Conv2d(3, 8, 4, 2, 1, bias=False), (3, 16, 16), 2 * 8 * 8 * 8 * 3 * 16),
        (nn.ConvTranspose2d(8, 3, 4, 2, 1, bias=False), (8, 8, 8), 2 * 8 * 8 * 8 * 3 * 16),
        (FromPixel(10, 8, 4, bias=False), (10, 1, 1), 2 * 10 * 8 * 16),
        (ToPixel(8, 1, 4, bias=False), (8, 4, 4), 2 * 8 * 16),
    ],
)
def test_a_convolution_costs_three_times_as_much_with_its_gradients(layer, size, forward):
    image = torch.randn(5, *size, requires_grad=True)
    with torch.no_grad():
        assert work_of(lambda: layer(image)).flops == 5 * forward
    assert work_of(lambda: layer(image).sum().backward()).flops == 3 * 5 * forward


def test_gradients_of_gradients_are_counted():
    layer = nn.Conv2d(1, 4, 3, bias=False)
    image = torch.randn(2, 1, 8, 8, requires_grad=True)

    def penalty():
        (gradient,) = torch.autograd.grad(layer(image).sum(), image, create_graph=True)
        gradient.square().sum().backward()

    with torch.no_grad():
        once = work_of(lambda: layer(image)).flops
    # forward, the gradient at the image, and of that the gradients at weights and logits
    assert work_of(penalty).flops == 4 * once


def test_views_move_nothing():
    image = torch.randn(4, 6)
    assert work_of(lambda: image.reshape(6, 4).t()[1:]).bytes == 0
    assert work_of(lambda: image + 1).bytes == 2 * 4 * 24


def test_another_thread_can_differentiate_twice_meanwhile():
    """PyTorch's own counter puts hooks on the modules of all threads."""
    layer, is_counting, is_done = nn.Linear(3, 2), Event(), Event()

    def slowly():
        is_counting.set()
        layer(torch.ones(1, 3))
        assert is_done.wait(60)

    with ThreadPoolExecutor() as pool:
        counted = pool.submit(work_of, slowly)
        assert is_counting.wait(60)
        point = torch.ones(1, 3, requires_grad=True)
        (gradient,) = torch.autograd.grad(layer(point).sum(), point, create_graph=True)
        gradient.square().sum().backward()
        is_done.set()
        assert counted.result().flops == 2 * 3 * 2
