"""``dcgan recipes``: list recipes, or print one in full."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from dcgan.config import RunConfig, list_recipes, load_recipe, merge, parse_config, recipe_text

_PLAYERS = ("generator", "discriminator")
_PLANNED = "planned for the size and channels of your images"
_WIDTH = 16


def recipes(name: str | None = None, /) -> None:
    """List the recipes, or print one in full with the shapes of its layers.

    Parameters
    ----------
    name
        Choose a recipe or a YAML file. Without it, all recipes are listed.
    """
    if name is None:
        lines = list_recipes()
        widest = max(map(len, lines))
        for known, line in lines.items():
            print(f"{known:<{widest}}  {line}")
        return
    text, config = recipe_text(name).rstrip(), parse_config(load_recipe(name))
    shapes = list(_shapes(config))  # a table that cannot be is refused before anything is printed
    print(text, "", *shapes, sep="\n")


def _shapes(config: RunConfig) -> Iterator[str]:
    """The layer shapes of each network whose table does not depend on dataset and machine."""
    with_table = {p for p in _PLAYERS if getattr(config.model, p).layers is not None}
    knows_size = "auto" not in (config.data.size, config.data.channels)
    if not (knows_size or "generator" in with_table):
        yield f"# layer shapes: {_PLANNED}"
        return

    from dcgan.layer_tables import resolve_networks
    from dcgan.models.geometry import describe_plan

    planned = {p for p in _PLAYERS if p not in with_table and _waits(config, p)}
    networks = resolve_networks(_with_stand_ins(config))
    generator, discriminator = networks.build_generator(), networks.build_discriminator()
    for player, network, shapes in (
        ("generator", generator, (networks.generator, generator.input_shape)),
        ("discriminator", discriminator, (networks.discriminator, networks.image_shape)),
    ):
        if player in planned or not (knows_size or player in with_table):
            yield f"# {player}: {_PLANNED}"
            continue
        count = sum(parameter.numel() for parameter in network.parameters())
        yield f"# {player}, {count:,} parameters:"
        yield f"#   {describe_plan(*shapes)}"


def _waits(config: RunConfig, player: str) -> bool:
    network = getattr(config.model, player)
    return "auto" in (network.width, getattr(network, "hidden", 0))


def _with_stand_ins(config: RunConfig) -> RunConfig:
    """Fill in what is open, so that both networks can be built: the size of the generator table's
    output, and any width for a network that is planned later."""
    from dcgan.layer_tables import generated_shape

    open_settings = {"width": _WIDTH, "hidden": 0}
    filled: dict[str, Any] = {
        player: {
            key: value
            for key, value in open_settings.items()
            if getattr(getattr(config.model, player), key, None) == "auto"
        }
        for player in _PLAYERS
    }
    settings: dict[str, Any] = {"model": filled}
    if "auto" in (config.data.size, config.data.channels):
        shape = generated_shape(config)
        settings["data"] = {"channels": shape[0], "size": shape[1:]}
    return parse_config(merge(config.model_dump(mode="json"), settings))
