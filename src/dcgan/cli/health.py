"""``dcgan health``: what is right and wrong with a run, in words."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator

from dcgan.cli.flags import with_flags
from dcgan.cli.options import ExistingRun, Json
from dcgan.health import Diagnosis, Finding
from dcgan.runtime.shell import command

_WIDTH = 88


def health(run: ExistingRun, /, *, as_json: Json = False) -> None:
    """Say what is right and wrong with a run, and what to do next.

    It reads the run's log and scores, also while the run trains. With --json, it prints a list of
    findings, each with id, severity, since (images seen), evidence (numbers), meaning and advice.
    """
    from dcgan.runs.folder import RunFolder
    from dcgan.runs.health import diagnosis_of, history_of

    folder = RunFolder(run)
    diagnosis = diagnosis_of(folder)
    if as_json:
        print(json.dumps([_as_dict(finding) for finding in diagnosis.findings]))
        return
    print("\n".join(diagnosis_lines(diagnosis)))
    if diagnosis.severity == "note" and folder.last_logged():
        twice = 2 * folder.last_logged()
        images = max(twice, history_of(folder).setup.needed or 0)
        how_long = "twice as long in total" if images == twice else "until images are recognizable"
        longer = command("train", "--out", run, "--resume", "--images", str(images))
        print(f"\nTo train {how_long}: {longer}")


def diagnosis_lines(diagnosis: Diagnosis) -> Iterator[str]:
    """The verdict, then each finding with its page in the guide, and what to do about the first.

    In a failed run the others are mostly consequences, and what helps against one of them alone may
    make the first worse. Their advice is in ``--json``, in the report and on their pages.
    """
    yield from textwrap.wrap(with_flags(diagnosis.verdict), _WIDTH, break_on_hyphens=False)
    if sum(finding.severity != "note" for finding in diagnosis.findings) > 1:
        yield "Do what the first finding says; the others often disappear with it."
    is_lost = diagnosis.severity == "failure"
    for number, finding in enumerate(diagnosis.findings):
        yield ""
        when = f"since image {finding.since:,}" if finding.since else "from the start"
        if finding.until is not None:
            when = f"from image {finding.since:,} to {finding.until:,}"
        yield f"{finding.severity}: {finding.id}, {when}"
        yield from _indented(finding.meaning)
        if finding.advice and (number == 0 or not is_lost):
            yield from _indented(f"Next: {finding.advice}.")
        yield f"  More: {finding.page}"


def _indented(text: str) -> list[str]:
    return textwrap.wrap(
        with_flags(text),
        _WIDTH,
        initial_indent="  ",
        subsequent_indent="  ",
        break_on_hyphens=False,
    )


def _as_dict(finding: Finding) -> dict[str, object]:
    found = finding.to_json()
    return found | {name: with_flags(found[name]) for name in ("meaning", "advice")}
