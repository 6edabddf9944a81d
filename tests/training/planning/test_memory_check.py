"""Runs that cannot fit into memory are refused at once, by the setting that makes them so large."""

from __future__ import annotations

import time

import pytest
import torch
from tests.conftest import SMALL

import dcgan as package
from dcgan.config import merge
from dcgan.errors import ConfigError, DataError
from dcgan.models.amount import count_activations, count_weights
from dcgan.models.discriminator import Discriminator
from dcgan.models.generator import Generator
from dcgan.models.geometry import plan_discriminator, plan_generator
from dcgan.models.table import Layer
from dcgan.render.sheet import refuse_too_large
from dcgan.runtime.memory import is_out_of_memory
from dcgan.training.planning.triggers import Geometric

HUGE = {
    "a width": (
        {"model": {"generator": {"width": 10**9, "max_width": 10**9}}},
        "model.generator.width",
    ),
    "the other's width": (
        {"model": {"discriminator": {"width": 10**7, "max_width": 10**8}}},
        "model.discriminator.width",
    ),
    "a latent": ({"model": {"latent": {"dim": 10**9}}}, "model.latent.dim"),
    "codes": ({"model": {"latent": {"continuous": 10**10}}}, "model.latent.continuous"),
    "a batch": ({"optim": {"batch": 10**9}}, "optim.batch"),
    "a sheet": ({"records": {"sheet_images": 10**9}}, "records.sheet_images"),
    "hidden features": (
        {"model": {"discriminator": {"hidden": 10**10}}},
        "model.discriminator.hidden",
    ),
    "a size": (
        {
            "data": {"size": "4096x4096"},
            "optim": {"batch": 4096},
            "model": {"generator": {"width": 64}},
        },
        "data.size",
    ),
}


@pytest.mark.parametrize("kind", HUGE)
def test_sizes_that_cannot_be_allocated_are_refused_before_anything_is_built(kind, tmp_path):
    settings, key = HUGE[kind]
    options = {name: value for name, value in SMALL.items() if name not in {"size", "batch"}}
    settings = merge(
        {"data": {"size": "16x16"}, "optim": {"batch": 32}}, SMALL["settings"], settings
    )
    began = time.process_time()
    with pytest.raises(ConfigError, match=r"memory, and .* is free\. Use ") as caught:
        package.train("digits", images=64, out=tmp_path / "r", **options | {"settings": settings})
    assert caught.value.key == key
    assert f"Use `{key}=" in str(caught.value) or f"Use a smaller `{key}`" in str(caught.value)
    assert time.process_time() - began < 5
    assert not (tmp_path / "r").exists()


def test_the_cure_fits(tmp_path, monkeypatch):
    """With as little memory as makes a batch of 1,024 too large."""
    monkeypatch.setattr("dcgan.training.planning.memory_check.available_memory", lambda: 3_000_000)
    arguments = {**SMALL, "images": 64, "out": tmp_path / "run"}
    with pytest.raises(ConfigError, match=r"optim\.batch") as caught:
        package.train("digits", **{**arguments, "batch": 1024})
    batch = int(str(caught.value).split("`optim.batch=")[1].split("`")[0])
    assert 32 <= batch < 1024
    package.train("digits", **{**arguments, "batch": batch})


def test_the_estimate_is_a_lower_bound():
    """Of what networks hold, exactly as they are built."""
    generator = plan_generator((32, 32), 3, width=8)
    discriminator = (
        Layer(operation="conv", channels=6, kernel=(3, 3), pack=2, minibatch_stddev=True),
        Layer(operation="linear", channels=1),
    )
    for layers, shape, network in (
        (generator, (100, 1, 1), Generator(generator)),
        (
            plan_discriminator((32, 32), width=8),
            (3, 32, 32),
            Discriminator(plan_discriminator((32, 32), width=8), (3, 32, 32)),
        ),
        (discriminator, (3, 8, 8), Discriminator(discriminator, (3, 8, 8))),
    ):
        held = sum(weight.numel() for weight in network.parameters())
        assert 0.8 * held < count_weights(layers, shape) <= held
    made = []
    network = Generator(generator)
    for block in network.blocks:
        block.register_forward_hook(lambda *found: made.append(found[2].numel()))
    network(torch.zeros(1, 100))
    assert sum(made) == count_activations(generator, (100, 1, 1))


def test_a_sheet_too_large_for_memory_is_refused(monkeypatch):
    monkeypatch.setattr("dcgan.runtime.memory.available_memory", lambda: 2_000_000)
    refuse_too_large(100, (64, 64))
    with pytest.raises(
        DataError, match=r"a sheet of 1000 images needs at least .* choose a folder"
    ):
        refuse_too_large(1000, (64, 64))


@pytest.mark.parametrize(
    "words",
    [
        "[enforce fail at alloc_cpu.cpp:124] err == 0. DefaultCPUAllocator: can't allocate memory: you"
        " tried to allocate 4000000000000 bytes. Error code 12 (Cannot allocate memory)",
        "DefaultCPUAllocator: not enough memory: you tried to allocate 4000000000000 bytes.",
        "CUDA out of memory. Tried to allocate 20.00 GiB.",
        "MPS backend out of memory",
    ],
)
def test_every_wording_of_no_memory_is_recognized(words, monkeypatch, dcgan):
    assert is_out_of_memory(RuntimeError(words))
    assert not is_out_of_memory(ValueError(words))

    def fails(*_, **__):
        raise RuntimeError(words)

    monkeypatch.setattr("dcgan.training.train", fails)
    code, _, err = dcgan("train", "digits")
    assert (code, len(err.splitlines())) == (2, 1)
    assert "out of memory" in err and "Use a smaller --batch" in err and "report" not in err


def test_what_this_pytorch_says_is_recognized():
    with pytest.raises(RuntimeError) as caught:
        torch.empty(2**52)
    assert is_out_of_memory(caught.value)


def test_more_sheets_than_images():
    assert Geometric.spread(32, 1024, 10**18, 1).passed(0, 64)
