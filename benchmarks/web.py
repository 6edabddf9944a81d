"""Measure the web export in Chromium: sizes, first image, frames per second, pixel differences.

    PYTHONPATH=. python benchmarks/web.py RUN [RUN ...] [--core 0]

Takes finished runs, and adds untrained generators of 64×64 images: the one that `auto` plans for a
CPU, and one of the paper's widths. Prints a Markdown table. Needs chromium, and pytest, whose
helper opens the browser.
"""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from tests.exchange.web.chromium import answer_of

import dcgan
from dcgan.exchange.web.model_file import model_file
from dcgan.exchange.web.page import single_page
from dcgan.exchange.web.program import half_precision
from dcgan.exchange.web.write import COPIED, STATIC
from dcgan.models import Generator, plan_generator
from dcgan.models.folding import folded
from dcgan.models.latents import LatentSpace
from dcgan.runs.networks import Networks

LATENTS = 64

SCRIPT = """
const start = performance.now();
const frame = document.createElement("iframe");
Object.assign(frame, {width: 1280, height: 900, src: "single.html"});
document.body.append(frame);
const text = () => frame.contentDocument?.querySelector(".dcgan-note")?.textContent ?? "";
while (!text().includes("ms per image")) await wait(1);
const first = performance.now() - start;
frame.remove();

const { mount } = await import("./explorer.js");
const element = document.createElement("div");
document.body.append(element);
const explorer = await mount(element, "model.safetensors");
const map = element.querySelector(".dcgan-map");
map.setPointerCapture = () => {};
const {left, top, width, height} = map.getBoundingClientRect();
const point = (type, angle) => map.dispatchEvent(new PointerEvent(type, {pointerId: 1, button: 0,
  clientX: left + width * (0.5 + 0.4 * Math.cos(angle)),
  clientY: top + height * (0.5 + 0.4 * Math.sin(angle))}));
await wait(1500); // until all samples are drawn
point("pointerdown", 0);
const before = explorer.frames;
const begin = performance.now();
while (performance.now() < begin + 4000) {
  point("pointermove", (performance.now() - begin) / 500);
  await new Promise(requestAnimationFrame);
}
const frames = 1000 * (explorer.frames - before) / (performance.now() - begin);
point("pointerup", 0);

const latents = new Float32Array(await (await fetch("latents.bin")).arrayBuffer());
const size = explorer.latent.length;
const pixels = [];
for (let i = 0; i < latents.length; i += size) {
  const data = explorer.model.image(latents.subarray(i, i + size)).data;
  pixels.push(btoa(String.fromCharCode(...data)));
}
const again = performance.now();
for (let i = 0; i < 40; i++) explorer.model.generate(latents.subarray(0, size));
return {first, frames, pixels, milliseconds: (performance.now() - again) / 40};
"""


def untrained(width: int, most: int) -> tuple[Networks, Generator]:
    """A generator of 64×64 images whose activations are of size 1, with fresh weights."""
    torch.manual_seed(0)
    table = plan_generator((64, 64), 3, width=width, max_width=most)
    networks = Networks(
        generator=table, discriminator=(), image_shape=(3, 64, 64), latent=LatentSpace()
    )
    return networks, networks.build_generator("he").eval()


def rounded(generator: Generator) -> Generator:
    """The generator in PyTorch, with the weights of the page."""
    found = folded(generator, in_phases=False)
    for module in found.modules():
        if isinstance(module, torch.nn.Linear | torch.nn.Conv2d | torch.nn.ConvTranspose2d):
            half, scale = half_precision(module.weight)
            module.weight.data = half.float() * scale
    return found


def measure(name: str, networks: Networks, generator: Generator) -> str:
    """One row of the table."""
    model = model_file(networks, generator, name=name, images_seen=0)
    latent_NZ = networks.latent.numbered(0, 0, LATENTS)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "page"
        folder.mkdir()
        for file in COPIED:
            shutil.copy(STATIC / file, folder)
        (folder / "model.safetensors").write_bytes(model)
        (folder / "latents.bin").write_bytes(latent_NZ.numpy().tobytes())
        run: Any = SimpleNamespace(path=Path(name), networks=networks, images_seen=0)
        (folder / "single.html").write_text(single_page(run, model))
        size = (folder / "single.html").stat().st_size
        found = answer_of(folder, SCRIPT, Path(place) / "profile")
    differences = [
        difference(found["pixels"], network, networks, latent_NZ)
        for network in (rounded(generator), generator)
    ]
    height, width = networks.image_shape[1:]
    cells = [
        *(name, f"{height}×{width}", f"{sum(p.numel() for p in generator.parameters()):,}"),
        *(f"{len(model) / 1e6:.2f} MB", f"{size / 1e6:.2f} MB", f"{found['first']:.0f} ms"),
        *(f"{found['milliseconds']:.1f} ms", f"{found['frames']:.0f}", *differences),
    ]
    return f"| {' | '.join(cells)} |"


def difference(
    pixels: list[str], network: Generator, networks: Networks, latent_NZ: torch.Tensor
) -> str:
    """The largest and the mean difference of pixels, in 255ths."""
    import base64

    channels = networks.image_shape[0]
    with torch.inference_mode():
        image_NCHW = networks.scale.denormalize(network(latent_NZ)).numpy()
    expected = image_NCHW.transpose(0, 2, 3, 1).reshape(LATENTS, -1, channels).astype(int)
    shown = np.stack([np.frombuffer(base64.b64decode(one), np.uint8) for one in pixels])
    shown = shown.reshape(LATENTS, -1, 4)[..., :channels].astype(int)
    apart = np.abs(shown - expected)
    return f"{apart.max()} ({apart.mean():.4f})"


def rows(paths: list[Path]) -> Iterator[str]:
    for path in paths:
        run = dcgan.open_run(path)
        yield measure(path.name, run.networks, run.generator)
    for name, width, most in (("auto, 64×64", 32, 512), ("DCGAN paper, 64×64", 64, 512)):
        yield measure(name, *untrained(width, most))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", nargs="*", type=Path)
    parser.add_argument("--core", type=int, help="use this core only")
    given = parser.parse_args()
    if given.core is not None:
        os.sched_setaffinity(0, {given.core})  # the browser inherits it
    head = [
        *("generator", "images", "weights", "model", "single file", "first image"),
        *("one image", "frames per second", "against half precision", "against float32"),
    ]
    print(f"| {' | '.join(head)} |\n|{'---|' * len(head)}", flush=True)
    for row in rows(given.runs):
        print(row, flush=True)


if __name__ == "__main__":
    main()
