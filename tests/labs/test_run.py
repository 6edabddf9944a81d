"""A real lab, from its file to its verdict: interrupted, resumed, refused, diverged."""

from __future__ import annotations

import json
import re
import shutil
import signal
import time
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import replace
from threading import Event

import pytest
import yaml
from filelock import FileLock
from tests.conftest import Notes
from tests.processes import Program

import dcgan
from dcgan.errors import ConfigError, Diverged, RunConflict, RunError
from dcgan.labs import executors
from dcgan.labs.executors import open_executor
from dcgan.labs.jobs import Job, run_job
from dcgan.labs.laboratory import _Bar
from dcgan.labs.loading import load_claim
from dcgan.labs.measures import MEASURES
from dcgan.labs.plan import Plan, write_plan
from dcgan.labs.result import judged
from dcgan.labs.scoring import open_usable
from dcgan.runs.folder import RunFolder
from dcgan.runtime.reporting import SILENT


def numbers(path):
    """A verdict without date and paths."""
    text = json.loads(path.read_text())
    for arm in text["arms"]:
        arm.pop("runs")
    return {key: text[key] for key in text if key not in ("about", "page")}


def forget(folder, name):
    """As if a run had not been trained yet."""
    shutil.rmtree(folder / name)
    (folder / "jobs" / f"{name}.json").unlink()
    (folder / "scores" / f"{name}.json").unlink()


def test_the_verdict_rests_on_all_runs(finished):
    assert [len(arm.scores) for arm in finished.arms] == [2, 2]
    stored = json.loads(finished.path.read_text())
    assert stored["verdict"] == finished.verdict
    (one,) = stored["expectations"]
    assert one["interval"]["low"] < one["estimate"] < one["interval"]["high"]
    assert one["interval"]["method"] == "Student t"
    assert stored["smallest_difference"] == 1.15
    assert "interval" in stored["sentence"]
    assert all(dcgan.open_run(run).images_seen in range(1, 1025) for run in finished.arms[0].runs)


def test_nothing_is_trained_twice(copied):
    file, folder = copied
    before = {path: path.stat().st_mtime_ns for path in folder.glob("*-?/checkpoints/*/*")}
    before |= {path: path.stat().st_mtime_ns for path in folder.glob("scores/*")}
    dcgan.run_lab(file, out=folder, reporter=SILENT)
    assert before == {path: path.stat().st_mtime_ns for path in before}


def test_more_seeds_keep_the_runs(copied, trained_here):
    file, folder = copied
    kept = (folder / "wide-0" / "run.json").read_bytes()
    found = dcgan.run_lab(file, out=folder, seeds=3, reporter=SILENT)
    assert [len(arm.scores) for arm in found.arms] == [3, 3]
    assert (folder / "wide-0" / "run.json").read_bytes() == kept


@pytest.mark.slow
def test_stopped_and_started_again_the_verdict_is_the_same(finished, copied, trained_here):
    file, folder = copied
    forget(folder, "wide-1")
    program = Program("-m", "dcgan", "lab", file, "--out", folder, "--jobs", 1)
    log, deadline = RunFolder(folder / "wide-1").log, time.monotonic() + 120
    while len(log.read()) < 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    program.send(signal.SIGTERM)
    code, said = program.wait()
    # on a fast machine the run may end just before the signal
    assert code in (0, 3), said
    if code == 3:
        assert "stopping: the runs save their state" in said
        assert "stopped by SIGTERM: 3 of 4 runs finished, the others are saved" in said
    dcgan.run_lab(file, out=folder, reporter=SILENT)
    assert numbers(folder / "verdict.json") == numbers(finished.path)


def test_a_run_that_a_killed_lab_left_is_waited_for(tmp_path):
    job = Job("wide", 0, tmp_path / "wide.yaml", tmp_path)
    job.run.mkdir()
    stopped = Event()
    with FileLock(job.run / ".lock"), ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(run_job, job, stopped)
        assert wait([waiting], timeout=0.5).not_done
        stopped.set()
        assert waiting.result(timeout=10).ending == "interrupted"
    assert not job.log.exists()


def test_other_settings_need_another_folder(content, copied, written):
    _, folder = copied
    other = {**content, "settings": {**content["settings"], "optim": {"batch": 8}}}
    with pytest.raises(RunConflict, match=r"optim\.batch: 16 there, 8 here"):
        dcgan.run_lab(written(other), out=folder, reporter=SILENT)
    with pytest.raises(RunConflict, match=r"length\.images: 1024 there, 2048 here"):
        dcgan.run_lab(written(content), out=folder, budget="full", reporter=SILENT)


def test_a_plan_is_known_again_although_json_has_no_tuples(content, written, tmp_path, monkeypatch):
    recipe = {"optim": {"discriminator": {"betas": (0.5, 0.9)}}}
    monkeypatch.setattr(Plan, "settings", lambda self: {"wide": recipe})
    claim = load_claim(written(content))
    plan = Plan(claim, "quick", claim.budget.quick, claim.data, None, "cpu", tmp_path / "lab")
    monkeypatch.setattr("dcgan.labs.plan.yaml.safe_dump", lambda *_, **__: "")
    write_plan(plan)
    write_plan(plan)  # would refuse other settings


class Ticks(Notes):
    """What the bar of a lab is told: its length, then how far it is."""

    def __init__(self):
        super().__init__()
        self.told = []

    def begin(self, images_seen, images, minutes):
        self.told.append((images_seen, images, minutes))

    def tick(self, images_seen, seconds):
        self.told.append((images_seen, round(seconds, 1)))


@pytest.mark.parametrize("unit", ["images", "seconds"])
def test_progress_is_that_of_all_runs(content, written, tmp_path, unit):
    """Two runs of 50 images or seconds, both at once: one is over, one has seen 30 in 20 s."""
    budget = {"quick": {unit: 50, "seeds": 2}, "full": {unit: 100, "seeds": 2}}
    claim = load_claim(written({**content, "budget": budget}))
    plan = Plan(claim, "quick", claim.budget.quick, claim.data, None, "cpu", tmp_path / "lab")
    jobs = plan.jobs()[:2]
    for job, images, seconds in zip(jobs, (48, 30), (49.0, 20.0), strict=True):
        job.run.mkdir(parents=True)
        numbers = dict.fromkeys(("loss_d", "score_real", "score_fake_before"), 0.5)
        RunFolder(job.run).log.append({"images": images, "seconds": seconds, **numbers})
    ticks = Ticks()
    bar = _Bar(plan, jobs, ticks, 2)
    bar.show({jobs[0].name})
    length, far = ticks.told
    if unit == "images":
        assert length == (78, 100, None)
        assert far[0] == 80
    else:
        assert length == (78, None, 50 / 60)
        assert far == (78, 35.0)


def test_each_end_of_a_run_is_told(copied, trained_here):
    file, folder = copied
    forget(folder, "wide-1")
    notes = Notes()
    dcgan.run_lab(file, out=folder, reporter=notes)
    assert f"4 runs in {folder}; 3 are finished" in notes
    assert "4 of 4 runs finished: wide-1" in notes


def test_a_folder_of_something_else_is_kept(content, written, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear")
    with pytest.raises(RunError, match="holds other files and no lab"):
        dcgan.run_lab(written(content), out=tmp_path / "mine", reporter=SILENT)


def test_a_missing_dataset_is_replaced_and_named(content, written, trained_here, images, tmp_path):
    brief = content["budget"] | {"quick": {"images": 16, "seeds": 2}}
    lab = {**content, "data": "nowhere.zip", "fallback": str(images), "budget": brief}
    notes = Notes()
    found = dcgan.run_lab(written(lab), out=tmp_path / "lab", reporter=notes)
    assert found.note == f"The dataset nowhere.zip was not found, so {images} was used."
    assert found.note in notes
    assert found.note in found.page.read_text()


def test_a_dataset_below_the_root(content, images):
    from dcgan.labs.loading import _parsed
    from dcgan.labs.plan import choose_data

    claim = _parsed("x", "x.yaml", {**content, "data": images.name})
    assert choose_data(claim, images.parent, SILENT) == (str(images), "")


def test_a_run_that_diverges_counts(content, written, tmp_path):
    """With such a rate no checkpoint is sound: the run counts with its untrained generator."""
    rate = {"batch": 16, "discriminator": {"lr": 1e30, "algorithm": "sgd"}}
    lab = {**content, "settings": {**content["settings"], "optim": rate}}
    claim = load_claim(written(lab))
    recipe = tmp_path / "wide.yaml"
    recipe.write_text(yaml.safe_dump(claim.settings_of("wide", claim.budget.quick)))
    with pytest.raises(Diverged):
        dcgan.train(recipe=recipe, seed=3, out=tmp_path / "run", reporter=SILENT)
    opened = open_usable(tmp_path / "run", "best", "cpu")
    assert opened.images_seen == 0
    assert opened.sample(2).std() > 0


def test_nothing_is_left_out(content, written, trained_here, tmp_path):
    rate = {"discriminator": {"lr": 1e30, "algorithm": "sgd"}}
    lab = {**content, "arms": {**content["arms"], "narrow": {"settings": {"optim": rate}}}}
    found = dcgan.run_lab(written(lab), out=tmp_path / "lab", reporter=SILENT)
    sane, diverging = found.arms
    assert (sane.diverged, sane.failed) == (0, 0)
    assert (diverging.diverged, diverging.failed) == (2, 2)
    assert diverging.findings["diverged"] == 2
    assert len(diverging.scores) == 2 and min(diverging.scores) > max(sane.scores)
    assert "diverged in 2" in found.page.read_text()


def test_trained_against_untrained_holds(content, written, trained_here, tmp_path):
    lab = {
        **content,
        "claim": "A trained generator is better than one after a single step.",
        "arms": {"trained": {"images": 2048}, "untrained": {"images": 16, "checkpoint": "last"}},
        "expected": [{"arm": "trained", "is": "better", "than": "untrained"}],
    }
    found = dcgan.run_lab(written(lab), out=tmp_path / "lab", seeds=3, reporter=SILENT)
    assert found.verdict == "holds"
    assert found.sentence.startswith("Holds: the Fréchet distance of “untrained” is ")


def test_two_equal_arms_do_not_differ(content, finished):
    """With equal seeds and settings, runs are the same: there is no difference to see."""
    claim = finished.claim
    arm = finished.arms[0]
    (one,) = judged(claim, [arm, replace(arm, key="narrow")])
    assert one.judgement.verdict == "does not hold"
    assert one.judgement.estimate == 0 and one.probability == 0.5
    assert " is as large as that of " in one.numbers(MEASURES["fd"])


def test_a_run_that_fails_is_named(content, written, tmp_path, monkeypatch):
    from dcgan.labs import executors
    from dcgan.labs.jobs import Outcome

    monkeypatch.setattr(executors, "run_job", lambda *_: Outcome("failed", "dcgan: no room"))
    with pytest.raises(
        RunError, match=r"run wide-0 failed: no room\. Its output is in .*wide-0\.log"
    ):
        dcgan.run_lab(written(content), out=tmp_path / "lab", reporter=SILENT)


@pytest.mark.parametrize(
    ("named", "said"),
    [
        ({"budget": "large"}, "use quick or full"),
        ({"seeds": 1}, "use at least 2"),
        ({"jobs": 0}, "use 1 or more"),
        ({"executor": "slurmm"}, "did you mean 'slurm'?"),
        ({"device": "tpu"}, "tpu"),
    ],
)
def test_wrong_arguments_change_nothing(content, written, tmp_path, named, said):
    with pytest.raises(ConfigError, match=re.escape(said)):
        dcgan.run_lab(written(content), out=tmp_path / "lab", reporter=SILENT, **named)
    assert not (tmp_path / "lab").exists()


def test_a_missing_extra_is_named(content, written, tmp_path, monkeypatch):
    monkeypatch.setattr("dcgan.labs.executors.find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r'pip install "dcgan\[ray\]"'):
        dcgan.run_lab(written(content), out=tmp_path / "lab", executor="ray", reporter=SILENT)


@pytest.mark.slow
def test_a_slurm_array_gives_the_same_verdict(finished, copied):
    """Without SLURM, submitit starts processes of this machine."""
    pytest.importorskip("submitit", reason="needs the extra slurm")
    file, folder = copied
    forget(folder, "wide-1")
    dcgan.run_lab(file, out=folder, jobs=1, executor="slurm", reporter=SILENT)
    assert numbers(folder / "verdict.json") == numbers(finished.path)


ON_TWO_NODES = """
import os
from dcgan.cli.main import main
from ray.cluster_utils import Cluster

os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
os.environ["RAY_worker_niceness"] = "0"
head = {"num_cpus": 1, "include_dashboard": False, "include_log_monitor": False, "no_monitor": True}
cluster = Cluster(True, head_node_args=head)
cluster.add_node(num_cpus=1)
os.environ["RAY_ADDRESS"] = cluster.address
try:
    main()
finally:
    cluster.shutdown()
"""
"""A command beside a Ray cluster of two nodes of one core each, with processes of this machine, as
few as possible and none that waits until no other program wants a core."""


@pytest.mark.slow
def test_a_ray_cluster_gives_the_same_verdict(finished, copied):
    pytest.importorskip("ray", reason="needs the extra ray")
    file, folder = copied
    for name in ("wide-1", "narrow-1"):
        forget(folder, name)
    words = ["lab", file, "--out", folder, "--executor", "ray"]
    code, said = Program("-c", ON_TWO_NODES, *words).wait()
    assert code == 0, said
    assert numbers(folder / "verdict.json") == numbers(finished.path)


@pytest.mark.parametrize(("device", "jobs"), [("cpu", 3), ("cuda", 1), ("cuda:1", 1), ("mps", 1)])
def test_runs_share_the_cores_but_not_a_gpu(tmp_path, monkeypatch, device, jobs):
    found = []
    monkeypatch.setattr(executors, "cores", lambda: 3)
    monkeypatch.setattr(executors, "LocalExecutor", found.append)
    open_executor("local", None, tmp_path, device=device)
    open_executor("local", 2, tmp_path, device=device)
    assert found == [jobs, 2]


class Running:
    """A process that runs until it gets a signal."""

    def __init__(self, words, **options):
        self.options, self.signals, self.returncode = options, [], None

    def poll(self):
        return self.returncode

    def send_signal(self, number):
        self.signals.append(number)
        self.returncode = 3

    def wait(self, timeout):
        return self.returncode


def test_on_windows_a_run_is_asked_by_ctrl_break_to_save(tmp_path, monkeypatch):
    """There, SIGTERM ends a process before it can save, and Ctrl-C goes to the lab alone only if
    the run is in a group of its own."""
    started = []
    monkeypatch.setattr(
        "subprocess.Popen",
        lambda *words, **more: started.append(Running(*words, **more)) or started[0],
    )
    monkeypatch.setattr("subprocess.CREATE_NEW_PROCESS_GROUP", 0x200, raising=False)
    monkeypatch.setattr("dcgan.labs.jobs._SAVE_AND_END", 1)  # CTRL_BREAK_EVENT
    stopped = Event()
    with ThreadPoolExecutor(1) as pool:
        outcome = pool.submit(run_job, Job("wide", 0, tmp_path / "wide.yaml", tmp_path), stopped)
        while not started:
            time.sleep(0.01)
        stopped.set()
        assert outcome.result(timeout=10).ending == "interrupted"
    assert started[0].signals == [1]
    assert started[0].options["creationflags"] == 0x200
