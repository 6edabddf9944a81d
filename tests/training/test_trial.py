"""Timing a configuration: what is counted, what is left alone. No test depends on real time."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch

from dcgan.config import load_recipe, merge, parse_config
from dcgan.data.quality.survey import Survey
from dcgan.layer_tables import resolve_networks
from dcgan.training import trial
from dcgan.training.planning.auto import resolve_auto
from dcgan.training.planning.speed_choice import ComputeMode
from dcgan.training.trial import compare_speeds, images_per_second

CPU = torch.device("cpu")
SMALL = {
    "data": {"size": 16},
    "model": {"generator": {"width": 4}, "discriminator": {"width": 4}},
    "optim": {"batch": 16},
}


def small(settings=None):
    asked = parse_config(merge(merge(load_recipe("auto"), SMALL), settings or {}))
    seen = Survey(500, 500, {"L": 500}, {(16, 16): 500}, {}, (), 0)
    config, _ = resolve_auto(asked, seen, CPU)
    return config, resolve_networks(config)


class Clock:
    """Time that passes in steps and forward passes alone, by what each image costs."""

    def __init__(self, monkeypatch, seconds_per_image):
        self.now, self.seen = 0.0, []

        def update(players, batch, rules, step_plan):
            self.seen.append(
                (torch.get_num_threads(), rules.precision, step_plan, len(batch.real_BCHW))
            )
            self.now += len(batch.real_BCHW) * seconds_per_image(rules, step_plan)

        monkeypatch.setattr(trial, "update", update)
        monkeypatch.setattr(trial.time, "perf_counter", lambda: self.now)


def test_penalties_count_as_often_as_they_are_due(monkeypatch):
    Clock(monkeypatch, lambda rules, step_plan: 0.003 if step_plan.with_penalties else 0.001)
    config, networks = small({"objective": {"r1": 1.0, "penalty_interval": 4}})
    # of four images, three cost 1 ms and one costs 3 ms
    assert images_per_second(config, networks, CPU) == pytest.approx(4 / 0.006)
    config, networks = small({"objective": {"r1": 0.0}})
    assert images_per_second(config, networks, CPU) == pytest.approx(1000)


def test_the_generator_counts_as_often_as_it_moves(monkeypatch):
    Clock(monkeypatch, lambda rules, step_plan: 0.004 if step_plan.with_generator else 0.002)
    config, networks = small({"objective": {"r1": 0}, "optim": {"discriminator_steps": 5}})
    assert images_per_second(config, networks, CPU) == pytest.approx(5 / (4 * 0.002 + 0.004))


def test_ways_are_timed_in_turns_each_with_its_threads_and_precision(monkeypatch):
    def cost(rules, step_plan):
        in_bf16 = rules.precision is torch.bfloat16
        return (0.002 if in_bf16 else 0.001) / torch.get_num_threads()

    clock = Clock(monkeypatch, cost)
    modes = [ComputeMode("fp32", 1), ComputeMode("bf16", 1), ComputeMode("fp32", 2)]
    found = compare_speeds(*small(), CPU, modes)
    assert found.has_stepped
    assert found.speeds == pytest.approx(dict(zip(modes, (1000, 500, 2000), strict=True)))
    assert {(threads, dtype) for threads, dtype, _, _ in clock.seen} == {
        (1, torch.float32),
        (1, torch.bfloat16),
        (2, torch.float32),
    }
    assert clock.now < 1.5  # seconds=1.0, and the first steps of a few images


@pytest.mark.parametrize("milliseconds", [0.01, 1, 30])
def test_slow_networks_are_timed_on_fewer_images_in_the_same_time(monkeypatch, milliseconds):
    clock = Clock(monkeypatch, lambda rules, step_plan: milliseconds / 1000)
    found = images_per_second(*small(), CPU, seconds=0.5)
    assert found == pytest.approx(1000 / milliseconds)
    assert clock.now < 1.2
    images = max(count for *_, count in clock.seen)
    assert (images == 16) == (milliseconds < 30)


def test_a_batch_beyond_memory_is_timed_on_as_many_images_as_fit(monkeypatch):
    """Training goes through such a batch in parts; timing it must not end the run before."""
    clock = Clock(monkeypatch, lambda rules, step_plan: 0.001)
    step = trial.update

    def update(players, batch, rules, step_plan):
        if len(batch.real_BCHW) > 8:
            raise torch.OutOfMemoryError("CUDA out of memory")
        step(players, batch, rules, step_plan)

    monkeypatch.setattr(trial, "update", update)
    assert images_per_second(*small(), CPU) == pytest.approx(1000)
    assert max(count for *_, count in clock.seen) == 8


def test_other_errors_of_a_timed_step_are_raised(monkeypatch):
    clock = Clock(monkeypatch, lambda rules, step_plan: 0.001)
    step = trial.update

    def update(*words):
        if clock.seen:
            raise RuntimeError("a fault")
        step(*words)

    monkeypatch.setattr(trial, "update", update)
    with pytest.raises(RuntimeError, match="a fault"):
        images_per_second(*small(), CPU)


def test_networks_too_slow_for_any_step_are_not_stepped(monkeypatch):
    clock = Clock(monkeypatch, lambda rules, step_plan: 0.0)
    build = trial.build_state

    def slow(*words, **more):
        state = build(*words, **more)

        def pass_time(*_):
            clock.now += 3.0 - torch.get_num_threads()

        state.players.generator.register_forward_hook(pass_time)
        return state

    monkeypatch.setattr(trial, "build_state", slow)
    one, two = ComputeMode("fp32", 1), ComputeMode("fp32", 2)
    found = compare_speeds(*small(), CPU, [one, two])
    assert not found.has_stepped
    assert found.speeds == pytest.approx({one: 1 / 24, two: 1 / 12})
    assert images_per_second(*small({"threads": 1}), CPU) == pytest.approx(1 / 24)
    assert clock.seen == []


def test_random_numbers_threads_and_settings_are_as_they_were():
    config, networks = small({"deterministic": True, "optim": {"generator": {"lr": 1e-3}}})

    def drawn():
        return random.random(), np.random.rand(), torch.rand(1).item()

    states = random.getstate(), np.random.get_state(), torch.get_rng_state()
    expected = drawn()
    random.setstate(states[0])
    np.random.set_state(states[1])
    torch.set_rng_state(states[2])
    found = compare_speeds(
        config, networks, CPU, [ComputeMode("fp32", 2), ComputeMode("bf16", 1)], seconds=0.01
    )
    assert all(speed > 0 for speed in found.speeds.values())
    assert images_per_second(config, networks, CPU, seconds=0.01) > 0
    assert torch.get_num_threads() == 1
    assert not torch.are_deterministic_algorithms_enabled()
    assert torch.utils.deterministic.fill_uninitialized_memory
    assert drawn() == expected


@pytest.mark.parametrize(
    "settings",
    [
        {"model": {"discriminator": {"pack": 4}}},
        {"model": {"latent": {"categorical": [3], "continuous": 2}}},
        {"model": {"generator": {"norm": "batch"}, "discriminator": {"norm": "batch"}}},
        {"optim": {"micro_batch": 4}, "model": {"generator": {"norm": "none"}}},
        {"objective": {"loss": "relativistic", "r1": 0, "dragan": 1.0}},
        {"average": {"half_life": 0}},
    ],
)
def test_every_kind_of_run_can_be_timed(settings):
    assert images_per_second(*small(settings), CPU, seconds=0.01) > 0
