"""While it trains, a run is measured, and what was best stays."""

from __future__ import annotations

import json

import numpy as np
import pytest
from tests.conftest import SMALL

import dcgan
from dcgan.data import open_source
from dcgan.errors import ConfigError
from dcgan.metrics.extractors.random import random_extractor
from dcgan.metrics.frechet import Moments, frechet_distance
from dcgan.runs.checkpoints import list_checkpoints
from dcgan.runs.scores import read_best, read_scores
from dcgan.training import loop

EAGER = {"images": 100, "share": 0.4}
"""Measures often."""


def small(**sections):
    settings = SMALL["settings"] | {"metrics": EAGER} | sections
    return {**SMALL, "settings": settings}


def distance_to_digits(run, extractor, real):
    drawn = extractor(run.sample(300, seed=99)).values
    return frechet_distance(Moments.of(extractor(real).values), Moments.of(drawn))


@pytest.fixture
def collapse_after(monkeypatch):
    """Drive the generator into collapse: from a number of images on, it learns in huge steps."""

    def prepare(images):
        plain, seen = loop.update, [0]

        def update(players, real_BCHW, *rest, **options):
            seen[0] += len(real_BCHW)
            if seen[0] > images:
                for group in players.generator_optimizer.param_groups:
                    group["lr"] = 3.0
            return plain(players, real_BCHW, *rest, **options)

        monkeypatch.setattr(loop, "update", update)

    return prepare


def test_a_run_that_collapses_late_still_yields_its_best_checkpoint(tmp_path, collapse_after):
    collapse_after(6_000)
    records = SMALL["settings"]["records"] | {"checkpoint_every": 1_000, "keep": 2}
    run = dcgan.train("digits", images=12_000, out=tmp_path / "run", **small(records=records))
    last = dcgan.open_run(run.path, checkpoint="last")
    assert last.images_seen == 12_000
    assert run.images_seen <= 7_000, "best is from before the collapse"
    real = open_source("digits").pixels()[:, :, :, :]
    real = real.repeat(2, axis=2).repeat(2, axis=3)
    extractor = random_extractor(1, (16, 16))
    best, worst = (distance_to_digits(one, extractor, real) for one in (run, last))
    assert best < worst / 2, (best, worst)
    best_json = json.loads((run.path / "best.json").read_text())
    assert best_json["checkpoint"] == run.checkpoint.name
    assert (run.path / "quality.png").is_file()


def test_measuring_changes_nothing_in_what_is_trained(tmp_path):
    plain = dcgan.train("digits", images=4096, out=tmp_path / "plain", **SMALL)
    measured = dcgan.train("digits", images=4096, out=tmp_path / "measured", **small())
    assert len(read_scores(measured.folder)) >= 2
    for part in ("generator", "discriminator", "ema", "generator_optimizer", "random"):
        ours, theirs = (
            dcgan.open_run(run.path, checkpoint="last").checkpoint / f"{part}.safetensors"
            for run in (plain, measured)
        )
        assert ours.read_bytes() == theirs.read_bytes(), part


def test_each_measurement_names_what_it_rests_on(tmp_path):
    run = dcgan.train("digits", images=4096, out=tmp_path / "run", **small())
    for one in read_scores(run.folder):
        score = one.score
        assert score.measure == "frechet_distance"
        assert score.extractor.startswith("random:")
        assert (score.real, score.generated) == (100, 100)
        assert "100 of 1,797" in score.split
        assert score.floor is not None
        assert 0 < score.floor < score.value


def test_measuring_stays_within_its_share(tmp_path):
    modest = EAGER | {"share": 0.05, "images": 64}
    run = dcgan.train("digits", images=16_000, out=tmp_path / "run", **small(metrics=modest))
    spent = sum(one.cost for one in read_scores(run.folder))
    assert spent <= 0.06 * run.log()[-1]["seconds"]


def test_the_best_and_those_to_keep_survive_pruning(tmp_path, collapse_after):
    collapse_after(2_000)
    records = SMALL["settings"]["records"] | {
        "checkpoint_every": 1_024,
        "keep": 1,
        "keep_best": 2,
        "keep_every": 3_000,
    }
    run = dcgan.train("digits", images=7_168, out=tmp_path / "run", **small(records=records))
    names = [int(path.name) for path in list_checkpoints(run.folder.checkpoints)]
    scores = sorted(read_scores(run.folder), key=lambda one: one.score.value)
    saved = [one.images for one in scores if one.checkpoint is not None][:2]
    assert set(saved) <= set(names)
    assert names[-1] == 7_168
    assert any(3_000 <= name < 4_200 for name in names)
    assert any(6_000 <= name < 7_168 for name in names)
    assert len(names) <= 5


def test_patience_ends_a_run_that_no_longer_gets_better(tmp_path, collapse_after):
    collapse_after(2_000)
    impatient = small(metrics=EAGER | {"patience": 2_000})
    run = dcgan.train("digits", images=200_000, out=tmp_path / "run", **impatient)
    last = dcgan.open_run(run.path, checkpoint="last").images_seen
    assert last < 20_000
    gain = min(read_scores(run.folder), key=lambda one: one.score.value).images
    assert last - gain >= 2_000
    events = [line["event"] for line in run.folder.events.read()]
    assert "stopped early" in events
    assert events[-1] == "finished"
    again = dcgan.train("digits", images=200_000, out=tmp_path / "run", **impatient)
    assert dcgan.open_run(again.path, checkpoint="last").images_seen == last


def test_a_run_goes_on_with_what_was_measured_before(tmp_path):
    records = SMALL["settings"]["records"] | {"checkpoint_every": 1_024}
    settings = small(records=records)
    run = dcgan.train("digits", images=4096, out=tmp_path / "run", **settings)
    first = read_scores(run.folder)
    longer = dcgan.train("digits", images=8192, out=tmp_path / "run", resume=True, **settings)
    scores = read_scores(longer.folder)
    assert scores[: len(first)] == first
    assert len(scores) > len(first)
    best = min((one for one in scores if one.checkpoint), key=lambda one: one.score.value)
    assert read_best(longer.folder).images == best.images


def test_off_means_off(tmp_path):
    run = dcgan.train(
        "digits", images=4096, out=tmp_path / "run", **small(metrics={"measure": "off"})
    )
    assert read_scores(run.folder) == []
    assert not run.folder.best.exists()


def test_too_few_pictures_are_said(tmp_path, png_folder):
    notes = []

    class Listener(dcgan.training.reporting.Reporter):
        def note(self, text):
            notes.append(text)

    run = dcgan.train(png_folder, images=512, out=tmp_path / "run", reporter=Listener(), **small())
    assert any("10 pictures are too few" in note for note in notes)
    assert not run.folder.best.exists()


def test_patience_without_measuring_is_refused(tmp_path):
    settings = small(metrics={"measure": "off", "patience": 100})
    with pytest.raises(ConfigError, match=r"metrics\.patience = 100"):
        dcgan.train("digits", images=512, out=tmp_path / "run", **settings)


def test_the_kernel_distance_can_be_chosen(tmp_path):
    run = dcgan.train(
        "digits", images=4096, out=tmp_path / "run", **small(metrics=EAGER | {"measure": "kernel"})
    )
    scores = [one.score for one in read_scores(run.folder)]
    assert {score.measure for score in scores} == {"kernel_distance"}
    assert np.isfinite([score.value for score in scores]).all()
