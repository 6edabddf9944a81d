"""Killed at any moment, a run goes on as if nothing had happened."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time

import pytest
from tests.training.test_api import assert_same_state

from dcgan.runs.checkpoints import list_checkpoints, verify_checkpoint
from dcgan.runs.logs import JsonLines, by_images

IMAGES = 2560
WORDS = [
    *("train", "digits", "--size", "16", "--batch", "32"),
    *("--model.generator.width", "4", "--model.discriminator.width", "4"),
    *("--records.checkpoint-every", "160", "--records.log-every", "160"),
    *("--records.sheets", "5", "--records.no-tensorboard"),
    *("--metrics.images", "60", "--metrics.every", "640"),
]
pytestmark = pytest.mark.slow

ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1"}

IN_TURN = """
import json, sys
from dcgan.cli.main import main

for words in json.loads(sys.argv[1]):
    sys.argv = ["dcgan", *words]
    try:
        main()
    except SystemExit as error:
        print("code", error.code, flush=True)
"""
"""Several commands one after the other, for which PyTorch is imported once."""


def start(*program):
    return subprocess.Popen(
        [sys.executable, *program],
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for_checkpoint(out, process, beyond=0):
    """Until a checkpoint newer than ``beyond`` images is there."""
    deadline = time.monotonic() + 240
    while time.monotonic() < deadline and process.poll() is None:
        found = list_checkpoints(out / "checkpoints")
        if found and int(found[-1].name) > beyond:
            return int(found[-1].name)
        time.sleep(0.01)
    raise AssertionError(f"no checkpoint came: {process.poll()}")


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
        process = start("-m", "dcgan", *map(str, words), str(tmp_path / "killed"), *more)
        reached = wait_for_checkpoint(tmp_path / "killed", process, beyond=seen)
        time.sleep(moment.uniform(0, 0.2))
        process.kill()
        process.communicate()
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


def test_a_signal_saves_and_exits_with_3(tmp_path):
    numbers = [signal.SIGINT, signal.SIGTERM]
    outs = [tmp_path / number.name for number in numbers]
    commands = [[*WORDS, "--images", "1000000", "--out", str(out)] for out in outs]
    process = start("-c", IN_TURN, json.dumps(commands))
    for out, number in zip(outs, numbers, strict=True):
        wait_for_checkpoint(out, process)
        process.send_signal(number)
    said, err = process.communicate(timeout=240)
    assert [line for line in said.splitlines() if line.startswith("code")] == ["code 3"] * 2
    assert "Traceback" not in err
    for out, number in zip(outs, numbers, strict=True):
        (line,) = (line for line in err.splitlines() if f"stopped by {number.name}" in line)
        assert str(out) in line
        events = [json.loads(text) for text in (out / "events.jsonl").read_text().splitlines()]
        assert events[-1]["event"] == "signal"
        newest = list_checkpoints(out / "checkpoints")[-1]
        assert int(newest.name) == events[-1]["images"]
        verify_checkpoint(newest)
        assert f"{events[-1]['images']:,} images seen" in (out / "report.html").read_text()
