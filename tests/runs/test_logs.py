"""Logs survive being cut anywhere."""

from __future__ import annotations

import json
from math import inf, nan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dcgan.health.history import History
from dcgan.render.lines import svg_chart
from dcgan.report.charts import gradient_charts
from dcgan.runs.expectation import expectation_of
from dcgan.runs.folder import RunFolder
from dcgan.runs.health import diagnosis_of
from dcgan.runs.logs import JsonLines, by_images, of_training
from dcgan.studio.answers import plain
from dcgan.studio.curves import curves_of


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


def test_a_gradient_that_is_not_finite_is_valid_json_and_every_reader_takes_it(tmp_path):
    folder = RunFolder(tmp_path)
    for number, value in enumerate((0.5, inf, nan, 0.25)):
        gradients = {"1 conv": value, "2 linear": 1.0}
        line = {"images": 64 * number, "seconds": 1.0 + number, "loss_d": 1.0, "loss_g": 2.0}
        folder.log.append(line | dict.fromkeys(("gradient_mean", "gradient_max"), gradients))

    for line in folder.log.path.read_text().splitlines():
        json.loads(line, parse_constant=pytest.fail)  # NaN and Infinity are no JSON
    records = of_training(folder.log.read())
    assert [record["images"] for record in records] == [0, 64, 128, 192]
    conv = [record["gradient_mean"]["1 conv"] for record in records]
    np.testing.assert_equal(conv, [0.5, nan, nan, 0.25])

    assert History(records).layers("gradient_max")["1 conv"].images.tolist() == [0, 192]
    assert plain(curves_of(tmp_path))["gradient_mean 1 conv"] == [0.5, None, None, 0.25]
    assert all(svg_chart(chart) for chart in gradient_charts(records))
    assert not any(diagnosis_of(folder).findings)


def test_lines_of_earlier_versions_with_nan_are_read(tmp_path):
    log = JsonLines(tmp_path / "log.jsonl")
    layers = '{"1 conv": NaN, "2 linear": Infinity}'
    log.path.write_text(
        f'{{"images": 64, "seconds": 1.0, "gradient_mean": {layers}, "gradient_max": {layers}}}\n'
    )
    assert [record["images"] for record in of_training(log.read())] == [64]


def test_events_that_lack_what_their_kind_requires_are_left_out(tmp_path):
    folder = RunFolder(tmp_path)
    whole = [
        {"event": "diverged", "images": 64, "what": "loss_d not finite"},
        {"event": "unlike-classes", "said": "the classes may say nothing."},
        {"event": "expectation", "minutes": 5, "expected": 640},
    ]
    damaged = [
        *({"event": event["event"]} for event in whole),
        {"event": "diverged", "images": "64"},
        {"event": "unlike-classes", "said": None},
        {"event": "expectation", "minutes": 5, "expected": "many"},
        {"event": ["diverged"], "images": 64},
    ]
    for event in damaged:
        folder.events.append(event)
    assert not diagnosis_of(folder).findings
    assert expectation_of(folder, 5) == {}

    for event in [*whole, *damaged]:
        folder.events.append(event)
    found = {finding.id: finding.since for finding in diagnosis_of(folder).findings}
    assert found == {"diverged": 64, "unlike-classes": 0}
    assert expectation_of(folder, 5)["expected"] == 640
