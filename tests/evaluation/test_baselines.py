"""Real-image baselines are kept between runs, and computed again if one is missing."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest

from dcgan.evaluation.baselines import RealBaselines

IMAGES = SimpleNamespace(fingerprint="abc", shape=(1, 16, 16))
EXTRACTOR = SimpleNamespace(label="pixels")


@pytest.fixture
def baselines(tmp_path, monkeypatch):
    """Opens the numbers as a new process would; returns them and their file."""
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
def test_a_number_missing_from_the_cache_is_computed_again(baselines, kept):
    def compute():
        return {"frechet": 1.0, "kernel": 2.0}

    baselines()[0].of("distances", ("frechet", "kernel"), compute)
    _, path = baselines()
    path.write_text(json.dumps(kept))
    found = baselines()[0].of("distances", ("frechet", "kernel"), compute)
    assert (found["frechet"], found["kernel"]) == (1.0, 2.0)
    assert json.loads(path.read_text())["distances"] == {"frechet": 1.0, "kernel": 2.0}


def test_known_numbers_are_not_computed_again(baselines):
    baselines()[0].of("distances", ["kernel"], lambda: {"kernel": 2.0})
    again = baselines()[0].of("distances", ["kernel"], lambda: pytest.fail("computed"))
    assert again == {"kernel": 2.0}
