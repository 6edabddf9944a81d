"""How many threads compute: chosen by speed, kept by a run, changed only at checkpoints."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import torch
import yaml
from tests.conftest import SMALL, Notes

import dcgan
from dcgan.config import load_recipe, merge, parse_config
from dcgan.data.quality.survey import Survey
from dcgan.errors import ConfigError
from dcgan.layer_tables import resolve_networks
from dcgan.training import api, loop, threads_hook
from dcgan.training.planning import speed_choice
from dcgan.training.planning.auto import resolve_auto
from dcgan.training.planning.speed_choice import SpeedComparison, resolve_speed
from dcgan.training.planning.threads import Threads, thread_choices

CPU = torch.device("cpu")
TABLE = {1: 1600.0, 2: 2300.0}


@pytest.fixture
def two_threads(monkeypatch):
    """A process that believes to use two threads: two real ones crawl on a busy machine."""
    number = [2]
    monkeypatch.setattr(torch, "get_num_threads", lambda: number[0])
    monkeypatch.setattr(torch, "set_num_threads", lambda wanted: number.__setitem__(0, wanted))


@pytest.fixture
def speeds(monkeypatch):
    """Speeds that stand in for timed ones, by ``(precision, threads)``; each question is kept."""
    told, asked = {}, []

    def compare(config, networks, device, modes):
        asked.append(tuple(modes))
        found = {mode: told[mode.precision, mode.threads] for mode in modes}
        return SpeedComparison(found, has_stepped=told.get("has stepped", True))

    monkeypatch.setattr(api, "compare_speeds", compare)
    monkeypatch.setattr(speed_choice, "usage", lambda: None)
    monkeypatch.setattr(threads_hook, "usage", lambda: None)
    told.update({("fp32", 1): 1600, ("fp32", 2): 2300, ("bf16", 1): 3000, ("bf16", 2): 5000})
    return told, asked


def resolved(settings=None, **more):
    asked = parse_config(merge(merge(load_recipe("auto"), {"data": {"size": 16}}), settings or {}))
    seen = Survey(500, 500, {"L": 500}, {(16, 16): 500}, {}, (), 0)
    config, _ = resolve_auto(asked, seen, CPU)
    return resolve_speed(config, resolve_networks(config), CPU, api.compare_speeds, **more)


# choosing when a run starts


@pytest.mark.parametrize(
    ("one", "two", "chosen"), [(1600, 2300, 2), (1600, 655, 1), (1600, 1650, 1), (1600, 1700, 2)]
)
def test_the_fewest_threads_that_are_about_as_fast_as_any(two_threads, speeds, one, two, chosen):
    speeds[0].update({("fp32", 1): one, ("fp32", 2): two})
    config, found, said = resolved()
    assert config.threads == found.number == chosen
    assert found.chosen == "timed"
    assert ("2 threads" if chosen == 2 else "1 of 2 threads") in said


@pytest.mark.parametrize("case", ["asked", "one core", "several processes"])
def test_where_there_is_nothing_to_choose_nothing_is_timed(two_threads, speeds, case):
    if case == "one core":
        torch.set_num_threads(1)
    settings = {"threads": 2} if case == "asked" else {}
    more = {"processes": 2} if case == "several processes" else {"may_change": case != "asked"}
    config, found, said = resolved(settings, **more)
    assert speeds[1] == []
    assert said is None
    assert found.number == (1 if case == "one core" else 2)
    assert config.threads == {"asked": 2, "one core": 1, "several processes": "auto"}[case]


def test_estimates_choose_but_are_not_compared_with_speeds_later(two_threads, speeds):
    speeds[0].update({("fp32", 1): 3.0, ("fp32", 2): 0.1, "has stepped": False})
    found = resolved()[1]
    assert found.number == 1
    assert found.speeds == {}


def test_speeds_beside_other_programs_do_not_speak_for_a_free_machine(
    two_threads, speeds, monkeypatch
):
    monkeypatch.setattr(speed_choice, "free_cores", lambda *_: 1.1)
    speeds[0].update({("fp32", 1): 1600, ("fp32", 2): 655})
    assert resolved()[1].speeds == {1: 1600}
    monkeypatch.setattr(speed_choice, "free_cores", lambda *_: 2.0)
    speeds[0].update({("fp32", 2): 2300})
    assert resolved()[1].speeds == TABLE


def test_numbers_worth_a_try_are_one_half_and_all():
    assert [thread_choices(most) for most in (1, 2, 3, 64)] == [(1,), (1, 2), (1, 3), (1, 32, 64)]


@pytest.mark.parametrize(
    "wrong", [0, -1, 5000, "many", 1.5, True, "2,", "2,1", "2,0@9", "2,1@9,2@9", "2,1@9,2@8", "0"]
)
def test_a_wrong_number_is_refused_by_name(tmp_path, wrong):
    with pytest.raises(ConfigError, match="threads"):
        dcgan.train("digits", out=tmp_path / "run", threads=wrong)
    assert not (tmp_path / "run").exists()


# choosing precision


@pytest.fixture
def native(monkeypatch, tmp_path):
    """A processor that multiplies bf16, and an empty cache."""
    monkeypatch.delenv("DCGAN_BF16", raising=False)
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"amx_bf16": True}, raising=False)
    monkeypatch.setenv("DCGAN_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.mark.parametrize(
    ("bf16", "chosen", "why"),
    [
        (800, "fp32", "fp32 (bf16 is slower here)"),
        (1640, "fp32", "fp32 (bf16 is not clearly faster here)"),
        (2400, "bf16", "bf16 (1.5 times as fast as fp32)"),
    ],
)
def test_bf16_is_taken_where_it_is_faster(native, speeds, bf16, chosen, why):
    speeds[0]["bf16", 1] = bf16
    config, _, said = resolved()
    assert config.precision == chosen
    assert why in said


def test_precisions_are_timed_once_for_each_kind_of_run(native, speeds):
    told, asked = speeds
    assert resolved()[0].precision == "bf16"
    told["bf16", 1] = 1
    assert resolved()[0].precision == "bf16"
    assert len(asked) == 1
    assert resolved({"optim": {"batch": 7}})[0].precision == "fp32"
    assert resolved({"model": {"generator": {"width": 5}}})[0].precision == "fp32"
    assert len(asked) == 3


@pytest.mark.parametrize("damage", ["[1]", "{", '{"a": 1', "\x00", "[" * 100_000])
def test_a_damaged_memory_is_ignored_and_replaced(native, speeds, damage):
    resolved()
    (file,) = native.rglob("*.json")
    for content in (damage, json.dumps(dict.fromkeys(json.loads(file.read_text()), "x"))):
        file.write_text(content)
        assert resolved()[0].precision == "bf16"
        assert list(json.loads(file.read_text()).values()) == [pytest.approx(3000 / 1600, abs=1e-3)]


def test_a_memory_that_cannot_be_written_stops_nothing(native, speeds):
    native.write_text("a file where the folder should be")
    assert resolved()[0].precision == "bf16"


@pytest.mark.parametrize("stated", ["native", "emulated"])
def test_what_is_stated_or_asked_for_is_not_timed(monkeypatch, speeds, stated):
    monkeypatch.setenv("DCGAN_BF16", stated)
    assert resolved()[0].precision == {"native": "bf16", "emulated": "fp32"}[stated]
    assert resolved({"precision": "bf16"})[0].precision == "bf16"
    assert resolved({"precision": "fp32"})[0].precision == "fp32"
    assert speeds[1] == []


def test_emulated_bf16_is_never_timed(monkeypatch, speeds):
    monkeypatch.delenv("DCGAN_BF16", raising=False)
    monkeypatch.setattr(torch.cpu, "get_capabilities", dict, raising=False)
    assert resolved()[0].precision == "fp32"
    assert speeds[1] == []


# choosing again


@pytest.mark.parametrize(
    ("number", "table", "speed", "free", "chosen"),
    [
        (2, TABLE, 655, 1.0, 1),  # another process took a core
        (2, TABLE, 655, None, 1),  # the same, where the system does not tell
        (2, TABLE, 8, 0.6, 1),  # two other processes
        (2, TABLE, 2200, 2.0, 2),
        (2, TABLE, 1500, 1.5, 2),  # 1600 would be hardly better
        (2, {2: 2300}, 655, 1.0, 2),  # nothing is known of one thread
        (1, TABLE, 1600, 2.0, 2),  # the machine is free again
        (1, TABLE, 1600, 1.0, 1),
        (1, TABLE, 1600, None, 1),  # nobody knows whether it is
        (1, {1: 1600}, 1600, 1.95, 2),  # worth a try
        (1, {1: 1600, 2: 1500}, 1600, 2.0, 1),  # tried before
    ],
)
def test_threads_follow_the_load(number, table, speed, free, chosen):
    assert Threads(((0, number),), 2, "timed", table).faster(speed, free) == chosen


def test_half_the_threads_are_taken_where_half_the_cores_are_free():
    table = {1: 100.0, 8: 700.0, 16: 1200.0}
    assert Threads(((0, 16),), 16, "timed", table).faster(150, 8.5) == 8
    assert Threads(((0, 8),), 16, "timed", table).faster(700, 15.5) == 16
    assert Threads(((0, 1),), 16, "timed", table).faster(100, 8.0) == 8


def test_a_table_of_another_machine_is_not_used():
    here = Threads(((0, 4),), 4, "timed", {}, "this one")
    stored = Threads(((0, 4), (640, 2)), 4, "timed", {1: 10.0, 2: 15.0}, "this one")
    assert here.resumed(stored.to_json(), 960) == stored
    elsewhere = replace(stored, machine="another", most=8, changes=((0, 8),))
    assert here.resumed(elsewhere.to_json(), 960) == replace(here, changes=((0, 8), (960, 4)))
    assert here.resumed(None, 960) == here


def test_a_number_that_was_asked_for_stays_on_resume():
    asked = Threads(((0, 1),), 4, "asked")
    timed = Threads(((0, 3),), 4, "timed")
    assert asked.resumed(timed.to_json(), 64).record == "3,1@64"
    resumed = timed.resumed(asked.to_json(), 64)
    assert (resumed.record, resumed.chosen) == ("1", "asked")


def test_a_record_says_which_number_computes_which_step():
    found = Threads(((0, 2),), 2, "timed").changed(96, 1).changed(192, 1).changed(256, 2)
    assert found.record == "2,1@96,2@256"
    assert [found.at(images) for images in (0, 64, 96, 255, 256, 999)] == [2, 2, 1, 1, 2, 2]
    asked = parse_config(merge(load_recipe("auto"), {"threads": found.record}))
    assert (
        resolve_speed(asked, None, CPU, api.compare_speeds, may_change=False)[1].changes
        == found.changes
    )


# runs


def run(out, steps, **more):
    """A run of some steps of 32 images, with a checkpoint after each."""
    small = merge(SMALL, {"settings": {"records": {"checkpoint_every": 32, "sheets": 1}}})
    return dcgan.train("digits", images=32 * steps, out=out, **{**small, **more})


def tensors(found, steps):
    folder = found.folder.checkpoints / f"{32 * steps:09d}"
    return {path.name: path.read_bytes() for path in folder.glob("*.safetensors")}


@pytest.fixture
def computing(monkeypatch):
    """The numbers of threads in use, step by step."""
    seen = []
    update = loop.update

    def watched(*words):
        seen.append(torch.get_num_threads())
        return update(*words)

    monkeypatch.setattr(loop, "update", watched)
    return seen


@pytest.fixture
def deciding(monkeypatch):
    """Instead of timing: after its third checkpoint a run of two threads goes on with one."""
    monkeypatch.setattr(threads_hook, "_SECONDS", 1e-9)
    asked = []

    def faster(self, speed, free):
        asked.append(self.number)
        return 1 if len(asked) >= 2 else self.number  # the first step is not timed

    monkeypatch.setattr(Threads, "faster", faster)
    return asked


def test_a_run_says_and_keeps_its_threads_and_gives_the_callers_back(
    two_threads, speeds, computing, tmp_path
):
    speeds[0]["fp32", 2] = 100
    notes = Notes()
    found = run(tmp_path / "run", 2, reporter=notes)
    assert computing == [1, 1]
    assert torch.get_num_threads() == 2
    assert yaml.safe_load(found.folder.config.read_text())["threads"] == 1
    assert any("1 of 2 threads" in line for line in notes)
    speeds[0]["fp32", 2] = 9999
    run(tmp_path / "run", 3, resume=True)
    assert computing == [1, 1, 1]
    assert len(speeds[1]) == 1  # not timed again
    run(tmp_path / "run", 4, resume=True, threads=2)
    assert computing == [1, 1, 1, 2]
    assert torch.get_num_threads() == 2


def test_the_callers_settings_come_back_when_training_fails(two_threads, tmp_path):
    with pytest.raises(ConfigError):
        run(tmp_path / "run", 2, threads=1, settings={"model": {"condition": "color"}})
    assert torch.get_num_threads() == 2


def test_a_run_that_changed_its_threads_can_be_repeated_from_its_record(
    two_threads, speeds, computing, deciding, tmp_path
):
    """The record is the event: with which number from how many images on."""
    notes = Notes()
    changed = run(tmp_path / "changed", 4, reporter=notes)
    (event,) = [event for event in changed.folder.events.read() if event["event"] == "threads"]
    assert (event["images"], event["from"], event["to"]) == (96, 2, 1)
    assert computing == [2, 2, 2, 1]
    assert any("1 instead of 2 threads from 96 images on" in line for line in notes)
    state = json.loads((changed.folder.checkpoints / "000000096" / "state.json").read_text())
    assert state["threads"]["record"] == event["record"] == "2,1@96"

    computing.clear()
    recipe = str(changed.folder.config)
    repeated = run(tmp_path / "again", 4, recipe=recipe, threads=event["record"])
    assert computing == [2, 2, 2, 1]
    for steps in (3, 4):
        assert tensors(repeated, steps) == tensors(changed, steps)
    # and in two parts, the record given once
    computing.clear()
    run(tmp_path / "parts", 2, recipe=recipe, threads=event["record"])
    parts = run(tmp_path / "parts", 4, recipe=recipe, threads=event["record"], resume=True)
    assert computing == [2, 2, 2, 1]
    assert tensors(parts, 4) == tensors(changed, 4)


def test_a_run_stopped_after_a_change_equals_an_unbroken_one(
    two_threads, speeds, computing, deciding, tmp_path
):
    unbroken = run(tmp_path / "unbroken", 5)
    deciding.clear()
    run(tmp_path / "stopped", 4)
    deciding.clear()  # the resumed one decides nothing: what it does comes from the checkpoint
    stopped = run(tmp_path / "stopped", 5, resume=True)
    assert computing[5:] == [2, 2, 2, 1, 1]
    assert tensors(stopped, 5) == tensors(unbroken, 5)


def test_threads_do_not_change_where_a_measurement_has_saved_already(
    two_threads, speeds, computing, deciding, tmp_path
):
    """That checkpoint does not know of a change, so that a resume from it would go on without."""
    metrics = {"metric": "frechet", "images": 60, "every": 768}  # first after 96 images
    changed = run(tmp_path / "run", 5, settings={"metrics": metrics})
    (event,) = [event for event in changed.folder.events.read() if event["event"] == "threads"]
    assert event["images"] == 128
    assert computing == [2, 2, 2, 2, 1]
    state = json.loads((changed.folder.checkpoints / "000000096" / "state.json").read_text())
    assert state["threads"]["record"] == "2"


def test_a_change_does_not_wait_for_a_planned_checkpoint(
    two_threads, speeds, computing, deciding, tmp_path
):
    """It saves one of its own, so that a run killed later resumes with the number it had."""
    records = {"records": {"checkpoint_every": 32 * 5}}
    found = run(tmp_path / "run", 5, settings=records)
    events = [event for event in found.folder.events.read() if event.get("images") == 96]
    assert [event["event"] for event in events] == ["checkpoint", "threads"]
    assert computing == [2, 2, 2, 1, 1]


def test_a_number_that_was_asked_for_never_changes(
    two_threads, speeds, computing, deciding, tmp_path
):
    run(tmp_path / "run", 4, threads=2)
    run(tmp_path / "run", 6, resume=True)  # nor after a resume without it
    assert computing == [2] * 6
    assert deciding == []
