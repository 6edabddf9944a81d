"""``dcgan recipes``: list recipes, or print one in full."""

from __future__ import annotations

from dcgan.config import list_recipes, load_recipe, parse_config, recipe_text


def recipes(name: str | None = None, /) -> None:
    """List the recipes, or print one in full with the shapes of its layers.

    Parameters
    ----------
    name
        A recipe or a YAML file; without it, all are listed.
    """
    if name is None:
        lines = list_recipes()
        widest = max(map(len, lines))
        for known, line in lines.items():
            print(f"{known:<{widest}}  {line}")
        return
    print(recipe_text(name).rstrip())
    config = parse_config(load_recipe(name))
    if config.data.size == "auto" or config.data.channels == "auto":
        print("\n# layer shapes: planned for the size and channels of your pictures")
        return

    from dcgan.models.geometry import describe_plan
    from dcgan.training.tables import resolve_networks

    networks = resolve_networks(config)
    generator = networks.build_generator()
    discriminator = networks.build_discriminator()
    sizes = [sum(p.numel() for p in net.parameters()) for net in (generator, discriminator)]
    print(f"\n# generator, {sizes[0]:,} parameters:")
    print(f"#   {describe_plan(networks.generator, generator.input_shape)}")
    print(f"# discriminator, {sizes[1]:,} parameters:")
    print(f"#   {describe_plan(networks.discriminator, networks.image_shape)}")
