"""Labs in the studio: the list with verdicts, a start, and the page of a lab."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import dcgan


@pytest.fixture
def tested(runs):
    """A lab that has been run."""
    folder = runs / "labs" / "dropout"
    folder.mkdir(parents=True)
    verdict = {"verdict": "does not hold", "budget": "20,000 images, 3 seeds", "p_value": 1.0}
    (folder / "verdict.json").write_text(json.dumps(verdict))
    (folder / "lab.html").write_text("<h1>dropout</h1><script>alert(1)</script>")


def test_all_labs_are_listed_with_their_verdicts(client, tested):
    labs = {lab["name"]: lab for lab in client.get("/api/labs").json()}
    assert set(labs) == set(dcgan.list_labs())
    found, other = labs["dropout"], labs["filters"]
    assert (found["own"]["verdict"], found["has_page"]) == ("does not hold", True)
    assert found["own"]["budget"] == "20,000 images, 3 seeds"
    assert (other["own"], other["has_page"]) == (None, False)
    assert other["published"]["verdict"] and other["subject"] == "Networks"
    assert list(other["terms"]) == ["filter"]


def test_a_page_of_a_lab_runs_no_script(client, tested):
    answer = client.get("/api/labs/dropout/page")
    assert answer.text.startswith("<h1>")
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy and "sandbox" in policy
    assert "script-src" not in policy and "allow-scripts" not in policy


@pytest.mark.parametrize("name", ["filters", "no-such-lab", "..", "..%2F..%2Fsecret"])
def test_a_page_that_is_not_there(client, tested, runs, name):
    (runs / "secret").mkdir()
    (runs / "secret" / "lab.html").write_text("secret")
    answer = client.get(f"/api/labs/{name}/page")
    assert answer.status_code == 404 and "secret" not in answer.text


def test_a_link_in_a_copied_lab_is_not_followed(client, tested, runs, tmp_path):
    (tmp_path / "secret.html").write_text("secret")
    (runs / "labs" / "dropout" / "lab.html").unlink()
    (runs / "labs" / "dropout" / "lab.html").symlink_to(tmp_path / "secret.html")
    answer = client.get("/api/labs/dropout/page")
    assert answer.status_code == 404 and "secret" not in answer.text


def test_a_lab_is_started_once(client, runs, not_started):
    job = client.post("/api/labs/dropout").json()
    assert (job["kind"], job["subject"]) == ("lab", "dropout")
    labs = {lab["name"]: lab for lab in client.get("/api/labs").json()}
    assert labs["dropout"]["job"]["id"] == job["id"] and labs["filters"]["job"] is None
    again = client.post("/api/labs/dropout")
    assert (again.status_code, "already" in again.json()["problem"]) == (409, True)
    assert client.post("/api/labs/no-such-lab").status_code == 404


@pytest.mark.parametrize("name", ["labs", "Labs"])
def test_a_run_has_another_folder_than_the_labs(client, not_started, name):
    asked = {"data": "digits", "size": "16", "images": 64, "name": name}
    job = client.post("/api/train", json=asked).json()
    assert Path(job["subject"]).name == f"{name}-2"
