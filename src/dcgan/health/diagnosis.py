"""All rules, and the verdict that sums up what they find."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from dcgan.health import balance, gradients, images, progress, setup, variety
from dcgan.health.finding import Diagnosis, Finding, Severity
from dcgan.health.history import History

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

_TITLES = {"contrast": "Wrong contrast", "checkerboard": "Checkerboard patterns"}
"""Beginnings of a verdict where the id alone says too little."""


def diagnose(history: History) -> Diagnosis:
    """Everything that the rules find, worst first, and a verdict.

    What has ended is a note: the run has recovered.
    """
    found = [_ended(finding) for rule in RULES for finding in rule(history)]
    failures = [finding.id for finding in found if finding.severity == "failure"]
    if failures[:-1] and "not-learning" in failures:  # another one says why
        found = [finding for finding in found if finding.id != "not-learning"]
    if failures:
        found = [finding for finding in found if finding.id not in _OF_GOOD_IMAGES]
    first = history.scores[0].images if history.scores else 0
    # images that were alike from the start are the consequence of something else
    found.sort(
        key=lambda finding: (
            _RANK[finding.severity],
            finding.id == "mode-collapse" and finding.since <= 2 * first,
        )
    )
    return Diagnosis(_verdict(history, found), found[0].severity if found else "note", found)


def _ended(finding: Finding) -> Finding:
    """The same, or what is left to say of it when it has ended."""
    if finding.until is None:
        return finding
    meaning = (
        f"This ended after {finding.until:,} images; nothing need be done. What it was:"
        f" {finding.meaning}"
    )
    return replace(finding, severity="note", meaning=meaning, advice="")


def _verdict(history: History, found: list[Finding]) -> str:
    bad = [finding for finding in found if finding.severity != "note"]
    if bad:
        worst = bad[0]
        title = _TITLES.get(worst.id, worst.id.replace("-", " ").capitalize())
        when = f"since image {worst.since:,}" if worst.since else "from the start"
        verdict = f"{title} {when}. {worst.meaning}"
        causes = [finding.id.replace("-", " ") for finding in bad if finding.id in _CAUSES]
        if worst.id == "not-learning" and causes:
            verdict += f" Likely cause: {causes[0]}."
        elif worst.id in _OF_FEW_IMAGES and any(one.id == "too-few-images" for one in found):
            verdict += f" Likely cause: only {history.setup.dataset_images:,} training images."
        return verdict
    if not history.log:
        return "Nothing has been logged yet."
    seen, needed = history.images_seen, history.setup.needed
    if needed and seen < needed:
        return (
            f"Too early to say: {seen:,} images seen, and recognizable images need about"
            f" {needed:,}. Train longer."
        )
    return _healthy(history, {finding.id: finding.meaning for finding in found})


def _healthy(history: History, meanings: dict[str, str]) -> str:
    """Whether more time will help."""
    if "improving" in meanings:
        return f"Healthy, still improving: twice as long would help. {meanings['improving']}"
    if "plateau" in meanings:
        is_poor = history.sign("coverage").last < _POOR
        title = (
            "No longer improving, and images are still poor"
            if is_poor
            else "Healthy, no longer improving"
        )
        return f"{title}. {meanings['plateau']}"
    scores = "too few scores to say" if history.scores else "no scores, which would say"
    return f"No problem found, but {scores} whether images still improve."
