"""What a watcher sees of training, by the clock."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from dcgan.cli.progress import TerminalReporter

from dcgan.cli import progress

RECORD = {"images_per_second": 4.0, "loss_d": 1.0, "score_real": 0.5, "score_fake_before": 0.4}


@pytest.fixture
def clock(monkeypatch):
    """A clock that stands still unless it is moved."""
    clock = SimpleNamespace(now=1000.0)
    monkeypatch.setattr(progress, "time", SimpleNamespace(monotonic=lambda: clock.now))
    return clock


def train(clock, *, step, steps, batch=32, images=3_200, start=0, records=True):
    """Walk through training with steps of so many seconds; returns when each line came."""
    lines, came, reporter = [], [], TerminalReporter()
    reporter._console.file = SimpleNamespace(write=lines.append, flush=int)
    reporter.begin(start, images, None)
    began = clock.now
    for number in range(1, steps + 1):
        clock.now += step
        seen = start + number * batch
        if records:
            reporter.record(RECORD | {"images": seen, "seconds": clock.now - began})
        before = len(lines)
        reporter.tick(seen, clock.now - began)
        came += [clock.now - began] * (len(lines) > before)
    reporter.end()
    return came, "".join(lines).splitlines()


@pytest.mark.parametrize("step", [0.01, 0.3, 4.0, 8.0, 60.0])
def test_the_first_line_comes_within_five_seconds_of_the_first_step(clock, step):
    came, lines = train(clock, step=step, steps=max(3, int(20 / step)))
    assert came[0] <= step + 5
    assert f"{32 / step:.{0 if step < 3 else 1}f}/s" in lines[1]
    assert max(b - a for a, b in zip(came, came[1:], strict=False)) <= max(10, step) + step


def test_lines_do_not_wait_for_the_log(clock):
    """After a resume, its next line may be far away."""
    came, lines = train(clock, step=1.0, steps=25, start=1_600, records=False)
    assert came == [2.0, 12.0, 22.0]
    assert lines[1].split() == ["1,984", "images", "62%", "0:38", "left", "32/s"]


def test_no_time_is_promised_before_a_step_was_timed(clock):
    came, lines = train(clock, step=60.0, steps=2)
    assert came == [60.0, 120.0]
    assert "left" not in lines[0]
    assert lines[1].split()[3:5] == ["1:38:00", "left"]


def test_the_last_line_says_how_far_it_came(clock):
    came, lines = train(clock, step=0.01, steps=100)
    assert came == []
    assert [line.split()[:3] for line in lines] == [["3,200", "images", "100%"]]
