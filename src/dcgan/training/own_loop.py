"""``dcgan.recipe`` and ``dcgan.build``: what a training loop of your own starts from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from dcgan.config import RunConfig, parse_config, validate_combinations
from dcgan.errors import ConfigError
from dcgan.layer_tables import resolve_networks
from dcgan.models import Discriminator, Generator, LatentSpace
from dcgan.runtime.device import choose_device
from dcgan.runtime.files import StrPath
from dcgan.runtime.isolation import isolated
from dcgan.runtime.rng import seed_everything
from dcgan.runtime.signatures import checked
from dcgan.training.build import build_networks
from dcgan.training.planning.arguments import collect_settings, named_as_given
from dcgan.training.planning.auto import resolve_without_images


@dataclass(frozen=True, eq=False)
class GAN:
    """New networks, as :func:`build` makes them.

    Parameters
    ----------
    generator : Generator
        Latents (B, Z) → images (B, C, H, W).
    discriminator : Discriminator
        Images (B, C, H, W) → logits (B,).
    latent : LatentSpace
        ``latent.sample(B)`` returns latents (B, Z).
    recipe : RunConfig
        The recipe with every setting that the networks depend on.
    """

    generator: Generator
    discriminator: Discriminator
    latent: LatentSpace
    recipe: RunConfig = field(repr=False)


@checked
def recipe(name: StrPath | RunConfig = "auto", **changes: Any) -> RunConfig:
    """Read a recipe, with some of its settings changed.

    Parameters
    ----------
    name : str, path or RunConfig, default "auto"
        The name of a built-in recipe, a YAML file, or a recipe that this function returned.
    **changes
        Settings, nested as in a recipe file: ``seed=1, optim={"batch": 64}``.

    Returns
    -------
    RunConfig
        All settings as attributes, for :func:`dcgan.train` and :func:`build`. Settings that say
        ``auto`` still do.

    Raises
    ------
    ConfigError
        No such recipe or setting, a value that is not allowed, or a combination that cannot work.

    Examples
    --------
    >>> changed = recipe("small-mnist", optim={"batch": 32})
    >>> changed.optim.batch, changed.optim.generator.lr
    (32, 0.0003)
    """
    config = parse_config(collect_settings(None, recipe=name, shortcuts={}, settings=changes))
    validate_combinations(config)
    return config


@checked
@isolated()
def build(
    recipe: StrPath | RunConfig = "auto",
    size: int | str | tuple[int, int] | None = None,
    channels: int | None = None,
) -> GAN:
    """Build the networks of a recipe with new weights, on the CPU.

    The weights are those that :func:`dcgan.train` starts from with the same recipe, seed, size,
    channels and kind of device.

    Where the recipe says ``auto``, size, channels and the kind of device decide the widths, the
    learning rates, the weight of R1 and the batch, as for ``dcgan.train``; no step is timed. So a
    machine with a GPU gets wider networks than one without, unless the recipe has
    ``device="cpu"`` or states the widths. Small gray images on a CPU also get a narrower generator
    if the recipe has fewer than 10 ``length.minutes``. In a short run, ``dcgan.train`` may use
    narrower networks in other cases, too. Settings that depend on the dataset stay ``auto``.

    Parameters
    ----------
    recipe : str, path or RunConfig, default "auto"
        As for :func:`recipe`, which also sets the seed: ``dcgan.recipe("auto", seed=1)``.
    size : int, str or (height, width), optional
        The size of the images in pixels, such as 64 or "157x128"; default that of the recipe.
    channels : int, optional
        1 gray, 2 gray with alpha, 3 color, 4 color with alpha; default those of the recipe.

    Returns
    -------
    GAN
        Both networks in training mode, the latent space, and the recipe without ``auto`` in the
        settings named above.

    Raises
    ------
    ConfigError
        The recipe says neither size nor channels, and they are not given; or it trains on labels or
        clusters, or starts from the weights of a run.
    GeometryError
        The recipe has a table of layers for another size.

    Examples
    --------
    >>> gan = build("small-mnist")
    >>> gan.generator(gan.latent.sample(2)).shape
    torch.Size([2, 1, 28, 28])
    """
    with named_as_given({"size": size, "channels": channels}):
        own = {} if channels is None else {"data": {"channels": channels}}
        asked = collect_settings(None, recipe=recipe, shortcuts={"size": size}, settings=own)
        config = parse_config(asked)
        validate_combinations(config)
        _refuse_open_settings(config)
        config, _ = resolve_without_images(config, choose_device(config.device))
        networks = resolve_networks(config)
    seed_everything(config.seed)
    return GAN(*build_networks(config, networks), networks.latent, config)


def _refuse_open_settings(config: RunConfig) -> None:
    """Raise ConfigError for a recipe that needs images, labels or a run to build networks."""
    for name, example in (("size", 64), ("channels", 3)):
        if getattr(config.data, name) == "auto":
            raise ConfigError(
                name,
                "auto",
                f"there are no images to choose it from. Set it, such as {name}={example}",
            )
    if config.model.condition not in {None, "auto"}:
        raise ConfigError(
            "model.condition",
            config.model.condition,
            "the classes are those of images, which are not known here. Leave it out, or build a"
            " dcgan.models.Generator and Discriminator with classes",
        )
    if config.start.weights is not None:
        raise ConfigError(
            "start.weights",
            config.start.weights,
            "new networks have random weights. For those of a run, use"
            " dcgan.open_run(RUN).generator",
        )
