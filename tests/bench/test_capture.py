"""What is captured computes the same, and a capture is made as PyTorch asks for."""

from __future__ import annotations

import importlib
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from dcgan.bench.contest import WARM_UP
from dcgan.training.rules import Batch


@pytest.fixture
def capture(monkeypatch):
    monkeypatch.syspath_prepend(Path(__file__).parents[2] / "benchmarks")
    return importlib.import_module("gpu_capture")


def batch_of(number, *, classes=False):
    real_BCHW = torch.full((2, 1, 4, 4), float(number))
    return Batch(real_BCHW, torch.full((2, 3), float(-number)), torch.eye(2) if classes else None)


@pytest.mark.parametrize("classes", [False, True])
def test_every_batch_gets_into_the_held_one(capture, classes):
    seen = []

    def update(batch):
        seen.append((float(batch.real_BCHW.mean()), float(batch.latent_BZ.mean())))
        tensors = {"loss": batch.real_BCHW.sum()}
        if batch.class_BK is not None:
            tensors["class"] = batch.class_BK[0].clone()
        return tensors

    example = batch_of(1, classes=classes)
    one_update = capture.graphed(None, update, example)
    assert seen == [(1, -1)] * WARM_UP
    given = batch_of(5, classes=classes)
    if classes:
        given.class_BK.copy_(torch.eye(2).flip(0))
    found = one_update(given)
    assert seen[WARM_UP:] == [(5, -5)]
    assert float(found["loss"]) == 5 * 2 * 16
    if classes:
        assert found["class"].tolist() == [0, 1]
    assert float(example.real_BCHW.mean()) == 1, "the example stays"


class FakeCuda:
    """Stands for ``torch.cuda``: notes what is called."""

    def __init__(self):
        self.called = []
        self.current = FakeStream("the first", self.called, "wait for the warm-up")

    def current_stream(self):
        return self.current

    def Stream(self):  # noqa: N802
        return FakeStream("another stream", self.called, "wait for the past")

    def CUDAGraph(self):  # noqa: N802
        return SimpleNamespace(replay=lambda: self.called.append("replay"))

    @contextmanager
    def device(self, device):
        self.called.append(str(device))
        yield

    @contextmanager
    def stream(self, stream):
        before, self.current = self.current, stream
        self.called.append(stream.name)
        try:
            yield
        finally:
            self.current = before

    @contextmanager
    def graph(self, graph):
        """As PyTorch's, which does not leave its stream if the capture fails."""
        before, self.current = self.current, FakeStream("of the capture", self.called)
        self.called.append("capture")
        yield
        self.called.append("end of capture")
        self.current = before


class FakeStream:
    def __init__(self, name, called, waits="wait"):
        self.name = name
        self.wait_stream = lambda other: called.append(waits)


def captured(capture, monkeypatch, fake, run):
    """The replay of a capture, and its optimizers' groups."""
    monkeypatch.setattr(capture, "torch", SimpleNamespace(cuda=fake))
    optimizers = [SimpleNamespace(param_groups=[{}, {}]) for _ in range(2)]
    players = SimpleNamespace(
        generator_optimizer=optimizers[0], discriminator_optimizer=optimizers[1]
    )
    replay = capture._captured(players, run, "cuda:1")
    return replay, [group for one in optimizers for group in one.param_groups]


def test_a_capture_warms_up_on_another_stream_and_then_replays(capture, monkeypatch):
    fake = FakeCuda()

    def run():
        fake.called.append(f"run on {fake.current.name}")
        return {"loss": 1}

    replay, groups = captured(capture, monkeypatch, fake, run)
    assert fake.called == [
        *["cuda:1", "wait for the past", "another stream", *["run on another stream"] * WARM_UP],
        *["wait for the warm-up", "the first", "capture", "run on of the capture"],
        "end of capture",
    ]
    assert groups == [{"capturable": True}] * 4
    fake.called.clear()
    assert replay() == {"loss": 1}
    assert fake.called == ["replay"]


def test_after_a_failed_capture_all_else_is_computed_on_the_stream_before(capture, monkeypatch):
    fake = FakeCuda()

    def run():
        if fake.current.name == "of the capture":
            raise RuntimeError("operation not permitted when stream is capturing")

    with pytest.raises(RuntimeError, match="not permitted"):
        captured(capture, monkeypatch, fake, run)
    assert fake.current.name == "the first"


def test_a_cpu_compiles_nothing(capture):
    def update(batch):
        return {}

    assert capture.compiled(None, update, batch_of(1)) is update
