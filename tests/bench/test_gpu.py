"""The measurement on a GPU: its table and limits, and each part on a CPU with tiny networks."""

from __future__ import annotations

import argparse
import importlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from tests.pretended_gpu import pretended_gpu

from dcgan.runtime.torch_settings import settings_restored

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def gpu(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    return importlib.import_module("gpu")


@pytest.fixture
def equality(gpu):
    return importlib.import_module("gpu_equality")


@pytest.fixture
def speed(gpu):
    return importlib.import_module("gpu_speed")


@pytest.fixture
def quality(gpu):
    return importlib.import_module("gpu_quality")


@pytest.fixture
def asked(tmp_path):
    return argparse.Namespace(
        out=tmp_path, device="cpu", quick=True, rounds=2, data_root=None, images="missing.zip"
    )


# The table


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (True, "yes"),
        (False, "**no**"),
        (1234, "1,234"),
        (1234.4, "1,234"),
        (0.0123456, "0.0123"),
        ([1.0, 2.0, 3.0], "2 (1 to 3)"),
        ("a | b\nc", "a \\| b c"),
    ],
)
def test_cells(gpu, value, text):
    assert gpu.cell(value) == text


def test_a_table_has_the_columns_of_all_rows(gpu):
    found = gpu.table([{"": "a", "x": 1}, {"": "b", "y": 2.5}])
    assert found.splitlines() == [
        "|  | x | y |",
        "| --- | --- | --- |",
        "| a | 1 |  |",
        "| b |  | 2.5 |",
    ]


def test_a_page_says_how_each_part_ended(gpu):
    part = gpu.Part("one", "First", 9, "gpu:none")
    complete = gpu.Outcome(part, "complete", 1.0, {"about": "A note.", "rows": [{"": "a", "x": 1}]})
    cut = gpu.Outcome(part, "cut after 9 s", 9.0, {"rows": [{"": "b", "x": 2}]})
    nothing = gpu.Outcome(part, "failed: ValueError: no (a.py:3)", 2.0, {})
    text = gpu.page("benchmarks/gpu.sh out", [complete, cut, nothing])
    assert "`benchmarks/gpu.sh out`" in text
    assert "| one | complete | 1 |" in text
    assert "A note." in text
    assert "| b | 2 |\n| cut after 9 s |  |" in text
    assert text.count("failed: ValueError: no (a.py:3)") == 2


# Limits and errors


@pytest.mark.parametrize(
    ("state", "exit_code", "cut_after", "result"),
    [
        ("complete", 0, None, "complete"),
        ("running", -9, 30.0, "cut after 30 s"),
        ("running", -11, None, "failed: the process ended with -11"),
        ("failed: an error", 0, None, "failed: an error"),
    ],
)
def test_the_end_of_a_part_in_one_line(gpu, state, exit_code, cut_after, result):
    assert gpu._result(state, exit_code, cut_after) == result


FAKE_PARTS = """
import time

def failing(asked):
    yield {"rows": [{"": "a", "x": 1}]}
    raise ValueError("two\\nlines")

def endless(asked):
    while True:
        time.sleep(1)
    yield

def complete(asked, x):
    yield {"rows": [{"x": x}]}
"""


@pytest.fixture
def fake_parts(tmp_path, monkeypatch):
    (tmp_path / "fake_gpu_parts.py").write_text(FAKE_PARTS, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    yield "fake_gpu_parts"
    sys.modules.pop("fake_gpu_parts", None)


def test_rows_before_an_error_are_kept(gpu, asked, fake_parts, monkeypatch):
    monkeypatch.setattr(os, "setsid", lambda: None)
    monkeypatch.setattr(gpu, "set_start_method", lambda method, force: None)
    path = asked.out / "part.json"
    gpu.carry_out(gpu.Part("part", "Part", 9, f"{fake_parts}:failing"), asked, path)
    found = json.loads(path.read_text(encoding="utf-8"))
    assert found["rows"] == [{"": "a", "x": 1}]
    assert found["state"] == "failed: ValueError: two lines (fake_gpu_parts.py:6)"


@pytest.mark.slow
def test_a_part_that_takes_too_long_is_cut_and_the_next_one_runs(gpu, asked, fake_parts):
    endless = gpu.Part("endless", "Endless", 1, f"{fake_parts}:endless")
    assert gpu.run_limited(endless, asked, 0.5).rows == [{"": "cut after 0 s"}]
    complete = gpu.Part("complete", "Complete", 1, f"{fake_parts}:complete", {"x": 3})
    outcome = gpu.run_limited(complete, asked, 600)
    assert outcome.result == "complete"
    assert outcome.rows == [{"x": 3}]
    assert json.loads((asked.out / "complete.json").read_text(encoding="utf-8"))["rows"]


def test_what_a_part_has_started_ends_with_it(gpu):
    with subprocess.Popen(
        ["sh", "-c", "sleep 60 & echo; wait"], stdout=subprocess.PIPE, start_new_session=True
    ) as process:
        process.stdout.readline()
        gpu._end(process.pid)
        process.communicate(timeout=30)  # until nobody can write any more
        assert process.returncode == -signal.SIGKILL
    gpu._end(process.pid)  # is no error


def test_parts_after_the_time_are_named(gpu, tmp_path, monkeypatch):
    class NoContext:
        def set_forkserver_preload(self, names):
            pass

    monkeypatch.setattr(gpu, "get_context", lambda name: NoContext())
    monkeypatch.setattr(sys, "argv", ["gpu.py", str(tmp_path / "out"), "--minutes", "0"])
    gpu.main()
    text = (tmp_path / "out" / "gpu.md").read_text(encoding="utf-8")
    for part in gpu.PARTS:
        assert f"| {part.name} | not started: 0 minutes are over | 0 |" in text


# What the parts compute


def test_ratios_are_those_of_one_round(speed):
    rounds = [{"plain": 10.0, "ours": 30.0}, {"plain": 100.0, "ours": 200.0}]
    assert speed.ratios_to("plain", "ours", rounds) == [3, 2]
    assert speed.ratios_to("plain", "plain", rounds) == []
    assert speed.ratios_to("another", "ours", rounds) == []


def test_the_largest_relative_difference_decides(equality):
    theirs = {"a": torch.tensor([3.0, 4.0]), "b": torch.tensor(2.0)}
    ours = {"a": torch.tensor([3.0, 4.1]), "b": torch.tensor(2.1)}
    assert equality.relative_difference(ours, theirs) == pytest.approx(0.05)
    rounded = {"a": torch.tensor([3.0, 4.0]), "b": torch.tensor(2.02)}
    assert equality.compared("x", ours, theirs, rounded)["equal"], "ten times 0.01"
    assert not equality.compared("x", ours, theirs, theirs)["equal"]
    still = {"a": torch.zeros(2), "b": torch.tensor(0.0)}
    assert not equality.compared("x", still, theirs, still)["equal"], "more than half of it"
    assert equality.relative_difference({"a": torch.zeros(2)}, {"a": torch.zeros(2)}) == 0


def test_one_bit_makes_a_checkpoint_unequal(equality, tmp_path):
    weight = torch.ones(3)
    for name, other in (("one", weight), ("other", weight.nextafter(torch.tensor(2.0)))):
        (tmp_path / name).mkdir()
        save_file({"a": weight.clone(), "b": other}, tmp_path / name / "generator.safetensors")
    assert equality.unequal_tensors(tmp_path / "one", tmp_path / "other") == ["generator: b"]
    assert equality.unequal_tensors(tmp_path / "one", tmp_path / "one") == []


def test_a_way_that_fails_is_a_row(speed, asked, monkeypatch):
    def broken(players, update, example):
        raise RuntimeError("cannot capture")

    monkeypatch.setattr(speed, "graphed", broken)
    *_, found = speed.contest(asked, recipe="wide-mnist", ways="graphs")
    failed = {row[""]: row["images/s"] for row in found["rows"] if "graphs" in row[""]}
    assert failed.keys() == {f"ours, graphs, {one}" for one in ("fp32", "tf32", "bf16")}
    assert all("failed: RuntimeError: cannot capture" in text for text in failed.values())
    others = [row for row in found["rows"] if "graphs" not in row[""]]
    assert all(row["images/s"][1] > 0 for row in others)
    assert len(found["rounds"]) == asked.rounds


def run_part(gpu, asked, name):
    (part,) = [one for one in gpu.PARTS if one.name == name]
    with settings_restored():
        *_, found = part.run(asked)
    json.dumps(found)
    return found["rows"]


def test_the_machine_is_named(gpu, asked):
    rows = {row[""]: row["value"] for row in run_part(gpu, asked, "machine")}
    assert rows["torch"] == torch.__version__
    assert {"device", "driver", "CUDA", "cuDNN"} <= rows.keys()


@pytest.mark.parametrize("name", ["step", "captured"])
def test_a_cpu_equals_itself(gpu, equality, asked, name):
    rows = run_part(gpu, asked, name)
    assert all(row["equal"] and row["difference"] == 0 for row in rows)
    assert all(row["difference by rounding"] < equality.MOST for row in rows)
    assert any(row["difference by rounding"] > 0 for row in rows)


def test_a_graph_that_keeps_its_first_batch_is_found(gpu, equality, asked, monkeypatch):
    def stale(players, update, example):
        one_update = graphed(players, update, example)
        return lambda batch: one_update(example)

    graphed = equality.graphed
    monkeypatch.setattr(equality, "graphed", stale)
    rows = run_part(gpu, asked, "captured")
    assert not any(row["equal"] for row in rows if "losses" in row[""])


@pytest.mark.slow
def test_resumed_runs_are_bit_identical(gpu, asked):
    rows = run_part(gpu, asked, "resume")
    assert [row[""] for row in rows] == ["images on the device, fp32", "loader, fp32"]
    assert all(row["bit-identical"] and row["unequal"] is None for row in rows)


@pytest.mark.parametrize(
    ("name", "ways"), [("steps-paper", 10), ("compiled-paper", 9), ("graphs-wide-mnist", 10)]
)
def test_all_ways_are_timed(gpu, asked, name, ways):
    rows = run_part(gpu, asked, name)
    assert len(rows) == ways
    for row in rows:
        assert row["images/s"][1] > 0
        assert row["rounds"] == asked.rounds
        kind = "tf32" if row[""].endswith("step, fp32") else "fp32"
        is_rival = row[""].startswith("plain") and row[""].endswith(kind)
        assert (row[f"ratio to plain {kind}"] is None) == is_rival


@pytest.mark.slow
@pytest.mark.parametrize("name", ["step", "steps-paper", "quality-plain"])
def test_no_part_fails_on_a_gpu(gpu, asked, name):
    asked.device = "cuda"
    with pretended_gpu():
        rows = run_part(gpu, asked, name)
    assert rows
    assert not any("failed" in str(value) for row in rows for value in row.values())


@pytest.mark.parametrize("name", ["quality-auto", "quality-plain"])
def test_quality_is_measured_over_time(gpu, asked, name):
    (row,) = run_part(gpu, asked, name)
    assert row["FD"] > 0
    assert row["images"] > 0
    assert (asked.out / f"{name}.png").stat().st_size > 0


def test_missing_images_are_replaced_and_named(quality, asked, tmp_path):
    asked.quick = False
    source, about = quality._images_to_learn(asked, tmp_path)
    assert source == "shapes"
    assert "missing.zip" in about
    asked.images = "digits"
    assert quality._images_to_learn(asked, tmp_path) == ("digits", "`digits`")


@pytest.mark.slow
def test_the_script_runs_on_a_cpu(tmp_path):
    out = tmp_path / "out"
    command = ["sh", str(BENCHMARKS / "gpu.sh"), str(out), "--device", "cpu", "--quick"]
    command += ["--rounds", "2", "--minutes", "60", "--only", "machine", "captured"]
    done = subprocess.run(
        command,
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHON": sys.executable},
    )
    text = (out / "gpu.md").read_text(encoding="utf-8")
    assert "| machine | complete |" in text
    assert torch.__version__ in done.stdout
    assert json.loads((out / "captured.json").read_text(encoding="utf-8"))["result"] == "complete"
