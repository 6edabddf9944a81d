"""Killed at any moment, a run goes on as if nothing had happened."""

from __future__ import annotations

import json
import random
import signal
import time

import pytest
from tests.processes import Program
from tests.training.test_api import assert_same_state

from dcgan.runs.checkpoints import list_checkpoints, verify_checkpoint
from dcgan.runs.logs import JsonLines, by_images

IMAGES = 1280
WORDS = [
    *("train", "digits", "--size", "16", "--batch", "32"),
    *("--model.generator.width", "4", "--model.discriminator.width", "4"),
    *("--records.checkpoint-every", "160", "--records.log-every", "160"),
    *("--records.sheets", "5", "--records.no-tensorboard"),
    *("--metrics.images", "60", "--metrics.every", "320"),
]
pytestmark = pytest.mark.slow


def wait_for_checkpoint(out, program, beyond=0):
    """Until a checkpoint newer than ``beyond`` images is there."""
    deadline = time.monotonic() + 240
    while time.monotonic() < deadline and program.is_running:
        found = list_checkpoints(out / "checkpoints")
        if found and int(found[-1].name) > beyond:
            return int(found[-1].name)
        time.sleep(0.01)
    raise AssertionError(f"no checkpoint came: {program.wait()}")


def records(out):
    """The lines of the log and of the scores that count, without times."""
    return [
        {key: value for key, value in line.items() if key not in _TIMES}
        for name in ("log.jsonl", "scores.jsonl")
        for line in by_images(JsonLines(out / name).read())
    ]


_TIMES = {"seconds", "images_per_second", "cost", "waiting"}


def test_killed_at_random_moments_and_resumed_a_run_is_identical(tmp_path, dcgan):
    words = [*WORDS, "--images", IMAGES, "--out"]
    code, _, err = dcgan(*words, tmp_path / "whole")
    assert code == 0, err
    moment = random.Random()
    seen = 0
    for _ in range(2):
        more = ["--resume"] if seen else []
        program = Program("-m", "dcgan", *words, tmp_path / "killed", *more)
        reached = wait_for_checkpoint(tmp_path / "killed", program, beyond=seen)
        time.sleep(moment.uniform(0, 0.2))
        program.kill()
        seen = reached
        for checkpoint in list_checkpoints(tmp_path / "killed" / "checkpoints"):
            verify_checkpoint(checkpoint)
    code, _, err = dcgan(*words, tmp_path / "killed", "--resume")
    assert code == 0, err
    last = [list_checkpoints(tmp_path / name / "checkpoints")[-1] for name in ("whole", "killed")]
    assert last[0].name == last[1].name == f"{IMAGES:09d}"
    assert_same_state(*last)
    assert records(tmp_path / "killed") == records(tmp_path / "whole")
    kept = [
        [path.name for path in list_checkpoints(tmp_path / name / "checkpoints")]
        for name in ("whole", "killed")
    ]
    assert kept[0] == kept[1]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_saves_and_exits_with_3(tmp_path, number):
    out = tmp_path / "run"
    words = [*WORDS, "--images", 1_000_000, "--out", out]
    program = Program("-m", "dcgan", *words, figures=True)
    wait_for_checkpoint(out, program)
    program.send(number)
    code, said = program.wait()
    assert code == 3
    assert "Traceback" not in said
    (line,) = (line for line in said.splitlines() if f"stopped by {number.name}" in line)
    assert str(out) in line
    events = [json.loads(text) for text in (out / "events.jsonl").read_text().splitlines()]
    assert events[-1]["event"] == "signal"
    newest = list_checkpoints(out / "checkpoints")[-1]
    assert int(newest.name) == events[-1]["images"]
    verify_checkpoint(newest)
    assert f"{events[-1]['images']:,} images seen" in (out / "report.html").read_text()
