"""While it trains, a run is measured, and what was best stays."""

from __future__ import annotations

import itertools
import json
import shutil
import time

import numpy as np
import pytest
import torch
import yaml
from tests.conftest import SMALL

import dcgan
from dcgan.data import open_source
from dcgan.errors import ConfigError, DataError
from dcgan.metrics.distance import DistanceToReal
from dcgan.metrics.extractors.random_network import random_extractor
from dcgan.metrics.frechet import Moments, frechet_distance
from dcgan.runs.checkpoints import list_checkpoints
from dcgan.runs.scores import Scoreboard, read_best, read_scores
from dcgan.runtime.reporting import Reporter
from dcgan.training import hooks, loop

EAGER = {"images": 60, "every": 256}
"""Measures often."""

QUICK = EAGER | {"extractor": "random"}
"""Measures as often in a fourth of the time."""


def small(**sections):
    settings = SMALL["settings"] | {"metrics": EAGER} | sections
    return {**SMALL, "settings": settings}


def heard():
    """A list that fills with what training notes, and the reporter that fills it."""
    notes: list[str] = []

    class Listener(Reporter):
        def note(self, text):
            notes.append(text)

    return notes, Listener()


def distance_to_digits(run, extractor, real):
    drawn = extractor(run.sample(300, seed=99)).values
    return frechet_distance(Moments.of(extractor(real).values), Moments.of(drawn))


def collapse(monkeypatch, images):
    """Drive the generator into collapse: from a number of images on, it learns in huge steps."""
    plain = loop.Plan.prepare

    def prepare(plan, state):
        plain(plan, state)
        if state.images_seen >= images:
            for group in state.players.generator_optimizer.param_groups:
                group["lr"] = 300.0

    monkeypatch.setattr(loop.Plan, "prepare", prepare)


@pytest.fixture(scope="module")
def eager(tmp_path_factory):
    """A run that is measured often, shared by tests that read it or go on with a copy."""
    out = tmp_path_factory.mktemp("eager") / "run"
    return dcgan.train("digits", images=512, out=out, **small())


def copied(run, out):
    """The folder of a run, to be changed."""
    return shutil.copytree(run.path, out)


def test_a_run_that_collapses_late_still_yields_its_best_checkpoint(tmp_path, monkeypatch):
    collapse(monkeypatch, 750)
    records = SMALL["settings"]["records"] | {"checkpoint_every": 256, "keep": 2}
    settings = small(metrics=QUICK, records=records)
    run = dcgan.train("digits", images=1_500, out=tmp_path / "run", **settings)
    last = dcgan.open_run(run.path, checkpoint="last")
    assert last.images_seen == 1_504
    assert run.images_seen <= 1_000, "best is from before the collapse"
    real = open_source("digits").pixels()[:500]
    real = real.repeat(2, axis=2).repeat(2, axis=3)
    extractor = random_extractor(1, (16, 16))
    best, worst = (distance_to_digits(one, extractor, real) for one in (run, last))
    assert best < worst / 2, (best, worst)
    best_json = json.loads((run.path / "best.json").read_text())
    assert best_json["checkpoint"] == run.checkpoint.name
    assert (run.path / "quality.png").is_file()


def test_measuring_changes_nothing_in_what_is_trained(tmp_path, eager):
    off = small(metrics={"metric": "off"})
    plain = dcgan.train("digits", images=512, out=tmp_path / "plain", **off)
    assert read_scores(plain.folder) == []
    assert not plain.folder.best.exists()
    assert read_scores(eager.folder)
    for part in ("generator", "discriminator", "ema", "generator_optimizer", "random"):
        ours, theirs = (
            dcgan.open_run(run.path, checkpoint="last").checkpoint / f"{part}.safetensors"
            for run in (plain, eager)
        )
        assert ours.read_bytes() == theirs.read_bytes(), part


def test_each_measurement_names_what_it_rests_on(eager):
    for one in read_scores(eager.folder):
        score = one.score
        assert score.metric == "frechet_distance"
        assert score.extractor.startswith("pretrained:")
        assert (score.real, score.generated) == (60, 60)
        assert "60 of 1,797" in score.split
        assert score.baseline is not None
        assert 0 < score.baseline < score.value


def measured(run):
    """Images seen and distance of each measurement."""
    return [(one.images, one.score.value) for one in read_scores(run.folder)]


def best_of(run):
    """What ``best.json`` says, but when."""
    best = json.loads((run.path / "best.json").read_text())
    return {key: value for key, value in best.items() if key != "time"}


def checkpoints_of(run):
    return [path.name for path in list_checkpoints(run.folder.checkpoints)]


@pytest.fixture
def slow(monkeypatch):
    """From when it is called on, each step takes longer, by the clock of training and by that of
    checkpoints, which may be due after any step."""
    added = itertools.count(0.0, 40.0)

    class Slow:
        @staticmethod
        def perf_counter():
            return time.perf_counter() + next(added)

    def begin():
        monkeypatch.setattr(loop, "time", Slow)
        monkeypatch.setattr(hooks, "time", Slow)

    return begin


PATIENT = QUICK | {"every": 400, "patience": 1_200}
"""Stops early where a run has collapsed."""

FEW = {"checkpoint_every": 640, "keep": 2, "keep_every": 1_000}


def train_patiently(out, reporter=None):
    settings = small(metrics=PATIENT, records=SMALL["settings"]["records"] | FEW)
    with pytest.MonkeyPatch.context() as patch:
        collapse(patch, 1_500)
        return dcgan.train("digits", images=9_000, out=out, reporter=reporter, **settings)


@pytest.fixture(scope="module")
def fast(tmp_path_factory):
    """A run that collapses and is stopped early, with nothing in its way."""
    return train_patiently(tmp_path_factory.mktemp("fast") / "run")


def test_measurements_best_and_early_stop_do_not_depend_on_the_machines_speed(tmp_path, slow, fast):
    slow()
    slowly = train_patiently(tmp_path / "slow")
    assert measured(slowly) == measured(fast)
    # as stated, at the first step beyond 50, 100, 200, 400, 800, 1200, …
    assert [images for images, _ in measured(fast)][:6] == [64, 128, 224, 416, 800, 1_216]
    assert best_of(slowly) == best_of(fast)
    assert dcgan.open_run(fast.path, checkpoint="last").images_seen < 6_000, "it stopped early"
    assert checkpoints_of(slowly) == checkpoints_of(fast)
    saved = [event["images"] for event in slowly.folder.events.read() if "path" in event]
    assert len(saved) > 20, "the clock asked for one after every few steps"


class Killed(Exception):
    """Stands for a kill: nothing is saved."""


class KilledAt(Reporter):
    """Ends a run at a step, as a kill would."""

    def __init__(self, images):
        self.images = images

    def tick(self, images_seen, seconds):
        if images_seen == self.images:
            raise Killed


def test_a_killed_run_is_measured_and_stopped_like_an_unbroken_one(tmp_path, monkeypatch, fast):
    out = tmp_path / "run"
    with monkeypatch.context() as patch:
        # between saving the checkpoint of a measurement and entering what was measured
        patch.setattr(Scoreboard, "enter", lambda *_: KilledAt(0).tick(0, 0.0))
        with pytest.raises(Killed):
            train_patiently(out)
    assert checkpoints_of(dcgan.open_run(out)) == ["000000064"]
    for images in (704, 1_312, 2_016):
        with pytest.raises(Killed):
            train_patiently(out, KilledAt(images))
    parts = train_patiently(out)
    assert measured(parts) == measured(fast)
    assert best_of(parts) == best_of(fast)
    assert checkpoints_of(parts) == checkpoints_of(fast)


def test_the_best_and_those_to_keep_survive_pruning(tmp_path, monkeypatch):
    collapse(monkeypatch, 500)
    records = SMALL["settings"]["records"] | {
        "checkpoint_every": 256,
        "keep": 1,
        "keep_best": 2,
        "keep_every": 750,
    }
    settings = small(metrics=QUICK, records=records)
    run = dcgan.train("digits", images=1_792, out=tmp_path / "run", **settings)
    names = [int(path.name) for path in list_checkpoints(run.folder.checkpoints)]
    scores = sorted(read_scores(run.folder), key=lambda one: one.score.value)
    saved = [one.images for one in scores if one.checkpoint is not None][:2]
    assert set(saved) <= set(names)
    assert names[-1] == 1_792
    assert any(750 <= name < 1_050 for name in names)
    assert any(1_500 <= name < 1_792 for name in names)
    assert len(names) <= 5


def test_patience_ends_a_run_that_no_longer_gets_better(tmp_path, fast):
    last = dcgan.open_run(fast.path, checkpoint="last").images_seen
    assert last < 9_000
    gain = min(read_scores(fast.folder), key=lambda one: one.score.value).images
    assert last - gain >= PATIENT["patience"]
    events = [line["event"] for line in fast.folder.events.read()]
    assert "stopped early" in events
    assert events[-1] == "finished"
    again = train_patiently(copied(fast, tmp_path / "run"))
    assert dcgan.open_run(again.path, checkpoint="last").images_seen == last


def test_a_run_goes_on_with_what_was_measured_before(tmp_path, eager):
    first = read_scores(eager.folder)
    out = copied(eager, tmp_path / "run")
    longer = dcgan.train("digits", images=1024, out=out, resume=True, **small())
    scores = read_scores(longer.folder)
    assert scores[: len(first)] == first
    assert len(scores) > len(first)
    best = min((one for one in scores if one.checkpoint), key=lambda one: one.score.value)
    assert read_best(longer.folder).images == best.images


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory"),
        RuntimeError("MPS backend out of memory"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling cublasCreate"),
        DataError("a.png: unreadable"),
    ],
)
def test_what_cannot_be_measured_is_trained_on(tmp_path, monkeypatch, error):
    def fail(*_):
        raise error

    monkeypatch.setattr(DistanceToReal, "score", fail)
    notes, listener = heard()
    run = dcgan.train("digits", images=256, out=tmp_path / "run", reporter=listener, **small())
    assert run.images_seen == 256
    assert [note for note in notes if "no more scores" in note] == [
        f"no more scores in this run: {error}"
    ]
    assert read_scores(run.folder) == []


def test_of_few_images_half_are_compared_with_as_many_generated(tmp_path):
    np.save(tmp_path / "few.npy", open_source("digits").pixels()[:150, 0])
    run = dcgan.train(
        str(tmp_path / "few.npy"), images=512, out=tmp_path / "run", **small(metrics={"every": 256})
    )
    scores = read_scores(run.folder)
    assert scores
    assert all((one.score.real, one.score.generated) == (75, 75) for one in scores)


def test_measuring_can_end_when_a_run_goes_on(tmp_path, eager):
    out = copied(eager, tmp_path / "run")
    best = (out / "best.json").read_bytes()
    config = yaml.safe_load((out / "config.yaml").read_text())
    config["metrics"]["metric"] = "off"
    (out / "config.yaml").write_text(yaml.safe_dump(config))
    notes, listener = heard()
    off = small(metrics=EAGER | {"metric": "off"})
    dcgan.train("digits", images=768, out=out, resume=True, reporter=listener, **off)
    assert any("`metrics.metric` is off" in note for note in notes)
    assert (out / "best.json").read_bytes() == best


def test_a_wrong_extractor_is_refused_before_anything_is_opened(tmp_path):
    with pytest.raises(ConfigError, match=r"metrics\.extractor` is 'randon'.*'random'"):
        dcgan.train(
            "nowhere", images=512, out=tmp_path / "run", **small(metrics={"extractor": "randon"})
        )


def test_too_few_images_are_said(tmp_path, png_folder):
    notes, listener = heard()
    run = dcgan.train(png_folder, images=512, out=tmp_path / "run", reporter=listener, **small())
    assert any("10 images are too few" in note for note in notes)
    assert not run.folder.best.exists()


def test_patience_without_measuring_is_refused(tmp_path):
    settings = small(metrics={"metric": "off", "patience": 100})
    with pytest.raises(ConfigError, match=r"metrics\.patience` is 100"):
        dcgan.train("digits", images=512, out=tmp_path / "run", **settings)


def test_the_kernel_distance_can_be_chosen(tmp_path):
    run = dcgan.train(
        "digits", images=256, out=tmp_path / "run", **small(metrics=QUICK | {"metric": "kernel"})
    )
    scores = [one.score for one in read_scores(run.folder)]
    assert {score.metric for score in scores} == {"kernel_distance"}
    assert np.isfinite([score.value for score in scores]).all()
