"""Own samples are found back; what is asked beside the pixels counts as stated."""

from __future__ import annotations

from dataclasses import replace
from importlib import import_module
from math import sqrt

import numpy as np
import pytest
import torch
from tests.conftest import Notes

from dcgan.data.pixels.scale import UNIT, PixelScale
from dcgan.errors import ConfigError
from dcgan.latent.choice import Choice
from dcgan.latent.invert import invert
from dcgan.latent.inverted_images import relative_errors
from dcgan.latent.resemblance import Resemblance
from dcgan.models.latents import LatentSpace

inverting = import_module("dcgan.latent.invert")


def drawn(run, choice: Choice, count: int):
    latent = choice.latents(run, 0, count)
    with torch.inference_mode():
        return latent, run.generator(latent)


@pytest.mark.parametrize("distribution", ["normal", "uniform"])
def test_own_samples_are_found_back(untrained, distribution):
    run = untrained(LatentSpace(8, distribution))
    latent, image = drawn(run, Choice(seed=5), 30)
    assert (image.abs() > 0.9).float().mean() > 0.2  # otherwise tanh would be a line
    found = invert(run, image)
    off = relative_errors(run.networks.latent, found.latent_NZ, latent)
    assert (off < 1e-2).float().mean() >= 0.9  # weights at random are worse than trained ones
    with torch.inference_mode():
        again = run.generator(found.latent_NZ)
    wanted = (again - image).square().mean(dim=(1, 2, 3)).sqrt() / 2
    np.testing.assert_allclose(found.error_N, wanted, rtol=1e-3, atol=1e-7)


def test_images_of_255_steps_are_found_to_half_a_step(untrained):
    run = untrained(LatentSpace(8))
    latent, _ = drawn(run, Choice(seed=5), 12)
    found = invert(run, run.generate(latent))
    assert np.median(found.error_N) < 0.5 / 255
    assert relative_errors(run.networks.latent, found.latent_NZ, latent).median() < 0.1


@pytest.mark.parametrize("scale", [UNIT, PixelScale((30.0,), (51.0,))])
def test_the_error_is_that_of_pixels_in_every_range(untrained, monkeypatch, scale):
    run = untrained(LatentSpace(8))
    run.networks = replace(run.networks, scale=scale)
    images = np.random.default_rng(0).integers(0, 256, (3, 1, 16, 16), dtype=np.uint8)
    monkeypatch.setattr(inverting, "_search", lambda resemblance, noise, *_: noise)
    found = invert(run, images, starts=1)
    with torch.inference_mode():
        pixels = run.generator(found.latent_NZ).numpy() * scale.deviation[0] + scale.mean[0]
    wanted = np.sqrt(((pixels - images) ** 2).mean(axis=(1, 2, 3))) / 255
    np.testing.assert_allclose(found.error_N, wanted, rtol=1e-5)


def test_what_is_looked_for_is_not_known_beforehand(untrained, monkeypatch):
    """Own samples of the very seed would be found without any search."""
    run = untrained(LatentSpace(8))
    latent, image = drawn(run, Choice(seed=5), 6)
    monkeypatch.setattr(inverting, "_search", lambda resemblance, noise, *_: noise)
    found = invert(run, image, Choice(seed=5))
    assert relative_errors(run.networks.latent, found.latent_NZ, latent).min() > 0.05


def test_more_starts_are_never_worse(untrained):
    run = untrained(LatentSpace(8))
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (3, 1, 16, 16), dtype=np.uint8)  # nothing it could draw
    said = Notes()
    errors = [invert(run, images, starts=n, reporter=said).error_N for n in (1, 3)]
    assert said.steps == [(0, 3)] * 4
    assert (errors[1] <= errors[0]).all()
    assert errors[1].sum() < errors[0].sum()


def test_what_is_nearly_there_goes_on(untrained, monkeypatch):
    run = untrained(LatentSpace(8))
    latent, image = drawn(run, Choice(seed=5), 20)
    monkeypatch.setattr(inverting, "_PHASES", ((1.0, 3),))
    shares = []
    for near in (0.0, 0.5):
        monkeypatch.setattr(inverting, "_NEAR", near)
        found = invert(run, image, starts=1)
        off = relative_errors(run.networks.latent, found.latent_NZ, latent)
        shares.append(float((off < 1e-2).float().mean()))
    assert shares[1] > shares[0]


def test_every_other_start_is_near_the_best_so_far(untrained, monkeypatch):
    run = untrained(LatentSpace(8))
    _, image = drawn(run, Choice(seed=5), 50)
    starts = []
    monkeypatch.setattr(
        inverting, "_search", lambda resemblance, noise, *_: starts.append(noise) or noise
    )
    found = invert(run, image, starts=6)
    assert len(starts) == 6
    # nothing is searched for: what a start begins with is what it finds, and the best is of these
    errors = []
    for noise in starts:
        with torch.inference_mode():
            errors.append((run.generator(noise) - image).square().mean(dim=(1, 2, 3)))
    for number in (2, 4):
        best = torch.stack(errors[:number]).argmin(dim=0)
        before = torch.stack(starts[:number])[best, torch.arange(50)]
        away = starts[number] - before
        assert away.std() == pytest.approx(inverting._SPREAD, rel=0.15)
        assert abs(away.mean()) < 0.1
    assert not torch.equal(starts[1], starts[3])
    best = torch.stack(errors).argmin(dim=0)
    assert torch.equal(found.latent_NZ, torch.stack(starts)[best, torch.arange(50)])


def test_the_class_asked_for_is_kept(untrained):
    run = untrained(LatentSpace(8, "normal", (0.4, 0.3, 0.3)))
    choice = Choice(seed=5, label="b")
    latent, image = drawn(run, choice, 4)
    found = invert(run, image, replace(choice, seed=0, truncation=0.1))
    assert (found.latent_NZ[:, 8:] == torch.tensor([0.0, 1.0, 0.0])).all()
    assert relative_errors(run.networks.latent, found.latent_NZ, latent).median() < 1e-2


@pytest.mark.parametrize("heat", [1.0, 3.0])
@pytest.mark.parametrize(("features", "prior"), [(0.5, 0.0), (0.0, 2.0), (0.5, 2.0)])
def test_a_residual_is_of_pixels_features_and_length(small_run, heat, features, prior):
    from dcgan.runs.checkpoints import read_part

    run = small_run
    space = run.networks.latent
    latent = space.numbered(1, 0, 2)
    latent[0] *= 4  # far off the shell
    with torch.no_grad():
        image, other = run.generator(latent[:1]), run.generator(latent[1:])
    logits_of = run.networks.build_discriminator()
    logits_of.load_state_dict(read_part(run.checkpoint, "discriminator"))
    logits_of.eval()
    alike = Resemblance(run, features=features, prior=prior)
    found = alike.residual(
        latent[0, : space.dim],
        latent[0, space.dim :],
        alike.target(other.flatten(1), heat)[0],
        heat=heat,
    )
    pixels = image.numel()

    def soft(shown):
        return torch.tanh(torch.atanh(shown.double()) / heat)

    near = ((soft(image) - soft(other)) ** 2).mean()
    with torch.no_grad():
        seen = ((logits_of.features(image) - logits_of.features(other)) ** 2).mean()
    length = float(latent[0, : space.dim].norm()) - sqrt(space.dim) - 3 * sqrt(0.5)
    assert length > 1
    wanted = near + features * seen + prior * length**2
    assert float((found**2).sum() / pixels) == pytest.approx(float(wanted), rel=1e-3)


def test_a_latent_as_drawn_costs_nothing(small_run):
    space = small_run.networks.latent
    alike = Resemblance(small_run, features=0.0, prior=1.0)
    latent = space.numbered(0, 0, 1)[0]
    noise = latent[: space.dim] * (sqrt(space.dim) + 2.0) / latent[: space.dim].norm()
    target = torch.zeros(1, 256)
    assert alike.residual(noise, latent[space.dim :], target[0], heat=1.0)[-1] == 0
    assert alike.residual(2 * noise, latent[space.dim :], target[0], heat=1.0)[-1] > 1


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (
            {"images": np.zeros((1, 3, 16, 16), np.uint8)},
            "`images` is '1x3x16x16': must be images of 1x",
        ),
        ({"images": np.zeros((0, 1, 16, 16), np.uint8)}, "must be images of"),
        ({"starts": 0}, "`starts` is 0: must be 1"),
        ({"features": -1.0}, "`features` is -1.0: must be 0"),
        ({"prior": float("nan")}, "`prior` is nan: must be 0"),
    ],
)
def test_what_cannot_be_is_refused(untrained, change, line):
    run = untrained(LatentSpace(8))
    images = change.pop("images", np.zeros((1, 1, 16, 16), np.uint8))
    with pytest.raises(ConfigError, match=line):
        invert(run, images, **change)


def test_a_latent_of_too_many_numbers_is_refused(untrained):
    run = untrained(LatentSpace(1025))
    with pytest.raises(ConfigError, match=r"`latent` is 1025: .*spatial"):
        invert(run, np.zeros((1, 1, 16, 16), np.uint8))
