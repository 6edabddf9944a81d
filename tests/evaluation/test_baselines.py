"""Numbers of real images are kept between runs, and taken again where a version kept fewer."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest

from dcgan.evaluation.baselines import RealBaselines

IMAGES = SimpleNamespace(fingerprint="abc", shape=(1, 16, 16))
EXTRACTOR = SimpleNamespace(label="pixels")


@pytest.fixture
def baselines(tmp_path, monkeypatch):
    """Opens the numbers as a new process would; gives them and the file they are kept in."""
    monkeypatch.setenv("DCGAN_CACHE", str(tmp_path))

    def opened():
        found = RealBaselines(IMAGES, EXTRACTOR, 50)
        kept = list((tmp_path / "features").glob("*.json"))
        return found, kept[0] if kept else None

    return opened


@pytest.mark.parametrize(
    "kept",
    [
        {"distances": {"frechet": 1.0}},
        {"distances": {}},
        {"distances": {"frechet": 1.0, "kernel": "text"}},
        {"distances": {"frechet": 1.0, "kernel": None}},
        {"distances": 3},
        {"distances": [1.0]},
        {},
        [],
    ],
)
def test_a_number_missing_from_the_cache_is_taken_again(baselines, kept):
    def take():
        return {"frechet": 1.0, "kernel": 2.0}

    baselines()[0].of("distances", take)
    _, path = baselines()
    path.write_text(json.dumps(kept))
    found = baselines()[0].of("distances", take)
    assert (found["frechet"], found["kernel"]) == (1.0, 2.0)
    assert json.loads(path.read_text())["distances"] == {"frechet": 1.0, "kernel": 2.0}


def test_numbers_that_are_whole_are_not_taken_again(baselines):
    baselines()[0].of("distances", lambda: {"kernel": 2.0})
    assert baselines()[0].of("distances", lambda: pytest.fail("taken"))["kernel"] == 2.0
