"""The score of training states its baseline, and for a kernel distance its error."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from dcgan.metrics.distance import DistanceToReal
from dcgan.metrics.kernel import chance_error
from dcgan.runs.folder import RunFolder
from dcgan.runs.health import history_of
from dcgan.runs.scores import Measured


class Given:
    """An extractor whose images are features already."""

    label = "given"

    def __call__(self, features):
        return SimpleNamespace(values=features)


@pytest.mark.parametrize("metric", ["kernel", "frechet"])
def test_only_a_kernel_distance_has_an_error_and_the_health_of_a_run_knows_it(tmp_path, metric):
    real, others, made = np.random.default_rng(0).standard_normal((3, 50, 4))
    distance = DistanceToReal(metric, Given(), real, others, split="", seed=0)
    score = distance.score(made)
    assert score.error == (chance_error(real, others) if metric == "kernel" else None)
    folder = RunFolder(tmp_path)
    folder.scores.append(Measured(64, score).to_json())
    (line,) = history_of(folder).scores
    assert line.error == (score.error or 0.0)
