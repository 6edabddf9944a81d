"""The caller's random state and PyTorch's modes: not in our way, and not changed by us."""

from __future__ import annotations

import random
from contextlib import contextmanager
from importlib import import_module

import numpy as np
import pytest
import torch
from tests.conftest import SMALL

import dcgan
from dcgan import latent
from dcgan.data import load_dataset
from dcgan.errors import DcganError
from dcgan.runtime.isolation import default_modes, in_default_modes, isolated, kept_random_state

inverting = import_module("dcgan.latent.invert")


def draws():
    """The next numbers of every global generator."""
    return random.random(), np.random.standard_normal(), torch.randn(2).tolist()


def modes():
    """What a caller can set that changes how PyTorch computes."""
    return (
        torch.get_default_dtype(),
        torch.get_default_device(),
        torch.is_grad_enabled(),
        torch.is_inference_mode_enabled(),
        torch.is_autocast_enabled("cpu"),
        torch.are_deterministic_algorithms_enabled(),
        torch.backends.cudnn.benchmark,
        torch.utils.deterministic.fill_uninitialized_memory,
    )


@contextmanager
def unusual_modes():
    """Every mode at once, as a notebook may have left them."""
    torch.set_default_dtype(torch.float64)
    torch.set_default_device("meta")  # as "cuda" would be: tensors made without care lie elsewhere
    torch.use_deterministic_algorithms(True)
    try:
        with torch.autocast("cpu", dtype=torch.bfloat16), torch.inference_mode():
            yield
    finally:
        torch.set_default_dtype(torch.float32)
        torch.set_default_device(None)
        torch.use_deterministic_algorithms(False)


def seed_all(seed):
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


def use_everything(run, folder, monkeypatch):
    """Every kind of thing that the Python API does; gives what can be compared."""
    monkeypatch.setenv("DCGAN_CACHE", str(folder / "cache"))
    trained = dcgan.train("digits", images=64, out=folder / "run", progress=False, **SMALL)
    source = dcgan.prepare("digits", folder / "packed", size=16, progress=False)
    opened = dcgan.open_run(run.path)
    images = opened.sample(70)
    found = latent.invert(opened, images[:1], starts=1)
    space = opened.networks.latent
    path = latent.interpolate(space, space.numbered(0, 0, 2), frames=4)
    chosen = latent.Choice()
    axis = latent.find(
        opened, "axis", latent.Request(method="pca", count=2), latent.Reader(opened), chosen
    )
    latent.write_samples(opened, 2, folder / "two.png")
    with default_modes():  # plain modules follow the caller's modes, as any do
        logit_B = opened.discriminator(opened.generator(space.numbered(0, 0, 2)))
    score = opened.evaluate(images=50, progress=False)["frechet_distance"].value
    kept = load_dataset(source, (16, 16), 1)
    return [
        trained.sample(2),
        images,
        np.asarray(opened.sheet(4)),
        found.latent_NZ.numpy(),
        opened.generate(path),
        axis[0].vector_D.numpy(),
        logit_B.numpy(),
        np.array(score),
        kept.take(np.arange(2), np.full(2, 0.5)).numpy(),
    ]


@pytest.mark.usefixtures("brief_classifiers")
def test_the_callers_modes_change_no_result_and_come_back(small_run, tmp_path, monkeypatch):
    for name, brief in {"_KNOWN": 256, "_PHASES": ((1.0, 4),), "_LAST": ((1.0, 4),)}.items():
        monkeypatch.setattr(inverting, name, brief)
    expected = use_everything(small_run, tmp_path / "plain", monkeypatch)
    seed_all(5)
    wanted = draws()
    with unusual_modes():
        seed_all(5)
        before = modes()
        found = use_everything(small_run, tmp_path / "unusual", monkeypatch)
        assert modes() == before
    assert draws() == wanted
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_training_works_without_grad(tmp_path):
    with torch.no_grad():
        dcgan.train("digits", images=32, out=tmp_path / "run", progress=False, **SMALL)
        assert not torch.is_grad_enabled()


def test_a_failed_call_leaves_everything_as_it_was(tmp_path):
    class Silent(dcgan.training.Reporter):
        def begin(self, *_):
            raise DcganError("stop")

    seed_all(6)
    wanted, before = draws(), modes()
    seed_all(6)
    with pytest.raises(DcganError, match="stop"):
        dcgan.train(
            "digits", images=64, out=tmp_path / "run", reporter=Silent(), **_deterministic()
        )
    assert draws() == wanted
    assert modes() == before


def test_a_deterministic_run_makes_only_itself_deterministic(tmp_path):
    dcgan.train("digits", images=32, out=tmp_path / "run", progress=False, **_deterministic())
    assert not torch.are_deterministic_algorithms_enabled()


def test_pieces_that_are_made_later_are_made_in_default_modes_too():
    def kinds():
        for _ in range(2):
            yield torch.zeros(1).dtype

    pieces = in_default_modes(kinds())
    torch.set_default_dtype(torch.float64)
    try:
        assert next(pieces) is torch.float32
        assert torch.zeros(1).dtype is torch.float64
        assert list(pieces) == [torch.float32]
    finally:
        torch.set_default_dtype(torch.float32)


def test_contexts_also_end_in_order_after_an_error():
    seed_all(7)
    wanted, before = draws(), modes()
    seed_all(7)
    with pytest.raises(ZeroDivisionError), isolated():
        torch.set_default_dtype(torch.float64)
        draws()
        raise ZeroDivisionError
    assert draws() == wanted
    assert modes() == before


def test_cuda_that_has_not_begun_begins_with_the_callers_seed(monkeypatch):
    """Reading its state at the start would begin it, and take memory on every GPU."""
    seeds = []
    monkeypatch.setattr(torch.cuda, "manual_seed_all", seeds.append)
    torch.manual_seed(11)
    with kept_random_state():
        torch.manual_seed(99)
    assert seeds[-1] == 11


@pytest.mark.parametrize("had_begun", [False, True])
def test_the_current_gpu_comes_back(monkeypatch, had_begun):
    """One that was chosen within, too: without this, ``cuda`` would then be another GPU."""
    gpu = {"begun": had_begun, "current": 2 if had_begun else 0}
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: gpu["begun"])
    monkeypatch.setattr(torch.cuda, "current_device", lambda: gpu["current"])
    monkeypatch.setattr(
        torch.cuda, "set_device", lambda number: gpu.update(begun=True, current=number)
    )
    with default_modes():
        assert gpu["begun"] is had_begun
        torch.cuda.set_device(1)
    assert gpu["current"] == (2 if had_begun else 0)
    gpu.update(begun=False)
    with default_modes():
        pass
    assert not gpu["begun"], "it takes memory and time"


@pytest.mark.parametrize("precision", ["high", "medium"])
def test_products_are_whole_fp32_within_and_as_the_caller_set_them_after(precision):
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision(precision)
    try:
        with default_modes():
            assert torch.get_float32_matmul_precision() == "highest"
        assert torch.get_float32_matmul_precision() == precision
    finally:
        torch.set_float32_matmul_precision(before)


@pytest.mark.skipif(not hasattr(torch.backends.mkldnn, "matmul"), reason="PyTorch before 2.9")
def test_so_they_are_where_the_caller_set_them_by_backend():
    """PyTorch then refuses to read the precision of all products."""
    kinds = [torch.backends.cuda.matmul, torch.backends.mkldnn.matmul]
    before = [kind.fp32_precision for kind in kinds]
    try:
        kinds[0].fp32_precision, kinds[1].fp32_precision = "tf32", "bf16"
        with default_modes():
            assert [kind.fp32_precision for kind in kinds] == ["ieee", "ieee"]
        assert [kind.fp32_precision for kind in kinds] == ["tf32", "bf16"]
    finally:
        for kind, precision in zip(kinds, before, strict=True):
            kind.fp32_precision = precision


@pytest.mark.parametrize("kind", ["cpu", "cuda", "mps"])
def test_the_callers_autocast_is_off_on_every_device(kind):
    torch.set_autocast_enabled(kind, True)
    try:
        with default_modes():
            assert not torch.is_autocast_enabled(kind)
        assert torch.is_autocast_enabled(kind)
    finally:
        torch.set_autocast_enabled(kind, False)


def _deterministic():
    return SMALL | {"settings": SMALL["settings"] | {"deterministic": True}}
