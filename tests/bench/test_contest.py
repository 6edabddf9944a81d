"""Turns are fair, ratios are of the same round, and both steps learn the same."""

from __future__ import annotations

import itertools
import sys
from statistics import median

import pytest
import torch
import yaml
from tests.conftest import Notes

from dcgan.bench import contest, memory, report
from dcgan.bench.contest import (
    Contestant,
    Result,
    compete,
    contestants,
    our_steps,
    results,
    tf32_set_to,
)
from dcgan.bench.memory import peak_memory
from dcgan.bench.plain import PlainLoop
from dcgan.bench.report import measure, open_config
from dcgan.bench.table import markdown, row
from dcgan.config import load_recipe
from dcgan.errors import ConfigError
from dcgan.layer_tables import resolve_networks
from dcgan.runtime.work import Work
from dcgan.training.build import build_batches, build_plan, build_state
from dcgan.training.rules import Batch
from dcgan.training.step import update

CPU = torch.device("cpu")


def test_each_has_its_turn_in_every_round(monkeypatch):
    order = []
    clock = itertools.count()
    monkeypatch.setattr(contest.time, "perf_counter", lambda: float(next(clock)))
    entered = [
        Contestant(name, lambda name=name: lambda: order.append(name), CPU, 10, rival=rival)
        for name, rival in (("a", None), ("b", "a"))
    ]
    found = list(compete(entered, rounds=3, seconds=4 / contest.WARM_UP))
    assert [number for number, _ in found] == [0, 1, 2]
    # a step of the clock for each turn, whatever it does: so many steps as take that long
    assert found[0][1] == {"a": 40, "b": 40}
    rounds = order[4 * contest.WARM_UP :]
    assert rounds == (["a"] * 4 + ["b"] * 4) * 3


def test_ratios_are_of_the_same_round():
    entered = [
        Contestant("a", lambda: lambda: None, CPU, 1),
        Contestant("b", lambda: lambda: None, CPU, 1, rival="a"),
    ]
    slow, fast = {"a": 10.0, "b": 30.0}, {"a": 100.0, "b": 200.0}
    plain, ours = results(entered, [slow, fast])
    assert plain.ratios == ()
    assert ours.ratios == (3.0, 2.0)


def test_shares_are_of_what_the_machine_can_do():
    one = Contestant("a", lambda: lambda: None, CPU, 4)
    found = row(Result(one, (10.0, 20.0, 30.0), (), Work(8_000, 400)), 1e5, 1e4)
    assert found["images_per_second"] == [15, 20, 25]
    assert found["share_of_matrix_rate"] == pytest.approx(20 * 2000 / 1e5)
    assert found["share_of_copy_rate"] == pytest.approx(20 * 100 / 1e4)
    assert found["ratio"] is None
    assert "| a | 20 |" in markdown([found])


@pytest.fixture
def doubles(monkeypatch):
    """All arithmetic in double precision, where other orders of sums hardly show."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    monkeypatch.setattr(torch.Tensor, "float", torch.Tensor.double)
    yield
    torch.set_default_dtype(before)


def narrow_paper(folder):
    """The paper's recipe with a 32nd of its filters, as a file."""
    recipe = load_recipe("paper")
    for player in ("generator", "discriminator"):
        for layer in recipe["model"][player]["layers"]:
            for kind in {"conv", "conv_transpose"} & layer.keys():
                layer[kind] = layer[kind] if layer[kind] <= 3 else layer[kind] // 32
    path = folder / "narrow.yaml"
    path.write_text(yaml.safe_dump(recipe), encoding="utf-8")
    return str(path)


@pytest.mark.parametrize("recipe", ["small-mnist", narrow_paper])
def test_the_plain_step_and_ours_learn_the_same(recipe, doubles, tmp_path):
    """From the same weights, images and latents.

    In single precision they would part soon: where a gradient is next to nothing, Adam makes a
    step of full length of its rounding.
    """
    recipe = recipe(tmp_path) if callable(recipe) else recipe
    config = open_config(recipe, None, 8, CPU)
    networks = resolve_networks(config)
    pixels = contest.random_images(networks.image_shape)[:64]
    state = build_state(config, networks, CPU)
    dataset = contest.load_dataset(
        contest.open_items(pixels), networks.image_shape[1:], networks.image_shape[0]
    )
    batches = build_batches(config, networks, dataset, CPU)
    plan = build_plan(config, batches, networks.latent, CPU)
    plain = PlainLoop(config, pixels, workers=0)
    plain.generator.load_state_dict(state.players.generator.state_dict())
    plain.discriminator.load_state_dict(state.players.discriminator.state_dict())
    random = torch.Generator().manual_seed(0)
    for _ in range(4):
        real = torch.rand(8, *networks.image_shape, generator=random) * 2 - 1
        latent = networks.latent.sample(8, random)
        losses = plain.step(real, latent)
        ours = update(state.players, Batch(real, latent), plan.rules, plan.step_plan(state))
        found = [float(ours["loss_d"]), float(ours["loss_g"])]
        assert found == pytest.approx(losses, rel=1e-9)
        with torch.no_grad():
            for one, other in zip(
                plain.discriminator.parameters(),
                state.players.discriminator.parameters(),
                strict=True,
            ):
                # a step is of 2e-4 or more
                torch.testing.assert_close(one, other, rtol=0, atol=1e-9)


def test_a_whole_contest_says_what_it_is_of(monkeypatch):
    monkeypatch.setattr("dcgan.bench.report.matrix_rate", lambda *_: 1e11)
    monkeypatch.setattr("dcgan.bench.report.copy_rate", lambda *_: 1e10)
    said = Notes()
    found = measure(
        "small-mnist",
        batch=8,
        rounds=2,
        seconds=0.01,
        device="cpu",
        precision="fp32",
        with_memory=False,
        reporter=said,
    )
    assert "small-mnist, 28x28x1, batch 8" in said[0]
    names = ["plain loop", "plain step", "ours, fp32", "our step, fp32"]
    assert [one["name"] for one in found["results"]] == names
    assert all(median(one["images_per_second"]) > 0 for one in found["results"])


def test_memory_is_left_out_where_the_system_does_not_tell(monkeypatch):
    monkeypatch.setitem(sys.modules, "resource", None)  # as under Windows
    monkeypatch.setattr(memory, "kilobytes", lambda *_: None)
    config, threads = open_config("small-mnist", None, 2, CPU), torch.get_num_threads()
    taken = memory._peak(config, "our step, fp32", CPU, ("fp32",), threads)
    assert taken is None
    monkeypatch.setattr(report, "peak_memory", lambda *_: taken)
    found = measure("small-mnist", batch=2, rounds=1, seconds=0.01, device="cpu", precision="fp32")
    assert markdown(found["results"])


def test_memory_is_that_of_training_alone():
    config = open_config("small-mnist", None, 256, CPU)
    taken = peak_memory(config, "our step, fp32", CPU, ("fp32",))
    of_one_layer = 256 * 128 * 14 * 14 * 4  # bytes: the generator's widest layer, every image
    assert of_one_layer < taken < 20 * of_one_layer


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ({"rounds": 0}, "rounds` is 0: from 1"),
        ({"seconds": 0.0}, "seconds` is 0.0: above 0"),
        ({"workers": -1}, "workers` is -1: 0 or more"),
        ({"recipe": "papr"}, "did you mean 'paper'"),
    ],
)
def test_what_cannot_be_is_refused(words, line):
    with pytest.raises(ConfigError, match=line):
        measure(words.pop("recipe", "paper"), **words)


def test_all_are_entered():
    config = open_config("auto", "32", 8, CPU)
    entered = contestants(config, CPU, ("fp32", "bf16"), workers=0)
    assert [one.rival for one in entered] == [
        None,
        None,
        "plain loop",
        "plain step",
        "plain loop",
        "plain step",
    ]
    assert entered[-1].precision is torch.bfloat16


@pytest.mark.parametrize(
    ("side", "least", "count"), [(28, 64, 2048), (64, 64, 2048), (512, 8, 42), (512, 64, 64)]
)
def test_large_images_are_few_and_at_least_a_batch(side, least, count):
    assert contest.random_images((3, side, side), least).shape == (count, 3, side, side)


def test_tf32_is_as_before_even_after_an_error():
    before = torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32
    with pytest.raises(ZeroDivisionError), tf32_set_to(not before[0]):
        assert torch.backends.cudnn.allow_tf32 is torch.backends.cuda.matmul.allow_tf32
        assert torch.backends.cudnn.allow_tf32 is not before[0]
        raise ZeroDivisionError
    assert (torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32) == before


@pytest.mark.parametrize("tf32", [False, True])
def test_a_change_is_made_and_used_with_the_asked_precision(tf32):
    player = {"width": 2}
    settings = {"model": {"generator": player, "discriminator": player}}
    config = open_config("auto", "16", 4, CPU, settings)
    assert config.model.generator.width == 2
    seen = []

    def change(players, update, example):
        seen.append(("made", example.real_BCHW.shape[0], torch.backends.cudnn.allow_tf32))

        def changed(batch):
            seen.append(("used", batch.real_BCHW.shape[0], torch.backends.cudnn.allow_tf32))
            return update(batch)

        return changed

    step = our_steps(config, CPU, fresh=True, tf32=tf32, change=change)
    step()
    assert seen == [("made", 4, tf32), ("used", 4, tf32)]
