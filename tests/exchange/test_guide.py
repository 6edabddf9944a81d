"""The reader in the guide reads what is written, without dcgan."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import get_args

import numpy as np
import torch
from tests.exchange.conftest import KINDS

from dcgan.vocabulary import Activation, Interpolation, Norm, Operation

GUIDE = Path(__file__).parents[2] / "docs" / "guide" / "exchange.md"

_AROUND = """
import sys
import numpy as np

folder = sys.argv[1]
for kind in sys.argv[2:]:
    latent = torch.from_numpy(np.load(f"{folder}/{kind}-latent.npy"))
    np.save(f"{folder}/{kind}-pixels.npy", generate(f"{folder}/{kind}", latent).numpy())
assert not [name for name in sys.modules if name.startswith("dcgan")]
"""


def reader():
    """The code block of the guide that defines ``generate``, as it stands there."""
    blocks = re.findall(r"```python\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    (found,) = [block for block in blocks if "def generate(" in block]
    return found


def test_the_reader_of_the_guide_gives_the_images_of_each_run(runs, tmp_path):
    latents = {kind: run.networks.latent.numbered(3, 0, 20) for kind, run in runs.items()}
    for kind, run in runs.items():
        run.export("weights", tmp_path / kind, progress=False)
        np.save(tmp_path / f"{kind}-latent.npy", latents[kind].numpy())
    words = [sys.executable, "-c", reader() + _AROUND, str(tmp_path), *runs]
    subprocess.run(words, check=True)
    for kind, run in runs.items():
        mean, deviation = (
            torch.tensor(part).view(1, -1, 1, 1)
            for part in (run.networks.scale.mean, run.networks.scale.deviation)
        )
        pixels = torch.from_numpy(np.load(tmp_path / f"{kind}-pixels.npy"))
        wanted = (run.generator(latents[kind]) * deviation + mean).clamp(0, 255)
        assert ((pixels - wanted).abs() / deviation).max() < 1e-5, kind
        assert wanted.std() > 10  # images with contrast, so that the comparison says something


def test_the_runs_have_every_layer():
    """So the reader is tested with a new one."""
    rows = [row for networks in KINDS.values() for row in networks.generator]
    assert {row.operation for row in rows} == set(get_args(Operation))
    assert {row.activation for row in rows} == set(get_args(Activation))
    assert {row.interpolation for row in rows} == set(get_args(Interpolation))
    norms = {name for norm in get_args(Norm) for name in norm.split("+")}
    assert {name for row in rows for name in row.norms} == norms - {"none"}


def test_the_guide_lists_every_file(runs, tmp_path):
    run = runs["plain"]
    found = run.export("weights", tmp_path / "model", part="both", progress=False)
    guide = GUIDE.read_text(encoding="utf-8")
    for name in found.sizes:
        assert f"`{name}`" in guide, name
