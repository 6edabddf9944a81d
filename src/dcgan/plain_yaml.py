"""YAML as recipes and run folders write it."""

from __future__ import annotations

from typing import Any

import yaml


class _Loader(yaml.SafeLoader):
    """YAML whose only booleans are true and false, as version 1.2 has it: off is a word."""


_Loader.yaml_implicit_resolvers = {
    first: [one for one in resolvers if one[0] != "tag:yaml.org,2002:bool" or first in "tTfF"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def load_yaml(text: str) -> Any:
    """What a YAML text holds; raises ``yaml.YAMLError`` where it is none.

    >>> load_yaml("{measure: off, tensorboard: false}")
    {'measure': 'off', 'tensorboard': False}
    """
    return yaml.load(text, _Loader)  # of plain values only
