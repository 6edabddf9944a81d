"""Damaged, copied and odd files of a run: there is less to show, and the other runs are shown."""

from __future__ import annotations

import json
import os

import pytest
from starlette.testclient import TestClient
from tests.exchange.conftest import KINDS, write_run
from tests.studio.conftest import HOST

from dcgan.studio import create_app, summary
from dcgan.studio.answers import plain, to_json
from dcgan.studio.library import identifier
from dcgan.studio.summary import training_words

CONFIGS = [
    "length: [1]", "length: x", "length: {epochs: .inf}", "length: {epochs: .nan}",
    "length: {epochs: 1.0e+308}", "length: {minutes: .inf}", "length: {minutes: [1]}", "length: {images: [1]}",
    "length: {1: 2, null: 3}, 4: 5", "odd: !!binary gIGC", 'odd: "\\uD800"', "data: [1]",
]  # fmt: skip

RECORDS = [
    '{"data": "text"}', '{"images_seen": "x"}', '{"images_seen": null}', '{"images_seen": [1]}',
    '{"data": {"count": 1%s}}' % ("0" * 400), '{"data": {"source": "\\ud800"}}',
    '{"data": {"source": ["a"]}}', "[]", "\x00",
]  # fmt: skip


@pytest.fixture
def run(runs):
    write_run(runs / "whole", KINDS["plain"])
    return write_run(runs / "damaged", KINDS["plain"]).path


def shown(client, path):
    """The card and the details of a run, beside the card of an undamaged one."""
    answer = client.get("/api/home")
    assert answer.status_code == 200
    cards = {card["id"]: card for card in answer.json()["runs"]}
    assert {card["name"] for card in cards.values()} >= {"whole"} and len(cards) == 2
    details = client.get(f"/api/runs/{identifier(path)}")
    assert details.status_code == 200
    assert details.json()["card"] == cards[identifier(path)]
    return details.json()


@pytest.mark.parametrize("text", CONFIGS)
def test_a_damaged_configuration_hides_no_run(client, run, text):
    (run / "config.yaml").write_text(f"{{recipe: auto, {text}}}")
    card = shown(client, run)["card"]
    assert (card["planned"], card["minutes"]) == (None, None)
    assert (card["size"], card["images"]) == ("16×16", 512), "the rest is shown"
    whole = identifier(run.with_name("whole"))
    assert client.get(f"/api/compare/{identifier(run)}/{whole}").status_code == 200


@pytest.mark.parametrize("text", RECORDS)
def test_damaged_facts_hide_no_run(client, run, text):
    (run / "run.json").write_text(text)
    (run / "config.yaml").write_text("{recipe: auto, length: {epochs: 2}}")
    card = shown(client, run)["card"]
    assert (card["planned"], card["images"]) == (None, 512)


def test_a_log_that_is_a_folder_is_said_to_be_damaged(client, run):
    (run / "log.jsonl").unlink(missing_ok=True)
    (run / "log.jsonl").mkdir()
    card = shown(client, run)["card"]
    assert card["verdict"].startswith("Files of this run are damaged")
    assert (card["severity"], card["images"]) == ("failure", 512)


def test_numbers_in_other_scripts_name_no_sheet_and_no_checkpoint(client, run):
    (run / "samples").mkdir(exist_ok=True)
    for name in ("²³.png", "٣.png"):
        (run / "samples" / name).write_bytes(b"")
    (run / "checkpoints" / "²").mkdir()
    (run / "checkpoints" / "٣").mkdir()
    details = shown(client, run)
    assert (details["sheets"], details["checkpoints"]) == ([], [512])


def test_a_name_that_is_not_utf_8(client, run):
    odd = run.parent / os.fsdecode(b"caf\xe9")
    try:
        run.rename(odd)
    except OSError:
        pytest.skip("this file system has only names in UTF-8")
    assert shown(client, odd)["card"]["name"] == "caf\ufffd"


def test_a_folder_that_the_page_cannot_name_is_not_offered(client, tmp_path):
    (tmp_path / "allowed" / "images").mkdir()
    try:
        (tmp_path / "allowed" / os.fsdecode(b"caf\xe9")).mkdir()
    except OSError:
        pytest.skip("this file system has only names in UTF-8")
    answer = client.get("/api/folders")
    assert answer.status_code == 200 and answer.json()["folders"] == ["images"]


@pytest.mark.parametrize("part", ["_card", "read_networks", "diagnosis_of"])
def test_whatever_goes_wrong_in_one_run_the_list_is_shown(client, run, monkeypatch, part):
    found = getattr(summary, part)

    def broken(*words, **more):
        if any("damaged" in str(getattr(word, "path", word)) for word in words):
            raise RuntimeError("unforeseen")
        return found(*words, **more)

    monkeypatch.setattr(summary, part, broken)
    assert shown(client, run)["card"]["verdict"].startswith("Files of this run are damaged")


def test_an_unforeseen_error_is_one_line_of_json(runs, run, monkeypatch):
    def broken(*_, **__):
        raise RuntimeError("a\nb")

    monkeypatch.setattr("dcgan.studio.routes.home.signature", broken)
    app = create_app(runs, hosts={HOST})
    client = TestClient(app, base_url=f"http://{HOST}", raise_server_exceptions=False)
    answer = client.get("/api/home")
    assert answer.status_code == 500 and "content-security-policy" in answer.headers
    assert "an error of the studio: RuntimeError" in answer.json()["problem"]
    assert "\n" not in answer.json()["problem"]


@pytest.mark.parametrize(
    "result", [{"images": 1}, {"command": None}, {"command": "dcgan train 'a"}]
)
def test_an_inspection_without_a_command_recommends_nothing(client, runs, not_started, result):
    inspection = client.post("/api/inspect", json={"data": "digits"}).json()["id"]
    (runs / ".studio" / "jobs" / inspection / "output").write_text(json.dumps(result))
    asked = {"data": "digits", "inspection": inspection}
    assert client.post("/api/train", json=asked).status_code == 200


def test_words_of_a_training():
    assert training_words("dcgan train 'my images' --out a") == ["train", "my images", "--out", "a"]
    assert training_words("dcgan train 'my") == training_words("dcgan sample a") == []


def test_all_answers_are_json_and_utf_8():
    odd = {
        "numbers": [float("nan"), float("-inf"), 10**400, -(2**63), 2**63 - 1, 0.5, True, None],
        "text": ("caf\udce9", "\ud800x", "😀²"),
        (1, "\ud800"): {None: b"\xff"},
    }
    text = to_json(odd)
    text.encode()

    def refuse(name):
        raise AssertionError(f"{name} is not JSON")

    assert json.loads(text, parse_constant=refuse) == {
        "numbers": [None, None, None, None, 2**63 - 1, 0.5, True, None],
        "text": ["caf\ufffd", "\ufffdx", "😀²"],
        "(1, '\\ud800')": {"None": "b'\\xff'"},
    }
    assert plain({"a": (1, 2)}) == {"a": [1, 2]}
