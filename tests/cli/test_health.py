"""``dcgan health`` says what is right and wrong with a run."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from pathlib import Path

import pytest

from dcgan import open_run
from dcgan.config import (
    config_yaml,
    load_recipe,
    merge,
    parse_config,
    read_yaml,
    validate_combinations,
)
from dcgan.config.tree import DataConfig
from dcgan.health import Diagnosis, Finding, Step
from dcgan.health.step import restrained
from dcgan.runs.dataset import FROM_PYTHON
from dcgan.runs.folder import RunFolder
from dcgan.runs.health import HOW, WHICH, history_of
from dcgan.training.planning.arguments import collect_settings

GOLDEN = Path(__file__).parents[1] / "golden" / "run"


@pytest.fixture
def run(tmp_path):
    return shutil.copytree(GOLDEN, tmp_path / "run")


@pytest.fixture
def failed(run, monkeypatch):
    step = Step("Start with `objective.r1=1`", "retrain", {"objective.r1": 1})
    findings = [
        Finding("mode-collapse", "failure", 64, "All are alike.", step, {"x": 0.9}),
        Finding("contrast", "warning", 0, "Flat.", Step("Look", "evaluate")),
        Finding("oscillation", "note", 10, "It ended.", until=20),
    ]
    diagnosis = Diagnosis("Mode collapse since image 64. All are alike.", "failure", findings, step)
    monkeypatch.setattr("dcgan.runs.health.diagnose", lambda history: diagnosis)
    return run


def test_a_healthy_run_is_told_how_to_go_on(dcgan, run):
    code, out, err = dcgan("health", run)
    assert (code, err) == (0, "")
    assert out.startswith("Too early to say: 128 images seen")
    assert f":\n  dcgan train --out {run} --resume --images 5800\n" in out


def test_findings_have_a_severity_a_time_an_advice_and_a_page(dcgan, failed):
    code, out, _ = dcgan("health", failed)
    assert code == 0
    assert out.startswith("Mode collapse since image 64. All are alike.")
    assert "\nMore about this failure: docs/guide/health.md#mode-collapse\n" in out
    assert "\n  warning: contrast, from the start. Flat.\n" in out
    assert (
        "\nNext: Start with --objective.r1 1:\n"
        f"  dcgan train --recipe {failed / 'config.yaml'} --objective.r1 1 --out {failed}-2\n"
    ) in out
    assert "oscillation" not in out, "it has ended"
    assert out.count("Next:") == 1, "what helps against a consequence may make its cause worse"
    assert "--resume" not in out


def test_the_page_is_that_of_the_finding_in_the_verdict(dcgan, run, monkeypatch):
    findings = [
        Finding("checkerboard", "note", 0, "Kernel 5, stride 2."),
        Finding("improving", "note", 10, "It is 3."),
    ]
    diagnosis = Diagnosis("Healthy. It is 3.", "note", findings)
    monkeypatch.setattr("dcgan.runs.health.diagnose", lambda history: diagnosis)
    _, out, _ = dcgan("health", run)
    assert "\nMore about this note: docs/guide/health.md#improving\n" in out
    assert "\n  note: checkerboard, from the start. Kernel 5, stride 2." in out


def test_json_is_a_list_of_findings(dcgan, failed):
    code, out, _ = dcgan("health", failed, "--json")
    assert code == 0
    first, *others = json.loads(out)
    assert len(others) == 2
    assert first["advice"] == "Start with --objective.r1 1"
    assert first["command"].endswith(f"--objective.r1 1 --out {failed}-2")
    assert others[0]["command"] == f"dcgan evaluate {failed}"
    assert {"id", "severity", "since", "evidence", "advice"} <= set(first)
    assert (first["id"], first["since"], first["evidence"]) == ("mode-collapse", 64, {"x": 0.9})


def test_damaged_runs_are_diagnosed_as_far_as_possible(dcgan, run):
    for name in ("networks.json", "config.yaml", "run.json", "scores.jsonl"):
        (run / name).write_text("?")
        code, out, _ = dcgan("health", run)
        assert code == 0
        assert out.strip()


def test_the_command_starts_a_run_with_the_advised_settings(dcgan, failed):
    _, out, _ = dcgan("health", failed)
    (line,) = (line for line in out.splitlines() if line.startswith("  dcgan train"))
    _, *words = shlex.split(line)
    code, _, _ = dcgan(*words, "--images", 64)
    assert code == 0
    new, old = (read_yaml(Path(f"{failed}{end}") / "config.yaml") for end in ("-2", ""))
    assert new["objective"].pop("r1") == 1 != old["objective"].pop("r1")
    assert new["model"] == old["model"]
    assert new["data"]["source"] == old["data"]["source"]
    assert f"--out {failed}-3\n" in dcgan("health", failed)[1]


def with_step(run, monkeypatch, action):
    """Let this be the thing to do next, for a run on images whose labels are not read; returns the
    folder of named datasets."""
    root = run.parent / "my sets"
    root.mkdir()
    data = {
        **{"source": "digits", "root": str(root), "labels": "none", "size": "20x16"},
        **{"fit": "cover-random", "channels": 1, "float_range": "-1:1"},
    }
    config = merge(read_yaml(run / "config.yaml"), {"data": data})
    (run / "config.yaml").write_text(config_yaml(parse_config(config)))
    diagnosis = Diagnosis("Odd.", "warning", step=Step("Do this", action))
    monkeypatch.setattr("dcgan.runs.health.diagnose", lambda history: diagnosis)
    return root


def test_prepared_images_are_those_of_the_run(dcgan, run, monkeypatch):
    root = with_step(run, monkeypatch, "prepare")
    monkeypatch.chdir(run.parent)
    for folder in ("prepared", "prepared-2"):
        *_, line = dcgan("health", run)[1].splitlines()
        _, *words = shlex.split(line)
        assert words[-1] == folder
        assert f"--data-root={root}" in words
        assert "--data.labels=none" in words
        code, out, _ = dcgan(*words)
        assert code == 0
        assert out.startswith(f"{folder}: 1,797 images of 20x16x1")


def test_a_run_with_default_settings_has_the_same_images(dcgan, run, monkeypatch):
    root = with_step(run, monkeypatch, "afresh")
    *_, line = dcgan("health", run)[1].splitlines()
    _, *words = shlex.split(line)
    options = [f"--data-root={root}", "--data.labels=none"]
    assert words == ["train", "digits", *options, "--out", f"{run}-2"]


@pytest.mark.parametrize("place", [".", "samples/.."])
def test_the_run_in_the_current_folder_is_diagnosed(dcgan, failed, monkeypatch, place):
    monkeypatch.chdir(failed)
    code, out, err = dcgan("health", place)
    assert (code, err) == (0, "")
    assert f" --out {failed}-2\n" in out


def test_images_from_a_program_have_no_command_that_trains(dcgan, failed):
    config = (failed / "config.yaml").read_text()
    (failed / "config.yaml").write_text(re.sub("source: [^,}]+", f"source: {FROM_PYTHON}", config))
    _, out, _ = dcgan("health", failed)
    assert "Next: Start with --objective.r1 1.\n" in out
    assert "dcgan train" not in out


def test_an_exported_model_can_be_scored_but_not_judged(dcgan, run, tmp_path):
    model = tmp_path / "model"
    open_run(run).export("weights", model, progress=False)
    _, out, _ = dcgan("health", model)
    assert "no training to judge" in out
    assert out.endswith(f"Next: Score its images:\n  dcgan evaluate {model}\n")


def test_a_path_without_a_run_is_refused(dcgan, tmp_path):
    code, _, complaint = dcgan("health", tmp_path)
    assert code == 2
    assert complaint.count("dcgan:") == 1


@pytest.mark.parametrize(
    ("recipe", "own", "norm"),
    [
        ("small-mnist", {}, "spectral"),
        ("paper", {}, "spectral"),
        ("celeba-rectangular", {}, "spectral"),
        ("mlp-mnist", {}, "none"),
        ("small-mnist", {"optim": {"joint_batch": True}}, "batch"),
        (
            "auto",
            {
                "objective": {"r1": 0},
                "model": {"discriminator": {"layers": [{"conv": 4, "norm": "batch"}]}},
            },
            "none",
        ),
    ],
)
def test_a_penalty_that_is_advised_can_be_trained_with(tmp_path, recipe, own, norm):
    """Penalties are refused with batch norm in the discriminator, as classic recipes have it."""
    folder = RunFolder(tmp_path)
    settings = parse_config(merge(load_recipe(recipe), own))
    folder.config.write_text(config_yaml(settings), encoding="utf-8")
    changed: dict[str, dict] = {}
    for key, value in restrained(history_of(folder).setup).items():
        for part in reversed(key.split(".")):
            value = {part: value}
        changed = merge(changed, value)
    found = parse_config(
        collect_settings(None, recipe=folder.config, shortcuts={}, settings=changed)
    )
    validate_combinations(found)
    assert found.model.discriminator.norm == norm
    assert (found.objective.r1 == 1) == (norm == "spectral" or recipe == "mlp-mnist")


def test_the_settings_that_its_commands_leave_out_are_the_defaults():
    known = DataConfig().model_dump()
    assert {name: known[name] for name in WHICH | HOW} == WHICH | HOW
