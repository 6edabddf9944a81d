"""Learning rates fall as their schedule says, and what is due in a step depends on its number."""

from __future__ import annotations

from math import cos, pi
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.conftest import SMALL

import dcgan
from dcgan.models.blocks import InstanceNoise
from dcgan.objectives import OBJECTIVES
from dcgan.training import loop
from dcgan.training.loop import Plan
from dcgan.training.lr_schedule import RateSchedule
from dcgan.training.rules import Rules

SHARE = st.floats(0, 1)
START = st.floats(0, 0.9)


@given(progress=SHARE, start=START, end=SHARE)
def test_rates_fall_linearly_from_the_start_to_the_end(progress, start, end):
    factor = RateSchedule("linear", (1, 1), start, end).factor(progress)
    if progress <= start:
        assert factor == 1
    else:
        # on the straight line through (start, 1) and (1, end)
        assert factor == pytest.approx(1 + (end - 1) / (1 - start) * (progress - start))


@given(progress=SHARE, start=START, end=SHARE)
def test_rates_fall_along_half_a_cosine(progress, start, end):
    factor = RateSchedule("cosine", (1, 1), start, end).factor(progress)
    if progress <= start:
        assert factor == 1
    else:
        angle = pi * (progress - start) / (1 - start)
        assert factor == pytest.approx(end + (1 - end) * (1 + cos(angle)) / 2)


@given(progress=SHARE)
def test_constant_rates_stay(progress):
    assert RateSchedule("constant", (1, 1), 0.1, 0.2).factor(progress) == 1


@given(progress=SHARE, fade_from=st.integers(1, 10**6), images=st.integers(0, 10**9))
def test_rates_that_fade_fall_as_one_over_the_root_of_the_images(progress, fade_from, images):
    factor = RateSchedule("linear", (1, 1), fade_from=fade_from).factor(progress, images)
    unfaded = RateSchedule("linear", (1, 1)).factor(progress)
    if images <= fade_from:
        assert factor == unfaded
    else:
        assert factor**2 * images == pytest.approx(unfaded**2 * fade_from)


def test_what_a_roll_back_took_off_stays_off():
    optimizers = [SimpleNamespace(param_groups=[{"lr": 9.0}, {"lr": 9.0}]) for _ in range(2)]
    players = SimpleNamespace(
        generator_optimizer=optimizers[0], discriminator_optimizer=optimizers[1]
    )
    RateSchedule("linear", (1.0, 4.0)).set(players, 0.5, also=0.25)
    rates = [[group["lr"] for group in one.param_groups] for one in optimizers]
    assert rates == [[0.125, 0.125], [0.5, 0.5]]


def seen_rates(monkeypatch):
    """Rates of (G, D) and images seen at every update of a run."""
    seen, plain = [], loop.update

    def update(players, *rest):
        optimizers = (players.generator_optimizer, players.discriminator_optimizer)
        seen.append(tuple(one.param_groups[0]["lr"] for one in optimizers))
        return plain(players, *rest)

    monkeypatch.setattr(loop, "update", update)
    return seen


def test_a_run_falls_to_the_end_with_both_rates_in_their_ratio(tmp_path, monkeypatch):
    seen = seen_rates(monkeypatch)
    optim = {
        "schedule": "linear",
        "schedule_start": 0.5,
        "schedule_end": 0.1,
        "generator": {"lr": 1e-3},
        "discriminator": {"lr": 4e-3},
    }
    settings = SMALL["settings"] | {"optim": optim}
    dcgan.train("digits", images=320, out=tmp_path / "run", **{**SMALL, "settings": settings})
    expected = [1 - 0.9 * max(0, 2 * (step / 10) - 1) for step in range(10)]
    assert [g for g, _ in seen] == pytest.approx([1e-3 * factor for factor in expected])
    assert [d / g for g, d in seen] == pytest.approx([4.0] * 10)


def test_rates_of_a_run_fade_by_the_images_seen_however_long_it_is(tmp_path, monkeypatch):
    seen = seen_rates(monkeypatch)
    optim = {"rates_fade_from": 64, "generator": {"lr": 1e-3}, "discriminator": {"lr": 4e-3}}
    settings = SMALL["settings"] | {"optim": optim}
    out = tmp_path / "run"
    dcgan.train("digits", images=160, out=out, **{**SMALL, "settings": settings})
    run = dcgan.train("digits", images=320, out=out, resume=True)
    expected = [(64 / max(64, 32 * step)) ** 0.5 for step in range(10)]
    assert [g for g, _ in seen] == pytest.approx([1e-3 * factor for factor in expected])
    assert [d / g for g, d in seen] == pytest.approx([4.0] * 10)
    assert run.log()[-1]["rate_factor"] == pytest.approx((64 / 320) ** 0.5)


def plan(**changes):
    rules = Rules(OBJECTIVES["hinge"], penalties={"r1": 1.0}, penalty_interval=4)
    return Plan(changes.pop("rules", rules), **changes)


def at(steps, images=0, seconds=0.0):
    return SimpleNamespace(discriminator_steps=steps, images_seen=images, seconds=seconds)


def test_penalties_are_due_every_interval_and_never_without_weight():
    assert [n for n in range(9) if plan().step_plan(at(n)).with_penalties] == [0, 4, 8]
    bare = plan(rules=Rules(OBJECTIVES["hinge"]))
    assert not any(bare.step_plan(at(n)).with_penalties for n in range(9))


def test_penalties_fade_as_one_over_the_images_seen():
    fading = plan(penalties_fade_from=1_000, penalties_fade_to=0.2)
    scales = [
        fading.step_plan(at(n, images=n)).penalty_scale for n in (0, 500, 1_000, 2_000, 8_000)
    ]
    assert scales == pytest.approx([1, 1, 1, 1 / 2, 0.2])
    assert plan().step_plan(at(9, images=10**9)).penalty_scale == 1


def test_the_generator_moves_after_so_many_discriminator_steps():
    moves = [plan(discriminator_steps=3).step_plan(at(n)).with_generator for n in range(7)]
    assert moves == [False, False, True, False, False, True, False]


def test_the_share_of_top_k_falls_geometrically_to_its_end():
    falling = plan(top_k=0.25, top_k_ramp=1_000)
    shares = [falling.step_plan(at(0, images)).share for images in (0, 500, 1_000, 9_000)]
    assert shares == pytest.approx([1.0, 0.5, 0.25, 0.25])
    assert plan(top_k=0.25).step_plan(at(0)).share == 0.25
    assert plan().step_plan(at(0)).share == 1.0


def test_progress_is_by_images_where_they_bound_the_run_else_by_time():
    assert plan(images=200).progress(at(0, 50)) == 0.25
    assert plan(images=200).progress(at(0, 900)) == 1.0
    assert plan(minutes=2.0).progress(at(0, 50, seconds=30.0)) == 0.25
    assert plan().progress(at(0, 50)) == 0.0


def test_noise_fades_in_a_straight_line_to_none(tmp_path, monkeypatch):
    seen, plain = [], InstanceNoise.forward

    def forward(self, x):
        noisy = plain(self, x)
        if self.training:
            seen.append((noisy - x).std().item())
        return noisy

    monkeypatch.setattr(InstanceNoise, "forward", forward)
    noisy = {"width": 4, "noise": 0.5, "noise_until": 160}
    model = {"generator": {"width": 4}, "discriminator": noisy}
    settings = SMALL["settings"] | {"model": model, "metrics": {"metric": "off"}}
    dcgan.train("digits", images=256, out=tmp_path / "run", **{**SMALL, "settings": settings})
    # three passes of D per step: real, generated, and for the generator
    expected = [0.5 * max(0, 1 - step * 32 / 160) for step in range(8) for _ in range(3)]
    assert seen == pytest.approx(expected, rel=0.1)
