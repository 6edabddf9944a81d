"""What happens to a run that diverges: how far it returns, and when it gives up."""

from __future__ import annotations

import shutil

from dcgan.config import resolved
from dcgan.errors import Diverged, RunError, shown
from dcgan.runs.checkpoints import list_checkpoints, set_aside
from dcgan.runs.folder import RunFolder
from dcgan.training.context import RunContext
from dcgan.training.planning.planned_checkpoints import PlannedCheckpoints

ROLLBACKS = 3
"""How often a run that diverges returns to a checkpoint before training fails."""

SLOWER = 0.5
"""Factor of the learning rates at each return."""


def give_up_after_too_many(run: RunContext, error: Diverged, count: int) -> None:
    """Raise the error again, with what to do, if the run has returned often enough.

    Parameters
    ----------
    count : int
        Returns, including the one that is due now.
    """
    if count <= ROLLBACKS:
        return
    players = run.config.optim.generator, run.config.optim.discriminator
    generator, discriminator = (f"{resolved(one.lr) * SLOWER**count:.1g}" for one in players)
    good = run.folder.latest_checkpoint()
    left = f"The last good checkpoint is {good.name}" if good else "No checkpoint was good"
    raise Diverged(
        f"{error}, and again after {ROLLBACKS} returns to the last good checkpoint, each with"
        f" half the learning rates. {left}. Train a new run with"
        f" `optim.generator.lr={generator}` and `optim.discriminator.lr={discriminator}`, or less"
    ) from error


def set_aside_unproven(run: RunContext, *, is_again: bool) -> None:
    """Keep a run that diverged from returning to where it was already lost.

    A checkpoint is sound if the log has a line of its moment or later: a line is only written if
    losses are within bounds. A line of the very moment is about the steps before it. So if a run
    returned to such a checkpoint and diverged before the next line, this one is not sound either.
    Unsound checkpoints are kept under another name.

    Checkpoints that are not planned are deleted: from the same seed, a run must return to the same
    images on any machine.
    """
    folder = run.folder
    for name in PlannedCheckpoints.of(run.config).others(folder):
        shutil.rmtree(set_aside(folder.checkpoints / name, "part"), ignore_errors=True)
    records = folder.log.read()
    proven = folder.last_logged()
    no_line_since = is_again and bool(records) and "goes_on_from" in records[-1]
    for checkpoint in list_checkpoints(folder.checkpoints):
        images = int(checkpoint.name)
        if images > proven or (no_line_since and images == proven):
            hidden = set_aside(checkpoint, "diverged")
            run.reporter.note(f"skipped, and kept as {hidden.name}: saved while losses diverged")
            run.event("unproven", path=hidden.name)


def returns_so_far(folder: RunFolder) -> tuple[int, float]:
    """How often the run diverged and returned, and the factor of its learning rates since.

    From the events, which know of a return before there is a checkpoint after it.
    """
    returns = [event for event in folder.events.read() if event.get("event") == "rollback"]
    factor = returns[-1].get("rate_factor") if returns else 1.0
    if not isinstance(factor, float) or not 0 < factor <= 1:
        raise RunError(
            f"{folder.events.path}: damaged (rate_factor = {shown(factor)}). Restore it, or choose"
            " another `out`"
        )
    return len(returns), factor
