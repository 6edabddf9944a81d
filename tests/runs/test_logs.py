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


def test_lines_of_a_future_that_did_not_happen_are_passed_over():
    records = [{"images": n, "v": "first"} for n in (1, 2, 3, 4)]
    records += [{"goes_on_from": 2}, {"images": 3, "v": "second"}, {"note": "no images"}]
    found = [(record["images"], record["v"]) for record in by_images(records)]
    assert found == [(1, "first"), (2, "first"), (3, "second")]
