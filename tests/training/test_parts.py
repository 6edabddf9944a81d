"""A batch in parts, and rows computed twice, come to the same update with less in memory."""

from __future__ import annotations

import copy
from dataclasses import replace

import pytest
import torch
from torch import nn

from dcgan.config import load_recipe, merge, parse_config, validate_combinations
from dcgan.errors import ConfigError
from dcgan.models import Discriminator, Generator, plan_discriminator, plan_generator
from dcgan.models.latents import LatentSpace
from dcgan.models.recompute import recompute_rows
from dcgan.objectives import OBJECTIVES
from dcgan.runtime.ranks import Ranks
from dcgan.training import micro_batch
from dcgan.training.micro_batch import fewest_parts, parts_on_device
from dcgan.training.planning.device_limits import refuse_random_recompute, refuse_uneven
from dcgan.training.rules import Batch, Players, Rules, StepPlan
from dcgan.training.step import update

CLASSES = LatentSpace(6, classes=(0.5, 0.5), categorical=(3,), continuous=1)


def players(norm_g="none", norm_d="none", latent=CLASSES, dropout=0.0):
    torch.manual_seed(0)
    table = plan_generator((16, 16), 1, width=4, norm=norm_g)
    generator = Generator(table, latent_dim=latent.width)
    discriminator = Discriminator(
        plan_discriminator((16, 16), width=4, norm=norm_d, dropout=dropout),
        (1, 16, 16),
        classes=len(latent.classes),
        codes=4 if latent.categorical else 0,
    )
    both = (torch.optim.SGD(one.parameters(), 0.1) for one in (generator, discriminator))
    return Players(generator, discriminator, *both)


def batch(latent=CLASSES, images=12):
    generator = torch.Generator().manual_seed(1)
    real = torch.rand(images, 1, 16, 16, generator=generator) * 2 - 1
    drawn = latent.sample(images, generator)
    return Batch(real, drawn, drawn[:, latent.class_slice] if latent.classes else None)


def rules(loss, penalties=(), parts=1, latent=CLASSES):
    return Rules(
        OBJECTIVES[loss],
        latent,
        penalties=dict.fromkeys(penalties, 0.5),
        penalty_interval=2,
        clip_discriminator=0.3,
        parts=parts,
    )


def assert_same(one: Players, other: Players, **close):
    for name in ("generator", "discriminator"):
        ours, theirs = (getattr(players, name).state_dict() for players in (one, other))
        for key, value in theirs.items():
            torch.testing.assert_close(ours[key], value, **close)


@pytest.mark.parametrize("parts", [2, 3, 12])
@pytest.mark.parametrize(
    ("loss", "penalties"),
    [("non-saturating", ("r1",)), ("relativistic", ("r1", "r2")), ("hinge", ())],
)
def test_parts_of_a_batch_come_to_the_update_of_the_whole(loss, penalties, parts):
    whole, divided = players(), players()
    step_plan = StepPlan(with_penalties=True)
    expected = update(whole, batch(), rules(loss, penalties), step_plan)
    found = update(divided, batch(), rules(loss, penalties, parts), step_plan)
    assert_same(divided, whole, rtol=1e-4, atol=1e-6)
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        torch.testing.assert_close(found[name], value, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("parts", [1, 3])
@pytest.mark.parametrize("loss", ["non-saturating", "relativistic"])
def test_where_no_layer_mixes_images_a_joint_batch_comes_to_the_same_update(loss, parts):
    """With classes and codes: each image keeps its own."""
    apart, jointly = players(), players()
    expected = update(apart, batch(), rules(loss), StepPlan())
    joint = replace(rules(loss, parts=parts), joint_batch=True)
    found = update(jointly, batch(), joint, StepPlan())
    assert_same(jointly, apart, rtol=1e-4, atol=1e-6)
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        torch.testing.assert_close(found[name], value, rtol=1e-4, atol=1e-6)


def test_no_more_images_than_a_part_go_through_a_network_at_a_time():
    seen = []
    one = players()
    for network in (one.generator, one.discriminator):
        network.blocks.register_forward_pre_hook(lambda _, inputs: seen.append(len(inputs[0])))
    one.discriminator.blocks[0].register_forward_pre_hook(
        lambda _, inputs: seen.append(len(inputs[0]))
    )
    update(one, batch(), rules("relativistic", ("r1",), parts=4), StepPlan(with_penalties=True))
    assert set(seen) == {3}


@pytest.mark.parametrize(
    ("images", "pack", "fits", "expected"),
    [(64, 1, 64, 1), (64, 1, 63, 2), (64, 1, 9, 8), (12, 1, 5, 3), (12, 2, 2, 6), (7, 1, 3, 7)],
)
def test_as_few_parts_are_taken_as_fit(images, pack, fits, expected):
    tried = []

    def attempt(parts):
        tried.append(parts)
        if images // parts > fits:
            raise torch.OutOfMemoryError

    assert fewest_parts(attempt, images, pack=pack) == expected
    assert tried == sorted(set(tried))


def test_where_nothing_fits_one_line_says_so():
    def attempt(parts):
        raise torch.OutOfMemoryError

    with pytest.raises(ConfigError, match=r"does not even fit 2 images at a time.*smaller `size`"):
        fewest_parts(attempt, 8, pack=2)


def test_memory_that_libraries_do_not_get_counts_and_no_other_failure():
    def attempt(parts):
        if parts < 2:
            raise RuntimeError("GET was unable to find an engine to execute this computation")
        if parts < 4:
            raise RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling cublasCreate")

    def broken(parts):
        raise RuntimeError("shapes cannot be multiplied")

    assert fewest_parts(attempt, 8) == 4
    with pytest.raises(RuntimeError, match="shapes"):
        fewest_parts(broken, 8)


class Narrower(Ranks):
    """Of two processes the one whose device has more memory; the other needs so many parts."""

    def __init__(self, parts):
        super().__init__(0, 2)
        object.__setattr__(self, "parts", parts)

    def greatest(self, numbers):
        return [max(numbers[0], self.parts)]


def test_all_processes_go_by_the_device_that_has_least(monkeypatch):
    monkeypatch.setattr(micro_batch, "update", only_fitting(5))
    asked = rules("non-saturating", ("r1",))
    for parts, expected in ((2, 3), (4, 4)):
        shared = replace(players(), ranks=Narrower(parts))
        assert parts_on_device(shared, asked, (1, 16, 16), 12) == expected
    with pytest.raises(ConfigError, match="another process"):
        parts_on_device(replace(players(), ranks=Narrower(13)), asked, (1, 16, 16), 12)


@pytest.mark.parametrize("place", ["discriminator", "a row"])
def test_rows_that_draw_are_not_computed_again_on_mps(place):
    changed = {"optim": {"recompute": True}}
    config = parse_config(merge(load_recipe("small-mnist"), changed))
    refuse_random_recompute(config, torch.device("mps"))
    model = merge(load_recipe("small-mnist")["model"], {})
    noisy = model["discriminator"] if place == "discriminator" else model["generator"]["layers"][0]
    noisy["noise"] = 0.1
    config = parse_config(merge(load_recipe("small-mnist"), changed | {"model": model}))
    refuse_random_recompute(config, torch.device("cuda"))
    with pytest.raises(ConfigError, match="other noise"):
        refuse_random_recompute(config, torch.device("mps"))


def only_fitting(images):
    """An update for which memory ends at so many images."""

    def limited(players, batch, rules, step_plan):
        assert step_plan.with_penalties == bool(rules.penalties)
        if len(batch.real_BCHW) // rules.parts > images:
            raise torch.OutOfMemoryError
        return update(players, batch, rules, step_plan)

    return limited


def test_what_fits_is_found_on_copies(monkeypatch):
    monkeypatch.setattr(micro_batch, "update", only_fitting(5))
    one, before = players(), players()
    torch.manual_seed(3)
    asked = rules("non-saturating", ("r1",))
    assert parts_on_device(one, asked, (1, 16, 16), 12) == 3
    drawn = torch.rand(1)
    torch.manual_seed(3)
    assert drawn == torch.rand(1)  # trying has left the random numbers as they were
    assert_same(one, before, rtol=0, atol=0)


@pytest.mark.parametrize("norms", [("batch", "none"), ("none", "batch")])
def test_batch_norm_wants_a_batch_whole_and_hears_of_one_that_fits(monkeypatch, norms):
    asked = rules("non-saturating")
    assert parts_on_device(players(*norms), asked, (1, 16, 16), 12) == 1
    monkeypatch.setattr(micro_batch, "update", only_fitting(5))
    with pytest.raises(ConfigError, match=r"optim.batch` is 12: .*`batch=4` fits"):
        parts_on_device(players(*norms), asked, (1, 16, 16), 12)


def test_parts_that_are_said_must_be_equal_and_suit_the_norms():
    def config(micro, norm="none", pack=1, batch=12, **logits_of):
        model = {"generator": {"norm": norm}, "discriminator": {"pack": pack, **logits_of}}
        settings = {"optim": {"batch": batch, "micro_batch": micro}, "model": model}
        return parse_config(merge(load_recipe("auto"), settings))

    refuse_uneven(config(4), 1)
    refuse_uneven(config(3), 2)
    for wrong, processes in ((config(5), 1), (config(4), 2), (config(3, pack=2), 1)):
        with pytest.raises(ConfigError, match=r"optim.micro_batch"):
            refuse_uneven(wrong, processes)
    with pytest.raises(ConfigError, match=r"one image in each of 2 processes.*Use 4 or more"):
        own = config("auto", norm="batch", batch=2)
        refuse_uneven(
            own.model_copy(update={"optim": own.optim.model_copy(update={"batch_norm": "own"})}), 2
        )
    refuse_uneven(config("auto", norm="batch", batch=2), 2)
    assert validate_combinations(config(4)) == []
    (warning,) = validate_combinations(config(4, norm="batch"))
    assert "batch norm in the generator uses 4 images at a time" in warning
    assert validate_combinations(config(12, norm="batch")) == []
    (warning,) = validate_combinations(config(4, minibatch_stddev=True))
    assert "minibatch_stddev` takes the deviation of so many images" in warning


@pytest.mark.parametrize(
    ("norms", "penalties"), [(("none", "none"), ("r1", "r2")), (("batch", "batch"), ())]
)
def test_rows_computed_twice_come_to_the_same_update(norms, penalties):
    kept, again = players(*norms, dropout=0.5), players(*norms, dropout=0.5)
    for network in (again.generator, again.discriminator):
        recompute_rows(network)
    step_plan = StepPlan(with_penalties=bool(penalties))
    for one in (kept, again):
        torch.manual_seed(4)  # of dropout
        update(one, batch(), rules("relativistic", penalties), step_plan)
    assert_same(again, kept, rtol=1e-5, atol=1e-7)


def test_of_rows_computed_twice_only_the_inputs_are_held():
    def held(discriminator):
        kept = {}

        def pack(tensor):
            kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
            logit = discriminator(batch().real_BCHW.requires_grad_())
        weights = {weight.untyped_storage().data_ptr() for weight in discriminator.parameters()}
        return logit, sum(size for place, size in kept.items() if place not in weights)

    discriminator = players(norm_d="pixel").discriminator
    again = copy.deepcopy(discriminator)
    recompute_rows(again)
    (first, whole), (second, inputs) = held(discriminator), held(again)
    torch.testing.assert_close(first, second)
    assert inputs < 0.6 * whole
    assert [type(one) for one in again.blocks] != [type(one) for one in discriminator.blocks]
    assert again.state_dict().keys() == discriminator.state_dict().keys()


def test_spectral_norm_is_not_computed_twice():
    settings = {"optim": {"recompute": True}, "model": {"discriminator": {"norm": "spectral"}}}
    with pytest.raises(ConfigError, match=r"optim.recompute.*spectral norm in the discriminator"):
        validate_combinations(parse_config(merge(load_recipe("auto"), settings)))


def test_a_run_in_parts_goes_as_one_that_is_whole(tmp_path):
    from tests.conftest import SMALL

    import dcgan

    model = {
        "generator": {"width": 4, "norm": "none", "init": "default"},
        "discriminator": {"width": 4},
    }
    runs = []
    for name, optim in {"whole": {}, "parts": {"micro_batch": 8, "recompute": True}}.items():
        settings = SMALL["settings"] | {"model": model, "optim": optim}
        run = dcgan.train(
            "digits", images=128, out=tmp_path / name, **SMALL | {"settings": settings}
        )
        runs.append(run)
    whole, parts = (run.sample(4, seed=1).astype(int) for run in runs)
    assert abs(whole - parts).max() <= 1
    assert isinstance(runs[1].generator, nn.Module)
