"""A run says what is wrong with it while it trains, once, and does what was asked for."""

from __future__ import annotations

import pytest
from tests.conftest import SMALL, Notes

import dcgan
from dcgan.config import merge
from dcgan.errors import Diverged
from dcgan.training.health_hook import HealthHook

LOST = {  # D's steps are a thousand times those of G
    "optim": {"discriminator": {"lr": 0.05}, "generator": {"lr": 1e-7}},
    "objective": {"r1": 0},
    "metrics": {"images": 100, "every": 640},
    "records": {"checkpoint_every": 320, "keep": 20},
}


def lost(out, **changed):
    notes = Notes()
    arguments = merge({**SMALL, "settings": merge(SMALL["settings"], LOST)}, changed)
    run = dcgan.train(
        "digits", images=arguments.pop("images", 2560), out=out, reporter=notes, **arguments
    )
    return run, notes


@pytest.fixture(scope="module")
def lost_run(tmp_path_factory):
    return lost(tmp_path_factory.mktemp("lost") / "run")


def test_a_failure_is_said_once_while_it_happens(lost_run):
    run, notes = lost_run
    said = [note for note in notes if note.startswith("failure after")]
    events = [event for event in run.folder.events.read() if event["event"] == "health"]
    found = [(event["id"], event["severity"]) for event in events]
    assert ("discriminator-wins", "failure") in found
    assert len(set(found)) == len(found)
    (line,) = [note for note in said if "recognizes every generated image" in note]
    assert "Next: Start a new run with a learning rate of 0.0005 for the generator" in line
    event = next(event for event in events if event["id"] == "discriminator-wins")
    assert event["severity"] == "failure"
    assert 0 < event["images"] < 2048
    assert event["evidence"]["score_real"] > 0.95


def test_the_run_knows_its_health(lost_run):
    run, _ = lost_run
    diagnosis = run.health()
    assert diagnosis.severity == "failure"
    assert diagnosis.verdict.startswith("The discriminator wins ")
    assert "discriminator-wins" in {finding.id for finding in diagnosis.findings}


def test_a_run_can_stop_at_a_failure_and_stays_stopped_until_it_is_to_continue(tmp_path):
    ends = []
    for action in ("stop", "stop", "continue"):
        _, notes = lost(tmp_path / "run", settings={"on_failure": action})
        was_told = any("as `on_failure=stop` asks for" in note for note in notes)
        assert was_told == (action == "stop")
        ends.append(dcgan.open_run(tmp_path / "run", checkpoint="last").images_seen)
    assert ends[0] == ends[1] < ends[2] == 2560


def test_a_run_that_was_killed_before_it_stopped_does_so_later(tmp_path, monkeypatch):
    def killed(*_):
        raise RuntimeError("killed")

    settings = {"on_failure": "stop"}
    with monkeypatch.context() as patch:
        patch.setattr(HealthHook, "_act", killed)
        with pytest.raises(RuntimeError, match="killed"):
            lost(tmp_path / "run", settings=settings)
    run, notes = lost(tmp_path / "run", settings=settings)
    assert run.images_seen < 2560
    assert any("as `on_failure=stop` asks for" in note for note in notes)


def test_a_run_can_return_to_before_a_failure(tmp_path):
    with pytest.raises(Diverged, match=r"mode-collapse|discriminator-wins"):
        lost(tmp_path / "run", settings={"on_failure": "rollback"})
    run = dcgan.open_run(tmp_path / "run", checkpoint="last")
    returns = [event for event in run.folder.events.read() if event["event"] == "rollback"]
    assert [event["rate_factor"] for event in returns] == [0.5, 0.25, 0.125]
    *_, began = [
        event["images"] for event in run.folder.events.read() if event.get("severity") == "failure"
    ]
    assert run.images_seen <= began  # what came later is set aside


def test_a_healthy_run_says_nothing(tmp_path):
    notes = Notes()
    run = dcgan.train("digits", images=2560, out=tmp_path / "run", reporter=notes, **SMALL)
    assert not [note for note in notes if note.startswith(("failure", "warning"))]
    assert run.health().severity == "note"


def test_looking_changes_no_weight(tmp_path, monkeypatch):
    looks = []
    plain = HealthHook.look
    monkeypatch.setattr(HealthHook, "look", lambda *words: looks.append(plain(*words)))
    small = {**SMALL, "images": 640, "batch": 8}
    whole = dcgan.train("digits", out=tmp_path / "whole", **small)
    assert len(looks) > 1
    monkeypatch.setattr(HealthHook, "look", lambda *_: None)
    blind = dcgan.train("digits", out=tmp_path / "blind", **small)
    assert (whole.sample(8, seed=3) == blind.sample(8, seed=3)).all()
