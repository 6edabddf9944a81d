"""``dcgan.run_lab``: from a claim to a verdict."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from dcgan.errors import DcganError, Interrupted, RunError
from dcgan.labs.executors import Handle, jobs_at_once, open_executor, refuse_executor
from dcgan.labs.jobs import Job, Outcome, ended
from dcgan.labs.loading import load_claim
from dcgan.labs.measures import MEASURES
from dcgan.labs.page import write_lab_page
from dcgan.labs.plan import Plan, budget_of, choose_data, default_folder, write_plan
from dcgan.labs.result import ArmResult, LabResult, judged
from dcgan.labs.scoring import Scored, Scorer, open_usable, read_scored
from dcgan.runs.folder import RunFolder
from dcgan.runs.health import diagnosis_of
from dcgan.runs.logs import now, of_training
from dcgan.runtime.arguments import refuse_no_device
from dcgan.runtime.device import choose_device
from dcgan.runtime.files import StrPath, expanded, write_json
from dcgan.runtime.isolation import isolated
from dcgan.runtime.progress import chosen_reporter
from dcgan.runtime.reading import read_json
from dcgan.runtime.reporting import Reporter
from dcgan.runtime.shell import command
from dcgan.runtime.signatures import checked
from dcgan.runtime.wording import counted
from dcgan.training.loop import StopRequest, stopping_on_signals

_LOOK_SECONDS = 0.2
"""How often the lab looks whether a job has ended or a signal came."""

_LONGEST = 200
"""Letters of the message of another library."""

_PROGRESS_SECONDS = 3.0
"""How often it reads the logs of the runs, which takes time if there are many."""


@checked
@isolated()
def run_lab(
    lab: StrPath,
    *,
    budget: str = "quick",
    seeds: int | None = None,
    jobs: int | None = None,
    out: StrPath | None = None,
    executor: str = "local",
    data_root: StrPath | None = None,
    device: str = "cpu",
    reporter: Reporter | None = None,
    progress: bool = True,
) -> LabResult:
    """Run a lab: train all arms with all seeds, score them, and give a verdict on the claim.

    You can stop or kill it at any time. The same call resumes every run where it was, with
    bit-identical results on a CPU, unless the budget is a time.

    Parameters
    ----------
    lab : str or path
        A lab of this package by its name (see :func:`dcgan.list_labs`), or a YAML file.
    budget : {"quick", "full"}, default "quick"
        Which budget of the lab is used: images or seconds per run, and number of seeds.
    seeds : int, at least 2, optional
        Another number of seeds. More seeds in the same folder keep the runs that are there.
    jobs : int, optional
        Most runs at once; default one for each core, and one on a GPU.
    out : path, optional
        The folder of the lab; default ``runs/labs/NAME``, with ``-full`` for that budget.
    executor : {"local", "ray", "slurm"}, default "local"
        Where runs are trained: processes of this machine, a Ray cluster, or a SLURM array.
    data_root : path, optional
        The folder of datasets chosen by name; default the environment variable ``DCGAN_DATA``.
    device : str, default "cpu"
        Where each run is trained; all runs of a lab use the same.
    reporter : Reporter, optional
        Receives notes and progress, which are then not shown on the screen.
    progress : bool, default True
        Show progress on stderr or, in a notebook, below the cell.

    Returns
    -------
    LabResult
        Also written as ``verdict.json`` and ``lab.html``.

    Raises
    ------
    ConfigError
        There is no such lab, or an argument cannot be. Nothing has been changed.
    RunConflict
        The folder holds runs of other settings.
    RunError
        A run failed.
    Interrupted
        A signal stopped the lab. All runs can be resumed.

    Examples
    --------
    >>> dcgan.run_lab("my-claim.yaml", seeds=5).verdict  # doctest: +SKIP
    'holds'
    """
    claim = load_claim(lab)
    name, chosen = budget_of(claim, budget, seeds)
    refuse_executor(executor, jobs)
    refuse_no_device(device)
    folder = expanded(out) if out is not None else default_folder(claim, name)
    # written into the recipes, since other machines may have no such variable
    place = data_root or os.environ.get("DCGAN_DATA")
    root = expanded(place).absolute() if place else None
    if device == "auto":  # all runs must use the same
        device = choose_device(device).type
    with chosen_reporter(reporter, progress=progress, is_first=True) as shown:
        data, note = choose_data(claim, root, shown)
        if note:
            shown.note(note)
        plan = Plan(claim, name, chosen, data, root, device, folder.absolute(), note)
        write_plan(plan)
        with stopping_on_signals() as stop:
            outcomes = _train(plan, executor, jobs, stop, shown)
            scored = _score(plan, outcomes, stop, shown)
        result = _result(plan, outcomes, scored, lab)
        write_json(plan.verdict, result.to_json())
        write_lab_page(result, plan.page)
    return result


def _train(
    plan: Plan, executor: str, most: int | None, stop: StopRequest, reporter: Reporter
) -> dict[str, Outcome]:
    """Train what is not trained yet; how each run ended, by its name."""
    outcomes = {job.name: ended(job) for job in plan.jobs()}
    left = [job for job in plan.jobs() if outcomes[job.name] is None]
    found = {name: outcome for name, outcome in outcomes.items() if outcome is not None}
    if not left:
        return found
    already = f"; {len(found)} are finished" if found else ""
    reporter.note(f"{counted(len(found) + len(left), 'run')} in {plan.folder}{already}")
    running = open_executor(executor, most, plan.folder, device=plan.device)
    bar = _Bar(plan, left, reporter, min(len(left), jobs_at_once(most, plan.device)))
    try:
        handles = dict(zip((job.name for job in left), running.start(left), strict=True))
        found |= _wait(plan, handles, bar, stop)
    finally:
        running.stop()
    return found


def _wait(
    plan: Plan, handles: Mapping[str, Handle], bar: _Bar, stop: StopRequest
) -> dict[str, Outcome]:
    """Wait for all jobs, with progress.

    Raises
    ------
    Interrupted
        A signal asked to stop.
    RunError
        A job failed.
    """
    found: dict[str, Outcome] = {}
    total = counted(len(plan.jobs()), "run")
    before = len(plan.jobs()) - len(bar.jobs)
    try:
        while len(found) < len(bar.jobs):
            for job in bar.jobs:
                if job.name not in found and handles[job.name].done():
                    found[job.name] = _outcome(plan, job, handles[job.name])
                    bar.reporter.note(f"{before + len(found)} of {total} finished: {job.name}")
            if stop.signal is not None:
                bar.reporter.note("stopping: the runs save their state, which may take a minute")
            _refuse_signal(stop, plan)
            bar.show(found)
            time.sleep(_LOOK_SECONDS)
    finally:
        bar.reporter.end()
    return found


def _outcome(plan: Plan, job: Job, handle: Handle) -> Outcome:
    """How a job ended; raises ``RunError`` if its run has not."""
    try:
        outcome = handle.result()
    except (DcganError, OSError):
        raise
    except Exception as error:  # of a cluster: each library has its own
        reason = " ".join(str(error).split())[:_LONGEST] or type(error).__name__
        raise RunError(
            f"run {job.name} was lost: {reason}. Run the same command again to resume"
        ) from error
    if outcome.ending == "failed":
        reason = outcome.message.removeprefix("dcgan: ")
        raise RunError(f"run {job.name} failed: {reason}. Its output is in {job.log}")
    if outcome.ending == "interrupted":
        raise RunError(
            f"run {job.name} was stopped from outside ({outcome.message}). {plan.folder} keeps all"
            " runs: run the same command again to resume"
        )
    return outcome


def _refuse_signal(stop: StopRequest, plan: Plan) -> None:
    if stop.signal is None:
        return
    over = sum(ended(job) is not None for job in plan.jobs())
    raise Interrupted(
        f"stopped by {stop.signal.name}: {over} of {counted(len(plan.jobs()), 'run')} finished,"
        " the others are saved. Run the same command again to resume"
    )


class _Bar:
    """Progress of all runs together, as that of one training.

    With a budget of time, that is the time which the runs take if ``at_once`` of them train at the
    same time.
    """

    def __init__(self, plan: Plan, jobs: Sequence[Job], reporter: Reporter, at_once: int) -> None:
        self.jobs, self.reporter, self._at_once = jobs, reporter, at_once
        self._lengths = {job.name: plan.claim.length_of(job.arm, plan.budget) for job in jobs}
        self._is_timed = any(one.images is None for one in self._lengths.values())
        self._began, self._due = time.monotonic(), 0.0
        images, _ = self._seen({})
        total, seconds = self._seen({job.name for job in jobs})
        if self._is_timed:
            reporter.begin(images, None, seconds / 60)
        else:
            reporter.begin(images, total, None)

    def show(self, found: Collection[str]) -> None:
        """Show how far all runs are, ``found`` to their end; often called, and seldom done."""
        seconds = time.monotonic() - self._began
        if seconds < self._due and len(found) < len(self.jobs):
            return
        self._due = seconds + _PROGRESS_SECONDS
        images, trained = self._seen(found)
        self.reporter.tick(images, trained if self._is_timed else seconds)

    def _seen(self, over: Collection[str]) -> tuple[int, float]:
        """Images and seconds of training of all runs; those that ended have their whole length."""
        images, seconds = 0.0, 0.0
        for job in self.jobs:
            length, records = self._lengths[job.name], of_training(RunFolder(job.run).log.read())
            last, is_over = records[-1] if records else {}, job.name in over
            images += _reached(length.images, last.get("images", 0), is_over=is_over)
            seconds += _reached(length.seconds, last.get("seconds", 0.0), is_over=is_over)
        return round(images), seconds / self._at_once


def _reached(length: float | None, seen: float, *, is_over: bool) -> float:
    """How far a run is, in images or seconds, of the length that it has in this unit."""
    if length is None:
        return seen
    return length if is_over else min(length, seen)


def _score(
    plan: Plan, outcomes: Mapping[str, Outcome], stop: StopRequest, reporter: Reporter
) -> dict[str, list[Scored]]:
    """The scores of each arm, by seed."""
    found: dict[str, list[Scored]] = {arm: [] for arm in plan.claim.arms}
    scorer: Scorer | None = None
    total, done = len(plan.claim.arms) * len(plan.seeds), 0
    for arm, own in plan.claim.arms.items():
        for seed in plan.seeds:
            _refuse_signal(stop, plan)
            path, run = plan.scores(arm, seed), plan.run(arm, seed)
            has_diverged = outcomes[run.name].ending == "diverged"
            opened = open_usable(run, "last" if has_diverged else own.checkpoint, plan.device)
            scored = read_scored(path)
            if scored is None or scored.checkpoint != opened.checkpoint.name:
                if scorer is None:
                    scorer = Scorer(opened, plan.data_root, reporter)
                scored = scorer.score(opened, path)
            found[arm].append(scored)
            done += 1
            reporter.progress("scoring", done, total, "runs")
    protocols = {one.protocol for scores in found.values() for one in scores}
    if len(protocols) > 1:
        raise RunError(
            f"{plan.folder / 'scores'}: scores of different images or feature extractors. Delete"
            " that folder, and run the same command again"
        )
    return found


def _result(
    plan: Plan,
    outcomes: Mapping[str, Outcome],
    scored: Mapping[str, Sequence[Scored]],
    lab: StrPath,
) -> LabResult:
    claim = plan.claim
    arms = [_arm(plan, arm, outcomes, scored[arm]) for arm in claim.arms]
    first = next(iter(scored.values()))[0]
    return LabResult(
        claim,
        str(plan.budget),
        plan.data,
        arms,
        judged(claim, arms),
        first.protocol,
        first.real,
        plan.page,
        plan.verdict,
        _about(plan, lab),
        plan.note,
    )


def _arm(
    plan: Plan, arm: str, outcomes: Mapping[str, Outcome], scored: Sequence[Scored]
) -> ArmResult:
    runs = [plan.run(arm, seed) for seed in plan.seeds]
    findings: Counter[str] = Counter()
    failed = 0
    for run in runs:
        bad = [one for one in diagnosis_of(RunFolder(run)).findings if one.severity != "note"]
        findings.update({one.id for one in bad})
        failed += any(one.severity == "failure" for one in bad)
    key = MEASURES[plan.claim.measure].key
    return ArmResult(
        arm,
        plan.claim.title_of(arm),
        [one.values[key] for one in scored],
        [str(run) for run in runs],
        [one.images_seen for one in scored],
        sum(outcomes[run.name].ending == "diverged" for run in runs),
        failed,
        dict(findings.most_common()),
    )


def _about(plan: Plan, lab: StrPath) -> dict[str, str]:
    """Date, versions, device and the command that repeats the lab."""
    words = ["lab", str(lab), "--budget", plan.budget_name, "--seeds", str(plan.budget.seeds)]
    if plan.device != "cpu":
        words += ["--device", plan.device]
    found: dict[str, Any] = {"date": now()[:10], "repeat": command(*words), "device": plan.device}
    try:
        stored = read_json(plan.run(next(iter(plan.claim.arms)), 0) / "run.json")
        found |= stored["versions"]
    except (OSError, ValueError, LookupError, TypeError):
        pass  # of a run whose file is damaged, the rest suffices
    return {key: str(value) for key, value in found.items()}
