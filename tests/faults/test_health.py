"""Failures that are induced on purpose are found under their right names, in short real runs and in
the recorded logs of long ones."""

from __future__ import annotations

import gzip
import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.conftest import SMALL

import dcgan
from dcgan.config import merge
from dcgan.errors import Diverged
from dcgan.health.diagnosis import diagnose
from dcgan.health.history import History, ScoreLine, Setup
from dcgan.runs.folder import RunFolder
from dcgan.runs.health import diagnosis_of

RECORD = Path(__file__).parents[2] / "benchmarks" / "results" / "health.jsonl.gz"

PLAIN = {"objective": {"r1": 0}, "augment": {"policy": "none"}}


def rates(generator, discriminator):
    return {"optim": {"generator": {"lr": generator}, "discriminator": {"lr": discriminator}}}


MISSED = {
    "mnist-g-rate-x100-200",
    "digits-d-rate-x100-r1-200",
    "cifar-1000-late-collapse-200",
    "digits-g-lost-200",
    "mnist-d-relu-sgd-200",
}
"""Recorded runs in which the cause led to something else (benchmarks/health.md)."""

RELU = {"model": {"discriminator": {"activation": "relu"}}}
WASSERSTEIN = {"objective": {"loss": "wasserstein", "r1": 0, "clip_weights": 50.0}}

CAUSES = {
    "discriminator-wins": [
        rates(1e-7, 0.02) | PLAIN,
        {"objective": {"loss": "saturating", "r1": 0}} | rates(1e-5, 0.02),
    ],
    "generator-fools-discriminator": [rates(0.02, 1e-7), rates(5e-3, 1e-6) | PLAIN],
    "discriminator-loses": [
        {"model": {"discriminator": {"dropout": 0.95}}} | rates(1e-6, 1e-6) | PLAIN,
        {"model": {"discriminator": {"dropout": 0.99}}} | rates(1e-5, 1e-5) | PLAIN,
    ],
    "mode-collapse": [
        rates(1e-6, 1e-4) | PLAIN,
        {"objective": {"loss": "hinge", "r1": 0}} | rates(1e-6, 0.02),
    ],
    "partial-mode-collapse": [
        {"model": {"latent": {"dim": 1}}},
        {"model": {"latent": {"dim": 1, "distribution": "uniform"}}} | PLAIN,
    ],
    "vanishing-gradients": [
        RELU | rates(1e-6, 0.3) | PLAIN,
        {"objective": {"loss": "hinge", "r1": 0}} | rates(1e-6, 0.05),
    ],
    "exploding-gradients": [
        WASSERSTEIN | rates(1e-3, 0.02),
        {"objective": {"loss": "wasserstein", "r1": 0, "clip_weights": 10.0}} | rates(1e-4, 0.01),
    ],
    "saturated-output": [
        {"model": {"generator": {"norm": "none", "init": "he"}}} | rates(0.1, 1e-3),
        {
            "model": {"generator": {"norm": "none", "init": "he"}},
            "optim": {"generator": {"algorithm": "sgd", "lr": 3.0}},
        }
        | PLAIN,
    ],
    "dead-units": [RELU | rates(1e-3, 0.1), RELU | rates(1e-3, 0.3)],
    "batch-norm-mismatch": [{"optim": {"batch": 2}}, {"optim": {"batch": 4}}],
}
"""For each finding, two causes that a run of seconds allows; each is found with several seeds. The
second one is tried by ``make fuzz``."""

SLOW = {"discriminator-loses", "partial-mode-collapse"}
"""Findings that need twice as many steps."""


@pytest.mark.parametrize(
    ("finding", "settings"),
    [
        pytest.param(finding, settings, id=f"{finding}-{number}")
        for finding, causes in CAUSES.items()
        for number, settings in enumerate(causes[: 2 if os.environ.get("DCGAN_FUZZ") else 1])
    ],
)
def test_an_induced_failure_is_found(tmp_path, finding, settings):
    batch = settings.get("optim", {}).get("batch", 32)
    images = 100 * min(batch, 32) * (2 if finding in SLOW else 1)
    every = {
        "metrics": {"images": 100, "every": images // 8},
        "records": {"checkpoint_every": images},
    }
    run = dcgan.train(
        "digits",
        size=16,
        images=images,
        precision="fp32",  # what a failure leads to depends on rounding
        out=tmp_path / "run",
        progress=False,
        settings=merge(merge(SMALL["settings"], {"optim": {"batch": 32}} | every), settings),
    )
    findings = {one.id: one for one in run.health().findings}
    assert finding in findings
    assert findings[finding].severity != "note"
    assert findings[finding].since <= images / 2


@pytest.mark.parametrize("rate", [(100.0, 100.0), (1e-3, 10.0)])
def test_divergence_is_found(tmp_path, rate):
    settings = merge(SMALL["settings"], rates(*rate) | PLAIN)
    with pytest.raises(Diverged):
        dcgan.train(
            "digits", size=16, batch=32, images=6400, precision="fp32", out=tmp_path / "run", progress=False,
            settings=settings,
        )  # fmt: skip
    found = diagnosis_of(RunFolder(tmp_path / "run"))
    assert found.findings[0].id == "diverged"
    assert found.severity == "failure"
    assert found.verdict.startswith("Training diverged after ")


def recorded():
    with gzip.open(RECORD, "rt", encoding="utf-8") as file:
        for line in file:
            stored = json.loads(line)
            run, history = stored["run"], stored["history"]
            name = f"{run['data']}-{run['cause']}-{run['seed']}"
            scores = [ScoreLine(**score) for score in history["scores"]]
            known = History(history["log"], scores, history["events"], Setup(**history["setup"]))
            marks = [pytest.mark.xfail(strict=True)] if name in MISSED else []
            yield pytest.param(run["finding"], known, id=name, marks=marks)


@pytest.mark.parametrize(("finding", "history"), list(recorded()))
def test_recorded_runs_are_judged_rightly(finding, history):
    """At the moment of each score, as while training."""
    found, serious = set(), set()
    for score in history.scores or [None]:
        known = history if score is None else until(history, score.images)
        for one in diagnose(known).findings:
            found.add(one.id)
            serious |= {one.id} if one.severity != "note" else set()
            assert all(np.isfinite(list(one.evidence.values())))
    if finding is None:
        assert not serious
    else:
        assert finding in found


def until(history, images):
    return replace(
        history,
        log=[line for line in history.log if line["images"] <= images],
        scores=[score for score in history.scores if score.images <= images],
        events=[event for event in history.events if event.get("images", 0) <= images],
    )
