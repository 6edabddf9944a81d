"""dcgan bench times, prints a table, and keeps it where asked."""

from __future__ import annotations

import json

import pytest


@pytest.fixture
def _limits(monkeypatch):
    monkeypatch.setattr("dcgan.bench.report.matrix_rate", lambda *_: 1e11)
    monkeypatch.setattr("dcgan.bench.report.copy_rate", lambda *_: 1e10)


@pytest.mark.usefixtures("_limits")
def test_bench_prints_a_table_and_json(dcgan, tmp_path):
    out = tmp_path / "bench.md"
    code, said, _ = dcgan(
        "bench", "--recipe", "small-mnist", "--batch", 4, "--rounds", 1, "--seconds", 0.01,
        "--device", "cpu", "--precision", "fp32", "--no-memory", "--out", out, "--json",
    )  # fmt: skip
    assert code == 0
    assert "| our step, fp32 |" in said
    found = json.loads(said.splitlines()[-1])
    assert found["results"][2]["ratio_to"] == "plain loop"
    assert "| plain loop |" in out.read_text()


def test_bench_refuses_in_one_line(dcgan):
    code, said, complaint = dcgan("bench", "--rounds", 0)
    assert (code, said) == (2, "")
    assert complaint == "dcgan: --rounds is 0: from 1 to 1,000\n"


def test_a_size_that_the_recipe_cannot_make_is_refused_before_anything_is_timed(dcgan):
    code, out, complaint = dcgan("bench", "--size", 32)
    assert (code, out) == (2, "")
    assert complaint.startswith("dcgan: --size is 32")
    assert complaint.count("\n") == 1
