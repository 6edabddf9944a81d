"""Models of others and of our own go in by ``dcgan import``, and come out as ONNX and as a page."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.exchange.conftest import KINDS, write_run
from tests.exchange.originals import (
    TheanoNorms,
    example_generator,
    lived_in,
    theano_generator,
    theano_images,
)
from tests.exchange.web.chromium import answer_of, needs_chromium

import dcgan
from dcgan.cli.main import main

pytest.importorskip("onnxscript")
onnxruntime = pytest.importorskip("onnxruntime")

pytestmark = [pytest.mark.slow, needs_chromium]

ARRAYS = os.environ.get("DCGAN_SVHN_ARRAYS")
"""A folder with the generator that the DCGAN authors trained on SVHN, as they published it: one
file for each array, ``200_gen_params.jl_01.npy`` and so on."""

SOURCES = ["tutorial", "theano", "run", *(["svhn"] if ARRAYS else [])]

IMAGES = 5

ONNX, PAGE = ("--to", "onnx", "--pixels", "float"), ("--to", "web", "--single-file")

# each page is put into this one, where its script finds its model. The script gives its explorer
SCRIPT = """
const asked = await (await fetch("latents.json")).json();
const found = {};
for (const [name, latents] of Object.entries(asked)) {
  const text = await (await fetch(`${name}.html`)).text();
  const page = new DOMParser().parseFromString(text, "text/html");
  const script = page.querySelector("script[type=module]").textContent
    .replace(/await mount\\((?!.*await mount\\()/s, "export const explorer = await mount(");
  document.body.replaceChildren(...page.body.children);
  const {explorer} = await import(URL.createObjectURL(new Blob([script], {type: "text/javascript"})));
  while (!explorer.frames) await wait(1);
  const {width, height} = explorer.model.size;
  const context = document.querySelector(".dcgan-image").getContext("2d");
  found[name] = {
    latent: Array.from(explorer.latent),
    shown: Array.from(context.getImageData(0, 0, width, height).data),
    images: latents.map((latent) => Array.from(explorer.model.image(Float32Array.from(latent)).data)),
  };
}
return found;
"""


def command(*words):
    """Run ``dcgan`` in this process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["dcgan", *map(str, words)])
        with pytest.raises(SystemExit) as caught:
            main()
    assert not caught.value.code


def tutorial(folder):
    """The checkpoint of a loop after the DCGAN tutorial of PyTorch."""
    module = lived_in(example_generator())
    module.main[-2].weight.mul_(10)  # for images with contrast
    torch.save({"epoch": 4, "netG": module.state_dict()}, folder / "netG.pth")
    return [folder / "netG.pth"], lambda latent_BZ: module(latent_BZ[:, :, None, None])


def theano(folder, weights=None):
    """Arrays of the DCGAN authors, which come without statistics of batch norm."""
    weights = weights or theano_generator()
    np.savez(folder / "g.npz", *weights)
    norms = TheanoNorms()
    space = dcgan.models.LatentSpace(len(weights[0]), distribution="uniform")
    for batch in range(8):
        latent_BZ = space.numbered(0, 64 * batch, 64 * batch + 64)
        theano_images(weights, latent_BZ.numpy(), norms, training=True)

    def original(latent_BZ):
        image_BHWC = theano_images(weights, latent_BZ.numpy(), norms, training=False)
        return torch.from_numpy(image_BHWC).permute(0, 3, 1, 2)

    return [folder / "g.npz"], original


def svhn(folder):
    files = sorted(Path(ARRAYS).glob("*gen_params.jl_*.npy"))
    return theano(folder, [np.load(path) for path in files])


def run_of_ours(folder):
    """The weights of a run, and its layers as a recipe."""
    run = write_run(folder / "ours", KINDS["plain"])
    rows = [
        {layer.operation: layer.channels, "activation": "none", "norm": "none", "bias": layer.bias}
        | {
            key: value
            for key, value in layer.to_json().items()
            if key not in ("operation", "channels")
        }
        for layer in run.networks.generator
    ]
    model = {"latent": {"dim": run.networks.latent.dim}, "generator": {"layers": rows}}
    (folder / "table.yaml").write_text(json.dumps({"model": model}))
    weights = run.checkpoint / "ema.safetensors"
    return [weights, "--like", folder / "table.yaml"], run.generator


MAKE = {"tutorial": tutorial, "theano": theano, "run": run_of_ours, "svhn": svhn}


@pytest.fixture(scope="module")
def originals(tmp_path_factory):
    """Source → the model as its program computes it; the files of all are in one folder."""
    folder = tmp_path_factory.mktemp("out")
    found, latents = {}, {}
    for name in SOURCES:
        words, found[name] = MAKE[name](tmp_path_factory.mktemp(name))
        run = folder / name
        command("import", *words, "--out", run)
        command("export", run, *ONNX, "--out", f"{run}.onnx")
        command("export", run, *PAGE, "--out", f"{run}.html")
        latents[name] = dcgan.open_run(run).networks.latent.numbered(9, 0, IMAGES)
    return folder, found, latents


@pytest.fixture(scope="module")
def shown(originals, tmp_path_factory):
    """What a browser shows, for all sources in one session."""
    folder, _, latents = originals
    asked = {name: latent_BZ.tolist() for name, latent_BZ in latents.items()}
    (folder / "latents.json").write_text(json.dumps(asked))
    return answer_of(folder, SCRIPT, tmp_path_factory.mktemp("profile"))


@pytest.mark.parametrize("name", SOURCES)
def test_onnx_gives_the_images_of_the_original(originals, name):
    folder, original, latents = originals
    session = onnxruntime.InferenceSession(folder / f"{name}.onnx")
    (image_BCHW,) = session.run(None, {"latent": latents[name].numpy()})
    expected = original[name](latents[name]).numpy()
    np.testing.assert_allclose(image_BCHW, expected, atol=1e-4, rtol=0)
    assert expected.std() > 0.1  # an image of one color would say nothing


@pytest.mark.parametrize("name", SOURCES)
def test_the_page_shows_the_images_of_the_original(originals, shown, name):
    _, original, latents = originals
    latent_BZ = torch.cat([latents[name], torch.tensor([shown[name]["latent"]])])
    expected = (original[name](latent_BZ) * 127.5 + 127.5).permute(0, 2, 3, 1).numpy()
    for pixels, image_HWC in zip(
        [*shown[name]["images"], shown[name]["shown"]], expected, strict=True
    ):
        shown_HWC = np.array(pixels).reshape(*image_HWC.shape[:2], 4)
        assert np.abs(shown_HWC[..., :3] - image_HWC).max() <= 1
