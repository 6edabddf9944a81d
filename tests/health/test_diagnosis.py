"""Each failure is found by its numbers, with the number of images at which it began; healthy runs
have no finding worse than a note."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.health.histories import IMAGES, SIGNS, after, history, rates

from dcgan.health.diagnosis import RULES, diagnose
from dcgan.health.history import ScoreLine

STUCK = {"value": 150.0, "coverage": 0.01, "recall": 0.0}
"""The score of images that are of no use."""

FLAT = {"value": 30.0}
"""The score of images that do not change."""

SWINGING = ({"score_real": 0.3}, {"score_real": 0.9})
"""What a discriminator says in turn."""


def found(*args, **kwargs):
    return {finding.id: finding for finding in diagnose(history(*args, **kwargs)).findings}


def serious(findings):
    return {name for name, finding in findings.items() if finding.severity != "note"}


def test_a_healthy_run_is_healthy_and_improving():
    diagnosis = diagnose(history())
    assert [finding.id for finding in diagnosis.findings] == ["improving"]
    assert diagnosis.verdict.startswith("Healthy, still improving: twice as long would help.")
    assert diagnosis.severity == "note"


FAULTS = {
    "discriminator-wins": (
        after(8000, score_real=0.99, score_fake_before=0.01, score_fake_after=0.01),
        lambda seen: STUCK,
    ),
    "generator-fools-discriminator": (
        after(8000, score_real=0.4, score_fake_before=0.7),
        lambda seen: STUCK,
    ),
    "discriminator-loses": (
        after(8000, score_real=0.5, score_fake_before=0.49),
        lambda seen: STUCK,
    ),
    "vanishing-gradients": (
        after(8000, gradient_mean={"1 conv": 1e-6, "2 conv": 0.01}),
        None,
    ),
    "exploding-gradients": (after(8000, gradient_mean={"1 conv": 9.0, "2 conv": 0.01}), None),
    "oscillation": (lambda seen: SWINGING[seen // 1500 % 2], lambda seen: FLAT),
    "mode-collapse": (None, after(20_000, repeats=0.9, diversity=0.1, coverage=0.01)),
    "not-learning": (None, after(20_000, coverage=0.01, recall=0.01)),
    "partial-mode-collapse": (None, after(20_000, rank=0.2, repeats=0.3)),
    "contrast": (None, after(20_000, contrast=0.4)),
    "saturated-output": (None, after(20_000, saturation=0.5)),
    "checkerboard": (None, after(20_000, checkerboard=0.2)),
    "batch-norm-mismatch": (None, after(20_000, batch_norm_gap=0.9)),
    "dead-units": (None, lambda seen: {"dead_generator": 0.6 if seen >= 20_000 else 0.0}),
    "degrading": (None, after(20_000, value=60.0)),
    "slow-data": (lambda seen: {"waiting": 0.7}, None),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_found_and_nothing_else(name):
    log, scores = FAULTS[name]
    findings = found(log, scores)
    assert serious(findings) == {name}
    finding = findings[name]
    assert finding.meaning.endswith(".")
    assert finding.advice
    assert not finding.advice.endswith(".")
    assert all(isinstance(value, float) for value in finding.evidence.values())
    began = {"slow-data": 0, "oscillation": 0}.get(name, 8000 if log else 20_000)
    if name == "degrading":  # it began after the best score
        began = 18_000
    assert began <= finding.since <= began + 3000


@pytest.mark.parametrize("name", FAULTS)
def test_what_holds_for_a_moment_only_is_no_finding(name):
    log, scores = FAULTS[name]

    def brief(change):
        if change is None:
            return None
        return lambda seen: change(25_000) if 25_000 <= seen < 25_900 else {}

    assert not serious(found(brief(log), brief(scores)))


def test_certainty_is_no_fault_while_images_improve():
    sure = after(0, score_real=0.99, score_fake_before=0.01, score_fake_after=0.01)
    assert not serious(found(sure))


def slowly(seen):
    """Poor images that improve by an eighth in the second half, with single bad scores."""
    is_bad = seen in (24_000, 32_000)
    return {"coverage": 0.15, "recall": 0.4, "value": 120.0 if is_bad else 62 - seen / 3000}


def test_a_certain_discriminator_is_a_fault_while_poor_images_improve_slowly():
    sure = after(0, score_real=0.99, score_fake_before=0.01, score_fake_after=0.01)
    findings = found(sure, slowly)
    assert serious(findings) == {"discriminator-wins"}, "the generator never overtakes"
    assert findings["discriminator-wins"].severity == "warning"
    assert serious(found(None, slowly)) == {"oscillation"}


@pytest.mark.parametrize(
    ("log_begins", "changed"),
    [
        (0, lambda seen: {"value": 2 + 100 / (1 + seen / 2000)}),  # they improve fast
        (0, lambda seen: {"coverage": 0.5}),  # they are not poor
        (30_000, lambda seen: {}),  # it has not lasted long
    ],
)
def test_a_certain_discriminator_is_no_fault(log_begins, changed):
    sure = after(log_begins, score_real=0.99, score_fake_before=0.01, score_fake_after=0.01)
    found_ = found(sure, lambda seen: slowly(seen) | changed(seen))
    assert "discriminator-wins" not in found_


def test_losses_without_a_level_say_nothing_about_who_wins():
    sure = after(0, score_real=0.99, score_fake_before=0.01, score_fake_after=0.01)
    assert "discriminator-wins" in found(sure, lambda seen: STUCK)
    assert "discriminator-wins" not in found(sure, lambda seen: STUCK, has_level=False)


def test_early_images_that_are_all_alike_are_no_mode_collapse():
    alike = {"repeats": 0.9, "diversity": 0.1}
    assert "mode-collapse" in found(None, lambda seen: alike)
    assert "mode-collapse" not in found(None, lambda seen: alike, needed=10 * IMAGES)


def test_overfitting_and_copying_are_of_small_datasets():
    certain = after(0, sign_real=0.97)
    assert not serious(found(certain, dataset_images=IMAGES))
    findings = found(certain, after(20_000, distance=0.4), dataset_images=400)
    assert serious(findings) == {"discriminator-overfits", "copying"}
    assert findings["too-few-images"].severity == "note"
    assert "copying" in findings["copying"].meaning


def test_a_plateau_is_told_from_improvement():
    findings = found(None, lambda seen: {"value": max(12.0, 100 - seen / 100)})
    assert set(findings) == {"plateau"}
    assert findings["plateau"].since == pytest.approx(9000, abs=2000)


def test_the_estimate_of_twice_the_images_is_the_same_gain_again():
    # from 2 + 40 to 2 + 20 in the second half: again half of what is left
    improving = found(None, lambda seen: {"value": 2 + 40 * IMAGES / 2 / seen})["improving"]
    assert improving.evidence["gain"] == pytest.approx(0.5)
    assert improving.evidence["expected"] == pytest.approx(12)


def test_more_training_is_not_expected_to_make_a_good_score_worse():
    # from 6 to 1.9, where real images score 2
    improving = found(None, lambda seen: {"value": max(1.9, 6 - seen / 9_000)})["improving"]
    assert improving.evidence["score"] == improving.evidence["expected"] == 1.9


def test_dead_units_must_be_more_than_the_bound():
    assert "dead-units" not in found(None, lambda _: {"dead_generator": 0.3})
    assert "dead-units" in found(None, lambda _: {"dead_generator": 0.31})


def test_batch_norm_needs_more_than_a_few_images():
    assert serious(found(batch=2)) == {"batch-norm-mismatch"}
    finding = found(batch=2)["batch-norm-mismatch"]
    assert "Batches of 2 images" in finding.meaning
    assert finding.step.changes == {"optim.batch": 16}
    short = found(batch=2, images=20_000)["batch-norm-mismatch"].step.changes
    assert short == {"optim.batch": 16, "length.images": 30_000}, "fewer steps need more images"


def test_a_discriminator_that_is_sure_and_wrong_oscillates():
    wrong = after(8000, loss_d=9.0)
    assert serious(found(wrong, loss_of_guessing=1.386)) == {"oscillation"}
    assert not serious(found(wrong))  # of other losses, that may be usual


@pytest.mark.parametrize(
    ("scores", "is_found"),
    [
        (lambda seen: {}, False),
        (lambda seen: {"coverage": 0.0, "recall": 0.3}, False),
        (lambda seen: {"coverage": 0.0, "recall": 0.0}, True),  # fog that changes
        (lambda seen: {"value": 30 - seen / 20_000}, True),  # by a thirtieth in the second half
        (lambda seen: {"value": 30 - seen / 4000}, False),  # by a fifth
        (lambda seen: {"value": 30 - min(seen, 20_000) / 2000}, True),  # no longer
    ],
)
def test_a_discriminator_that_swings_is_no_fault_while_images_improve(scores, is_found):
    findings = found(lambda seen: SWINGING[seen // 1500 % 2], scores)
    assert ("oscillation" in findings) == is_found


def test_scores_that_swing_are_an_oscillation():
    swing = found(None, lambda seen: {"value": 20.0 if seen // 6000 % 2 else 90.0})
    assert "oscillation" in serious(swing)


def simulated(random, level, baseline, spread, error):
    """Scores of a run that has reached a level, with errors as they are stated."""
    marks = np.linspace(IMAGES / 40, IMAGES, 40).astype(int)
    values = level + 50 * spread * (marks < 4000) + spread * random.standard_normal(len(marks))
    scores = [
        ScoreLine(int(images), float(value), baseline, SIGNS, error=error)
        for images, value in zip(marks, values, strict=True)
    ]
    return replace(history(), scores=scores)


@pytest.mark.parametrize("metric", ["kernel", "frechet"])
def test_scores_at_the_baseline_are_no_oscillation(metric):
    random = np.random.default_rng(0)
    for _ in range(50):
        if metric == "kernel":  # its baseline is of chance, too
            known = simulated(random, 0.0, 1e-3 * random.standard_normal(), 1e-3, 1e-3)
        else:
            known = simulated(random, 2.0, 2.0, 0.05, 0.0)
        assert "oscillation" not in {one.id for one in diagnose(known).findings}


def test_kernel_distances_that_swing_far_beyond_their_error_are_an_oscillation():
    known = history(None, lambda seen: {"value": 0.02 if seen // 6000 % 2 else 0.09})
    scores = [replace(one, baseline=2e-4, error=1e-3) for one in known.scores]
    findings = diagnose(replace(known, scores=scores)).findings
    assert "oscillation" in {one.id for one in findings}


def test_images_that_get_worse_than_noise_are_found_early():
    worse = {"coverage": 0.01, "recall": 0.0, "value": 900.0}
    findings = found(None, after(4000, **worse), needed=2 * IMAGES)
    assert findings["not-learning"].severity == "failure"


def test_a_run_that_diverged_gets_rates_well_below_those_that_failed():
    events = [{"event": "diverged", "images": IMAGES, "what": "loss_d and loss_g beyond 100,000"}]
    known = history(None, None, events=events, **rates(1.0, 3.0))
    (finding,) = (one for one in diagnose(known).findings if one.id == "diverged")
    assert finding.meaning.startswith(
        "The discriminator's loss and the generator's loss rose above"
    )
    # halved three times, the rates failed again
    assert finding.step.changes == {"optim.generator.lr": 2e-3, "optim.discriminator.lr": 2e-3}
    (usual,) = (
        one.step.changes
        for one in diagnose(history(None, None, events=events, **rates(1e-3, 1e-3))).findings
        if one.id == "diverged"
    )
    assert usual == {"optim.generator.lr": 5e-5, "optim.discriminator.lr": 5e-5}


def test_too_few_images_are_named_as_the_cause():
    alike = after(30_000, repeats=1.0, diversity=0.1)
    few = diagnose(history(None, alike, dataset_images=120))
    assert few.verdict.startswith("Mode collapse")
    assert few.verdict.endswith("Likely cause: only 120 training images.")
    assert "Without more, start a new run with augmented images" in few.advice
    assert few.step.changes["augment.probability"] == "adaptive"
    augmented = {"augment.policy": "color"}
    found = diagnose(history(None, alike, dataset_images=120, settings=augmented))
    assert found.step.action == "sample"
    assert found.advice.startswith("Add training images")
    assert "training images" not in diagnose(history(None, alike)).verdict


@pytest.mark.parametrize(
    ("more", "instead"),
    [({"instead": "clusters"}, "clusters"), ({"instead": None}, "none"), ({}, "none")],
)
def test_classes_that_images_do_not_look_like_are_a_note_with_a_run_without_them(more, instead):
    """Training can only suspect it, so the verdict stays what it is."""
    events = [{"event": "unlike-classes", "said": "the classes (month) may say nothing."} | more]
    suspected = diagnose(history(events=events, settings={"model.condition": "month"}))
    finding = {one.id: one for one in suspected.findings}["unlike-classes"]
    assert (finding.severity, finding.meaning) == ("note", "The classes (month) may say nothing.")
    assert finding.step.advice == (
        "Start a new run without its classes"
        if instead == "none"
        else "Start a new run with clusters in place of its classes (was month)"
    )
    assert finding.step.changes == {"model.condition": instead}
    assert suspected.verdict == diagnose(history()).verdict


def test_fog_at_the_start_is_no_plateau():
    def flat(seen):
        return {"value": 90.0}

    assert "plateau" in found(None, flat)
    assert "plateau" not in found(None, flat, needed=2 * IMAGES)


def test_rates_that_lie_far_apart_are_named():
    nothing = after(20_000, coverage=0.01, recall=0.01)
    finding = found(None, nothing, **rates(5e-4, 0.05))["not-learning"]
    cause = "the learning rate of the discriminator is 100 times that of the generator"
    assert finding.step.cause == cause
    verdict = diagnose(history(None, nothing, **rates(5e-4, 0.05))).verdict
    assert verdict.endswith(f" Likely cause: {cause}.")
    assert finding.step.changes == {"optim.discriminator.lr": 5e-4}
    assert finding.advice == (
        "Start a new run with a learning rate of 0.0005 for the discriminator (was 0.05)"
    )
    both = found(None, nothing, **rates(1e-5, 0.01))["not-learning"]
    assert both.step.changes == {"optim.generator.lr": 5e-4, "optim.discriminator.lr": 5e-4}
    of_sgd = rates(1e-4, 0.01, **{"optim.generator.algorithm": "sgd"})
    for near in (rates(1e-4, 4e-4), of_sgd):
        assert not found(None, nothing, **near)["not-learning"].step.cause


def test_what_is_done_is_about_the_cause():
    nothing = after(20_000, coverage=0.01, recall=0.01)
    exploding = after(8000, gradient_mean={"1 conv": 9.0, "2 conv": 0.01})
    diagnosis = diagnose(history(exploding, nothing, settings={"objective.loss": "wasserstein"}))
    assert diagnosis.verdict.endswith("Likely cause: exploding gradients.")
    assert diagnosis.step.changes == {"objective.wgan_gp": 10}


def test_a_run_that_learns_nothing_for_no_known_reason_starts_afresh():
    nothing = after(20_000, coverage=0.01, recall=0.01)
    assert found(None, nothing)["not-learning"].step.action == "afresh"


def test_what_is_wrong_from_the_start_is_a_consequence():
    sure = after(8000, score_real=0.99, score_fake_before=0.01, score_fake_after=0.01)
    alike = STUCK | {"repeats": 1.0, "diversity": 0.1}
    names = [one.id for one in diagnose(history(sure, lambda seen: alike)).findings]
    assert names[:2] == ["discriminator-wins", "mode-collapse"]
    late = after(30_000, repeats=1.0, diversity=0.1)
    verdict = diagnose(history(None, late)).verdict
    assert verdict.startswith("Mode collapse after 30,000 of 40,000 images seen.")
    assert verdict.endswith("Likely cause: the generator learns too fast.")


def test_advice_names_a_rate_to_try():
    sure = after(8000, score_real=0.99, score_fake_before=0.01, score_fake_after=0.01)
    finding = found(sure, lambda seen: STUCK, **rates(None, 0.02))["discriminator-wins"]
    assert "a learning rate of 0.005 for the discriminator (was 0.02)" in finding.advice


def test_what_has_ended_asks_for_nothing():
    finding = found(
        lambda seen: {"loss_d": 9.0 if 8000 < seen < 20_000 else 1.3}, loss_of_guessing=1.4
    )
    assert "oscillation" not in finding
    brief = {"1 conv": 1e-7, "2 conv": 0.01}
    gone = found(lambda seen: {"gradient_mean": brief} if 8000 < seen < 20_000 else {})
    assert gone["vanishing-gradients"].severity == "note"
    assert gone["vanishing-gradients"].advice == ""
    assert gone["vanishing-gradients"].meaning.startswith("This ended after 20,")


def test_poor_images_are_not_called_healthy():
    flat = {"value": 40.0, "coverage": 0.2}
    assert diagnose(history(None, lambda seen: flat)).verdict.startswith("Poor images that no")


def test_a_young_run_with_recall_but_little_coverage_learns():
    young = {"coverage": 0.03, "recall": 0.46}
    assert not serious(found(None, lambda seen: young if seen < 15_000 else {}))


def test_divergence_is_read_from_the_events():
    events = [
        {"event": "diverged", "images": 9000, "what": "loss_d not finite"},
        {"event": "rollback", "images": 8000},
    ]
    finding = found(None, None, events)["diverged"]
    assert (finding.severity, finding.since, finding.until) == ("note", 9000, 9000)
    events[0]["images"] = IMAGES
    assert found(None, None, events)["diverged"].severity == "failure"


def test_uneven_windows_are_noted_before_they_show():
    finding = found(uneven=["2 (kernel 3, stride 2)"])["checkerboard"]
    assert (finding.severity, finding.since) == ("note", 0)
    assert "kernel 3, stride 2" in finding.meaning


def test_nobody_is_told_to_train_longer_when_images_are_of_no_use():
    sure = after(8000, score_real=0.99, score_fake_before=0.01, score_fake_after=0.01)
    findings = found(sure, lambda seen: STUCK)
    assert set(findings) == {"discriminator-wins"}


def test_the_verdict_of_a_short_run_is_that_it_is_too_early():
    found = diagnose(history(needed=3 * IMAGES))
    assert found.is_early and not diagnose(history()).is_early
    assert found.verdict == (
        "Too early to say: 40,000 images seen. Generated images usually begin to look like real"
        " ones after about 120,000."
    )


@pytest.mark.parametrize(("batch", "is_early"), [(200, False), (201, True)])
def test_no_run_is_done_after_a_few_steps(batch, is_early):
    """As one with networks of its own, of which it is not known how long they need: 200 steps."""
    whole = history(batch=batch, dataset_images=10_000, needed=None)
    found = diagnose(whole)
    assert found.is_early == is_early
    assert (
        found.verdict.startswith("Too early to say: 40,000 images seen, in 199 steps.") == is_early
    )
    begun = replace(whole.setup, settings={**whole.setup.settings, "start.weights": "runs/a"})
    assert not diagnose(replace(whole, setup=begun)).is_early


def test_without_scores_it_is_too_early_unless_none_are_asked_for():
    """As in a run that starts from trained networks, for which no number of images is needed."""
    whole = history()
    unscored = replace(whole, scores=whole.scores[:1])
    assert diagnose(unscored).is_early
    off = replace(whole.setup, settings={**whole.setup.settings, "metrics.metric": "off"})
    assert not diagnose(replace(unscored, setup=off)).is_early


@pytest.mark.parametrize("fault", ["discriminator-loses", "generator-fools-discriminator"])
def test_nothing_is_said_of_images_that_were_not_scored(fault):
    """As in a run without scores, and before the first one."""
    log, _ = FAULTS[fault]
    assert fault in found(log, lambda seen: STUCK)
    assert not diagnose(replace(history(log), scores=())).findings


def test_a_certain_discriminator_is_a_warning_where_images_were_not_scored():
    log, _ = FAULTS["discriminator-wins"]
    (finding,) = diagnose(replace(history(log), scores=())).findings
    assert (finding.id, finding.severity) == ("discriminator-wins", "warning")
    assert finding.meaning.endswith("So the generator learns little from it.")


def test_a_few_scores_that_fall_are_a_good_sign():
    whole = history()
    young = diagnose(replace(whole, scores=whole.scores[:3]))
    first, last = (whole.scores[place].value for place in (0, 2))
    assert young.verdict.startswith(
        f"Healthy so far: the score fell from {first:.0f} to {last:.0f}"
    )
    rising = diagnose(replace(whole, scores=whole.scores[2::-1]))
    assert rising.verdict.startswith("No problem found, but too few scores")


@pytest.mark.parametrize(
    ("last", "verdict"), [(0.92, "No problem found, but too few"), (0.88, "Healthy so far")]
)
def test_a_few_scores_that_hardly_fall_are_none(last, verdict):
    """A tenth of the distance to the baseline must go."""
    whole = history()
    begun = [replace(line, value=line.baseline + 100) for line in whole.scores[:2]]
    begun[1] = replace(begun[1], value=begun[1].baseline + 100 * last)
    assert diagnose(replace(whole, scores=tuple(begun))).verdict.startswith(verdict)


SURE = after(8000, score_real=0.99, score_fake_before=0.01, score_fake_after=0.01)


@pytest.mark.parametrize(
    ("settings", "changes"),
    [
        ({}, {"objective.r1": 1}),
        ({"objective.r1": 3}, {}),
        ({"objective.wgan_gp": 10}, {}),
        (
            {"objective.loss": "saturating"},
            {"objective.loss": "non-saturating", "objective.r1": 1},
        ),
        (
            {"model.discriminator.norm": "spectral+batch"},
            {"objective.r1": 1, "model.discriminator.norm": "spectral"},
        ),
        ({"model.discriminator.norm": "batch", "objective.r1": 3}, {}),
    ],
)
def test_a_certain_discriminator_gets_a_penalty_where_it_has_none(settings, changes):
    known = found(SURE, lambda seen: STUCK, settings={"optim.discriminator.lr": 4e-4} | settings)
    wanted = {"optim.discriminator.lr": 1e-4} | changes
    assert known["discriminator-wins"].step.changes == wanted


def test_no_penalty_is_advised_where_batch_norm_stays():
    rate = {"optim.discriminator.lr": 4e-4}
    known = found(SURE, lambda seen: STUCK, settings=rate, needs_batch_norm=True)
    assert known["discriminator-wins"].step.changes == {"optim.discriminator.lr": 1e-4}


def test_sgd_is_replaced_by_adam():
    saturated = after(20_000, saturation=0.5)
    settings = {"optim.generator.algorithm": "sgd", "optim.generator.lr": 3.0}
    step = found(None, saturated, settings=settings)["saturated-output"].step
    assert step.changes == {"optim.generator.algorithm": "adam", "optim.generator.lr": 5e-4}


def test_what_hides_images_from_the_discriminator_is_switched_off():
    blind = after(8000, score_real=0.5, score_fake_before=0.49)
    hidden = {"model.discriminator.dropout": 0.9, "model.discriminator.noise": 0.0}
    finding = found(blind, lambda seen: STUCK, settings=hidden)["discriminator-loses"]
    assert finding.step.changes == {"model.discriminator.dropout": 0}


def test_contrast_needs_the_right_range_then_time_then_fewer_changes():
    flat = after(20_000, contrast=0.4)
    wrong = found(None, flat, settings={"data.scaling": "unit"})["contrast"]
    assert wrong.step.changes == {"data.scaling": "symmetric"}
    assert found(None, flat, usual=IMAGES // 2)["contrast"].step.action == "continue"
    assert found(None, flat, usual=IMAGES // 4)["contrast"].step.action == "afresh"
    stuck = after(20_000, contrast=0.4, value=40.0)
    assert found(None, stuck, usual=IMAGES // 2)["contrast"].step.action == "afresh"


def test_a_short_latent_is_the_first_thing_to_change_when_variety_is_low():
    narrow = after(20_000, rank=0.2, repeats=0.3)
    short = found(None, narrow, settings={"model.latent.dim": 1})["partial-mode-collapse"]
    assert short.step.changes == {"model.latent.dim": 32}
    usual = found(None, narrow, settings={"model.latent.dim": 32})["partial-mode-collapse"]
    assert usual.step.changes == {"model.discriminator.pack": 2}


@pytest.mark.parametrize(
    ("settings", "batch", "advised"),
    [
        ({}, 32, {"model.discriminator.pack": 2}),
        ({}, 33, {}),
        ({"model.condition": "clusters"}, 32, {}),
        ({"model.latent.categorical": [10]}, 32, {}),
        ({"model.latent.continuous": 2}, 32, {}),
        (
            {"model.latent.dim": 16, "model.latent.shape": [1, 4, 4]},
            32,
            {"model.discriminator.pack": 2},
        ),
    ],
)
def test_nothing_is_advised_that_the_settings_of_the_run_do_not_allow(settings, batch, advised):
    """Packs need images without classes and codes; a latent with a shape keeps its numbers."""
    narrow = after(20_000, rank=0.2, repeats=0.3)
    settings = settings | {"optim.generator.lr": 0.001}
    step = found(None, narrow, settings=settings, batch=batch)["partial-mode-collapse"].step
    assert step.changes == {"optim.generator.lr": 0.00025} | advised


def test_layers_of_a_table_are_changed_in_the_recipe():
    table = {"settings": {"model.generator.layers": "table"}}
    pattern = found(None, after(20_000, checkerboard=0.2), **table)["checkerboard"]
    assert (pattern.step.action, pattern.step.changes) == ("", {})
    assert "recipe" in pattern.advice


def test_nobody_is_told_to_train_on_and_to_start_again():
    narrow = diagnose(history(None, after(20_000, rank=0.2, repeats=0.3)))
    assert [finding.id for finding in narrow.findings] == ["partial-mode-collapse"]
    assert narrow.step == narrow.findings[0].step


def test_more_time_is_asked_for_with_its_length():
    step = diagnose(history()).step
    assert (step.action, step.images) == ("continue", 2 * IMAGES)
    assert diagnose(history(images=3 * IMAGES)).step.images == 3 * IMAGES, "as planned"
    early = diagnose(history(needed=3 * IMAGES)).step
    assert (early.action, early.images) == ("continue", 3 * IMAGES)


@pytest.mark.parametrize("kept", [0, 1, 5, 40])
@pytest.mark.parametrize("scored", [0, 1, 4])
def test_every_rule_bears_a_history_that_has_hardly_begun(kept, scored):
    whole = history()
    short = replace(whole, log=whole.log[:kept], scores=whole.scores[:scored])
    assert not serious({finding.id: finding for finding in diagnose(short).findings})


def test_rules_bear_lines_of_older_versions():
    whole = history()
    names = ("images", "loss_d", "loss_g", "score_real", "score_fake_before")
    old = [{name: line[name] for name in names} for line in whole.log]
    scores = [replace(score, signs={}) for score in whole.scores]
    findings = diagnose(replace(whole, log=old, scores=scores)).findings
    assert [finding.id for finding in findings] == ["improving"]


def test_each_rule_has_a_docstring():
    assert all(rule.__doc__ for rule in RULES)


def test_the_guide_has_a_section_for_each_finding():
    import re
    from pathlib import Path

    root = Path(__file__).parents[2]
    rules = "".join(path.read_text() for path in (root / "src/dcgan/health").glob("*.py"))
    ids = set(re.findall(r'yield Finding\(\s*"([a-z-]+)"', rules))
    assert ids >= set(FAULTS)
    sections = re.findall(r"^## ([a-z-]+)$", (root / "docs/guide/health.md").read_text(), re.M)
    assert set(sections) == ids


@pytest.mark.parametrize("count", [0, 1, 3, 7, 30])
def test_smoothing_is_the_median_of_this_and_up_to_six_earlier_values(count):
    import numpy as np

    from dcgan.health.history import Curve

    values = np.random.default_rng(count).normal(size=count)
    curve = Curve(np.arange(count), values).smoothed()
    wanted = [np.median(values[max(0, end - 6) : end + 1]) for end in range(count)]
    np.testing.assert_allclose(curve.values, wanted)


def test_rules_bear_gradients_that_are_missing_or_not_finite():
    odd = [float("nan"), float("inf"), None, 1e-2]

    def log(seen):
        value = odd[seen % 4]
        layers = {"2 conv": 0.01, "3 conv": float("nan")}
        return {"gradient_mean": layers if value is None else layers | {"1 conv": value}}

    assert not serious(found(log))
