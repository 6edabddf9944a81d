"""Cores that others leave free, from the system's counters."""

from __future__ import annotations

import os

import pytest

from dcgan.runtime import load
from dcgan.runtime.load import Usage, free_cores, usage

STATISTICS = """cpu  10 0 10 700 100 0 0 0 0 0
cpu0 5 0 5 300 60 0 0 0 0 0
cpu1 5 0 5 400 40 0 0 0 0 0
cpu12 5 0 5 9999 40 0 0 0 0 0
intr 12345
"""


@pytest.fixture
def linux(tmp_path, monkeypatch):
    """A system of two cores for this process, and one that is for others."""
    path = tmp_path / "stat"
    path.write_text(STATISTICS)
    monkeypatch.setattr(load, "_STATISTICS", path)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1}, raising=False)
    monkeypatch.setattr(os, "sysconf", lambda _: 100, raising=False)
    return path


def test_idle_time_is_that_of_the_cores_this_process_may_use(linux):
    assert usage().idle == pytest.approx((300 + 60 + 400 + 40) / 100)


def test_own_work_and_idle_time_are_free():
    before = Usage(clock=100.0, own=50.0, idle=1000.0)
    # in ten seconds on two cores: ten seconds of work of our own, five of nobody's
    assert free_cores(before, Usage(110.0, 60.0, 1005.0)) == pytest.approx(1.5)
    assert free_cores(before, Usage(110.0, 70.0, 1000.0)) == pytest.approx(2.0)
    assert free_cores(before, Usage(110.0, 50.0, 1000.0)) == 0


def test_nothing_is_said_where_the_system_does_not_tell(linux, monkeypatch):
    before = Usage(100.0, 50.0, 1000.0)
    assert free_cores(None, before) is None
    assert free_cores(before, None) is None
    assert free_cores(before, Usage(100.001, 50.0, 1000.0)) is None
    for text in ("", "cpu0 1 2\n", "cpu0 a b c d e f\n", "cpu7 1 1 1 1 1 1\n"):
        linux.write_text(text)
        assert usage() is None
    linux.unlink()
    assert usage() is None
    monkeypatch.delattr(os, "sched_getaffinity")
    assert usage() is None
