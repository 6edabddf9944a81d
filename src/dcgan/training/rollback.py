"""What becomes of a run that diverges: how often and how far it goes back, and when it gives up."""

from __future__ import annotations

import shutil

from dcgan.config import RunConfig, resolved
from dcgan.errors import Diverged, RunError, shown
from dcgan.runs.checkpoints import list_checkpoints, set_aside
from dcgan.runs.folder import RunFolder
from dcgan.runs.logs import now
from dcgan.runtime.reporting import Reporter
from dcgan.training.planning.planned_checkpoints import PlannedCheckpoints

ROLLBACKS = 3
"""How often a run that diverges is set back before it counts as diverged for good."""

SLOWER = 0.5
"""What the learning rates are multiplied by each time."""


def give_up_after_too_many(
    folder: RunFolder, config: RunConfig, error: Diverged, count: int
) -> None:
    """Raise the error anew, with what to do, where the run has gone back often enough.

    Parameters
    ----------
    count : int
        Returns, with the one that is due now.
    """
    if count <= ROLLBACKS:
        return
    players = config.optim.generator, config.optim.discriminator
    generator, discriminator = (f"{resolved(one.lr) * SLOWER**count:.1g}" for one in players)
    good = folder.latest_checkpoint()
    left = f"the last good checkpoint, {good.name}, stays" if good else "none was good"
    raise Diverged(
        f"{error}, and again after {ROLLBACKS} returns to the last good checkpoint, each with"
        f" half the learning rates; {left}: train anew with --optim.generator.lr {generator}"
        f" and --optim.discriminator.lr {discriminator}, or less"
    ) from error


def set_aside_unproven(
    folder: RunFolder, reporter: Reporter, planned: PlannedCheckpoints, *, is_again: bool
) -> None:
    """Keep a run that diverged from going back to where it was lost already.

    A checkpoint counts as sound when the log has a line of its moment or later: a line is only
    written of losses within bounds. A line of the very moment speaks of the steps before, so where
    a run went back to such a checkpoint and diverged before it wrote another line, this one is not
    sound either. Those that are not are kept, but not gone on from.

    Checkpoints that are not ``planned`` are deleted: from the same seed, a run must return to the
    same images on any machine.
    """
    for name in planned.others(folder):
        shutil.rmtree(set_aside(folder.checkpoints / name, "part"), ignore_errors=True)
    records = folder.log.read()
    proven = folder.last_logged()
    went_on_in_vain = is_again and bool(records) and "goes_on_from" in records[-1]
    for checkpoint in list_checkpoints(folder.checkpoints):
        images = int(checkpoint.name)
        if images > proven or (went_on_in_vain and images == proven):
            hidden = set_aside(checkpoint, "diverged")
            reporter.note(f"passed over, and kept as {hidden.name}: saved while losses diverged")
            folder.events.append({"time": now(), "event": "unproven", "path": hidden.name})


def returns_so_far(folder: RunFolder) -> tuple[int, float]:
    """How often the run diverged and went back, and what its rates are multiplied by since.

    By the events, which know of a return before there is a checkpoint after it.
    """
    returns = [event for event in folder.events.read() if event.get("event") == "rollback"]
    factor = returns[-1].get("rate_factor") if returns else 1.0
    if not isinstance(factor, float) or not 0 < factor <= 1:
        raise RunError(
            f"{folder.events.path}: damaged (rate_factor = {shown(factor)}); restore it or take"
            " another --out"
        )
    return len(returns), factor
