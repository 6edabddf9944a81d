"""Recipes equal the systems they are read from, built here a second time from plain torch.nn."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from dcgan.config import RunConfig, list_recipes, load_recipe, parse_config
from dcgan.layer_tables import resolve_networks
from dcgan.models import Discriminator, Generator
from dcgan.models.latents import LatentSpace
from dcgan.objectives.adversarial import generator_non_saturating
from dcgan.runs.networks import Networks
from dcgan.training.build import build_rules, build_state

CPU = torch.device("cpu")
SPELLED_OUT = [name for name in list_recipes() if name not in {"auto", "modern"}]
BATCH = 2


# The systems as their documents give them, one nn.Sequential per row ---------------------------


def row(*modules: nn.Module) -> nn.Sequential:
    return nn.Sequential(*modules)


def small_generator(first: nn.ConvTranspose2d) -> nn.Sequential:
    """S0, whose two generators differ in the first layer only."""
    return row(
        row(first, nn.BatchNorm2d(64), nn.ReLU()),
        row(nn.ConvTranspose2d(64, 16, 4, 2, 0), nn.BatchNorm2d(16), nn.ReLU()),
        row(nn.ConvTranspose2d(16, 4, 4, 2, 0), nn.BatchNorm2d(4), nn.ReLU()),
        row(nn.ConvTranspose2d(4, 1, 3, 1, 0), nn.Tanh()),
    )


def small_discriminator() -> nn.Sequential:
    """S0: the activation stands before batch norm, and none between the last three layers."""
    return row(
        row(nn.Conv2d(1, 4, 3, 1, 0), nn.LeakyReLU(0.2), nn.BatchNorm2d(4)),
        row(nn.Conv2d(4, 16, 4, 2, 0), nn.LeakyReLU(0.2), nn.BatchNorm2d(16)),
        row(nn.Conv2d(16, 64, 4, 2, 0), nn.LeakyReLU(0.2), nn.BatchNorm2d(64)),
        row(nn.Conv2d(64, 256, 5, 2, 0)),
        row(nn.Flatten(), nn.Linear(256, 16)),
        row(nn.Linear(16, 1)),
    )


def wide_generator(*output_row: nn.Module) -> nn.Sequential:
    """S1, S2 and S4 share all rows but the one that draws the image."""
    return row(
        row(nn.ConvTranspose2d(100, 1024, 4, 1, 0, bias=False), nn.BatchNorm2d(1024), nn.ReLU()),
        row(nn.ConvTranspose2d(1024, 512, 4, 2, 1, bias=False), nn.BatchNorm2d(512), nn.ReLU()),
        row(nn.ConvTranspose2d(512, 256, 4, 2, 1, bias=False), nn.BatchNorm2d(256), nn.ReLU()),
        row(nn.ConvTranspose2d(256, 128, 4, 2, 1, bias=False), nn.BatchNorm2d(128), nn.ReLU()),
        row(*output_row, nn.Tanh()),
    )


def wide_discriminator() -> nn.Sequential:
    """S1: bias on the first and last convolution, which have no batch norm."""
    return row(
        row(nn.Conv2d(1, 128, 4, 2, 1), nn.LeakyReLU(0.2)),
        row(nn.Conv2d(128, 256, 4, 2, 1, bias=False), nn.BatchNorm2d(256), nn.LeakyReLU(0.2)),
        row(nn.Conv2d(256, 512, 4, 2, 1, bias=False), nn.BatchNorm2d(512), nn.LeakyReLU(0.2)),
        row(nn.Conv2d(512, 1024, 4, 2, 1, bias=False), nn.BatchNorm2d(1024), nn.LeakyReLU(0.2)),
        row(nn.Conv2d(1024, 1, 4, 1, 0)),
    )


def church_discriminator() -> nn.Sequential:
    """S2, the same for both of its models."""
    return row(
        row(nn.Conv2d(3, 64, 4, 2, 1, bias=False), nn.LeakyReLU(0.2)),
        row(nn.Conv2d(64, 128, 4, 2, 1, bias=False), nn.BatchNorm2d(128), nn.LeakyReLU(0.2)),
        row(nn.Conv2d(128, 256, 4, 2, 1, bias=False), nn.BatchNorm2d(256), nn.LeakyReLU(0.2)),
        row(nn.Conv2d(256, 512, 4, 2, 1, bias=False), nn.BatchNorm2d(512), nn.LeakyReLU(0.2)),
        row(nn.Conv2d(512, 1, 4, 1, 0, bias=False)),
    )


def rectangular_generator() -> nn.Sequential:
    """S3: kernels of five by four, spectral and batch norm together."""

    def double(inputs: int, outputs: int, padding: tuple[int, int] = (1, 1)) -> nn.Module:
        return spectral_norm(
            nn.ConvTranspose2d(inputs, outputs, (5, 4), stride=2, padding=padding, bias=False)
        )

    return row(
        row(nn.Flatten(), nn.Linear(100, 512 * 4 * 4), nn.Unflatten(1, (512, 4, 4))),
        row(double(512, 512), nn.BatchNorm2d(512), nn.ReLU()),
        row(double(512, 256), nn.BatchNorm2d(256), nn.ReLU()),
        row(double(256, 128), nn.BatchNorm2d(128), nn.ReLU()),
        row(double(128, 64), nn.BatchNorm2d(64), nn.ReLU()),
        row(double(64, 3, padding=(2, 1)), nn.Tanh()),
    )


class GaussianNoise(nn.Module):
    """S3's instance noise; its deviation is ours, the document gives none."""

    def forward(self, x: Tensor) -> Tensor:
        return x + 0.1 * torch.randn_like(x) if self.training else x


def rectangular_discriminator() -> nn.Sequential:
    """S3: noise at the input, spectral norm and dropout everywhere but in the last row."""

    def halve(inputs: int, outputs: int) -> nn.Sequential:
        convolution = spectral_norm(nn.Conv2d(inputs, outputs, 4, 2, 1, bias=False))
        return row(convolution, nn.LeakyReLU(0.2), nn.Dropout(0.3))

    return row(
        row(GaussianNoise(), halve(3, 64)),
        halve(64, 128),
        halve(128, 256),
        halve(256, 512),
        halve(512, 512),
        row(nn.Conv2d(512, 1, 4, 2, 0, bias=False)),
    )


def imagenet_discriminator() -> nn.Sequential:
    """S4, use 5: six convolutions of three by three; the linear row to the logit is ours."""
    return row(
        row(nn.Conv2d(3, 128, 3, 1, 1, bias=False), nn.LeakyReLU(0.2)),
        row(nn.Conv2d(128, 128, 3, 2, 1, bias=False), nn.BatchNorm2d(128), nn.LeakyReLU(0.2)),
        row(nn.Conv2d(128, 256, 3, 1, 1, bias=False), nn.BatchNorm2d(256), nn.LeakyReLU(0.2)),
        row(nn.Conv2d(256, 256, 3, 2, 1, bias=False), nn.BatchNorm2d(256), nn.LeakyReLU(0.2)),
        row(nn.Conv2d(256, 512, 3, 1, 1, bias=False), nn.BatchNorm2d(512), nn.LeakyReLU(0.2)),
        row(nn.Conv2d(512, 512, 3, 2, 1, bias=False), nn.BatchNorm2d(512), nn.LeakyReLU(0.2)),
        row(nn.Flatten(), nn.Linear(512 * 4 * 4, 1)),
    )


def svhn_discriminator() -> nn.Sequential:
    """S4, use 5: three convolutions of five by five; the linear row to the logit is ours."""
    return row(
        row(nn.Conv2d(3, 64, 5, 2, 2, bias=False), nn.LeakyReLU(0.2)),
        row(nn.Conv2d(64, 128, 5, 2, 2, bias=False), nn.BatchNorm2d(128), nn.LeakyReLU(0.2)),
        row(nn.Conv2d(128, 256, 5, 2, 2, bias=False), nn.BatchNorm2d(256), nn.LeakyReLU(0.2)),
        row(nn.Flatten(), nn.Linear(256 * 4 * 4, 1)),
    )


class System(NamedTuple):
    """One network of one document.

    ``weights`` is the number of trained parameters, summed by hand from kernel areas, channels,
    biases and two per batch-normed channel.
    """

    recipe: str
    player: str
    reference: Callable[[], nn.Sequential]
    shapes: list[tuple[int, ...]]
    weights: int


SYSTEMS = [
    System(
        "small-mnist",
        "generator",
        lambda: small_generator(nn.ConvTranspose2d(100, 64, 5, 2, 0)),
        [(64, 5, 5), (16, 12, 12), (4, 26, 26), (1, 28, 28)],
        177_697,
    ),
    System(
        "small-mnist-spatial-latent",
        "generator",
        lambda: small_generator(nn.ConvTranspose2d(1, 64, 4, 1, 4)),
        [(64, 5, 5), (16, 12, 12), (4, 26, 26), (1, 28, 28)],
        18_721,
    ),
    *(
        System(
            recipe,
            "discriminator",
            small_discriminator,
            [(4, 26, 26), (16, 12, 12), (64, 5, 5), (256, 1, 1), (16,), (1,)],
            431_681,
        )
        for recipe in ("small-mnist", "small-mnist-spatial-latent")
    ),
    System(
        "wide-mnist",
        "generator",
        lambda: wide_generator(nn.ConvTranspose2d(128, 1, 4, 2, 1)),
        [(1024, 4, 4), (512, 8, 8), (256, 16, 16), (128, 32, 32), (1, 64, 64)],
        12_654_337,
    ),
    System(
        "wide-mnist",
        "discriminator",
        wide_discriminator,
        [(128, 32, 32), (256, 16, 16), (512, 8, 8), (1024, 4, 4), (1, 1, 1)],
        11_032_193,
    ),
    System(
        "lsun-church-output-norm",
        "generator",
        lambda: wide_generator(nn.ConvTranspose2d(128, 3, 4, 2, 1, bias=False), nn.BatchNorm2d(3)),
        [(1024, 4, 4), (512, 8, 8), (256, 16, 16), (128, 32, 32), (3, 64, 64)],
        12_658_438,
    ),
    *(
        System(
            recipe,
            "generator",
            lambda: wide_generator(nn.ConvTranspose2d(128, 3, 4, 2, 1, bias=False)),
            [(1024, 4, 4), (512, 8, 8), (256, 16, 16), (128, 32, 32), (3, 64, 64)],
            12_658_432,
        )
        for recipe in ("lsun-church", "paper")
    ),
    *(
        System(
            recipe,
            "discriminator",
            church_discriminator,
            [(64, 32, 32), (128, 16, 16), (256, 8, 8), (512, 4, 4), (1, 1, 1)],
            2_765_568,
        )
        for recipe in ("lsun-church", "lsun-church-output-norm")
    ),
    System(
        "celeba-rectangular",
        "generator",
        rectangular_generator,
        [(512, 4, 4), (512, 9, 8), (256, 19, 16), (128, 39, 32), (64, 79, 64), (3, 157, 128)],
        9_516_672,
    ),
    System(
        "celeba-rectangular",
        "discriminator",
        rectangular_discriminator,
        [(64, 78, 64), (128, 39, 32), (256, 19, 16), (512, 9, 8), (512, 4, 4), (1, 1, 1)],
        6_958_080,
    ),
    System(
        "imagenet-features",
        "discriminator",
        imagenet_discriminator,
        [
            (128, 32, 32),
            (128, 16, 16),
            (256, 16, 16),
            (256, 8, 8),
            (512, 8, 8),
            (512, 4, 4),
            (1,),
        ],
        4_586_113,
    ),
    System(
        "svhn-features",
        "discriminator",
        svhn_discriminator,
        [(64, 16, 16), (128, 8, 8), (256, 4, 4), (1,)],
        1_033_665,
    ),
]

each_system = pytest.mark.parametrize(
    "system", SYSTEMS, ids=[f"{system.recipe}-{system.player}" for system in SYSTEMS]
)


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


# Comparing the two -----------------------------------------------------------------------------


@cache
def config_of(recipe: str) -> RunConfig:
    return parse_config(load_recipe(recipe))


@cache
def networks_of(recipe: str) -> Networks:
    return resolve_networks(config_of(recipe))


def build(recipe: str, player: str) -> Generator | Discriminator:
    networks = networks_of(recipe)
    if player == "generator":
        return networks.build_generator()
    return networks.build_discriminator()


def first_input(network: Generator | Discriminator, recipe: str) -> Tensor:
    """What the first row of a network gets."""
    if isinstance(network, Generator):
        return torch.randn(BATCH, *network.input_shape)
    return torch.rand(BATCH, *networks_of(recipe).image_shape) * 2 - 1


def stir(network: nn.Module) -> None:
    """Give batch norm statistics, scales and shifts that a missing one would be noticed by."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, 0, 0.3)
            nn.init.normal_(module.running_mean, 0, 0.1)
            nn.init.uniform_(module.running_var, 0.1, 0.5)


def copy_weights(source: nn.Module, target: nn.Module) -> None:
    """Copy parameters and buffers in the order both networks hold them."""
    pairs = zip(source.state_dict().values(), target.state_dict().values(), strict=True)
    for ours, theirs in pairs:
        assert ours.shape == theirs.shape
        theirs.copy_(ours)


def row_outputs(rows: nn.Sequential, x: Tensor, seed: int = 0) -> list[Tensor]:
    """What each row makes of it; the seed is for noise and dropout."""
    torch.manual_seed(seed)
    outputs = []
    for module in rows:
        x = module(x)
        outputs.append(x)
    return outputs


def assert_same_rows(ours: nn.Sequential, reference: nn.Sequential, x: Tensor) -> None:
    pairs = zip(row_outputs(ours, x), row_outputs(reference, x), strict=True)
    for number, (our_row, reference_row) in enumerate(pairs, start=1):
        scale = reference_row.abs().max().item()
        assert scale > 1e-3, f"row {number} is too quiet to compare"
        torch.testing.assert_close(our_row, reference_row, rtol=1e-9, atol=1e-9 * scale)


@each_system
def test_a_recipe_has_its_systems_shapes_and_number_of_weights(system):
    network = build(system.recipe, system.player).eval()
    x = first_input(network, system.recipe)
    with torch.inference_mode():
        measured = [tuple(output.shape[1:]) for output in row_outputs(network.blocks, x)]
    assert measured == system.shapes
    assert network.shapes == system.shapes
    assert sum(weight.numel() for weight in network.parameters()) == system.weights


@each_system
def test_a_recipe_computes_what_its_system_computes(system):
    # in double precision, so that nothing but rounding of the last digits may differ
    ours, reference = build(system.recipe, system.player).double(), system.reference().double()
    stir(ours)
    copy_weights(ours, reference)
    x = first_input(ours, system.recipe).double()
    with torch.no_grad():
        assert_same_rows(ours.blocks.train(), reference.train(), x)
        # with the statistics that training left behind
        assert_same_rows(ours.blocks.eval(), reference.eval(), x)


@pytest.mark.parametrize("recipe", ["small-mnist", "small-mnist-spatial-latent"])
def test_a_network_called_as_a_whole_is_its_rows_in_sequence(recipe):
    generator = build(recipe, "generator").eval()
    discriminator = build(recipe, "discriminator").eval()
    latent_BZ = torch.randn(BATCH, 100)
    with torch.inference_mode():
        seen = latent_BZ.reshape(BATCH, *generator.input_shape)
        image_BCHW = row_outputs(generator.blocks, seen)[-1]
        torch.testing.assert_close(generator(latent_BZ), image_BCHW)
        logit_B = row_outputs(discriminator.blocks, image_BCHW)[-1]
        torch.testing.assert_close(discriminator(image_BCHW), logit_B.flatten())


@pytest.mark.parametrize("recipe", SPELLED_OUT)
def test_every_recipe_draws_and_judges_a_batch_of_two(recipe):
    config, networks = config_of(recipe), networks_of(recipe)
    generator, discriminator = networks.build_generator(), networks.build_discriminator()
    latent_BZ = networks.latent.sample(BATCH, torch.Generator().manual_seed(0))
    with torch.no_grad():
        image_BCHW = generator(latent_BZ)
        logit_B = discriminator(image_BCHW)
    assert image_BCHW.shape == (BATCH, config.data.channels, *config.data.size)
    assert image_BCHW.abs().max() <= 1
    assert logit_B.shape == (BATCH,)
    assert logit_B.isfinite().all()
    # both images differ, so both latents were read
    assert not torch.equal(image_BCHW[0], image_BCHW[1])


# What stands around the networks ---------------------------------------------------------------

ADAM_AS_IN_THE_PAPER = (torch.optim.Adam, 2e-4, (0.5, 0.999))
OPTIMIZERS = {
    "small-mnist": ((torch.optim.Adam, 3e-4, (0.9, 0.999)),) * 2,
    "small-mnist-spatial-latent": ((torch.optim.Adam, 3e-4, (0.9, 0.999)),) * 2,
    "lsun-church": (ADAM_AS_IN_THE_PAPER,) * 2,
    "lsun-church-output-norm": (ADAM_AS_IN_THE_PAPER,) * 2,
    "paper": (ADAM_AS_IN_THE_PAPER,) * 2,
    "celeba-rectangular": (
        (torch.optim.AdamW, 2e-4, (0.5, 0.999)),
        (torch.optim.AdamW, 2e-3, (0.5, 0.999)),
    ),
}


@pytest.mark.parametrize("recipe", OPTIMIZERS)
def test_a_recipe_trains_with_its_systems_optimizers(recipe):
    players = build_state(config_of(recipe), networks_of(recipe), CPU).players
    found = []
    for optimizer in (players.generator_optimizer, players.discriminator_optimizer):
        (group,) = optimizer.param_groups
        found.append((type(optimizer).__base__, group["lr"], tuple(group["betas"])))
    assert tuple(found) == OPTIMIZERS[recipe]


@pytest.mark.parametrize(
    ("recipe", "batch"),
    [
        ("lsun-church", 128),
        ("lsun-church-output-norm", 128),
        ("paper", 128),
        ("celeba-rectangular", 32),
    ],
)
def test_a_recipe_takes_its_systems_batch(recipe, batch):
    assert config_of(recipe).optim.batch == batch


@pytest.mark.parametrize(
    ("recipe", "epochs"),
    [
        ("small-mnist", 50),
        ("small-mnist-spatial-latent", 50),
        ("wide-mnist", 20),
        ("mlp-mnist", 20),
        ("celeba-rectangular", 25),
    ],
)
def test_a_recipe_trains_for_its_systems_epochs(recipe, epochs):
    length = config_of(recipe).length
    assert (length.epochs, length.images, length.minutes) == (epochs, None, None)


@pytest.mark.parametrize(
    ("recipe", "target"),
    [
        ("small-mnist", 1.0),
        ("small-mnist-spatial-latent", 1.0),
        ("lsun-church", 0.9),
        ("lsun-church-output-norm", 0.9),
        ("celeba-rectangular", 0.9),
    ],
)
def test_a_recipe_smooths_the_real_labels_where_its_system_does(recipe, target):
    assert build_rules(config_of(recipe), LatentSpace(), CPU).targets["real_target"] == target


@pytest.mark.parametrize("recipe", ["lsun-church", "lsun-church-output-norm"])
def test_the_church_recipes_take_the_alternative_loss(recipe):
    rules = build_rules(config_of(recipe), LatentSpace(), CPU)
    assert rules.objective.generator is generator_non_saturating


@pytest.mark.parametrize(
    ("recipe", "distribution"),
    [
        ("lsun-church", "normal"),
        ("lsun-church-output-norm", "uniform"),
        ("paper", "uniform"),
    ],
)
def test_a_recipe_draws_its_systems_latent(recipe, distribution):
    latent = networks_of(recipe).latent
    assert (latent.dim, latent.distribution) == (100, distribution)


@pytest.mark.parametrize(
    ("recipe", "shape"),
    [
        ("small-mnist", (100, 1, 1)),
        ("small-mnist-spatial-latent", (1, 10, 10)),
        ("wide-mnist", (100, 1, 1)),
        ("lsun-church", (100, 1, 1)),
        ("paper", (100, 1, 1)),
    ],
)
def test_a_recipe_sees_the_latent_in_its_systems_shape(recipe, shape):
    assert build(recipe, "generator").input_shape == shape


@pytest.mark.parametrize(
    ("recipe", "shape"),
    [
        ("small-mnist", (1, 28, 28)),
        ("small-mnist-spatial-latent", (1, 28, 28)),
        ("mlp-mnist", (1, 28, 28)),
        ("wide-mnist", (1, 64, 64)),
        ("lsun-church", (3, 64, 64)),
        ("lsun-church-output-norm", (3, 64, 64)),
        ("paper", (3, 64, 64)),
        ("celeba-rectangular", (3, 157, 128)),
        ("imagenet-features", (3, 32, 32)),
        ("svhn-features", (3, 32, 32)),
    ],
)
def test_a_recipe_works_at_its_systems_size(recipe, shape):
    assert networks_of(recipe).image_shape == shape


@pytest.mark.parametrize("recipe", SPELLED_OUT)
def test_pixels_are_only_scaled_to_the_range_of_tanh(recipe):
    assert config_of(recipe).data.scaling == "symmetric"


@pytest.mark.parametrize("recipe", ["lsun-church", "lsun-church-output-norm", "paper"])
def test_the_papers_initial_weights_are_those_a_run_begins_with(recipe):
    players = build_state(config_of(recipe), networks_of(recipe), CPU).players
    scales = []
    for network in (players.generator, players.discriminator):
        for module in network.modules():
            if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
                # five standard errors of a standard deviation and of a mean
                count = module.weight.numel()
                tolerance = 5 * 0.02 / (2 * count) ** 0.5
                assert module.weight.std().item() == pytest.approx(0.02, abs=tolerance)
                assert abs(module.weight.mean().item()) < 5 * 0.02 / count**0.5
            elif isinstance(module, nn.BatchNorm2d):
                scales.append(module.weight.detach())
                assert not module.bias.any()
    scale = torch.cat(scales)
    tolerance = 5 * 0.02 / (2 * scale.numel()) ** 0.5
    assert scale.std().item() == pytest.approx(0.02, abs=tolerance)
    assert scale.mean().item() == pytest.approx(1, abs=2 * tolerance)


def test_the_imagenet_discriminator_gives_28672_features():
    """S4, use 5: every convolution's features, max-pooled to four by four and joined."""
    discriminator = build("imagenet-features", "discriminator").eval()
    image_BCHW = torch.rand(BATCH, 3, 32, 32)
    with torch.inference_mode():
        maps = row_outputs(discriminator.blocks, image_BCHW)[:-1]
        pooled = [nn.functional.adaptive_max_pool2d(features, 4).flatten(1) for features in maps]
    assert torch.cat(pooled, dim=1).shape == (BATCH, 28_672)


def test_the_baseline_of_the_wide_recipe_is_fully_connected():
    for player in ("generator", "discriminator"):
        modules = list(build("mlp-mnist", player).modules())
        assert any(isinstance(module, nn.Linear) for module in modules)
        assert not any(isinstance(module, nn.Conv2d | nn.ConvTranspose2d) for module in modules)
