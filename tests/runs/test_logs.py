"""Logs survive being cut anywhere."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dcgan.runs.logs import JsonLines, by_images


@given(cut=st.integers(0, 200))
def test_a_line_cut_by_a_crash_costs_only_itself(tmp_path_factory, cut):
    log = JsonLines(tmp_path_factory.mktemp("log") / "log.jsonl")
    for images in range(5):
        log.append({"images": images, "loss": 0.5})
    whole = log.path.read_bytes()
    log.path.write_bytes(whole[: max(0, len(whole) - cut)])
    survivors = log.read()
    log.append({"images": 99})
    assert log.read() == [*survivors, {"images": 99}]
    kept = whole[: max(0, len(whole) - cut)].count(b"}")
    assert [record["images"] for record in survivors] == list(range(kept))


def test_nothing_written_reads_as_nothing(tmp_path):
    assert JsonLines(tmp_path / "none.jsonl").read() == []


def test_steps_repeated_after_a_kill_count_once_and_the_later_line_wins():
    records = [{"images": 1, "v": "a"}, {"images": 3, "v": "b"}, {"images": 2, "v": "c"}]
    records += [{"images": 3, "v": "d"}, {"note": "no images"}]
    assert [record["v"] for record in by_images(records)] == ["a", "c", "d"]
