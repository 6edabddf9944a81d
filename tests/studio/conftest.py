"""The interface of a studio without a server, and commands that are noted instead of run."""

from __future__ import annotations

from unittest.mock import Mock

import pytest
from starlette.testclient import TestClient

from dcgan.studio import create_app, jobs

HOST = "127.0.0.1:8500"


@pytest.fixture
def runs(tmp_path):
    return tmp_path / "runs"


@pytest.fixture
def client(tmp_path, runs):
    app = create_app(runs, hosts={HOST}, allow=[tmp_path / "allowed"])
    (tmp_path / "allowed").mkdir()
    return TestClient(app, base_url=f"http://{HOST}", headers={"origin": f"http://{HOST}"})


@pytest.fixture
def not_started(monkeypatch):
    """Jobs wait for ever: no process is started for them."""
    monkeypatch.setattr(jobs.subprocess, "Popen", lambda *words, **more: Mock())
