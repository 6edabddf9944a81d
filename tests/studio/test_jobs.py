"""Jobs: processes whose state is known after any crash, of either side."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from unittest.mock import Mock

import pytest
from filelock import FileLock
from tests.studio.serving import Server, ThreadServer, wait_for

from dcgan.runtime.files import write_json
from dcgan.studio import runner
from dcgan.studio.jobs import Jobs
from dcgan.studio.problems import Problem

LONG = {"data": "digits", "size": "16", "images": 10**7, "name": "long"}


def ended(jobs, job):
    return wait_for(
        lambda: jobs.get(job.id).state not in {"waiting", "running"} and jobs.get(job.id)
    )


def test_a_job_keeps_what_its_command_prints(tmp_path):
    jobs = Jobs(tmp_path)
    job = ended(jobs, jobs.start(["recipes"], "all"))
    assert (job.state, job.kind, job.subject) == ("done", "recipes", "all")
    assert "small-mnist" in jobs.output(job.id)


def test_a_job_that_fails_has_the_line_of_its_command(tmp_path):
    jobs = Jobs(tmp_path)
    job = ended(jobs, jobs.start(["inspect", str(tmp_path / "none")], "none"))
    assert job.state == "failed"
    assert job.line.startswith(f"dcgan: {tmp_path / 'none'}: no such file or folder")


def test_a_job_prints_in_utf_8_in_every_locale(tmp_path):
    jobs, place = Jobs(tmp_path), tmp_path / "1"
    place.mkdir()
    words = ["recipes", "Käse.yaml"]
    write_json(place / "job.json", {"words": words, "subject": "", "created": 0.0})
    with (place / "output").open("wb") as output:
        subprocess.run(
            [sys.executable, "-m", "dcgan.studio.runner", str(place)],
            env=os.environ | {"PYTHONIOENCODING": "latin-1"},
            stdout=output,
            stderr=subprocess.STDOUT,
            check=True,
        )
    assert "Käse.yaml" in jobs.get("1").line


def test_a_job_that_is_stopped_before_it_has_begun_says_so(tmp_path):
    jobs = Jobs(tmp_path)
    job = jobs.start(["train", "digits", "--out", str(tmp_path / "run")], str(tmp_path / "run"))
    wait_for(lambda: jobs.get(job.id).state == "running")
    jobs.stop(job.id)
    assert ended(jobs, job).state == "stopped"


def test_a_job_that_was_killed_is_told_from_one_that_failed(tmp_path):
    jobs = Jobs(tmp_path)
    job = jobs.start(["train", "digits", "--out", str(tmp_path / "run")], str(tmp_path / "run"))
    pid = wait_for(lambda: (tmp_path / job.id / "pid").exists() and _pid(tmp_path / job.id))
    os.kill(pid, signal.SIGKILL)
    assert ended(jobs, job).state == "killed"
    jobs.stop(job.id)  # nothing happens: its process identifier may be that of another by now


def _pid(place):
    text = (place / "pid").read_text()
    return int(text) if text else None


def test_no_more_than_three_jobs_run_at_once(tmp_path, not_started):
    jobs = Jobs(tmp_path)
    for _ in range(3):
        jobs.start(["recipes"], "")
    with pytest.raises(Problem, match="3 jobs are running") as refused:
        Jobs(tmp_path).start(["recipes"], "")  # of another server on the same folder
    assert refused.value.status == 409


def test_servers_that_share_a_folder_count_together(tmp_path, not_started):
    def start(_):
        try:
            return Jobs(tmp_path).start(["recipes"], "").state
        except Problem as problem:
            return problem.status

    with ThreadPoolExecutor(8) as pool:
        assert sorted(map(str, pool.map(start, range(8)))) == ["409"] * 5 + ["waiting"] * 3


def test_a_job_is_seen_only_once_it_is_whole(tmp_path, not_started, monkeypatch):
    def killed(path, content):
        assert path.name == "job.json" and path.with_name("output").is_file()
        raise KeyboardInterrupt

    jobs = Jobs(tmp_path)
    monkeypatch.setattr("dcgan.studio.jobs.write_json", killed)
    with pytest.raises(KeyboardInterrupt):
        jobs.start(["train"], str(tmp_path / "run"))
    assert jobs.all() == [] and jobs.of_run(tmp_path / "run") is None


@pytest.mark.parametrize(
    "stored",
    ["", "[]", "{}", '{"words": [], "subject": "", "created": 1.0}',
     '{"words": [["train"]], "created": 1.0}', '{"words": ["train"], "created": "now"}'],
)  # fmt: skip
def test_a_damaged_job_is_not_shown(tmp_path, not_started, stored):
    jobs = Jobs(tmp_path)
    (tmp_path / "1").mkdir()
    (tmp_path / "1" / "job.json").write_text(stored)
    job = jobs.start(["train", "digits"], str(tmp_path / "run"))
    assert [one.id for one in jobs.all()] == [job.id]
    assert jobs.of_run(tmp_path / "run").id == job.id
    with pytest.raises(Problem):
        jobs.get("1")


@pytest.mark.parametrize("result", ["", '{"code": ', "{}", '{"code": "0"}', '{"code": [0]}'])
def test_a_job_with_a_damaged_result_has_failed(tmp_path, not_started, result):
    jobs = Jobs(tmp_path)
    job = jobs.start(["recipes"], "")
    (tmp_path / job.id / "result.json").write_text(result)
    assert jobs.get(job.id).state == "failed"


def test_a_job_without_output_has_no_line(tmp_path, not_started):
    jobs = Jobs(tmp_path)
    job = jobs.start(["recipes"], "")
    (tmp_path / job.id / "output").unlink()
    assert jobs.all()[0].line == "" and jobs.output(job.id) == "" and jobs.result(job.id) is None


def test_a_job_of_which_only_the_lock_is_there_is_starting(tmp_path, not_started):
    jobs = Jobs(tmp_path)
    job = jobs.start(["recipes"], "")
    with FileLock(tmp_path / job.id / ".lock"):
        with pytest.raises(Problem, match="is starting"):
            jobs.stop(job.id)
        (tmp_path / job.id / "pid").touch()  # its process writes into it next
        with pytest.raises(Problem, match="is starting"):
            jobs.stop(job.id)


def test_a_job_that_never_begins_ends(tmp_path, not_started, monkeypatch):
    jobs = Jobs(tmp_path)
    job = jobs.start(["recipes"], "")
    assert job.state == "waiting"
    with pytest.raises(Problem, match="is starting"):
        jobs.stop(job.id)
    monkeypatch.setattr("dcgan.studio.jobs._STARTING", 0.0)
    assert jobs.get(job.id).state == "killed"


def test_the_state_is_that_of_the_lock(tmp_path, not_started):
    jobs = Jobs(tmp_path)
    job = jobs.start(["recipes"], "")
    with FileLock(tmp_path / job.id / ".lock"):
        assert jobs.get(job.id).state == "running"
    (tmp_path / job.id / "result.json").write_text('{"code": 2}')
    assert jobs.get(job.id).state == "failed"


def test_the_newest_job_of_a_run_is_found_before_its_folder_is_there(tmp_path, not_started):
    from dcgan.studio.library import identifier

    jobs, run = Jobs(tmp_path / "jobs"), tmp_path / "runs" / "new"
    jobs.start(["inspect", "digits"], str(run))
    assert jobs.of_run(run) is None, "an inspection makes no run"
    jobs.start(["train", "digits"], str(run))
    newest = jobs.start(["train", "digits"], str(run))
    assert jobs.of_run(run).id == newest.id
    (tmp_path / "jobs" / newest.id / "result.json").write_text('{"code": 1}')
    running = jobs.of_run(run)
    assert running.state == "waiting", "rather than the newest"
    assert jobs.run_folders() == {run}
    (tmp_path / "jobs" / running.id / "result.json").write_text('{"code": 0}')
    assert jobs.of_run(run).id == newest.id
    assert jobs.run_folders() == set()
    assert jobs.run_folder(identifier(run)) == run
    assert jobs.run_folder("0" * 16) is None


def test_a_result_longer_than_the_shown_output_is_read(tmp_path, not_started):
    jobs = Jobs(tmp_path)
    job = jobs.start(["inspect", "digits", "--json"], "digits")
    names = ",".join(f'"image-{number}"' for number in range(5_000))
    (tmp_path / job.id / "output").write_text(f'a note\n{{"tiny": [{names}]}}\n')
    assert len(jobs.result(job.id)["tiny"]) == 5_000
    (tmp_path / job.id / "output").write_text("a note\n")
    assert jobs.result(job.id) is None


def test_old_jobs_are_forgotten(tmp_path, not_started, monkeypatch):
    monkeypatch.setattr("dcgan.studio.jobs._KEPT", 2)
    jobs = Jobs(tmp_path)
    for _ in range(5):
        job = jobs.start(["recipes"], "")
        (tmp_path / job.id / "result.json").write_text('{"code": 0}')
    assert len(jobs.all()) == 3  # the newest, and those kept when it was started
    assert jobs.all()[0].id == job.id


@pytest.mark.parametrize("name", ["", ".", "..", "../jobs", "1/..", "²", "0"])
def test_no_path_leads_out_of_the_jobs(tmp_path, name):
    with pytest.raises(Problem):
        Jobs(tmp_path / "jobs").output(name)


@pytest.mark.slow
def test_a_training_outlives_the_server_and_is_stopped_from_the_next_one(tmp_path):
    server = Server(tmp_path).start()
    try:
        run = server.post("/train", LONG)["run"]
        wait_for(lambda: _state(server, run) == "training")
        server.kill()
        with ThreadServer(tmp_path) as following, ThreadServer(tmp_path) as other:
            assert _state(following, run) == _state(other, run) == "training"
            following.post(f"/runs/{run}/stop")
            wait_for(lambda: _state(other, run) == "ended")
            job = wait_for(lambda: _of_run(following, "stopped"))
            assert job["subject"] == str(server.runs / "long")
            assert following.get(f"/runs/{run}")["checkpoints"]
    finally:
        server.kill()
        server.stop_jobs()


def _state(server, run):
    return {card["id"]: card["state"] for card in server.get("/home")["runs"]}.get(run)


def _of_run(server, state):
    return next((job for job in server.get("/home")["jobs"] if job["state"] == state), None)


def test_on_windows_a_file_asks_a_job_to_stop(tmp_path, not_started, monkeypatch):
    """There, every signal of another process ends a process before it can save."""
    jobs = Jobs(tmp_path)
    job = jobs.start(["train", "digits"], str(tmp_path / "run"))
    place = tmp_path / job.id
    (place / "pid").write_text(str(os.getpid()))
    monkeypatch.setattr("dcgan.studio.jobs.is_locked", lambda _: True)
    monkeypatch.setattr("os.kill", pytest.fail)
    with monkeypatch.context() as windows:
        windows.setattr("os.name", "nt")
        jobs.stop(job.id)
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            runner.wait_for_stop(place)
    finally:
        signal.signal(signal.SIGTERM, before)


def test_on_windows_a_job_has_a_console_of_its_own(tmp_path, not_started, monkeypatch):
    """Else Ctrl-C at the server, or closing its window, would end it."""
    popen = Mock()
    monkeypatch.setattr("subprocess.Popen", popen)
    monkeypatch.setattr("subprocess.CREATE_NO_WINDOW", 0x08000000, raising=False)
    Jobs(tmp_path).start(["recipes"], "")
    assert popen.call_args.kwargs["creationflags"] == 0x08000000
    assert popen.call_args.kwargs["start_new_session"]
