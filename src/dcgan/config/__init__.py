"""The run as one frozen, typed, validated tree; recipes are YAML files that fill it."""

from dcgan.config.parsing import (
    parse_config,
    read_yaml,
    refuse_loose_switches,
    refuse_odd_sections,
)
from dcgan.config.recipes import (
    config_yaml,
    list_recipes,
    load_recipe,
    merge,
    recipe_text,
    with_settings,
)
from dcgan.config.tree import RunConfig, resolved
from dcgan.config.unused_settings import forget_unused
from dcgan.config.validation import validate_combinations

__all__ = [
    "RunConfig",
    "config_yaml",
    "forget_unused",
    "list_recipes",
    "load_recipe",
    "merge",
    "parse_config",
    "read_yaml",
    "recipe_text",
    "refuse_loose_switches",
    "refuse_odd_sections",
    "resolved",
    "validate_combinations",
    "with_settings",
]


def __dir__() -> list[str]:
    return __all__
