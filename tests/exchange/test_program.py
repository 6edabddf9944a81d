"""A ``.pt2`` file gives the images of the run in plain PyTorch."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from tests.exchange.conftest import KINDS, write_run

from dcgan.errors import ConfigError, DcganError
from dcgan.exchange import checks
from dcgan.exchange.standalone import inputs_of
from dcgan.models import plan_discriminator

PLAIN = """
import sys, warnings
import numpy as np, torch

folder = sys.argv[1]
arrays = np.load(f"{folder}/inputs.npz")
inputs = [torch.from_numpy(arrays[name]) for name in arrays.files]
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    network = torch.export.load(f"{folder}/model.pt2").module()
np.save(f"{folder}/one.npy", network(*(part[:1] for part in inputs)).numpy())
np.save(f"{folder}/all.npy", network(*inputs).numpy())
assert not [name for name in sys.modules if name.startswith("dcgan")]
"""


def test_plain_pytorch_loads_it_with_any_batch_size(runs, tmp_path):
    run = runs["conditional"]
    found = run.export("torch", tmp_path / "model.pt2", progress=False)
    assert found.difference.largest < 1e-5
    latent = run.networks.latent.numbered(4, 0, 9)
    parts = [part.numpy() for part in inputs_of(run.networks.latent, latent)]
    np.savez(tmp_path / "inputs.npz", *parts)
    subprocess.run([sys.executable, "-c", PLAIN, str(tmp_path)], check=True)
    wanted = run.generate(latent)
    images = np.load(tmp_path / "all.npy")
    assert images.dtype == np.uint8
    assert np.abs(images.astype(int) - wanted).max() <= 1
    assert np.abs(np.load(tmp_path / "one.npy").astype(int) - wanted[:1]).max() <= 1


def load(path, **options):
    return torch.export.load(path, **options).module()


@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_layers_of_imported_models(runs, tmp_path):
    run = runs["imported"]
    run.export("torch", tmp_path / "g.pt2", pixels="float", progress=False)
    latent = run.networks.latent.numbered(5, 0, 6)
    torch.testing.assert_close(load(tmp_path / "g.pt2")(latent), run.generator(latent))


@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize("kind", ["odd", "imported"])
def test_the_discriminator_of_float_images(runs, tmp_path, kind):
    run = runs[kind]
    run.export("torch", tmp_path / "d.pt2", part="discriminator", pixels="float", progress=False)
    image = run.generator(run.networks.latent.numbered(0, 0, 6))
    logits, features = load(tmp_path / "d.pt2")(image)
    torch.testing.assert_close(logits, run.discriminator(image))
    torch.testing.assert_close(features, run.discriminator.features(image))


@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_half_precision_takes_and_gives_floats(runs, tmp_path):
    run = runs["plain"]
    found = run.export(
        "torch", tmp_path / "h.pt2", precision="fp16", pixels="float", progress=False
    )
    about = {"dcgan.json": ""}
    images = load(tmp_path / "h.pt2", extra_files=about)(torch.zeros(2, 8))
    assert images.dtype == torch.float32
    assert 0 < found.difference.largest < 0.01
    assert json.loads(about["dcgan.json"])["precision"] == "fp16"


def test_statistics_too_large_for_half_precision_are_refused(tmp_path):
    """Divided by an infinite deviation, each map would be zero."""
    plain = KINDS["plain"]
    layers = plan_discriminator(plain.image_shape[1:], width=4, norm="batch")
    run = write_run(tmp_path / "run", replace(plain, discriminator=tuple(layers)))
    for name, buffer in run.discriminator.named_buffers():
        if name.endswith("running_var"):
            buffer.fill_(1e5)
    with pytest.raises(ConfigError, match="too large"):
        run.export(
            "torch", tmp_path / "d.pt2", part="discriminator", precision="fp16", progress=False
        )


def test_a_file_that_computes_something_else_is_not_written(runs, tmp_path, monkeypatch):
    monkeypatch.setattr(checks, "TOLERANCE", -1)
    with pytest.raises(DcganError, match=r"model\.pt2: differs from the run by"):
        runs["plain"].export("torch", tmp_path / "model.pt2", progress=False)
    assert list(tmp_path.iterdir()) == []
