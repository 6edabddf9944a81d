"""The engine in a browser computes what PyTorch computes, whatever the generator."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.stats import norm
from tests.exchange.web.chromium import answer_of, needs_chromium
from tests.exchange.web.tables import BY_HAND, networks, random_table
from torch import nn
from torch.nn.utils.parametrize import is_parametrized

from dcgan.data.pixels.scale import UNIT, PixelScale
from dcgan.exchange.web.model_file import SavedDirection, model_file
from dcgan.exchange.web.page import MODULES, STATIC
from dcgan.latent.arithmetic import Concept, combine
from dcgan.latent.directions import moved
from dcgan.latent.noise import truncated
from dcgan.models.folding import folded
from dcgan.models.latents import LatentSpace

pytestmark = [pytest.mark.slow, needs_chromium]

RANDOM = 40
PLAIN = LatentSpace(dim=8)

CASES = (
    {name: networks(table, PLAIN) for name, table in BY_HAND.items()}
    | {f"random {number}": networks(random_table(number), PLAIN) for number in range(RANDOM)}
    | {
        "spatial latent": networks(BY_HAND["output padding"], LatentSpace(dim=12), (2, 3, 2)),
        "spatial latent, linear": networks(BY_HAND["linear"], LatentSpace(dim=12), (2, 3, 2)),
        "pixels in [0, 1]": networks(BY_HAND["sigmoid"], PLAIN, scale=UNIT),
        "standardized pixels": networks(
            BY_HAND["linear only"], PLAIN, scale=PixelScale((90.0,), (60.0,))
        ),
        "standardized colors": networks(
            BY_HAND["planned"], PLAIN, scale=PixelScale((90.0, 120.0, 150.0), (60.0, 70.0, 80.0))
        ),
    }
)

SPACES = {
    "normal": LatentSpace(dim=5),
    "uniform": LatentSpace(dim=5, distribution="uniform"),
    "conditions": LatentSpace(dim=4, classes=(0.5, 0.2, 0.3), categorical=(4, 2), continuous=2),
    "codes": LatentSpace(dim=3, distribution="uniform", categorical=(3,), continuous=1),
}

NORMS = nn.BatchNorm1d, nn.BatchNorm2d, nn.GroupNorm, nn.InstanceNorm2d, nn.LayerNorm

SCRIPT = """
const { Model } = await import("./engine.js");
const { Latents } = await import("./latents.js");
const bytes = async (name) => (await fetch(name)).arrayBuffer();
const wasm = await bytes("engine.wasm");
const cases = await (await fetch("cases.json")).json();
const found = {cases: {}, latents: {}, wasm: {}};
for (const [name, {file, latents}] of Object.entries(cases)) {
  const model = await Model.load(await bytes(file), wasm);
  found.cases[name] = latents.map((latent) => ({
    values: Array.from(model.generate(Float32Array.from(latent))),
    pixels: Array.from(model.image(Float32Array.from(latent)).data),
  }));
}
const spaces = await (await fetch("spaces.json")).json();
for (const [name, file] of Object.entries(spaces)) {
  const model = await Model.load(await bytes(file), wasm);
  const latents = new Latents(model);
  const samples = Array.from({length: 200}, (_, number) => latents.sample(3, number));
  const amounts = [1.5, -0.5];
  const choices = latents.choices.map((values) => values - 1);
  const continuous = Array(model.about.latent.continuous).fill(0.25);
  const truncation = name === "uniform" || name === "codes" ? 0.5 : 1.25;
  const inputs = (settings) => samples.map((sample) => Array.from(latents.input(sample, settings)));
  found.latents[name] = {
    plain: inputs({}), truncated: inputs({truncation}), moved: inputs({amounts}),
    set: inputs({choices, continuous}),
    blended: Array.from(samples.keys()).slice(3).map((number) => Array.from(latents.input(
      latents.blend(samples.slice(number - 3, number + 1), [0.1, 0.2, 0.3, 0.4]), {}))),
    combined: Array.from({length: 60}, (_, k) => Array.from(latents.toInput(
      latents.combined(samples.slice(3 * k, 3 * k + 2), samples.slice(3 * k + 2, 3 * k + 3))))),
  };
  found.wasm = {
    uniform: [0, 1, 2 ** 40].flatMap((seed) => [0, 1, 24].flatMap((sample) => [0, 1, 99].map(
      (place) => String(model.wasm.uniform(seed, sample, place))))),
    cdf: [-9, -6, -3.001, -2.999, -1, 0, 0.5, 2.9, 3.1, 7].map((x) => model.wasm.cdf(x)),
    quantile: [1e-14, 1e-9, 0.001, 0.3, 0.5, 0.9, 0.99999].map((p) => model.wasm.quantile(p)),
  };
}
return found;
"""


def randomized(networks):
    """A generator whose norms have seen data, with weights that keep its activations near 1."""
    torch.manual_seed(0)
    generator = networks.build_generator("he")
    for module in generator.modules():
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.3)
            module.running_var.uniform_(0.5, 2)
        if isinstance(module, NORMS):
            nn.init.normal_(module.weight, 1, 0.3)
        if getattr(module, "bias", None) is not None:
            nn.init.normal_(module.bias, 0, 0.3)
    return generator.eval()


def in_half_precision(case, generator):
    """The same generator in PyTorch with batch norm folded and weights rounded."""
    rows = [
        replace(row, norm="+".join(n for n in row.norms if n != "spectral") or "none")
        for row in case.generator
    ]
    plain = replace(case, generator=tuple(rows)).build_generator()
    weights = {key: generator.state_dict().get(key) for key in plain.state_dict()}
    for key, module in generator.named_modules():
        if is_parametrized(module):
            weights[f"{key}.weight"] = module.weight
    plain.load_state_dict(weights)
    rounded = folded(plain.eval(), in_phases=False)
    for module in rounded.modules():
        if isinstance(module, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
            module.weight.data = module.weight.data.half().float()
    return rounded


def directions(space):
    torch.manual_seed(1)
    vectors = nn.functional.normalize(torch.randn(2, space.dim), dim=1)
    return [SavedDirection(f"d{k}", "random", vector) for k, vector in enumerate(vectors)]


@pytest.fixture(scope="module")
def latents():
    torch.manual_seed(2)
    return {name: torch.randn(3, case.latent.width) for name, case in CASES.items()}


@pytest.fixture(scope="module")
def found(tmp_path_factory, latents):
    """What the browser computes for all cases, in one session."""
    folder = tmp_path_factory.mktemp("engine")
    for name in (*MODULES, "engine.wasm"):
        shutil.copy(STATIC / name, folder)
    listed = {}
    for number, (name, case) in enumerate(CASES.items()):
        model = model_file(case, randomized(case), name=name, images_seen=0)
        (folder / f"{number}.bin").write_bytes(model)
        listed[name] = {"file": f"{number}.bin", "latents": latents[name].tolist()}
    spaces = {}
    for name, space in SPACES.items():
        case = networks(BY_HAND["planned"], space)
        file = model_file(case, randomized(case), name=name, images_seen=0, saved=directions(space))
        (folder / f"{name}.bin").write_bytes(file)
        spaces[name] = f"{name}.bin"
    (folder / "cases.json").write_text(json.dumps(listed))
    (folder / "spaces.json").write_text(json.dumps(spaces))
    return answer_of(folder, SCRIPT, tmp_path_factory.mktemp("profile"))


@pytest.mark.parametrize("name", CASES)
def test_it_equals_pytorch(found, latents, name):
    case, generator = CASES[name], randomized(CASES[name])
    channels, height, width = case.image_shape
    with torch.inference_mode():
        expected = in_half_precision(case, generator)(latents[name]).permute(0, 2, 3, 1).numpy()
        single = generator(latents[name]).permute(0, 2, 3, 1).numpy()
    for image, of_half, of_single in zip(found["cases"][name], expected, single, strict=True):
        values = np.array(image["values"]).reshape(height, width, channels)
        unit = max(1.0, np.abs(of_half).max())
        # a pixel norm of numbers near zero enlarges rounding errors
        np.testing.assert_allclose(values, of_half, atol=1e-4 * unit)
        # rounding weights to 11 bits changes little
        np.testing.assert_allclose(values, of_single, atol=0.02 * unit)


@pytest.mark.parametrize("name", CASES)
def test_pixels_equal_those_of_the_package(found, latents, name):
    case = CASES[name]
    with torch.inference_mode():
        image_BCHW = in_half_precision(case, randomized(case))(latents[name])
    pixels = case.scale.denormalize(image_BCHW).permute(0, 2, 3, 1).numpy().astype(int)
    _, height, width = case.image_shape
    for image, expected in zip(found["cases"][name], pixels, strict=True):
        shown = np.array(image["pixels"]).reshape(height, width, 4)
        channels = expected.shape[2]
        colors = expected[..., :1].repeat(3, 2) if channels < 3 else expected[..., :3]
        alpha = expected[..., -1] if channels % 2 == 0 else 255
        assert np.abs(shown[..., :3] - colors).max() <= 1
        assert np.abs(shown[..., 3] - alpha).max() <= 1


def splitmix(seed, sample, place):
    """The documented random numbers, with Python's integers."""
    state = 0
    for number in (seed, sample, place):
        state = (state + number + 0x9E3779B97F4A7C15) % 2**64
        state = (state ^ state >> 30) * 0xBF58476D1CE4E5B9 % 2**64
        state = (state ^ state >> 27) * 0x94D049BB133111EB % 2**64
        state ^= state >> 31
    return ((state >> 12) + 0.5) / 2**52


def test_random_numbers_are_the_same_on_every_machine(found):
    expected = [
        splitmix(seed, sample, place)
        for seed in (0, 1, 2**40)
        for sample in (0, 1, 24)
        for place in (0, 1, 99)
    ]
    assert [float(number) for number in found["wasm"]["uniform"]] == expected


def test_the_normal_distribution(found):
    places = [-9, -6, -3.001, -2.999, -1, 0, 0.5, 2.9, 3.1, 7]
    np.testing.assert_allclose(found["wasm"]["cdf"], norm.cdf(places), rtol=1e-11, atol=1e-15)
    shares = [1e-14, 1e-9, 0.001, 0.3, 0.5, 0.9, 0.99999]
    np.testing.assert_allclose(found["wasm"]["quantile"], norm.ppf(shares), atol=1e-9)


@pytest.mark.parametrize("name", SPACES)
def test_samples_have_the_distribution_of_the_run(found, name):
    space = SPACES[name]
    plain = np.array(found["latents"][name]["plain"])
    noise = plain[:, : space.dim]
    if space.distribution == "uniform":
        assert np.abs(noise).max() < 1
        assert abs(noise.std() - 3**-0.5) < 0.03
    else:
        assert abs(noise.std() - 1) < 0.07
    assert abs(noise.mean()) < 0.1
    blocks = [space.class_slice] if space.classes else []
    shares = [list(space.classes)] + [[1 / n] * n for n in space.categorical]
    shares = shares if space.classes else shares[1:]
    for block, share in zip([*blocks, *space.categorical_slices], shares, strict=True):
        assert (np.sort(plain[:, block])[:, -2:] == [0, 1]).all()
        np.testing.assert_allclose(plain[:, block].mean(axis=0), share, atol=0.12)
    assert (np.abs(plain[:, space.continuous_slice]) <= 1).all()


@pytest.mark.parametrize("name", SPACES)
def test_truncation_and_directions_are_those_of_the_package(found, name):
    space, of_page = SPACES[name], found["latents"][name]
    plain = torch.tensor(of_page["plain"])
    most = 0.5 if space.distribution == "uniform" else 1.25
    np.testing.assert_allclose(of_page["truncated"], truncated(space, plain, most), atol=1e-5)
    first, second = (direction.vector_D for direction in directions(space))
    expected = moved(space, plain, [(first, 1.5), (second, -0.5)])
    np.testing.assert_allclose(of_page["moved"], expected, atol=2e-5)


@pytest.mark.parametrize("name", SPACES)
def test_class_and_codes_can_be_set(found, name):
    space, of_page = SPACES[name], found["latents"][name]
    expected = torch.tensor(of_page["plain"])
    if space.classes:
        expected = space.with_class(expected, len(space.classes) - 1)
    for code, values in enumerate(space.categorical):
        expected = space.with_category(expected, code, values - 1)
    for code in range(space.continuous):
        expected = space.with_continuous(expected, code, 0.25)
    np.testing.assert_allclose(of_page["set"], expected, atol=1e-7)


def test_points_between_samples_are_as_long_as_samples(found):
    blended = np.array(found["latents"]["normal"]["blended"])
    assert abs(blended.std() - 1) < 0.1
    plain = np.array(found["latents"]["conditions"]["plain"])[:, 4:]
    mixed = np.array(found["latents"]["conditions"]["blended"])[:, 4:]
    weights = np.array([0.1, 0.2, 0.3, 0.4])
    expected = [weights @ plain[at - 3 : at + 1] for at in range(3, len(plain))]
    np.testing.assert_allclose(mixed, expected, atol=1e-6)


def test_classes_of_a_sum_are_those_of_the_package(found):
    space, of_page = SPACES["conditions"], found["latents"]["conditions"]
    plain = torch.tensor(of_page["plain"])
    expected = [
        combine(
            space, [Concept(1, "", (), plain[k : k + 2]), Concept(-1, "", (), plain[k + 2, None])]
        )
        for k in range(0, 180, 3)
    ]
    conditions = slice(space.dim, space.width - space.continuous)
    np.testing.assert_allclose(
        np.array(of_page["combined"])[:, conditions],
        torch.stack(expected)[:, conditions],
        atol=1e-6,
    )
    codes = space.continuous_slice
    added = [plain[k : k + 2, codes].mean(dim=0) for k in range(0, 180, 3)]
    np.testing.assert_allclose(
        np.array(of_page["combined"])[:, codes], torch.stack(added), atol=1e-6
    )
