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
    balance.discriminator_wins,
    balance.generator_fools_discriminator,
    balance.discriminator_loses,
    variety.mode_collapse,
    balance.oscillation,
    balance.discriminator_overfits,
    gradients.vanishing_gradients,
    gradients.exploding_gradients,
    variety.copying,
    images.saturated_output,
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

_OF_GOOD_IMAGES = {"contrast", "checkerboard", "plateau", "improving"}
"""Findings that say nothing new of images that are of no use anyway."""

_RANK: dict[Severity, int] = {"failure": 0, "warning": 1, "note": 2}


def diagnose(history: History) -> Diagnosis:
    """Everything that the rules find, worst first, and a verdict.

    What has ended is a note: the run has recovered.
    """
    found = [
        finding if finding.until is None else replace(finding, severity="note")
        for rule in RULES
        for finding in rule(history)
    ]
    if any(finding.severity == "failure" for finding in found):
        found = [finding for finding in found if finding.id not in _OF_GOOD_IMAGES]
    found.sort(key=lambda finding: _RANK[finding.severity])
    return Diagnosis(_verdict(history, found), found[0].severity if found else "note", found)


def _verdict(history: History, found: list[Finding]) -> str:
    if not history.log and not found:
        return "Nothing has been logged yet."
    by_id = {finding.id: finding for finding in found}
    bad = [finding for finding in found if finding.severity != "note"]
    if bad:
        worst = bad[0]
        title = worst.id.replace("-", " ").capitalize()
        return f"{title} since image {worst.since:,}. {worst.meaning}"
    if history.setup.needed and history.images_seen < history.setup.needed:
        return (
            f"Too early to say: {history.images_seen:,} images seen, and recognizable images need"
            f" about {history.setup.needed:,}. Train longer."
        )
    if "improving" in by_id:
        return f"Healthy, still improving: twice as long would help. {by_id['improving'].meaning}"
    if "plateau" in by_id:
        return f"Healthy, no longer improving. {by_id['plateau'].meaning}"
    return "No problem found."
