"""What ``dcgan train`` says at its end, by the scores that it has seen."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

import dcgan
from dcgan.cli.train_report import as_text
from dcgan.health import Diagnosis, Step

GOLDEN = Path(__file__).parents[1] / "golden" / "run"
"""128 images seen at 16x16 in gray."""


def test_it_begins_with_the_verdict_and_the_scores(tmp_path):
    run = shutil.copytree(GOLDEN, tmp_path / "verdict")
    opened = dcgan.open_run(run)
    text = as_text(opened)
    verdict = opened.health().verdict
    assert verdict.startswith("Too early to say: 128 images seen")
    said, step, scores = text.split("\n\n")[:3]
    assert " ".join(said.split()) == verdict
    assert step.startswith("Next: Continue training to 5,800 images seen")
    assert step.endswith(f"  dcgan train --out {run} --resume --images 5800")
    assert scores.startswith("Fréchet distance: 498 after 32 images, 462 after 128 images (best). ")
    assert "Real images score" in scores


def test_one_score_is_said_once(tmp_path):
    run = shutil.copytree(GOLDEN, tmp_path / "verdict")
    scores = (run / "scores.jsonl").read_text().splitlines()
    (run / "scores.jsonl").write_text(f"{scores[-1]}\n")
    assert "\nFréchet distance: 462 after 128 images (best). Real" in as_text(dcgan.open_run(run))


def test_settings_in_the_verdict_are_options(tmp_path, monkeypatch):
    run = shutil.copytree(GOLDEN, tmp_path / "verdict")
    diagnosis = Diagnosis("Set `optim.generator.lr=1e-4`.", "warning")
    monkeypatch.setattr("dcgan.runs.run.diagnosis_of", lambda folder: diagnosis)
    assert as_text(dcgan.open_run(run)).startswith("Set --optim.generator.lr 1e-4.")


def report_of(tmp_path, minutes, expected):
    """The report about a run of so many minutes, in which so many images were expected."""
    run = tmp_path / "timed"
    shutil.copytree(GOLDEN, run, dirs_exist_ok=True)
    config = (run / "config.yaml").read_text()
    config = config.replace("images: 128, epochs: null, minutes: null", f"minutes: {minutes}")
    (run / "config.yaml").write_text(config)
    log = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    log[-1]["seconds"] = 6.0
    (run / "log.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in log))
    event = {"time": "", "event": "expectation", "minutes": minutes, "expected": expected}
    with (run / "events.jsonl").open("a") as events:
        events.write(f"{json.dumps(event)}\n")
    return as_text(dcgan.open_run(run))


def test_a_run_that_was_slower_than_expected_says_so(tmp_path):
    text = report_of(tmp_path, 0.1, 256)
    assert "128 images seen; about 260 were expected: other programs probably used" in text
    assert "were expected" not in report_of(tmp_path, 0.1, 150)


def test_files_are_named_by_what_they_show(tmp_path):
    text = report_of(tmp_path, 0.1, 150)
    assert "best checkpoint  000000128 (other commands use it)" in text
    assert "loss curves      " in text
    assert "gradient curves  " in text


def test_a_failed_run_is_not_trained_longer(tmp_path, monkeypatch):
    run = shutil.copytree(GOLDEN, tmp_path / "failed")
    step = Step("Start anew with `objective.r1=1`", "retrain", {}, command="dcgan train --x 1")
    diagnosis = Diagnosis("Mode collapse since image 64.", "failure", [], step)
    monkeypatch.setattr("dcgan.runs.run.diagnosis_of", lambda folder: diagnosis)
    text = as_text(dcgan.open_run(run))
    assert text.startswith(
        "Mode collapse since image 64.\n\nNext: Start anew with --objective.r1 1:\n"
        "  dcgan train --x 1\n\n"
    )
    assert "--resume" not in text
    assert f"dcgan health {run}" in text


@pytest.mark.parametrize("names", [(), ("a", "b")])
def test_it_proposes_images_of_each_class_that_was_learned(tmp_path, names):
    opened = dcgan.open_run(shutil.copytree(GOLDEN, tmp_path / "run"))
    latent = replace(opened.networks.latent, classes=(0.5,) * len(names))
    opened.networks = replace(opened.networks, latent=latent, class_names=names)
    assert (f"dcgan sample {opened.path} --each-class " in as_text(opened)) == bool(names)
