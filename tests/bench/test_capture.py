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

    def current_stream(self):
        return SimpleNamespace(wait_stream=lambda other: self.called.append("wait for the warm-up"))

    def Stream(self):  # noqa: N802
        return SimpleNamespace(wait_stream=lambda other: self.called.append("wait for the past"))

    def CUDAGraph(self):  # noqa: N802
        return SimpleNamespace(replay=lambda: self.called.append("replay"))

    @contextmanager
    def inside(self, name):
        self.called.append(name)
        yield
        self.called.append(f"end of {name}")

    def device(self, device):
        return self.inside(str(device))

    def stream(self, stream):
        return self.inside("another stream")

    def graph(self, graph):
        return self.inside("capture")


def test_a_capture_warms_up_on_another_stream_and_then_replays(monkeypatch):
    fake = FakeCuda()
    monkeypatch.setattr(capture, "torch", SimpleNamespace(cuda=fake))
    optimizers = [SimpleNamespace(param_groups=[{}, {}]) for _ in range(2)]
    players = SimpleNamespace(
        generator_optimizer=optimizers[0], discriminator_optimizer=optimizers[1]
    )

    def run():
        fake.called.append("run")
        return {"loss": 1}

    replay = capture._captured(players, run, "cuda:1")
    assert fake.called == [
        *["cuda:1", "wait for the past", "another stream", *["run"] * WARM_UP],
        *["end of another stream", "wait for the warm-up"],
        *["capture", "run", "end of capture", "end of cuda:1"],
    ]
    groups = [group for one in optimizers for group in one.param_groups]
    assert groups == [{"capturable": True}] * 4
    fake.called.clear()
    assert replay() == {"loss": 1}
    assert fake.called == ["replay"]


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
