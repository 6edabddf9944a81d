"""A finished run to damage."""

from __future__ import annotations

import shutil

import pytest
from tests.conftest import SMALL

import dcgan


@pytest.fixture(scope="session")
def scored_run(tmp_path_factory):
    """A finished run on the digits with scores of training."""
    settings = SMALL["settings"] | {"metrics": {"images": 60, "every": 128}}
    out = tmp_path_factory.mktemp("runs") / "scored"
    return dcgan.train("digits", images=512, out=out, **SMALL | {"settings": settings})


@pytest.fixture
def run(scored_run, tmp_path):
    """A copy of a finished run, without a report."""
    copy = shutil.copytree(scored_run.path, tmp_path / "run")
    (copy / "report.html").unlink(missing_ok=True)
    return copy
