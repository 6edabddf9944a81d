"""The settings of an imported model: from ``like``, or from a known layout, or inferred."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from os import fspath
from pathlib import Path
from typing import Any

from dcgan.config import RunConfig, list_recipes, load_recipe, merge, parse_config
from dcgan.config.validation import validate_combinations
from dcgan.data.pixels.scale import UNIT, PixelScale
from dcgan.errors import ConfigError, DcganError, GeometryError, WeightsError
from dcgan.exchange.array_layouts import discriminator_of_arrays, generator_of_arrays
from dcgan.exchange.conventions import Convention
from dcgan.exchange.fitting import fit, slots_of
from dcgan.exchange.inference import infer_rows, refuse_gaps, what_is_missing, write_table
from dcgan.exchange.layouts import Layout
from dcgan.exchange.parts import Part, parts_of
from dcgan.exchange.reading import WeightFile
from dcgan.exchange.torch_layouts import discriminator_layout, generator_layout
from dcgan.layer_tables import generated_shape, resolve_networks
from dcgan.runs.dataset import IMPORTED
from dcgan.runs.networks import Networks
from dcgan.runtime.files import StrPath, free_file
from dcgan.runtime.shell import command
from dcgan.runtime.wording import shape_text


@dataclass(frozen=True)
class Tables:
    """What the weights of an import mean.

    Parameters
    ----------
    config : RunConfig
        The settings of the run.
    networks : Networks
        Without a discriminator, its table is empty.
    source : str
        Where the tables are from, in words.
    conventions : dict of str to Convention
        Of the arrays without names of a known layout, by network.
    """

    config: RunConfig
    networks: Networks
    source: str
    conventions: Mapping[str, Convention]


def tables_like(like: StrPath, *, has_discriminator: bool) -> Tables:
    """The tables of a recipe, or of a file of the same form.

    Raises
    ------
    ConfigError
        There is no such recipe; it has no layers for a network; a setting is wrong or missing.
    """
    try:
        settings = load_recipe(like)
    except ConfigError as error:
        if error.key != "recipe":
            raise
        raise ConfigError("like", error.value, error.problem) from error
    refuse_gaps(fspath(like), settings)
    try:
        return _tables_like(fspath(like), settings, has_discriminator=has_discriminator)
    except ConfigError as error:
        # a setting is wrong in the file, and not an argument of the import
        raise ConfigError("", error.value, f"{fspath(like)}: {error}".replace("`", "")) from error


def _tables_like(like: str, settings: Mapping[str, Any], *, has_discriminator: bool) -> Tables:
    config = parse_config(settings)
    for name in ("generator", "discriminator")[: 1 + has_discriminator]:
        if getattr(config.model, name).layers is None:
            with_layers = ", ".join(_with_layers(name))
            raise ConfigError(
                f"model.{name}.layers",
                None,
                f"the layers of the {name} must be known. Use a recipe that has a table of them"
                f" ({with_layers}), or your own TABLE.yaml",
            )
    return _tables(settings, f"like {like}", has_discriminator=has_discriminator)


def known_tables(generator: WeightFile, discriminator: WeightFile | None, out: Path) -> Tables:
    """The tables of known layouts. For other files a table to fill in is written.

    Raises
    ------
    WeightsError
        A network is of no known layout; says which values are missing, and where to write them.
    """
    layout = _layout(generator)
    other: Layout | None = None
    if discriminator is not None:
        image_shape = None if layout is None else _image_shape(layout)
        other = _layout_of_discriminator(discriminator, image_shape)
    if layout is None or (discriminator is not None and other is None):
        raise _unknown(generator, layout, discriminator, other, out)
    model: dict[str, Any] = {"latent": layout.latent, "generator": layout.settings()}
    conventions = {} if layout.convention is None else {"generator": layout.convention}
    if other is not None:
        model["discriminator"] = other.settings()
        if other.convention is not None:
            conventions["discriminator"] = other.convention
    settings = {"recipe": "imported", "model": model}
    found = _tables(settings, layout.name, has_discriminator=other is not None)
    return replace(found, conventions=conventions)


def _layout(file: WeightFile) -> Layout | None:
    if file.is_named:
        return generator_layout(parts_of(file))
    return generator_of_arrays(file.tensors)


def _layout_of_discriminator(
    file: WeightFile, image_shape: tuple[int, int, int] | None
) -> Layout | None:
    if file.is_named:
        return discriminator_layout(parts_of(file))
    return None if image_shape is None else discriminator_of_arrays(file.tensors, image_shape)


def _image_shape(layout: Layout) -> tuple[int, int, int]:
    model = {"latent": layout.latent, "generator": layout.settings()}
    channels, height, width = generated_shape(parse_config({"model": model}))
    return channels, height, width


def _tables(settings: Mapping[str, Any], source: str, *, has_discriminator: bool) -> Tables:
    """Settings of both networks as a run's configuration and layer tables, checked."""
    settings = merge({"length": {"images": "auto"}}, settings)
    if any(value is not None for key, value in settings["length"].items() if key != "images"):
        settings["length"].pop("images")
    config = parse_config(settings)
    scaling = config.data.scaling
    if scaling == "standardized":
        raise ConfigError(
            "data.scaling",
            scaling,
            "it depends on the training images, which are not known. Use symmetric or unit",
        )
    made = generated_shape(config)
    if len(made) != 3 or made[0] > 4:
        raise GeometryError(
            "model.generator.layers",
            shape_text(made),
            "a generator ends in an image of 1 to 4 channels. Correct the last row",
        )
    own = {"channels": made[0], "size": list(made[1:]), "source": IMPORTED}
    config = parse_config(merge(config.model_dump(mode="json"), {"data": own}))
    validate_combinations(config)
    networks = resolve_networks(config, has_discriminator=has_discriminator)
    discriminator = networks.discriminator
    if discriminator and discriminator[-1].activation == "sigmoid":  # discriminators return logits
        discriminator = *discriminator[:-1], replace(discriminator[-1], activation="none")
    networks = replace(
        networks, discriminator=discriminator, scale=UNIT if scaling == "unit" else PixelScale()
    )
    return Tables(config, networks, source, {})


def _unknown(
    generator: WeightFile,
    layout: Layout | None,
    discriminator: WeightFile | None,
    other: Layout | None,
    out: Path,
) -> WeightsError:
    """Why the layers are not known, and where to write them; writes a table to fill in."""
    unknown = generator if layout is None else discriminator
    assert unknown is not None
    files = [generator.path, *([] if discriminator is None else [discriminator.path])]
    recipe = _fitting_recipe(generator) if layout is None else None
    if recipe is not None:
        return WeightsError(
            f"{generator.path}: its layers are those of recipe {recipe}. To import them:"
            f" {command('import', *files, '--out', out, '--like', recipe)}"
        )
    if not unknown.is_named:
        return WeightsError(
            f"{unknown.path}: {len(unknown.tensors)} arrays that are neither of the DCGAN tutorial"
            " of TensorFlow nor of the code of the DCGAN authors. Write their layers into a"
            " TABLE.yaml, a recipe with model.generator.layers, and choose it by `like`"
        )
    settings: dict[str, Any] = {"data": {"scaling": "FILL_IN"}, "model": {}}
    if layout is None:
        parts = parts_of(generator)
        settings["model"]["latent"] = {"dim": _latent_dim(parts), "distribution": "normal"}
        rows = infer_rows(parts, is_generator=True)
        settings["model"]["generator"] = {"layers": rows}
    else:
        settings["data"] = {"scaling": "symmetric"}
        settings["model"] |= {"latent": layout.latent, "generator": layout.settings()}
    if other is not None:
        settings["model"]["discriminator"] = other.settings()
    elif discriminator is not None and discriminator.is_named:
        rows = infer_rows(parts_of(discriminator), is_generator=False)
        settings["model"]["discriminator"] = {"layers": rows}
    # no table that somebody has filled in is lost
    table = free_file(out.with_name(f"{out.name}-table.yaml"))
    call = command("import", *files, "--out", out, "--like", table)
    write_table(table, settings, f"The layers of {unknown.path.name}, as far as shapes tell.")
    return WeightsError(
        f"{unknown.path}: shapes do not tell {what_is_missing(settings)}. {table} has what they"
        f" tell: replace each FILL_IN there by its value, then use {call}"
    )


def _latent_dim(parts: list[Part]) -> int:
    first = next(part for part in parts if not part.is_norm).weight
    return int(first.shape[1] if first.dim() == 2 else first.shape[0])


def _with_layers(network: str) -> list[str]:
    """Recipes that have a layer table of a network."""
    return [
        name
        for name in list_recipes()
        if getattr(parse_config(load_recipe(name)).model, network).layers is not None
    ]


def _fitting_recipe(file: WeightFile) -> str | None:
    """The first recipe whose generator has the layers of a file."""
    if not file.is_named:
        return None
    for name in _with_layers("generator"):
        try:
            networks = tables_like(name, has_discriminator=False).networks
            generator = networks.build_generator()
            slots = slots_of(generator, networks.generator, generator.input_shape)
            fit(slots, parts_of(file), "")
        except DcganError:
            continue
        return name
    return None
