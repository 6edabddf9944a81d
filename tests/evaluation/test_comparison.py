"""Runs side by side."""

from __future__ import annotations

import json
import shutil
from statistics import stdev

import numpy as np
import pytest
from tests.conftest import SMALL, Notes

import dcgan
from dcgan.errors import ConfigError
from dcgan.evaluation.comparison import compare, draw_comparison
from dcgan.runs.settings import differences


@pytest.fixture(scope="module")
def pair(small_run, tmp_path_factory):
    settings = SMALL["settings"] | {"optim": {"generator": {"lr": 0.01}}}
    out = tmp_path_factory.mktemp("runs") / "other"
    other = dcgan.train("digits", images=512, out=out, seed=5, **SMALL | {"settings": settings})
    return small_run, other


@pytest.fixture(scope="module")
def found(pair):
    return compare(pair, images=100, repeats=3, extractor="random")


def test_what_was_set_differently_is_named(found):
    assert found.differences == {"optim.generator.lr": (2e-3, 0.01), "seed": (0, 5)}


def test_spreads_are_over_draws_of_latents(found, pair):
    for compared, run in zip(found.runs, pair, strict=True):
        values = [
            run.evaluate(extractor="random", images=100, seed=seed)["frechet_distance"].value
            for seed in range(3)
        ]
        spread = compared.spreads[0]
        assert spread.metric == "frechet_distance"
        assert spread.mean == pytest.approx(np.mean(values), rel=1e-5)
        assert spread.deviation == pytest.approx(stdev(values), rel=1e-3)
        assert spread.baseline is not None
    assert "3 sets of 100 generated images" in found.protocol
    assert "random:" in found.protocol


def test_the_same_latents_are_drawn(found, pair):
    for compared, run in zip(found.runs, pair, strict=True):
        assert np.array_equal(compared.samples, run.sample(16, seed=0))


def test_it_can_be_stored_and_drawn(found, tmp_path):
    content = json.loads(json.dumps(found.to_json()))
    assert [run["images_seen"] for run in content["runs"]] == [512, 512]
    draw_comparison(found, tmp_path / "page.png")
    assert (tmp_path / "page.png").read_bytes().startswith(b"\x89PNG")


def test_scores_are_optional(pair):
    found = compare(pair, images=0)
    assert all(run.spreads == () for run in found.runs)
    assert found.protocol == "no scores were computed"


def test_runs_of_other_shapes_are_compared_without_numbers(pair, tmp_path):
    wide = dcgan.train("digits", images=256, out=tmp_path / "wide", **SMALL | {"size": "16x20"})
    found = compare([pair[0], wide], images=100, extractor="random")
    assert "different shapes" in found.protocol
    assert found.runs[1].samples.shape == (16, 1, 16, 20)
    draw_comparison(found, tmp_path / "page.png")


def damaged_log(run, folder, change):
    """A copy of a run, with its log changed."""
    copy = shutil.copytree(run.path, folder / "copy")
    (copy / "log.jsonl").write_bytes(change((copy / "log.jsonl").read_bytes()))
    return dcgan.open_run(copy)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (
            lambda log: b"".join(log.splitlines(keepends=True)[:5]),
            "no line after 160 of 512 images",
        ),
        (lambda _: b"", "no line after 0 of 512 images"),
        (
            # in the middle of a line, however long those before it are
            lambda log: log[: log.index(b'"loss_d"', len(log) // 2)],
            "1 damaged line, and truncated",
        ),
        (lambda log: log.replace(b'"loss_d"', b'"loss', 1), "1 damaged line."),
        (lambda log: b"[3]\n" + log + b"{}7\n", "2 damaged lines."),
    ],
)
def test_a_log_that_is_truncated_or_damaged_is_said_in_one_line(pair, tmp_path, change, problem):
    notes = Notes()
    found = compare([pair[0], damaged_log(pair[1], tmp_path, change)], images=0, reporter=notes)
    (note,) = notes
    assert str(tmp_path / "copy" / "log.jsonl") in note
    assert problem in note
    draw_comparison(found, tmp_path / "page.png")


def test_a_whole_log_needs_no_words(pair, tmp_path):
    """Nor does a line that a crash cut short, when the run went on and wrote it again."""
    notes = Notes()
    crashed = lambda log: b'{"images": 6\n{"goes_on_from": 0}\n' + log  # noqa: E731
    compare([pair[0], damaged_log(pair[1], tmp_path, crashed)], images=0, reporter=notes)
    assert notes == []


def test_names_tell_runs_apart(found):
    assert len({run.name for run in found.runs}) == 2


@pytest.mark.parametrize(("runs", "repeats", "key"), [(1, 3, "runs"), (2, 1, "repeats")])
def test_too_few_are_refused(pair, runs, repeats, key):
    with pytest.raises(ConfigError) as caught:
        compare(pair[:runs], repeats=repeats, images=100)
    assert caught.value.key == key


def test_one_run_is_not_compared_with_itself(pair):
    again = dcgan.open_run(pair[0].path)
    with pytest.raises(ConfigError, match="given twice"):
        compare([pair[0], again], images=100)


def test_settings_that_are_ignored_are_no_differences():
    a = {"records": {"keep": 1}, "data": {"cache": "off", "size": "16x16"}, "device": "cpu"}
    b = {"records": {"keep": 2}, "data": {"cache": "run", "size": "32x32"}, "device": "auto"}
    ignored = ("records", "device", "data.cache")
    assert differences([a, b], ignore=ignored) == {"data.size": ("16x16", "32x32")}
    assert differences([{"x": 1}, {}]) == {"x": (1, None)}
