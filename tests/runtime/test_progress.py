"""Progress on the screen: plain lines, a live line in terminals, rich's widget in notebooks."""

from __future__ import annotations

import builtins
import sys
from types import ModuleType

import pytest
from tests.conftest import SMALL

import dcgan
from dcgan.runtime.progress import TerminalReporter
from dcgan.runtime.reporting import Reporter


def test_python_shows_plain_lines_and_notes_where_nobody_watches_live(tmp_path, capsys):
    dcgan.train("digits", images=64, out=tmp_path / "run", **SMALL)
    out, err = capsys.readouterr()
    assert out == ""
    assert str(tmp_path / "run") in err  # the folder is named at the start
    assert "64 images" in err
    assert "\x1b" not in err


def test_progress_is_silent_on_request_and_for_a_reporter_of_ones_own(tmp_path, capsys):
    heard = []

    class Listening(Reporter):
        def note(self, text):
            heard.append(text)

    run = dcgan.train("digits", images=64, out=tmp_path / "1", progress=False, **SMALL)
    dcgan.train("digits", images=64, out=tmp_path / "2", reporter=Listening(), **SMALL)
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
    reporter.end()
    text = "".join(one.text for one in shown)
    assert "size 32x32" in text
    assert "500 images" in text
