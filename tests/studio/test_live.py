"""Events: a page gets each log line once, also when it reconnects or the run is resumed."""

from __future__ import annotations

import json

import anyio
import pytest

from dcgan.studio import live
from dcgan.studio.live import Look, changes


@pytest.fixture(autouse=True)
def _without_waiting(monkeypatch):
    monkeypatch.setattr(live, "_PERIOD", 0.0)
    monkeypatch.setattr(live, "_REST", 0.0)


def events(looks, mark=""):
    """All events of a page that is open while a run goes through some states."""
    left = list(looks)

    async def collect():
        async def is_gone():
            return not left

        found = []
        async for text in changes(lambda: id(left[0]), lambda: left.pop(0), is_gone, mark):
            found.append(dict(line.split(": ", 1) for line in text.strip().split("\n")))
        return [one for one in found if "event" in one]

    return anyio.run(collect)


def log(found):
    return [json.loads(one["data"]) for one in found if one["event"] == "log"]


def look(*images, **more):
    return Look(run={"name": "x"}, columns={"images": list(images)}, **more)


def test_only_new_lines_are_sent():
    sent = log(events([look(32), look(32, 64, 96)]))
    assert [(one["from"], one["columns"]["images"]) for one in sent] == [(0, [32]), (1, [64, 96])]


def test_a_browser_that_reconnects_gets_what_it_missed():
    first = events([look(32, 64)])
    (sent,) = log(events([look(32, 64, 96)], first[-1]["id"]))
    assert (sent["from"], sent["columns"]["images"]) == (2, [96])


def test_lines_before_a_resume_from_an_earlier_checkpoint_are_replaced():
    sent = log(events([look(32, 64, 96), look(32, 70), look(32, 70, 102, 134)]))
    assert [(one["from"], one["columns"]["images"]) for one in sent[1:]] == [
        (0, [32, 70]),
        (2, [102, 134]),
    ]
    (sent,) = log(events([look(32, 70, 102, 134)], "3-96"))
    assert sent["from"] == 0, "the line that the page knows is another one"


@pytest.mark.parametrize("mark", ["", "x", "0-0", "9-32", "-1-32", "²-32", "1-"])
def test_a_wrong_identifier_gives_all_lines(mark):
    (sent,) = log(events([look(32, 64)], mark))
    assert sent["from"] == 0


def test_a_run_is_followed_from_before_its_folder_is_there():
    waiting, running = {"state": "waiting"}, {"state": "running"}
    found = events([Look(job=waiting), Look(job=running), look(32, job=running)])
    assert [(one["event"], json.loads(one["data"])) for one in found][:4] == [
        *[("job", waiting), ("run", None)],
        *[("job", running), ("run", None)],
    ]
    assert [one["event"] for one in found[4:]] == ["run", "log"]


def test_events_are_json_in_one_line_whatever_a_run_holds():
    odd = Look(run={"speed": float("nan"), "path": "caf\udce9\n"}, columns={"images": [32]})
    sent = next(one for one in events([odd]) if one["event"] == "run")
    assert json.loads(sent["data"]) == {"speed": None, "path": "caf\ufffd\n"}
    assert "NaN" not in sent["data"]


def test_a_page_is_told_that_its_run_was_deleted():
    done = {"state": "done"}
    found = events([look(32, job=done), Look(job=done)])
    assert (found[-1]["event"], json.loads(found[-1]["data"])) == ("run", None)


def test_events_end_with_the_run_and_an_open_connection_is_felt(monkeypatch):
    monkeypatch.setattr(live, "_SILENCE", 2)
    states = [1, 1, 1, 1, None]

    async def collect():
        async def is_gone():
            return False

        return [text async for text in changes(lambda: states.pop(0), lambda: look(32), is_gone)]

    found = anyio.run(collect)
    assert [text.split("\n")[0] for text in found] == [
        "retry: 2000", "event: run", "event: log", "event: open", "event: open",
    ]  # fmt: skip
