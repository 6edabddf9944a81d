"""A tiny lab: two arms, two seeds, runs of a few steps on images without labels."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
import yaml
from PIL import Image

import dcgan
from dcgan.errors import Diverged
from dcgan.labs import executors
from dcgan.labs.jobs import Outcome
from dcgan.runtime.files import write_json
from dcgan.runtime.reporting import SILENT


@pytest.fixture(scope="session")
def images(tmp_path_factory):
    """120 handwritten digits of 16×16 as one array; without labels no classifier is trained."""
    from sklearn.datasets import load_digits

    path = tmp_path_factory.mktemp("data") / "digits.npy"
    some = (load_digits().images[:120] * 15).astype(np.uint8)
    np.save(path, np.stack([np.asarray(Image.fromarray(one).resize((16, 16))) for one in some]))
    return path


@pytest.fixture(scope="session")
def content(images):
    """The content of a valid lab's file."""
    return {
        "claim": "A latent of 8 numbers <i>is</i> better than one of 2.",
        "source": "A & B",
        "data": str(images),
        "settings": {
            "data": {"size": 16},
            "model": {"generator": {"width": 4}, "discriminator": {"width": 4}},
            "augment": {"policy": "none"},
            "optim": {"batch": 16},
            "records": {
                **{"tensorboard": False, "sheets": 1, "sheet_images": 4},
                **{"log_every": 32, "checkpoint_every": 512},
            },
        },
        "arms": {
            "wide": {"title": "8 <numbers>", "settings": {"model": {"latent": {"dim": 8}}}},
            "narrow": {"title": "2 numbers", "settings": {"model": {"latent": {"dim": 2}}}},
        },
        "expected": [{"arm": "wide", "is": "better", "than": "narrow"}],
        "difference": 1.15,
        "budget": {"quick": {"images": 1024, "seeds": 2}, "full": {"images": 2048, "seeds": 3}},
    }


@pytest.fixture
def written(tmp_path):
    """Write a lab's file."""

    def write(content, name="tiny.yaml"):
        path = tmp_path / name
        path.write_text(yaml.safe_dump(content, sort_keys=False))
        return path

    return write


def in_this_process(job, stopped=None):
    """As ``run_job``, but without a process, whose imports take longer than the training."""
    try:
        dcgan.train(recipe=job.recipe, seed=job.seed, out=job.run, reporter=SILENT)
        outcome = Outcome("finished")
    except Diverged:
        outcome = Outcome("diverged")
    write_json(job.outcome, {"ending": outcome.ending, "message": ""})
    return outcome


@pytest.fixture
def trained_here(monkeypatch):
    monkeypatch.setattr(executors, "run_job", in_this_process)


@pytest.fixture(scope="session")
def finished(content, tmp_path_factory):
    """The tiny lab, finished without interruption; only read."""
    folder = tmp_path_factory.mktemp("finished")
    path = folder / "tiny.yaml"
    path.write_text(yaml.safe_dump(content, sort_keys=False))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(executors, "run_job", in_this_process)
        return dcgan.run_lab(path, out=folder / "lab", jobs=1, reporter=SILENT)


@pytest.fixture
def copied(finished, tmp_path):
    """A copy of it that may be changed: the lab's file and its folder."""
    shutil.copy(finished.path.parent.parent / "tiny.yaml", tmp_path / "tiny.yaml")
    shutil.copytree(finished.path.parent, tmp_path / "lab")
    return tmp_path / "tiny.yaml", tmp_path / "lab"
