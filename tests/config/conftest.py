"""Every built-in recipe as a configuration."""

from __future__ import annotations

import pytest

from dcgan.config import list_recipes, load_recipe, parse_config


@pytest.fixture(params=list(list_recipes()))
def every_recipe(request):
    return parse_config(load_recipe(request.param))
