"""A run folder as version 0.1.0 wrote it: every later version opens, measures and resumes it.

Never write this folder anew. When the format changes, keep it, and add one of the new format.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import dcgan
from dcgan.config import parse_config, read_yaml
from dcgan.runs.scores import read_best, read_scores

GOLDEN = Path(__file__).parent


@pytest.fixture
def run(tmp_path):
    """A copy, which a test may change."""
    return dcgan.open_run(shutil.copytree(GOLDEN / "run", tmp_path / "run"))


def test_it_draws_the_same_images(run):
    assert run.images_seen == 128
    with Image.open(GOLDEN / "sheet.png") as sheet:
        expected = np.asarray(sheet).astype(int)
    # other processors round otherwise
    assert np.abs(np.asarray(run.sheet(9, seed=1)).astype(int) - expected).max() <= 2


def test_its_log_scores_and_best_checkpoint_are_read(run):
    assert [line["images"] for line in run.log()][-1] == 128
    assert read_best(run.folder).checkpoint == "000000128"
    assert read_scores(run.folder)
    assert "frechet" in run.evaluate("digits", extractor="random", images=60).scores[0].metric


def test_it_is_resumed(run):
    longer = dcgan.train(out=run.path, resume=True, images=192, progress=False)
    assert longer.images_seen == 192
    assert [line["images"] for line in longer.log()][-1] == 192


def test_its_old_names_of_settings_are_read_and_written_as_today(run):
    stored = run.folder.config.read_text()
    assert "measure: frechet" in stored
    assert "policy: colour+" in stored
    again = dcgan.train(  # the same run in today's names, complete already
        out=run.path, recipe=run.folder.config, images=128, progress=False
    )
    assert again.images_seen == 128
    longer = dcgan.train(out=run.path, resume=True, images=160, progress=False)
    config = parse_config(read_yaml(longer.folder.config))
    assert config.metrics.metric == "frechet"
    assert config.augment.policy == "color+translation+cutout"
    assert "measure" not in run.folder.config.read_text()
