"""Images from latents: the same in any piece and with any number of threads."""

from __future__ import annotations

import threading

import numpy as np
import pytest
import torch

from dcgan.data import PixelScale
from dcgan.models import plan_generator
from dcgan.models.generator import Generator
from dcgan.runs.drawing import at_once, generate_each

CPU = torch.device("cpu")


def generator_of(side):
    torch.manual_seed(0)
    generator = Generator(plan_generator((side, side), 3, width=2), latent_dim=8).eval()
    for parameter in generator.parameters():
        parameter.data *= 3
    return generator.requires_grad_(False)


@pytest.mark.parametrize(("side", "at_once"), [(16, 64), (64, 16), (160, 2)])
def test_pieces_are_as_small_as_images_are_large(side, at_once):
    generator, seen = generator_of(side), []
    generator.register_forward_hook(lambda *_, **__: seen.append(_[2].shape[0]))
    latent_BZ = torch.randn(5, 8)
    (images,) = (
        np.concatenate(list(generate_each(generator, parts, PixelScale(), CPU)))
        for parts in [[latent_BZ[:3], latent_BZ[3:]]]
    )
    assert set(seen) == {at_once}
    wanted = PixelScale().denormalize(generator(latent_BZ)).numpy().astype(int)
    assert np.abs(images - wanted).max() <= 1


def test_every_image_is_the_same_with_any_number_of_threads():
    generator, latent_BZ = generator_of(32), torch.randn(200, 8)
    before = torch.get_num_threads()
    found = []
    for threads in (1, 2, 3):
        torch.set_num_threads(threads)
        found.append(np.concatenate(list(generate_each(generator, [latent_BZ], PixelScale(), CPU))))
    torch.set_num_threads(before)
    assert found[0].shape == (200, 3, 32, 32)
    np.testing.assert_array_equal(found[0], found[1])
    np.testing.assert_array_equal(found[0], found[2])


def test_each_piece_is_drawn_by_one_thread_of_its_own():
    generator, seen = generator_of(32), set()
    generator.register_forward_hook(
        lambda *_: seen.add((threading.get_ident(), torch.get_num_threads()))
    )
    list(generate_each(generator, [torch.randn(200, 8)], PixelScale(), CPU))
    assert {number for _, number in seen} == {1}
    assert threading.get_ident() not in {ident for ident, _ in seen}


def test_latents_are_taken_as_images_are():
    taken = []

    def latents():
        for number in range(1000):
            taken.append(number)
            yield torch.randn(64, 8)

    next(generate_each(generator_of(32), latents(), PixelScale(), CPU))
    assert len(taken) <= 1 + 2 * torch.get_num_threads()


def test_latents_of_numpy_are_of_another_dtype():
    generator = generator_of(16)
    latent_BZ = torch.randint(-2, 3, (3, 8))
    exact, *others = (
        np.concatenate(list(generate_each(generator, [latents], PixelScale(), CPU)))
        for latents in (latent_BZ.float(), latent_BZ.double(), latent_BZ)
    )
    assert all(np.array_equal(exact, other) for other in others)


def test_a_gpu_is_given_more_at_once():
    assert at_once((3, 128, 128), CPU) == 4
    assert at_once((3, 128, 128), torch.device("cuda")) == 64
    assert at_once((3, 1024, 1024), torch.device("cuda")) == 1
