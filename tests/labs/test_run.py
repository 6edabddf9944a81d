"""A real lab, from its file to its verdict: interrupted, resumed, refused, diverged."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from importlib.util import find_spec

import pytest
from tests.conftest import Notes

import dcgan
from dcgan.errors import ConfigError, RunConflict, RunError
from dcgan.labs.jobs import Job, run_job
from dcgan.labs.scoring import open_usable
from dcgan.runtime.reporting import SILENT


def numbers(path):
    """A verdict without date and paths."""
    text = json.loads(path.read_text())
    for arm in text["arms"]:
        arm.pop("runs")
    return {key: text[key] for key in text if key not in ("about", "page")}


def forget(folder, name):
    """As if a run had not been trained yet."""
    shutil.rmtree(folder / name)
    (folder / "jobs" / f"{name}.json").unlink()
    (folder / "scores" / f"{name}.json").unlink()


def test_the_verdict_rests_on_all_runs(finished):
    assert [len(arm.scores) for arm in finished.arms] == [2, 2]
    stored = json.loads(finished.path.read_text())
    assert stored["verdict"] == finished.verdict
    (one,) = stored["expectations"]
    assert one["interval"]["low"] < one["estimate"] < one["interval"]["high"]
    assert one["interval"]["method"] == "Student t"
    assert stored["smallest_difference"] == 1.15
    assert "interval" in stored["sentence"]
    assert all(dcgan.open_run(run).images_seen == 128 for run in finished.arms[0].runs)


def test_nothing_is_trained_twice(copied):
    file, folder = copied
    before = {path: path.stat().st_mtime_ns for path in folder.glob("*-?/checkpoints/*/*")}
    before |= {path: path.stat().st_mtime_ns for path in folder.glob("scores/*")}
    dcgan.run_lab(file, out=folder, reporter=SILENT)
    assert before == {path: path.stat().st_mtime_ns for path in before}


def test_more_seeds_keep_the_runs(copied, trained_here):
    file, folder = copied
    kept = (folder / "wide-0" / "run.json").read_bytes()
    found = dcgan.run_lab(file, out=folder, seeds=3, reporter=SILENT)
    assert [len(arm.scores) for arm in found.arms] == [3, 3]
    assert (folder / "wide-0" / "run.json").read_bytes() == kept


@pytest.mark.slow
def test_killed_and_started_again_the_verdict_is_the_same(finished, copied):
    file, folder = copied
    forget(folder, "wide-1")
    words = [sys.executable, "-m", "dcgan", "lab", file, "--out", folder, "--jobs", "1"]
    process = subprocess.Popen([*map(str, words)], stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 120
    while not (folder / "wide-1" / "log.jsonl").is_file() and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=120)
    # a run that ended just before the signal leaves nothing to stop; all else must be resumable
    assert process.returncode in (0, 3), said
    if process.returncode == 3:
        assert re.search(r"stopped by SIGTERM: [34] of 4 runs finished", said)
    dcgan.run_lab(file, out=folder, reporter=SILENT)
    assert numbers(folder / "verdict.json") == numbers(finished.path)


def test_other_settings_need_another_folder(content, copied, written):
    _, folder = copied
    other = {**content, "settings": {**content["settings"], "optim": {"batch": 8}}}
    with pytest.raises(RunConflict, match=r"optim\.batch: 16 there, 8 here"):
        dcgan.run_lab(written(other), out=folder, reporter=SILENT)
    with pytest.raises(RunConflict, match=r"length\.images: 128 there, 256 here"):
        dcgan.run_lab(written(content), out=folder, budget="full", reporter=SILENT)


def test_a_folder_of_something_else_is_kept(content, written, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear")
    with pytest.raises(RunError, match="holds other files and no lab"):
        dcgan.run_lab(written(content), out=tmp_path / "mine", reporter=SILENT)


def test_a_missing_dataset_is_replaced_and_named(content, written, trained_here, images, tmp_path):
    lab = {**content, "data": "nowhere.zip", "fallback": str(images)}
    notes = Notes()
    found = dcgan.run_lab(written(lab), out=tmp_path / "lab", reporter=notes)
    assert found.note == f"The dataset nowhere.zip was not found, so {images} was used."
    assert found.note in notes
    assert found.note in found.page.read_text()


def test_a_dataset_below_the_root(content, images):
    from dcgan.labs.loading import _parsed
    from dcgan.labs.plan import choose_data

    claim = _parsed("x", "x.yaml", {**content, "data": images.name})
    assert choose_data(claim, images.parent, SILENT) == (str(images), "")


@pytest.mark.slow
def test_a_run_that_diverges_counts(content, written, tmp_path):
    """With such a rate no checkpoint is sound: the run counts with its untrained generator."""
    lab = dict(content)
    lab["settings"] = {
        **content["settings"],
        "optim": {"batch": 16, "discriminator": {"lr": 1e30, "algorithm": "sgd"}},
    }
    job = Job("wide", 0, tmp_path / "wide.yaml", tmp_path / "lab")
    import yaml

    from dcgan.labs.loading import load_claim

    claim = load_claim(written(lab))
    job.recipe.write_text(yaml.safe_dump(claim.settings_of("wide", claim.budget.quick)))
    outcome = run_job(job)
    assert outcome.ending == "diverged", outcome.message
    assert open_usable(job.run, "best", "cpu").images_seen == 0


def test_a_run_that_fails_is_named(content, written, tmp_path, monkeypatch):
    from dcgan.labs import executors
    from dcgan.labs.jobs import Outcome

    monkeypatch.setattr(executors, "run_job", lambda *_: Outcome("failed", "dcgan: no room"))
    with pytest.raises(
        RunError, match=r"run wide-0 failed: no room\. Its output is in .*wide-0\.log"
    ):
        dcgan.run_lab(written(content), out=tmp_path / "lab", reporter=SILENT)


@pytest.mark.parametrize(
    ("named", "said"),
    [
        ({"budget": "large"}, "use quick or full"),
        ({"seeds": 1}, "use at least 2"),
        ({"jobs": 0}, "use 1 or more"),
        ({"executor": "slurmm"}, "did you mean 'slurm'?"),
        ({"device": "tpu"}, "tpu"),
    ],
)
def test_wrong_arguments_change_nothing(content, written, tmp_path, named, said):
    with pytest.raises(ConfigError, match=re.escape(said)):
        dcgan.run_lab(written(content), out=tmp_path / "lab", reporter=SILENT, **named)
    assert not (tmp_path / "lab").exists()


def test_a_missing_extra_is_named(content, written, tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"pip install 'dcgan\[ray\]'"):
        dcgan.run_lab(written(content), out=tmp_path / "lab", executor="ray", reporter=SILENT)


@pytest.mark.slow
@pytest.mark.parametrize(("executor", "package"), [("ray", "ray"), ("slurm", "submitit")])
def test_other_executors_give_the_same_verdict(finished, copied, executor, package):
    if find_spec(package) is None:
        pytest.skip(f"needs the extra {executor}: {package} is not installed")
    file, folder = copied
    forget(folder, "wide-1")
    words = ["lab", file, "--out", folder, "--jobs", "1", "--executor", executor]
    done = subprocess.run(
        [sys.executable, "-m", "dcgan", *map(str, words)],
        capture_output=True,
        text=True,
        env=os.environ | {"RAY_ADDRESS": "", "RAY_DISABLE_IMPORT_WARNING": "1"},
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert numbers(folder / "verdict.json") == numbers(finished.path)
