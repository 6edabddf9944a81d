"""Training on labels and with codes: who sees what, going on, and drawing on request."""

from __future__ import annotations

import copy
import json
from itertools import islice

import numpy as np
import pytest
import torch
from tests.conftest import SMALL, Notes
from torch.nn.functional import binary_cross_entropy_with_logits as bce
from torch.nn.functional import cross_entropy

import dcgan
from dcgan.data import Batches, open_source
from dcgan.data.loader import ClassNumbers
from dcgan.errors import ConfigError
from dcgan.models import Discriminator, Generator, plan_discriminator, plan_generator
from dcgan.models.latents import LatentSpace
from dcgan.objectives import OBJECTIVES
from dcgan.runs.checkpoints import read_part
from dcgan.runs.networks import Networks
from dcgan.training.rules import Batch, Players, Rules, StepPlan
from dcgan.training.step import update

SPACE = LatentSpace(6, classes=(0.5, 0.5), categorical=(3,))
RULES = Rules(OBJECTIVES["non-saturating"], latent=SPACE, information=0.5)


def players():
    torch.manual_seed(0)
    generator = Generator(plan_generator((16, 16), 1, width=4), latent_dim=SPACE.width)
    discriminator = Discriminator(
        plan_discriminator((16, 16), width=4), (1, 16, 16), classes=2, codes=3
    )
    return Players(
        generator,
        discriminator,
        torch.optim.SGD(generator.parameters(), 0.1),
        torch.optim.SGD(discriminator.parameters(), 0.1),
    )


def batch():
    torch.manual_seed(1)
    classes = torch.eye(2)[torch.tensor([0, 1, 1, 0, 1])]
    return Batch(torch.rand(5, 1, 16, 16) * 2 - 1, SPACE.numbered(2, 0, 5), classes)


def stripes(count, random):
    """Images (B, 1, 16, 16) of stripes at any phase: across for class 0, upright for class 1."""
    number = torch.randint(2, (count,), generator=random)
    phase = torch.rand(count, 1, 1, generator=random) * 2 * torch.pi
    wave = 0.9 * torch.sin(1.2 * torch.arange(16.0) + phase).expand(count, 16, 16)
    across = (number == 0)[:, None, None]
    return torch.where(across, wave.transpose(1, 2), wave)[:, None], number


def class_shown(image):
    down = (image[:, :, 1:] - image[:, :, :-1]).abs().mean((1, 2, 3))
    right = (image[..., 1:] - image[..., :-1]).abs().mean((1, 2, 3))
    return (right > down).long()


@pytest.mark.parametrize(
    ("options", "steps"),
    [
        *(({"norm": norm}, 160) for norm in ("spectral", "batch", "none")),
        ({"norm": "none", "hidden": 32}, 640),  # some weights learn it in 80 steps, others in 300
    ],
)
def test_a_generator_learns_classes_from_every_kind_of_discriminator(options, steps):
    """With the mean over positions, one with spectral norm and no hidden row taught nothing."""
    torch.manual_seed(0)
    random = torch.Generator().manual_seed(1)
    space = LatentSpace(8, classes=(0.5, 0.5))
    generator = Generator(plan_generator((16, 16), 1, width=8), latent_dim=space.width)
    table = plan_discriminator((16, 16), width=8, **options)
    discriminator = Discriminator(table, (1, 16, 16), classes=2)
    adam = [
        torch.optim.Adam(net.parameters(), 2e-3, (0.5, 0.99)) for net in (generator, discriminator)
    ]
    ours = Players(generator, discriminator, *adam)
    rules = Rules(OBJECTIVES["non-saturating"], latent=space)
    wanted = space.numbered(9, 0, 200)
    asked = wanted[:, space.class_slice].argmax(dim=1)
    for step in range(steps):
        image, number = stripes(32, random)
        latent = space.numbered(3, 32 * step, 32 * (step + 1))
        update(ours, Batch(image, latent, torch.eye(2)[number]), rules, StepPlan())
        if step % 40 == 39:
            with torch.no_grad():
                shown = class_shown(generator(wanted))
            if (shown == asked).float().mean() > 0.9:
                return
    raise AssertionError("the generator does not tell the classes apart")


def test_pairs_have_one_class_between_them():
    one = batch()
    assert not torch.equal(one.latent_BZ[:, 6:8], one.class_BK)
    paired = one.paired(SPACE).latent_BZ
    assert torch.equal(paired[:, 6:8], one.class_BK)
    assert torch.equal(paired[:, :6], one.latent_BZ[:, :6])
    assert torch.equal(paired[:, 8:], one.latent_BZ[:, 8:])


@pytest.mark.parametrize(
    ("loss", "penalties", "is_paired"),
    [("relativistic", {}, True), ("hinge", {"wgan_gp": 1.0}, True), ("hinge", {"r1": 1.0}, False)],
)
def test_what_compares_images_one_by_one_is_given_pairs(loss, penalties, is_paired):
    ours, one = players(), batch()
    rules = Rules(OBJECTIVES[loss], latent=SPACE, penalties=penalties)
    seen = []
    ours.generator.register_forward_hook(lambda *call: seen.append(call[1][0]))
    update(ours, one, rules, StepPlan())
    assert torch.equal(seen[0][:, 6:8], one.class_BK) == is_paired


def test_an_update_equals_the_textbook_loop_with_classes_and_codes():
    ours, one = players(), batch()
    generator, discriminator = copy.deepcopy(ours.generator), copy.deepcopy(ours.discriminator)
    fake_classes, codes = one.latent_BZ[:, 6:8], one.latent_BZ[:, 8:].argmax(dim=1)
    fake = generator(one.latent_BZ)
    on_real = discriminator(one.real_BCHW, one.class_BK)
    on_fake = discriminator(fake.detach(), fake_classes)
    read = discriminator.read_codes(discriminator.features(fake.detach()))
    loss = bce(on_real, torch.ones(5)) + bce(on_fake, torch.zeros(5))
    loss = loss + 0.5 * cross_entropy(read, codes)
    for weight, slope in zip(
        discriminator.parameters(),
        torch.autograd.grad(loss, list(discriminator.parameters())),
        strict=True,
    ):
        weight.data -= 0.1 * slope
    read = discriminator.read_codes(discriminator.features(fake))
    loss = bce(discriminator(fake, fake_classes), torch.ones(5)) + 0.5 * cross_entropy(read, codes)
    slopes = torch.autograd.grad(loss, list(generator.parameters()))
    found = update(ours, one, RULES, StepPlan())
    assert found["loss_codes"].item() > 0
    for mine, theirs in zip(
        ours.discriminator.parameters(), discriminator.parameters(), strict=True
    ):
        torch.testing.assert_close(mine, theirs, rtol=1e-4, atol=1e-6)
    for parameter, slope in zip(ours.generator.parameters(), slopes, strict=True):
        torch.testing.assert_close(parameter.grad, slope, rtol=1e-3, atol=1e-6)


def test_each_image_comes_with_its_own_class_on_going_on_too():
    images = np.zeros((30, 1, 16, 16), np.uint8)
    images[:, 0, 0, 0] = np.arange(30)
    numbers = np.arange(30) % 4
    batches = Batches(images, 8, seed=0, classes=ClassNumbers(numbers, 4))
    whole = list(islice(batches.with_classes(0), 9))
    for image, classes in whole:
        names = ((image[:, 0, 0, 0] + 1) * 127.5).round().long() % 4
        assert torch.equal(classes, torch.eye(4)[names])
    later = list(islice(batches.with_classes(8 * 5), 4))
    for (_, one), (_, other) in zip(whole[5:], later, strict=True):
        assert torch.equal(one, other)
    assert next(Batches(images, 8, seed=0).with_classes(0))[1] is None


def test_networks_survive_being_stored_with_their_conditions():
    networks = Networks(
        generator=plan_generator((16, 16), 1, width=4),
        discriminator=plan_discriminator((16, 16), width=4),
        image_shape=(1, 16, 16),
        latent=SPACE,
        class_names=("a", "b"),
    )
    stored = json.loads(json.dumps(networks.to_json()))
    again = Networks.from_json(stored)
    assert again == networks
    assert again.build_discriminator().class_pooling == "sum"
    del stored["class_pooling"]  # of a version that averaged over positions
    assert Networks.from_json(stored).build_discriminator().class_pooling == "mean"
    assert again.build_generator().latent_dim == 11
    assert (again.build_discriminator().classes, again.build_discriminator().codes) == (2, 3)


CONDITIONAL = {"condition": "label", "latent": {"categorical": [3], "continuous": 1}}


def small(**model):
    settings = SMALL["settings"]
    return {**SMALL, "settings": settings | {"model": settings["model"] | CONDITIONAL | model}}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "conditional"
    return dcgan.train("digits", images=320, out=out, **small())


def test_classes_are_drawn_as_often_as_there_are_images_of_them(run):
    counts = np.bincount(open_source("digits").labels["label"].values)
    np.testing.assert_allclose(run.networks.latent.classes, counts / counts.sum())
    assert run.networks.class_names == tuple("0123456789")
    assert "loss_codes" in run.log()[-1]


def test_a_conditional_run_goes_on_bit_for_bit(run, tmp_path):
    dcgan.train("digits", images=160, out=tmp_path / "run", **small())
    again = dcgan.train("digits", images=320, out=tmp_path / "run", resume=True, **small())
    for part in ("generator", "discriminator", "ema", "random"):
        ours, theirs = (read_part(one.checkpoint, part) for one in (run, again))
        assert all(torch.equal(value, theirs[name]) for name, value in ours.items()), part


def test_images_of_one_class_or_code_are_drawn_on_request(run):
    plain = run.sample(20, seed=3)
    latent = run.networks.latent.numbered(3, 0, 64)
    for options, changed in (
        ({"label": "7"}, run.networks.latent.with_class(latent, 7)),
        ({"codes": {1: 2}}, run.networks.latent.with_category(latent, 0, 2)),
        ({"codes": {2: 0.25}}, run.networks.latent.with_continuous(latent, 0, 0.25)),
    ):
        found = run.sample(20, seed=3, **options)
        assert np.array_equal(found, run.generate(changed)[:20])
        assert not np.array_equal(found, plain)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"label": "seven"}, "no such class"),
        ({"codes": {3: 1}}, "from 1 to 2"),
        ({"codes": {1: 3}}, "a category from 0 to 2"),
        ({"codes": {1: 0.5}}, "a category from 0 to 2"),
    ],
)
def test_what_a_run_cannot_draw_is_refused(run, options, said):
    with pytest.raises(ConfigError, match=said):
        run.sample(2, **options)


def test_a_run_without_conditions_says_how_to_get_them(unlabeled_run):
    with pytest.raises(ConfigError, match=r"`model\.condition=label`"):
        unlabeled_run.sample(2, label="7")
    with pytest.raises(ConfigError, match=r"`model\.latent\.categorical=10`"):
        unlabeled_run.sample(2, codes={1: 0})


def test_images_without_such_labels_are_refused(tmp_path, png_folder):
    notes = Notes()
    with pytest.raises(
        ConfigError, match=r"model\.condition` is 'label': these images have no labels"
    ):
        dcgan.train(png_folder, minutes=1, out=tmp_path / "run", reporter=notes, **small())
    assert notes == []  # nothing was timed, and no folder named
    with pytest.raises(ConfigError, match="The factors are label"):
        dcgan.train("digits", images=64, out=tmp_path / "run", **small(condition="shape"))
    with pytest.raises(ConfigError, match=r"Use `model\.condition=clusters`"):
        dcgan.train("digits", images=64, out=tmp_path / "run", **small(condition="cluster"))


def test_a_note_says_that_classes_say_nothing_about_the_images(tmp_path):
    """Of noise in two folders; without classes there is nothing to say."""
    random = np.random.default_rng(0)
    pixels = random.integers(256, size=(600, 16, 16, 3), dtype=np.uint8)
    np.savez(tmp_path / "noise.npz", images=pixels, labels=random.integers(2, size=600))

    def said(**options):
        notes = Notes()
        dcgan.train(tmp_path / "noise.npz", reporter=notes, **options)
        return [note for note in notes if "may say nothing about the images" in note]

    (note,) = said(images=64, out=tmp_path / "run", **SMALL)
    assert note.endswith(
        "start a new run with `model.condition=none`, in another `out` if you chose one"
    )
    assert said(images=128, out=tmp_path / "run", resume=True) == []
    (finding,) = (
        one for one in dcgan.open_run(tmp_path / "run").health().findings if one.severity == "note"
    )
    assert finding.id == "unlike-classes" and note.lower().startswith(finding.meaning.lower())
    assert "--model.condition none" in finding.step.command
    assert said(images=64, out=tmp_path / "other", **small(condition="none")) == []


class Noise(torch.utils.data.Dataset):
    """Images and classes of a program; ``read`` are the numbers of all that were fetched."""

    def __init__(self, count: int, **attributes: object) -> None:
        random = np.random.default_rng(0)
        self.pixels = random.integers(256, size=(count, 16, 16, 3), dtype=np.uint8)
        self.read: list[int] = []
        vars(self).update(attributes)

    def __len__(self) -> int:
        return len(self.pixels)

    def __getitem__(self, index):
        self.read.append(index)
        return self.pixels[index], index % 2


@pytest.mark.parametrize("attributes", [{}, {"targets": [0, 1] * 60}])
def test_auto_learns_the_classes_of_a_dataset_of_a_program(tmp_path, attributes):
    data = Noise(120, **attributes)
    trained = dcgan.train(data, images=64, out=tmp_path / "run", **SMALL)
    assert trained.networks.class_names == ("0", "1")
    assert trained.networks.latent.classes == (0.5, 0.5)


def test_training_without_classes_does_not_read_a_dataset_for_its_labels(tmp_path):
    data = Noise(1200)
    dcgan.train(data, images=64, out=tmp_path / "run", **small(condition="none"))
    assert len(data.read) < 2 * 1200  # some are looked at before settings are chosen


def test_it_is_measured_like_any_run(run):
    found = run.evaluate(extractor="random", images=60)
    assert found["frechet_distance"].generated == 60
