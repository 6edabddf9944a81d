"""Directions are found where they were put, and move what they should."""

from __future__ import annotations

import json
from types import MappingProxyType

import numpy as np
import pytest
import torch
from torch import nn

from dcgan.data import Labels
from dcgan.errors import ConfigError, DcganError, RunError
from dcgan.latent import direction_search
from dcgan.latent.choice import Choice
from dcgan.latent.direction_search import Request, find, from_generator, from_samples
from dcgan.latent.directions import (
    Direction,
    between,
    by_class,
    by_value,
    components,
    explained,
    factorised,
    first_activations,
    moved,
    without,
)
from dcgan.latent.store import keep_direction, read_direction, stored_names
from dcgan.models import Generator, plan_generator
from dcgan.models.latents import LatentSpace
from dcgan.runs.run import Run

SPACE = LatentSpace(12)
AXIS = torch.nn.functional.normalize(torch.arange(12.0) - 3, dim=0)


def cosine(a, b):
    return float(torch.nn.functional.cosine_similarity(a, b, dim=-1))


def noise(count=3000, space=SPACE):
    return space.numbered(0, 0, count)


def test_a_step_moves_by_one_deviation_and_leaves_classes_alone():
    space = LatentSpace(12, "normal", (0.5, 0.5), (), 1)
    latent = space.numbered(0, 0, 5)
    found = moved(space, latent, [(AXIS, 2.0), (-AXIS, 0.5)])
    torch.testing.assert_close(found[:, :12], latent[:, :12] + 1.5 * AXIS)
    assert torch.equal(found[:, 12:], latent[:, 12:])


def test_uniform_noise_moves_within_its_cube():
    space = LatentSpace(12, "uniform")
    latent = space.numbered(0, 0, 50)
    found = moved(space, latent, [(AXIS, 5.0)])
    assert found.abs().max() <= 1
    assert ((found - latent) * AXIS.sign() >= -1e-6).all()


def test_a_turn_goes_from_one_mean_to_the_other():
    latent = noise(9)
    expected = latent[4:].mean(0) - latent[:4].mean(0)
    found = between(SPACE, latent[:4], latent[4:])
    assert found.norm().item() == pytest.approx(1)
    assert cosine(found, expected) == pytest.approx(1)
    with pytest.raises(DcganError, match="the same mean"):
        between(SPACE, latent[:2], latent[:2])


def test_a_probe_finds_the_axis_by_which_classes_part():
    latent = noise()
    shows = (latent @ AXIS > 0.7).numpy()
    found, accuracy = by_class(latent, shows)
    assert cosine(found, AXIS) > 0.97
    assert accuracy > 0.95


def test_a_probe_of_nothing_is_right_about_half():
    shows = np.random.default_rng(0).random(3000) < 0.2
    assert by_class(noise(), shows)[1] == pytest.approx(0.5, abs=0.07)


def test_a_rare_class_weighs_as_much_as_all_others():
    """Left alone, a regression calls nearly everything the common class, and is right half."""
    latent = noise()
    blurred = latent @ AXIS + LatentSpace(1).numbered(5, 0, 3000)[:, 0]
    assert by_class(latent, (blurred > 2).numpy())[1] > 0.72


def test_accuracy_is_counted_on_samples_held_out():
    """As many numbers as samples: the plane parts those it has seen perfectly."""
    space = LatentSpace(400)
    shows = np.random.default_rng(0).random(400) < 0.5
    assert by_class(space.numbered(0, 0, 400), shows)[1] < 0.65
    assert by_value(space.numbered(0, 0, 400), shows.astype(float))[1] < 0.2


@pytest.mark.parametrize("few", [0, 19])
def test_a_class_that_hardly_appears_gives_no_direction(few):
    shows = np.arange(500) < few
    for side in (shows, ~shows):
        with pytest.raises(DcganError, match=f"only {few} of 500"):
            by_class(noise(500), side)


def test_a_value_that_never_changes_gives_no_direction():
    with pytest.raises(DcganError, match=r"^all 500 samples have the same value: 0\.5\. Choose"):
        by_value(noise(500), np.full(500, 0.5))


def test_a_measured_factor_grows_along_its_direction():
    latent = noise()
    values = (3 * latent @ AXIS + 5 + 0.5 * torch.randn(3000, generator=torch.Generator())).numpy()
    found, score = by_value(latent, values.astype(np.float64))
    assert cosine(found, AXIS) > 0.99
    assert score > 0.9


def test_what_is_taken_out_stays_out():
    others = noise(3)
    found = without(AXIS, others)
    assert found.norm().item() == pytest.approx(1)
    assert (others @ found).abs().max() < 1e-5
    torch.testing.assert_close(
        without(AXIS, others[:1]),
        torch.nn.functional.normalize(
            AXIS - (AXIS @ others[0]) / (others[0] @ others[0]) * others[0], dim=0
        ),
    )


def test_others_that_say_the_same_twice_take_out_no_more():
    others = noise(3)
    again = torch.cat([others, others[:1], others[:1] + others[1:2]])
    torch.testing.assert_close(without(AXIS, again), without(AXIS, others))


def test_a_direction_that_is_another_by_name_is_refused():
    with pytest.raises(ConfigError, match="almost a combination"):
        without(AXIS, torch.stack([AXIS + 1e-3]))


@pytest.mark.parametrize("norm", ["none", "batch", "pixel", "spectral", "spectral+batch"])
@pytest.mark.parametrize("classes", [(), (0.5, 0.5)])
def test_factorised_directions_are_those_of_the_whole_linear_map(norm, classes):
    space = LatentSpace(12, "normal", classes)
    torch.manual_seed(0)
    generator = Generator(
        plan_generator((16, 16), 1, width=4, norm=norm), latent_dim=space.width
    ).eval()
    first = generator.blocks[0]
    for module in first.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_var.uniform_(0.1, 4)
            module.running_mean.normal_()
            module.weight.data.normal_()
    weight = first.conv_transpose.weight[:12].detach()  # (Z, C, H, W)
    scale = torch.ones(weight.shape[1])
    if "batch" in norm:
        scale = first.batch.weight.detach() / (first.batch.running_var + first.batch.eps).sqrt()
    map_DF = (weight * scale[None, :, None, None]).flatten(1)
    expected = torch.linalg.eigh(map_DF @ map_DF.T).eigenvectors.flip(1)[:, :4].T
    found = factorised(generator, space, 4)
    assert found.shape == (4, 12)
    for ours, theirs in zip(found, expected, strict=True):
        assert abs(cosine(ours, theirs)) > 0.999
    again = factorised(generator, space, 4)
    assert torch.equal(found, again)


def stretched():
    """A generator whose first layer answers to one axis of the latent far more than to others."""
    torch.manual_seed(0)
    generator = Generator(plan_generator((16, 16), 1, width=4, norm="none"), latent_dim=12).eval()
    weight = generator.blocks[0].conv_transpose.weight
    with torch.no_grad():
        weight += 9 * torch.einsum("z,zchw->chw", AXIS, weight)[None] * AXIS[:, None, None, None]
    return generator


def test_every_method_finds_the_axis_that_matters_most():
    generator = stretched()
    latent = noise()
    assert abs(cosine(factorised(generator, SPACE, 1)[0], AXIS)) > 0.99
    assert abs(cosine(components(generator, SPACE, latent, 1)[0], AXIS)) > 0.9


def test_explained_variance_is_all_of_it_over_a_whole_basis():
    generator = Generator(
        plan_generator((16, 16), 1, width=4, norm="none", activation="none"), latent_dim=12
    )
    latent = noise(20_000)
    activation = first_activations(generator.eval(), latent)
    shares = explained(activation, latent, torch.eye(12))
    assert shares.sum().item() == pytest.approx(1, abs=0.02)
    strongest = explained(activation, latent, factorised(generator, SPACE, 12))
    assert (strongest.diff() < 1e-3).all()
    assert strongest[0] > shares.mean()


def test_methods_of_the_generator_refuse_a_spatial_latent_and_too_many():
    generator = Generator(
        plan_generator((16, 16), 1, width=4), latent_dim=12, latent_shape=(12, 1, 1)
    )
    for method in (
        lambda count: factorised(generator, SPACE, count),
        lambda count: components(generator, SPACE, noise(100), count),
    ):
        for count in (0, 13):
            with pytest.raises(ConfigError, match="must be 1 to 12"):
                method(count)
        generator.input_shape = (3, 2, 2)
        with pytest.raises(ConfigError, match="spatial latent"):
            method(2)
        generator.input_shape = (12, 1, 1)


# In a run ---------------------------------------------------------------------------------------


def test_no_more_components_than_samples_give():
    generator = stretched()
    with pytest.raises(ConfigError, match="5 samples give at most 4"):
        components(generator, SPACE, SPACE.numbered(0, 0, 5), 5)
    assert components(generator, SPACE, SPACE.numbered(0, 0, 5), 4).isfinite().all()


@pytest.fixture
def run(small_run, tmp_path, monkeypatch):
    """The shared run, with directions of its own."""
    monkeypatch.setattr(small_run.folder, "directions", tmp_path / "directions")
    return small_run


class Light:
    """Reads whether images are bright, and how bright they are; what else they show is random."""

    factors = MappingProxyType(
        {name: Labels(np.zeros(1), ("other", name)) for name in ("bright", "noise", "9")}
    )

    def is_measured(self, concept):
        return concept == "light"

    def conditions(self, concept):
        return [(concept, 1)]

    def agreement(self, images, conditions):
        if conditions[0][0] != "bright":
            return np.random.default_rng(0).random(len(images))
        light = self.values(images, "light")
        return (light > np.median(light)).astype(float)

    def values(self, images, concept):
        return images.mean(axis=(1, 2, 3))


def test_directions_are_kept_by_name_exactly(run):
    assert stored_names(run) == []
    direction = Direction("smile.2", torch.randn(32), "by hand", {"accuracy": 0.75})
    keep_direction(run, direction)
    keep_direction(run, Direction("a", torch.zeros(32), "by hand"))
    found = read_direction(run, "smile.2")
    assert torch.equal(found.vector_D, direction.vector_D)
    assert (found.method, found.measured) == ("by hand", {"accuracy": 0.75})
    assert stored_names(run) == ["a", "smile.2"]


@pytest.mark.parametrize("name", ["", "../x", "a b", "-x", "a=1", ".x"])
def test_a_name_that_no_file_can_bear_is_refused(run, name):
    with pytest.raises(ConfigError, match="letters"):
        keep_direction(run, Direction(name, torch.zeros(32), ""))


def test_an_unknown_direction_is_answered_with_the_nearest(run):
    with pytest.raises(ConfigError, match="find one with 'dcgan directions'"):
        read_direction(run, "smile")
    keep_direction(run, Direction("smile", torch.zeros(32), ""))
    with pytest.raises(ConfigError, match="did you mean 'smile'"):
        read_direction(run, "smle")


@pytest.mark.parametrize(
    "change",
    [{"vector": [1.0]}, {"vector": "x"}, {"vector": [float("nan")] * 32}, {"measured": 3}, None],
)
def test_a_damaged_direction_is_said(run, change):
    keep_direction(run, Direction("smile", torch.zeros(32), ""))
    path = run.folder.directions / "smile.json"
    content = json.loads(path.read_text())
    path.write_text("{" if change is None else json.dumps(content | change))
    with pytest.raises(RunError, match="Create it again"):
        read_direction(run, "smile")


def test_a_direction_of_another_checkpoint_is_refused(run):
    keep_direction(run, Direction("smile", torch.zeros(32), ""))
    path = run.folder.directions / "smile.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"checkpoint": "000000099"}))
    with pytest.raises(RunError, match="`checkpoint=99`, or create it again"):
        Choice(moves={"smile": 1.0}).latents(run, 0, 1)


def test_a_choice_moves_along_stored_directions(run):
    keep_direction(run, Direction("x", torch.eye(32)[0], ""))
    keep_direction(run, Direction("y", torch.eye(32)[1], ""))
    found = Choice(moves={"x": 2.0, "y": -1.0}).latents(run, 3, 6)
    step = torch.zeros(run.networks.latent.width)
    step[0], step[1] = 2, -1
    torch.testing.assert_close(found, Choice().latents(run, 3, 6) + step)


@pytest.mark.parametrize("concept", ["bright", "light"])
def test_moving_along_what_a_probe_found_makes_images_brighter(run, concept):
    found = from_samples(run, "x", concept, Light(), Choice(), samples=600, least=0)
    keep_direction(run, found)
    light = {
        by: run.generate(Choice(seed=9, moves={"x": by}).latents(run, 0, 64)).mean()
        for by in (-2, 0, 2)
    }
    assert light[-2] < light[0] < light[2]
    assert next(iter(found.measured)) == (
        "held-out R²" if concept == "light" else "held-out accuracy"
    )


@pytest.mark.parametrize("concept", ["bright", "light"])
def test_images_are_read_in_parts_with_the_same_result(run, monkeypatch, concept):
    usual = np.median(run.generate(Choice().latents(run, 0, 600)).mean(axis=(1, 2, 3)))

    class Steady(Light):
        def agreement(self, images, conditions):
            return (self.values(images, "light") > usual).astype(float)

    whole = from_samples(run, "x", concept, Steady(), Choice(), samples=600, least=0)
    counts, generate = [], Run.generate

    def counting(self, latent_NZ):
        counts.append(len(latent_NZ))
        return generate(self, latent_NZ)

    monkeypatch.setattr(direction_search, "_AT_ONCE", 256)
    monkeypatch.setattr(Run, "generate", counting)
    parts = from_samples(run, "x", concept, Steady(), Choice(), samples=600, least=0)
    assert counts == [256, 256, 88]
    torch.testing.assert_close(parts.vector_D, whole.vector_D, rtol=1e-4, atol=1e-4)


def test_a_direction_that_is_right_about_too_few_is_refused(run):
    with pytest.raises(DcganError, match=r"noise: held-out accuracy is 0\.\d+, below 0\.7"):
        from_samples(run, "x", "noise", Light(), Choice(), samples=600)
    found = from_samples(run, "x", "noise", Light(), Choice(), samples=600, least=0.3)
    assert 0.3 < found.measured["held-out accuracy"] < 0.7


def test_a_class_that_the_run_has_learned_is_no_direction(run, unlabeled_run):
    with pytest.raises(DcganError, match=r"has learned this class.* Set `label`"):
        from_samples(run, "x", "9", Light(), Choice(), samples=600)
    with pytest.raises(DcganError, match=r"reliably\. Train longer"):
        from_samples(unlabeled_run, "x", "9", Light(), Choice(), samples=600)


def test_a_direction_can_leave_others_alone(run):
    first = from_samples(run, "first", "light", Light(), Choice(), samples=600, least=0)
    tilted = torch.nn.functional.normalize(first.vector_D + torch.eye(32)[5], dim=0)
    keep_direction(run, Direction("other", tilted, ""))
    found = from_samples(
        run, "x", "light", Light(), Choice(), samples=600, least=0, leave=["other"]
    )
    assert abs(float(found.vector_D @ tilted)) < 1e-5
    assert float(found.vector_D @ first.vector_D) > 0.5
    assert "without other" in found.method
    # what is kept is judged as it is: half of what it was is gone
    whole, left = (one.measured["held-out R²"] for one in (first, found))
    assert 0 < left < 0.8 * whole


def test_a_direction_to_leave_alone_must_be_there_before_images_are_made(run, monkeypatch):
    monkeypatch.setattr(Run, "generate", None)
    with pytest.raises(ConfigError, match="no such direction"):
        from_samples(run, "x", "light", Light(), Choice(), leave=["nowhere"])


@pytest.mark.parametrize("method", ["sefa", "pca"])
def test_directions_of_the_generator_explain_more_than_chance(run, method):
    found = from_generator(run, "x", method, count=3, samples=1000)
    assert [one.name for one in found] == ["x-1", "x-2", "x-3"]
    shares = [one.measured["variance explained"] for one in found]
    assert shares[0] > 1.2 * found[0].measured["by a random direction"]
    assert found[0].measured["by a random direction"] == pytest.approx(1 / 32, abs=0.02)


@pytest.mark.parametrize(
    ("request_", "word"),
    [
        (Request(reads="a", method="pca"), "choose one of `reads`, `method`"),
        (Request(plus="1"), "`minus` is missing"),
        (Request(minus="1"), "`plus` is missing"),
        (Request(method="sefa", samples=99), "must be 100"),
        (Request(method="sefa", leave=("x",)), "only with `reads`"),
        (Request(), "no such direction"),
    ],
)
def test_requests_that_say_too_much_or_too_little_are_refused(run, request_, word):
    with pytest.raises(ConfigError, match=word):
        find(run, "x", request_, Light(), Choice())


def test_a_request_needs_a_name(run):
    with pytest.raises(ConfigError, match="needs a name"):
        find(run, None, Request(method="sefa"), Light(), Choice())


def test_groups_give_a_turn(run):
    (found,) = find(run, "turn", Request(plus="1,2", minus="3"), Light(), Choice())
    latent = run.networks.latent.numbered(0, 0, 4)[:, : run.networks.latent.dim]
    assert cosine(found.vector_D, latent[1:3].mean(0) - latent[3]) == pytest.approx(1)


@pytest.mark.parametrize("name", ["con", "NUL", "lpt1", "aux.2"])
def test_a_name_that_windows_keeps_for_devices_is_refused(run, name):
    with pytest.raises(ConfigError, match="Windows has no files of this name"):
        keep_direction(run, Direction(name, torch.zeros(32), ""))


def test_names_that_differ_only_in_case_are_refused(run):
    keep_direction(run, Direction("smile", torch.zeros(32), ""))
    keep_direction(run, Direction("smile", torch.zeros(32), ""))
    for store in (
        lambda: keep_direction(run, Direction("Smile", torch.zeros(32), "")),
        lambda: find(run, "Smile", Request(reads="light"), Light(), Choice()),
    ):
        with pytest.raises(ConfigError, match="would replace 'smile' by it"):
            store()
    keep_direction(run, Direction("console", torch.zeros(32), ""))
    assert stored_names(run) == ["console", "smile"]
