"""Several processes that sample and measure, against one."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from dcgan.evaluation.evaluate_runs import evaluate

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def shared(torchrun, small_run, tmp_path_factory):
    """What three processes write, see sharing.py, with a cache that knows nothing yet."""
    out = tmp_path_factory.mktemp("shared")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DCGAN_CACHE", str(out / "cache"))
        watcher = torchrun(3, Path(__file__).with_name("sharing.py"), small_run.path, out)
        code, said = watcher.wait()
    assert code == 0, said
    return out


def test_samples_are_those_of_one_process(shared, small_run):
    with np.load(shared / "samples.npz") as file:
        np.testing.assert_array_equal(file["images"], small_run.sample(150, seed=4))


def test_every_process_measures_what_one_would_and_does_a_part_of_it(shared, small_run):
    (alone,) = evaluate([small_run], extractor="random", images=300, seed=2)
    reports = [json.loads((shared / f"{rank}.json").read_text()) for rank in range(3)]
    for report in reports:
        found = report["evaluation"]
        assert [score["metric"] for score in found["scores"]] == [
            score.metric for score in alone.scores
        ]
        values = [score["value"] for score in found["scores"]]
        assert values == pytest.approx([score.value for score in alone.scores], rel=1e-5)
        nearest = alone.copying.to_json()["nearest_distances"]
        assert found["copying"]["nearest_distances"] == pytest.approx(nearest, rel=1e-5)
    # 150 images are three passes
    assert [report["drawn"] for report in reports] == [1, 1, 1]
    looked_at = [report["looked_at"] for report in reports]
    assert max(looked_at) < 0.6 * sum(looked_at)
