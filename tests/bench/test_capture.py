"""What is captured computes the same, and a capture is made as PyTorch asks for."""

from __future__ import annotations

from contextlib import contextmanager
from types import SimpleNamespace

import pytest
import torch

from dcgan.bench import capture
from dcgan.bench.capture import compiled, graphed
from dcgan.bench.contest import WARM_UP, our_steps, tf32_set_to
from dcgan.bench.report import open_config
from dcgan.training.rules import Batch

CPU = torch.device("cpu")


def batch_of(number, *, classes=False):
    real_BCHW = torch.full((2, 1, 4, 4), float(number))
    return Batch(real_BCHW, torch.full((2, 3), float(-number)), torch.eye(2) if classes else None)


@pytest.mark.parametrize("classes", [False, True])
def test_every_batch_gets_into_the_held_one(classes):
    seen = []

    def update(batch):
        seen.append((float(batch.real_BCHW.mean()), float(batch.latent_BZ.mean())))
        tensors = {"loss": batch.real_BCHW.sum()}
        if batch.class_BK is not None:
            tensors["class"] = batch.class_BK[0].clone()
        return tensors

    example = batch_of(1, classes=classes)
    one_update = graphed(None, update, example)
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


def captured(monkeypatch, fake, run):
    """The replay of a capture, and its optimizers' groups."""
    monkeypatch.setattr(capture, "torch", SimpleNamespace(cuda=fake))
    optimizers = [SimpleNamespace(param_groups=[{}, {}]) for _ in range(2)]
    players = SimpleNamespace(
        generator_optimizer=optimizers[0], discriminator_optimizer=optimizers[1]
    )
    replay = capture._captured(players, run, "cuda:1")
    return replay, [group for one in optimizers for group in one.param_groups]


def test_a_capture_warms_up_on_another_stream_and_then_replays(monkeypatch):
    fake = FakeCuda()

    def run():
        fake.called.append(f"run on {fake.current.name}")
        return {"loss": 1}

    replay, groups = captured(monkeypatch, fake, run)
    assert fake.called == [
        *["cuda:1", "wait for the past", "another stream", *["run on another stream"] * WARM_UP],
        *["wait for the warm-up", "the first", "capture", "run on of the capture"],
        "end of capture",
    ]
    assert groups == [{"capturable": True}] * 4
    fake.called.clear()
    assert replay() == {"loss": 1}
    assert fake.called == ["replay"]


def test_after_a_failed_capture_all_else_is_computed_on_the_stream_before(monkeypatch):
    fake = FakeCuda()

    def run():
        if fake.current.name == "of the capture":
            raise RuntimeError("operation not permitted when stream is capturing")

    with pytest.raises(RuntimeError, match="not permitted"):
        captured(monkeypatch, fake, run)
    assert fake.current.name == "the first"


def test_a_cpu_compiles_nothing():
    def update(batch):
        return {}

    assert compiled(None, update, batch_of(1)) is update


def test_tf32_is_as_before_even_after_an_error():
    before = torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32
    with pytest.raises(ZeroDivisionError), tf32_set_to(not before[0]):
        assert torch.backends.cudnn.allow_tf32 is torch.backends.cuda.matmul.allow_tf32
        assert torch.backends.cudnn.allow_tf32 is not before[0]
        raise ZeroDivisionError
    assert (torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32) == before


@pytest.mark.parametrize("tf32", [False, True])
def test_a_change_is_made_and_used_with_the_asked_precision(tf32):
    player = {"width": 2}
    settings = {"model": {"generator": player, "discriminator": player}}
    config = open_config("auto", "16", 4, CPU, settings)
    assert config.model.generator.width == 2
    seen = []

    def change(players, update, example):
        seen.append(("made", example.real_BCHW.shape[0], torch.backends.cudnn.allow_tf32))

        def changed(batch):
            seen.append(("used", batch.real_BCHW.shape[0], torch.backends.cudnn.allow_tf32))
            return update(batch)

        return changed

    step = our_steps(config, CPU, fresh=True, tf32=tf32, change=change)
    step()
    assert seen == [("made", 4, tf32), ("used", 4, tf32)]
