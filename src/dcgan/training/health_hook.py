"""Looks after the health of a run while it trains, and does what was asked for when it fails."""

from __future__ import annotations

from dcgan.errors import Diverged
from dcgan.health import Finding
from dcgan.runs.checkpoints import list_checkpoints, set_aside
from dcgan.runs.health import diagnosis_of
from dcgan.training.context import RunContext
from dcgan.training.loop import StopRequest
from dcgan.training.planning.triggers import Widening
from dcgan.training.rules import Statistics
from dcgan.training.state import TrainingState

_FIRST = 64
"""Batches before the first look: nothing is a finding before."""

_LOOKS = 20
"""Each look comes after images seen have grown by one part in this many."""


class HealthHook:
    """Says each finding once, in one line, when it first appears.

    Parameters
    ----------
    run : RunContext
    stop : StopRequest
    batch : int
        Images per step.
    """

    def __init__(self, run: RunContext, stop: StopRequest, batch: int) -> None:
        self._run = run
        self._stop = stop
        self._schedule = Widening(_FIRST * batch, 1e12, _LOOKS)
        self._known: set[tuple[str, str]] = set()
        # a kill may come after a failure is said and before what was asked for is done
        self._is_to_act = False
        failure = stopped_by = ""
        for event in run.folder.events.read():
            match event.get("event"):
                case "health":
                    self._known.add((str(event.get("id")), str(event.get("severity"))))
                    if event.get("severity") == "failure":
                        failure, self._is_to_act = str(event.get("id")), True
                case "rollback":  # what was found before may come back
                    self._known.clear()
                    failure = stopped_by = ""
                    self._is_to_act = False
                case "stopped early":
                    stopped_by, self._is_to_act = failure, False
                case "finished":
                    self._is_to_act = False
        if stopped_by and run.config.on_failure == "stop":
            stop.reason = _stopped_by(stopped_by)

    def after_step(self, before: int, state: TrainingState, statistics: Statistics) -> None:
        del statistics
        if self._schedule.passed(before, state.images_seen):
            self.look(state)

    def look(self, state: TrainingState) -> None:
        """Say what is new, and act on the first failure, which is the cause of the others.

        Raises ``Diverged`` for a failure, if the run is to return to an earlier checkpoint then.
        """
        failed: Finding | None = None
        findings = diagnosis_of(self._run.folder).findings
        for finding in findings:
            is_known = (finding.id, finding.severity) in self._known
            if finding.severity == "failure" and (self._is_to_act or not is_known):
                failed = failed or finding
            if finding.severity == "note" or is_known:
                continue
            self._known.add((finding.id, finding.severity))
            # others are often consequences, and have other advice
            self._say(finding, finding.advice if finding is findings[0] else "")
        if failed is not None:
            self._is_to_act = False
            self._act(failed, state)

    def _say(self, finding: Finding, advice: str) -> None:
        self._run.event(
            "health",
            id=finding.id,
            severity=finding.severity,
            images=finding.since,
            evidence=dict(finding.evidence),
        )
        next_step = f" Next: {advice}." if advice else ""
        self._run.reporter.note(
            f"{finding.severity} {finding.when()}: {finding.meaning}{next_step}"
        )

    def _act(self, finding: Finding, state: TrainingState) -> None:
        action = self._run.config.on_failure
        if action == "stop":
            self._stop.reason = _stopped_by(finding.id)
        elif action == "rollback":
            for checkpoint in list_checkpoints(self._run.folder.checkpoints):
                if int(checkpoint.name) > finding.since:
                    set_aside(checkpoint, "failed")
            raise Diverged(f"{finding.id} after {state.images_seen:,} images")


def _stopped_by(failure: str) -> str:
    return (
        f"stopped early, as `on_failure=stop` asks for: {failure}. To train on, set"
        " `on_failure=continue`"
    )
