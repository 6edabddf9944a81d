"""``dcgan health``: what is right and wrong with a run, in words."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator

from dcgan.cli.flags import with_flags
from dcgan.cli.options import ExistingRun, Json
from dcgan.health import Diagnosis, Finding, Step

_WIDTH = 88


def health(run: ExistingRun, /, *, as_json: Json = False) -> None:
    """Say what is right and wrong with a run, and what to do next.

    It reads the run's log and scores, also while the run trains. With --json, it prints a list of
    findings, each with id, severity, since (images seen), evidence (numbers), meaning, advice and
    command.
    """
    from dcgan.runs.folder import RunFolder
    from dcgan.runs.health import diagnosis_of

    diagnosis = diagnosis_of(RunFolder(run))
    if as_json:
        print(json.dumps([_as_dict(finding) for finding in diagnosis.findings]))
        return
    print("\n".join(diagnosis_lines(diagnosis)))


def diagnosis_lines(diagnosis: Diagnosis) -> Iterator[str]:
    """The verdict, what to do next, the best checkpoint, then what else was found.

    There is one thing to do: other findings are often consequences of the first, and what helps
    against one of them alone may make the first worse. Their advice is in ``--json``. In a run that
    has a problem, what has ended is left out.
    """
    yield from wrapped(diagnosis.verdict)
    yield from step_lines(diagnosis.step)
    if diagnosis.severity != "note" and diagnosis.best:
        yield ""
        yield from wrapped(diagnosis.best)
    stated = [one for one in diagnosis.findings if one.meaning in diagnosis.verdict]
    for finding in stated:
        yield f"\nMore about this {finding.severity}: {finding.page}"
    others = [
        one
        for one in diagnosis.findings
        if one not in stated and (diagnosis.severity == "note" or one.until is None)
    ]
    if others:
        yield "\nAlso found:"
    for finding in others:
        when = finding.when(diagnosis.images_seen)
        text = f"{finding.severity}: {finding.id}, {when}. {finding.meaning}"
        yield from wrapped(text, "  ")


def step_lines(step: Step) -> Iterator[str]:
    """What to do next, and the command that does it."""
    if step.advice:
        yield ""
        yield from wrapped(f"Next: {step.advice}{':' if step.command else '.'}")
    if step.command:
        yield f"  {step.command}"


def wrapped(text: str, indent: str = "") -> list[str]:
    return textwrap.wrap(
        with_flags(text),
        _WIDTH,
        initial_indent=indent,
        subsequent_indent=indent,
        break_on_hyphens=False,
    )


def _as_dict(finding: Finding) -> dict[str, object]:
    found = finding.to_json()
    return found | {name: with_flags(found[name]) for name in ("meaning", "advice")}
