"""Test whether `dcgan health` finds failures that are induced on purpose, and nothing in good runs.

    python benchmarks/health.py [--out DIR] [--data-root DIR] [--jobs 2] [--shift 0]

With DIR, trains every run of `health.yaml` that is not yet there, one thread each, and records what
the runs logged in `results/health.jsonl.gz`. Then prints the tables of `health.md` from the record:
which findings each failing run has, after how many images the right one appears, and which findings
healthy runs have at any time. `--shift` adds a number to all seeds, for runs that nobody has seen.

    python benchmarks/health.py --out DIR --cure

Does what the verdict says of one failing run in DIR for each cause, and prints what became of it.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import shlex
import subprocess
import sys
import time
from collections import defaultdict
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, replace
from pathlib import Path

from health_runs import HealthRun, all_runs

from dcgan.errors import DcganError
from dcgan.health.diagnosis import diagnose
from dcgan.health.finding import Finding
from dcgan.health.history import History, ScoreLine, Setup
from dcgan.runs.folder import RunFolder
from dcgan.runs.health import diagnosis_of, history_of
from dcgan.runs.settings import stored_settings

RECORD = Path(__file__).parent / "results" / "health.jsonl.gz"
"""What the rules look at in each run, so that they can be tested again without training."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, help="train the runs here, and record what they logged")
    parser.add_argument("--data-root", type=Path, default=os.environ.get("DCGAN_DATA"))
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--shift", type=int, default=0, help="added to the seed of each run")
    parser.add_argument("--cure", action="store_true", help="do what the verdicts say")
    asked = parser.parse_args()
    if asked.cure:
        os.environ["OMP_NUM_THREADS"] = "1"
        # one dataset per cause: the first
        runs = list(
            {run.cause: run for run in reversed(all_runs(asked.shift)) if run.finding}.values()
        )
        with ProcessPoolExecutor(asked.jobs) as pool:
            rows = pool.map(_cure, runs, [asked.data_root] * len(runs), [asked.out] * len(runs))
            print("| run | verdict | done | verdict then | FD | FD then |")
            print("|---|---|---|---|---|---|")
            for row in rows:
                if row:
                    print(f"| {' | '.join(row)} |", flush=True)
        return
    if asked.out:
        os.environ["OMP_NUM_THREADS"] = "1"
        runs = all_runs(asked.shift)
        with ProcessPoolExecutor(asked.jobs) as pool:
            jobs = [pool.submit(_train, run, asked.data_root, asked.out) for run in runs]
            for job in jobs:
                print(job.result(), flush=True)
        record(asked.out, runs)
    report(recorded())


def _train(run: HealthRun, root: Path, out: Path) -> str:
    folder = out / run.name
    if (folder / "done").exists():
        return f"{run.name}: there already"
    began = time.perf_counter()
    outcome = "ok"
    try:
        run.train(root, folder)
    except DcganError as error:  # a run that diverges for good is one of the failures
        outcome = str(error)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "done").write_text(outcome)
    return f"{run.name}: {outcome[:60]}, {time.perf_counter() - began:.0f} s"


def _cure(run: HealthRun, root: Path, out: Path) -> list[str]:
    """Start the new run that a verdict asks for, with as many images; nothing where it asks for
    none. The row of the table."""
    folder = RunFolder(out / run.name)
    found = diagnosis_of(folder)
    if found.severity == "note" or found.step.action not in {"retrain", "afresh"}:
        return []
    settings = stored_settings(folder)
    new = RunFolder(out.parent / f"{out.name}-cured" / run.name)
    words = shlex.split(found.step.command)
    words = words[: words.index("--out")]
    if "--images" not in words:
        words += ["--images", str(settings["length"]["images"])]
    words += ["--out", new.path, "--threads", "1", "--precision", "fp32", "--data-root", root]
    if found.step.action == "afresh":
        words += ["--size", settings["data"]["size"], "--seed", str(run.seed)]
    if not (new.path / "done").exists():
        subprocess.run([sys.executable, "-m", *words], capture_output=True, check=False)
        (new.path / "done").write_text("")
    then = diagnosis_of(new)
    changes = ", ".join(f"{key}={value}" for key, value in found.step.changes.items())
    return [
        run.name,
        found.verdict.split(" since ")[0].split(".")[0].split(" from ")[0],
        changes or found.step.action,
        "-" if then.severity == "note" else f"{then.severity}: {then.findings[0].id}",
        _lowest(folder),
        _lowest(new),
    ]


def _lowest(folder: RunFolder) -> str:
    """The best score of the second half: a failed run may begin well."""
    scores = history_of(folder).scores
    late = [line.value for line in scores[len(scores) // 2 :]]
    return f"{min(late):.3g}" if late else "-"


def record(out: Path, runs: list[HealthRun]) -> None:
    """Write what each run has logged, in six digits."""
    with gzip.GzipFile(RECORD, "wb", mtime=0) as file:
        for run in runs:
            if (out / run.name / "done").exists():
                history = asdict(history_of(RunFolder(out / run.name)))
                for line in history["log"]:
                    for name in ("epoch", "seconds", "images_per_second", "gradient_max"):
                        line.pop(name, None)
                line = json.dumps({"run": asdict(run), "history": history})
                file.write(line.encode() + b"\n")


def recorded() -> dict[HealthRun, History]:
    """The histories of all recorded runs."""
    found = {}
    with gzip.open(RECORD, "rt", encoding="utf-8") as file:
        for line in file:
            stored = json.loads(line)
            history = stored["history"]
            found[HealthRun(**stored["run"])] = History(
                history["log"],
                [ScoreLine(**score) for score in history["scores"]],
                history["events"],
                Setup(**history["setup"]),
                history["metric"],
            )
    return found


def report(histories: dict[HealthRun, History]) -> None:
    """Print both tables."""
    _failing({run: one for run, one in histories.items() if run.finding})
    _healthy({run: one for run, one in histories.items() if run.finding is None})


def _failing(histories: dict[HealthRun, History]) -> None:
    print("| induced finding | cause | data | found after | of images | also reported |")
    print("|---|---|---|---|---|---|")
    right: dict[str, list[bool]] = defaultdict(list)
    for run, history in histories.items():
        wanted = run.finding
        assert wanted is not None
        findings = diagnose(history).findings
        first = first_seen(history, wanted)
        right[wanted].append(first is not None)
        when = "**missed**" if first is None else f"{first:,}"
        others = ", ".join(sorted(_serious(findings) - {wanted})) or "-"
        print(
            f"| {wanted} | {run.cause} | {run.data} | {when} | {history.images_seen:,} | {others} |"
        )
    total = sum(map(len, right.values()))
    print(f"\n{sum(sum(one) for one in right.values())} of {total} induced failures were found.\n")


def _healthy(histories: dict[HealthRun, History]) -> None:
    print("| healthy run | images | warnings and failures, at any time |")
    print("|---|---|---|")
    wrong = 0
    for run, history in histories.items():
        alarms = {
            name
            for images in _moments(history)
            for name in _serious(diagnose(until(history, images)).findings)
        }
        wrong += bool(alarms)
        print(f"| {run.name} | {history.images_seen:,} | {', '.join(sorted(alarms)) or '-'} |")
    print(f"\n{wrong} of {len(histories)} healthy runs had a warning or failure at any time.")


def first_seen(history: History, wanted: str) -> int | None:
    """Images seen when the finding was first reported while training; None if it never was."""
    for images in _moments(history):
        if wanted in {finding.id for finding in diagnose(until(history, images)).findings}:
            return images
    return None


def until(history: History, images: int) -> History:
    """What was known at a moment of the run."""
    return replace(
        history,
        log=[line for line in history.log if line["images"] <= images],
        scores=[line for line in history.scores if line.images <= images],
        events=[line for line in history.events if line.get("images", 0) <= images],
    )


def _moments(history: History) -> list[int]:
    """Images seen at each score, at each event, and at the end."""
    events = {line["images"] for line in history.events if "images" in line}
    return sorted({line.images for line in history.scores} | events | {history.images_seen})


def _serious(findings: list[Finding]) -> set[str]:
    return {finding.id for finding in findings if finding.severity != "note"}


if __name__ == "__main__":
    main()
