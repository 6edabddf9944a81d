"""A finished run to damage."""

from __future__ import annotations

import shutil

import pytest


@pytest.fixture
def run(scored_run, tmp_path):
    """A copy of a finished run, without a report."""
    copy = shutil.copytree(scored_run.path, tmp_path / "run")
    (copy / "report.html").unlink(missing_ok=True)
    return copy
