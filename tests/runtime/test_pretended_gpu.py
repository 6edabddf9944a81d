"""Programs on a GPU give what they give on a CPU, and mix no devices; see ``pretended_gpu.py``."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from tests.conftest import SMALL
from tests.pretended_gpu import pretended_gpu, pretended_mps

import dcgan
from dcgan.config import merge
from dcgan.latent import Choice, Reader, Request, find
from dcgan.probe import probe
from dcgan.probe.sets import load_sets

FEW = {"length": {"images": 96}, "optim": {"batch": 32}, "precision": "fp32"}

CASES = {
    "classes": {
        "model": {"condition": "label", "latent": {"categorical": [3], "continuous": 1}},
        "data": {"flip": True, "dequantize": True},
        "objective": {"information": 1.0},
        "augment": {"policy": "color+translation+cutout", "probability": 0.5},
    },
    "divided": {
        "model": {"discriminator": {"norm": "spectral", "minibatch_stddev": True}},
        "objective": {"r1": 1.0, "r2": 1.0, "penalty_interval": 2},
        "optim": {"micro_batch": 16},
    },
    "bf16": {"precision": "bf16", "objective": {"loss": "wasserstein", "wgan_gp": 1.0, "r1": 0}},
    "deterministic": {"deterministic": True, "optim": {"discriminator_steps": 2}},
}


def train(out, device, settings, **words):
    return dcgan.train("digits", out=out, device=device, settings=settings, **words, progress=False)


def weights(run):
    """All tensors of the last checkpoint but the states of random generators."""
    folder = sorted(Path(run.path, "checkpoints").iterdir())[-1]
    files = [file for file in folder.glob("*.safetensors") if file.stem != "random"]
    return {f"{file.stem}.{name}": one for file in files for name, one in load_file(file).items()}


def assert_same(found, wanted):
    found, wanted = weights(found), weights(wanted)
    assert found.keys() == wanted.keys()
    assert [name for name in wanted if not torch.equal(found[name], wanted[name])] == []


def test_mistakes_with_devices_are_errors():
    """Or the other tests would find none."""
    with pretended_gpu():
        here, there = torch.ones(2), torch.ones(2, device="cuda")
        assert (there + there.cpu().cuda()).tolist() == [2, 2]
        assert (here.to(there) * 2).device == torch.device("cuda:0")
        with pytest.raises(RuntimeError, match="same device"):
            here + there
        with pytest.raises(TypeError, match="numpy"):
            there.numpy()
        with pytest.raises(RuntimeError, match="generator"):
            torch.randn(2, device="cuda", generator=torch.Generator())
        with pytest.raises(RuntimeError, match="generator"):
            torch.randn(2, generator=torch.Generator("cuda"))
        with pytest.raises(ValueError, match="index"):
            torch.cuda.set_device("cuda")
    assert not torch.cuda.is_available()
    assert type(torch.Generator()) is torch.Generator


def test_float64_on_mps_is_an_error():
    with pretended_mps():
        assert (torch.ones(2, device="mps") + 1).device == torch.device("mps")
        with pytest.raises(TypeError, match="float64"):
            torch.ones(2, device="mps").double()
    with pretended_gpu():
        torch.ones(2, device="cuda").double()


@pytest.mark.parametrize("case", CASES)
def test_training_is_that_of_the_cpu(tmp_path, case):
    settings = merge(SMALL["settings"], merge(FEW, CASES[case]))
    with pretended_gpu():
        found = train(tmp_path / "gpu", "cuda", settings, size=16)
    assert_same(found, train(tmp_path / "cpu", "cpu", settings, size=16))


def test_so_is_training_on_images_that_a_gpu_cannot_hold(tmp_path):
    settings = merge(SMALL["settings"], merge(FEW, CASES["classes"]))
    with pretended_gpu(free=0):
        found = train(tmp_path / "gpu", "cuda", settings, size=16)
    assert_same(found, train(tmp_path / "cpu", "cpu", settings, size=16))


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run of 96 images with classes, made by the CPU."""
    settings = merge(SMALL["settings"], merge(FEW, {"model": {"condition": "label"}}))
    return train(tmp_path_factory.mktemp("made") / "run", "cpu", settings, size=16)


def test_a_resumed_run_is_the_unbroken_one_of_the_cpu_and_has_its_scores(tmp_path):
    scored = {"metrics": {"images": 50, "extractor": "random", "every": 64}}
    settings = merge(SMALL["settings"], merge(FEW, scored))
    with pretended_gpu():
        train(tmp_path / "gpu", "cuda", settings, size=16)
        found = dcgan.train(out=tmp_path / "gpu", resume=True, images=192, progress=False)
    settings = merge(settings, {"length": {"images": 192}})
    wanted = train(tmp_path / "cpu", "cpu", settings, size=16)
    assert_same(found, wanted)
    gpu, cpu = (
        [line["score"]["value"] for line in one.folder.scores.read()[-2:]]
        for one in (found, wanted)
    )
    assert gpu == cpu


def test_mps_trains(tmp_path):
    """To nearly the weights of the CPU, where weights lie in memory in another order."""
    settings = merge(SMALL["settings"], merge(FEW, CASES["divided"]))
    with pretended_mps():
        found = weights(train(tmp_path / "mps", "mps", settings, size=16))
    wanted = weights(train(tmp_path / "cpu", "cpu", settings, size=16))
    for name in (name for name in wanted if name.startswith("ema.")):
        torch.testing.assert_close(found[name], wanted[name], rtol=1e-2, atol=1e-3)


def probed(run):
    result = probe(
        *(run, *load_sets(run, "digits", limit=420)),
        **{"methods": ["discriminator", "k-means", "supervised"], "budget": 1280},
        device=run.device,
    )
    return [row.predicted.tolist() for row in result.methods]


USES = {
    "images": lambda run: run.sample(10, label="3", seed=1).tolist(),
    "scores": lambda run: [
        score.value for score in run.evaluate(images=100, extractor="random", progress=False).scores
    ],
    "probe": probed,
    "directions": lambda run: [
        one.vector_D.tolist()
        for one in find(
            run, f"d{run.device.type}", Request(method="pca", count=2), Reader(run), Choice()
        )
    ],
}


@pytest.mark.parametrize("use", USES)
def test_what_a_run_gives_is_that_of_the_cpu(run, use):
    wanted = USES[use](dcgan.open_run(run.path, device="cpu"))
    with pretended_gpu():
        assert USES[use](dcgan.open_run(run.path, device="cuda")) == wanted


def test_a_run_can_be_used_on_mps(run):
    wanted = dcgan.open_run(run.path, device="cpu").sample(10).astype(int)
    with pretended_mps():
        used = dcgan.open_run(run.path, device="mps")
        assert abs(used.sample(10).astype(int) - wanted).max() <= 1
        assert len(probed(used)) == 3
        assert len(USES["directions"](used)) == 2
