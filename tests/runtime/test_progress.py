"""Progress on the screen: plain lines, a live line in terminals, rich's widget in notebooks."""

from __future__ import annotations

import builtins
import io
import re
import sys
from types import ModuleType, SimpleNamespace

import pytest
from rich.console import Console
from tests.conftest import SMALL, Notes

import dcgan
from dcgan.runtime import progress
from dcgan.runtime.progress import TerminalReporter


def test_python_shows_plain_lines_and_notes_where_nobody_watches_live(tmp_path, capsys):
    dcgan.train("digits", images=64, out=tmp_path / "run", **SMALL)
    out, err = capsys.readouterr()
    assert out == ""
    assert str(tmp_path / "run") in err  # the folder is named at the start
    assert "64 images" in err
    assert "\x1b" not in err


@pytest.mark.usefixtures("brief_classifiers")
def test_progress_is_silent_on_request_and_for_a_reporter_of_ones_own(tmp_path, capsys):
    heard = Notes()

    run = dcgan.train("digits", images=64, out=tmp_path / "1", progress=False, **SMALL)
    dcgan.train("digits", images=64, out=tmp_path / "2", reporter=heard, **SMALL)
    dcgan.prepare("digits", tmp_path / "packed", size=16, progress=False)
    run.evaluate(images=50, progress=False)
    assert capsys.readouterr() == ("", "")
    assert heard


class _Shell:
    """What IPython's ``get_ipython()`` gives in a notebook is known by the name of its class."""


_Shell.__name__ = "ZMQInteractiveShell"


@pytest.fixture
def shown(monkeypatch):
    """What a notebook displays, with IPython as it answers there."""
    found = []
    display = ModuleType("IPython.display")
    display.display = lambda *what, **_: found.extend(what)
    monkeypatch.setitem(sys.modules, "IPython", ModuleType("IPython"))
    monkeypatch.setitem(sys.modules, "IPython.display", display)
    monkeypatch.setattr(builtins, "get_ipython", _Shell, raising=False)
    return found


class _Output:
    """An output widget of ipywidgets."""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def clear_output(self, **_):
        pass


def test_a_notebook_shows_richs_widget(shown, monkeypatch):
    widgets = ModuleType("ipywidgets")
    widgets.Output = _Output
    widgets.__spec__ = type(sys.__spec__)("ipywidgets", None)
    monkeypatch.setitem(sys.modules, "ipywidgets", widgets)
    reporter = TerminalReporter()
    reporter.begin(0, 1000, None)
    reporter.tick(10, 1.0)
    reporter.end()
    assert any(isinstance(one, _Output) for one in shown)


def test_a_notebook_without_widgets_shows_lines(shown, monkeypatch):
    monkeypatch.setitem(sys.modules, "ipywidgets", None)
    reporter = TerminalReporter()
    reporter.note("size 32x32")
    reporter.begin(0, 1000, None)
    reporter.record(
        {
            **{"images": 500, "seconds": 2.0, "images_per_second": 250.0},
            **{"loss_d": 1.0, "loss_g": 1.0, "score_real": 0.5, "score_fake_before": 0.5},
        }
    )
    reporter.tick(500, 2.0)
    reporter.end()
    text = "".join(one.text for one in shown)
    assert "size 32x32" in text
    assert "500 images" in text


RECORD = {"images_per_second": 4.0, "loss_d": 1.0, "score_real": 0.5, "score_fake_before": 0.4}


@pytest.fixture
def clock(monkeypatch):
    """A clock that stands still unless it is moved."""
    clock = SimpleNamespace(now=1000.0)
    monkeypatch.setattr(progress, "time", SimpleNamespace(monotonic=lambda: clock.now))
    return clock


def watched(clock, *, step, steps, batch=32, images=3_200, start=0, records=True):
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
    came, lines = watched(clock, step=step, steps=max(3, int(20 / step)))
    assert came[0] <= step + 5
    assert f"{32 / step:.{0 if step < 3 else 1}f} images/s" in lines[1]
    assert max(b - a for a, b in zip(came, came[1:], strict=False)) <= max(10, step) + step


def test_lines_do_not_wait_for_the_log(clock):
    """After a resume, its next line may be far away."""
    came, lines = watched(clock, step=1.0, steps=25, start=1_600, records=False)
    assert came == [2.0, 12.0, 22.0]
    assert lines[1].split() == ["1,984", "images", "62%", "0:38", "left", "32", "images/s"]


def test_no_time_is_promised_before_a_step_was_timed(clock):
    came, lines = watched(clock, step=60.0, steps=2)
    assert came == [60.0, 120.0]
    assert "left" not in lines[0]
    assert lines[1].split()[3:5] == ["1:38:00", "left"]


def test_the_last_line_says_how_far_it_came(clock):
    came, lines = watched(clock, step=0.01, steps=100)
    assert came == []
    assert [line.split()[:3] for line in lines] == [["3,200", "images", "100%"]]


def test_a_score_stands_on_one_line_only(clock):
    score = SimpleNamespace(metric="frechet_distance", label="Fréchet distance")
    lines, reporter = [], TerminalReporter()
    reporter._console.file = SimpleNamespace(write=lines.append, flush=int)
    reporter.begin(0, 6400, None)
    for number, (value, is_best) in enumerate([(71.3, True), (None, False), (80.0, False)], 1):
        if value is not None:
            score.value, score.baseline = value, 4.04
            reporter.measured(320 * number, score, is_best)
        clock.now += 15
        reporter.tick(320 * number, 15.0 * number)
    reporter.end()
    one, two, three = "".join(lines).splitlines()
    assert one.endswith("Fréchet distance 71.3 (best so far; real 4)")
    assert "Fréchet" not in two
    assert three.endswith("Fréchet distance 80 (real 4)")


def live(width):
    """What a reporter writes to a terminal of so many columns, and the reporter."""
    lines, reporter = [], TerminalReporter()
    reporter._console = Console(
        file=SimpleNamespace(write=lines.append, flush=int),
        force_terminal=True,
        width=width,
        legacy_windows=False,
    )
    reporter._live = True
    return lines, reporter


@pytest.mark.parametrize("width", [60, 80, 100, 120])
def test_a_live_line_is_not_cut(clock, width):
    lines, reporter = live(width)
    reporter.begin(0, None, 600.0)
    reporter.record(RECORD | {"images": 64, "seconds": 1.0, "loss_g": 2.0})
    reporter.tick(64, 1.0)
    score = SimpleNamespace(metric="", label="Fréchet distance", value=71.3, baseline=4.0)
    reporter.measured(64, score, is_best=True)
    clock.now += 20
    reporter.tick(1_384_000, 12_345.0)
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", "".join(lines))
    (line,) = re.findall(r"[^\r\n]*1,384,000 images[^\r\n]*", text)
    reporter.end()
    assert "34%" in line
    assert "6:34:15 left" in line
    assert "images/s" in line
    assert "…" not in line
    assert len(line.rstrip()) <= width


@pytest.mark.parametrize(("images", "minutes"), [(6400, None), (None, 1.0)])
def test_a_live_line_does_not_stand_at_one_second_left_while_a_run_is_finished(
    clock, images, minutes
):
    lines, reporter = live(80)
    reporter.begin(0, images, minutes)
    reporter.tick(64, 0.0)
    clock.now += 59
    reporter.tick(6300, 59.0)
    assert "0:01 left" in "".join(lines)
    clock.now += 0.01  # too soon to be drawn, if it were not the last
    reporter.tick(6400, 60.0)
    line = "".join(lines).rpartition("6,400 images")[2]
    assert "finishing" in line
    reporter.end()
    text = "".join(lines)
    assert "100%" in text
    assert "finishing" not in text.rpartition("6,400 images")[2]


@pytest.mark.parametrize(
    ("width", "shown", "left_out"),
    [(80, "Fréchet distance 71.3 (best)", "loss D"), (140, "D(x) 0.50 D(G(z)) 0.40", "…")],
)
def test_a_live_line_shows_the_numbers_that_fit(clock, width, shown, left_out):
    lines, reporter = live(width)
    reporter.begin(0, 768_000, None)
    reporter.record(RECORD | {"images": 64, "seconds": 1.0, "loss_g": 2.0})
    reporter.tick(64, 1.0)
    score = SimpleNamespace(metric="", label="Fréchet distance", value=71.3, baseline=4.0)
    reporter.measured(64, score, is_best=True)
    clock.now += 20
    reporter.tick(384_000, 3840.0)
    reporter.end()
    text = "".join(lines)
    line = text[text.rindex("384,000 images") :]
    assert shown in line
    assert left_out not in line


class _Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize("stream", [_Terminal, io.StringIO])
def test_only_a_terminal_is_told_what_is_waited_for(monkeypatch, stream):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stderr", stream())
    with progress.waiting_for("loading PyTorch"):
        pass
    assert ("loading PyTorch" in sys.stderr.getvalue()) == (stream is _Terminal)
