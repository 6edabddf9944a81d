"""All rules, and the verdict that sums up what they find."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from dcgan.health import balance, gradients, images, progress, setup, variety
from dcgan.health.finding import Diagnosis, Finding, Severity
from dcgan.health.history import History
from dcgan.health.progress import perfect
from dcgan.health.step import NOTHING, Step, apart, onward, with_few_images
from dcgan.runtime.wording import digits

Rule = Callable[[History], Iterator[Finding]]

RULES: tuple[Rule, ...] = (
    gradients.diverged,
    images.saturated_output,
    balance.discriminator_wins,
    balance.generator_fools_discriminator,
    balance.discriminator_loses,
    variety.mode_collapse,
    variety.not_learning,
    balance.oscillation,
    balance.discriminator_overfits,
    gradients.vanishing_gradients,
    gradients.exploding_gradients,
    variety.copying,
    images.contrast,
    images.checkerboard,
    setup.batch_norm_mismatch,
    setup.dead_units,
    setup.slow_data,
    setup.unlike_classes,
    setup.too_few_images,
    progress.degrading,
    progress.improvement,
)
"""Causes before consequences, in the order in which findings of one severity are listed."""

_OF_GOOD_IMAGES = {"plateau", "improving"}
"""Findings that say nothing of images that are of no use."""

_CAUSES = {
    *("oscillation", "exploding-gradients", "vanishing-gradients", "dead-units"),
    *("batch-norm-mismatch", "discriminator-overfits"),
}
"""Warnings that may explain why nothing is learned."""

_POOR = 0.3
"""Coverage of the real images below which nothing is called healthy."""

_RANK: dict[Severity, int] = {"failure": 0, "warning": 1, "note": 2}


_OF_FEW_IMAGES = {"mode-collapse", "partial-mode-collapse", "discriminator-overfits", "copying"}
"""What too few images lead to."""

_TITLES = {
    "discriminator-wins": "The discriminator wins",
    "generator-fools-discriminator": "The generator fools the discriminator",
    "discriminator-loses": "The discriminator loses",
    "discriminator-overfits": "The discriminator overfits",
    "diverged": "Training diverged",
    "checkerboard": "Checkerboard patterns",
    "dead-units": "Unused channels",
    "degrading": "Getting worse",
    "slow-data": "Waiting for images",
}
"""Beginnings of a verdict where the id is no good one."""


def diagnose(history: History) -> Diagnosis:
    """Everything that the rules find, worst first, a verdict, and the one thing to do next.

    What has ended is a note: the run has recovered.
    """
    found = [_ended(finding) for rule in RULES for finding in rule(history)]
    failures = [finding.id for finding in found if finding.severity == "failure"]
    if failures[:-1] and "not-learning" in failures:  # another one says why
        found = [finding for finding in found if finding.id != "not-learning"]
    first = history.scores[0].images if history.scores else 0
    # images that were alike from the start are the consequence of something else
    found.sort(
        key=lambda finding: (
            _RANK[finding.severity],
            finding.id == "mode-collapse" and finding.since <= 2 * first,
        )
    )
    bad = [finding for finding in found if finding.severity != "note"]
    if failures or (bad and bad[0].step.action == "retrain"):  # more of this run does not help
        found = [finding for finding in found if finding.id not in _OF_GOOD_IMAGES]
    seen = history.images_seen
    if bad:
        verdict, step = _of_bad_run(history, bad)
        return Diagnosis(verdict, bad[0].severity, found, step, _best(history), seen)
    if _is_early(history):
        verdict, step = _of_early_run(history)
        return Diagnosis(verdict, "note", found, step, _best(history), seen, is_early=True)
    verdict, step = _of_good_run(history, {finding.id: finding for finding in found})
    is_early = len(history.scores) < 2 and history.setup.get("metrics.metric") != "off"
    return Diagnosis(verdict, "note", found, step, _best(history), seen, is_early=is_early)


def _best(history: History) -> str:
    """The best checkpoint, for people; empty without one."""
    kept = [line for line in history.scores if line.checkpoint]
    if not kept:
        return ""
    best = min(kept, key=lambda line: line.value)
    if max(best.signs.get("coverage", 1.0), best.signs.get("recall", 1.0)) < variety.NOTHING:
        return (
            f"No checkpoint is worth keeping: the lowest {history.metric} is {digits(best.value)}."
            f" {perfect(best.baseline)}"
        )
    return (
        f"The best checkpoint is that of {best.images:,} images seen, with a {history.metric} of"
        f" {digits(best.value)}. {perfect(best.baseline)}"
    )


def _ended(finding: Finding) -> Finding:
    """The same, or what is left to say of it when it has ended."""
    if finding.until is None:
        return finding
    meaning = f"This ended after {finding.until:,} images seen. What it was: {finding.meaning}"
    return replace(finding, severity="note", meaning=meaning, step=NOTHING)


def _of_bad_run(history: History, bad: list[Finding]) -> tuple[str, Step]:
    """The verdict on a run with something wrong: the worst of it, its likely cause, and what to do
    about that."""
    worst = bad[0]
    verdict = f"{_title(worst)} {worst.when(history.images_seen)}. {worst.meaning}"
    step, cause = worst.step, worst.step.cause
    causes = [finding for finding in bad if finding.id in _CAUSES]
    if worst.id == "not-learning" and causes:
        step = causes[0].step
        cause = causes[0].id.replace("-", " ") if apart(history.setup) is None else step.cause
    elif worst.id in _OF_FEW_IMAGES and any(setup.too_few_images(history)):
        step = with_few_images(history.setup)
        cause = f"only {history.setup.dataset_images:,} training images"
    return f"{verdict} Likely cause: {cause}." if cause else verdict, step


def _title(finding: Finding) -> str:
    """The beginning of a verdict."""
    evidence = finding.evidence
    if finding.id == "contrast":
        return images.what_is_off(evidence["contrast"], evidence["brightness"])
    return _TITLES.get(finding.id, finding.id.replace("-", " ").capitalize())


def _is_early(history: History) -> bool:
    setup = history.setup
    if not history.log:
        return True
    if setup.needed is not None:
        return history.images_seen < setup.needed
    # other networks may need any number of images, but none of them is done after a few steps
    return setup.get("start.weights") is None and not variety.has_begun(history)


def _of_early_run(history: History) -> tuple[str, Step]:
    """The verdict on a run whose images cannot be good yet, with nothing wrong."""
    if not history.log:
        return "Nothing has been logged yet.", NOTHING
    seen, setup = history.images_seen, history.setup
    if setup.needed is None:
        verdict = f"Too early to say: {seen:,} images seen, in {seen // setup.batch:,} steps."
    else:
        verdict = (
            f"Too early to say: {seen:,} images seen. Generated images usually begin to look like"
            f" real ones after about {setup.needed:,}."
        )
    return verdict, onward(history, variety.needed_for(history))


def _of_good_run(history: History, found: Mapping[str, Finding]) -> tuple[str, Step]:
    """The verdict on a run with nothing wrong, and whether more time will help."""
    if "improving" in found:
        verdict = (
            f"Healthy, still improving: twice as long would help. {found['improving'].meaning}"
        )
        return verdict, found["improving"].step
    if "plateau" in found:
        is_poor = history.sign("coverage").last < _POOR
        title = "Poor images that no longer improve" if is_poor else "Healthy, no longer improving"
        return f"{title}. {found['plateau'].meaning}", found["plateau"].step
    values = [line.value for line in history.scores]
    excess = history.excess().values
    fell = 1 - excess[-1] / excess[0] if len(excess) else 0.0
    if values[1:] and values[-1] == min(values) and fell >= progress.STEADY:
        verdict = (
            f"Healthy so far: the {history.metric} fell from {digits(values[0])} to"
            f" {digits(values[-1])}. {perfect(history.scores[-1].baseline)}"
        )
        return verdict, onward(history)
    scores = "too few scores to say" if history.scores else "no scores, which would say"
    return (
        f"No problem found, but {scores} whether images still improve.",
        onward(history),
    )
