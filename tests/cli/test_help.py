"""The help of every command is true and complete."""

from __future__ import annotations

import re
from inspect import Parameter, signature

import pytest

from dcgan.cli.app import app
from dcgan.cli.commands import ARGUMENTS, COMMANDS
from dcgan.cli.train_help import FIRST

NAMES = [name for group in COMMANDS.values() for name in group]


@pytest.mark.parametrize("name", NAMES)
def test_usage_names_the_arguments_of_the_command(dcgan, name):
    page = dcgan(name, "--help")[1]
    usage = page.splitlines()[0]
    assert usage.startswith(f"Usage: dcgan {name} ")
    kinds = (Parameter.POSITIONAL_ONLY, Parameter.VAR_POSITIONAL)
    command = app[name].default_command
    taken = [one.name for one in signature(command).parameters.values() if one.kind in kinds]
    named = [re.sub(r"\W", "", word).lower() for word in ARGUMENTS[name] if word[:2] != "--"]
    assert named == taken
    for odd in ("[ARGS", "default: ()", "default: False", "default: None"):
        assert odd not in page


def test_defaults_of_train_are_those_of_the_recipe_auto(dcgan):
    page = " ".join(dcgan("train", "--help-all")[1].split())
    assert "Defaults are those of the recipe auto" in page

    def text_of(option):
        return page.split(f" {option} ")[1].split(" --")[0]

    assert "[default: 32]" in text_of("--model.latent.dim")
    assert "[default: auto]" in text_of("--optim.generator.lr")
    assert "[default: auto]" in text_of("--objective.r1")
    assert "[default: 0.0 0.99]" in text_of("--optim.generator.betas A B")
    assert "[default: 50000]" in text_of("--average.half-life")


def test_each_option_of_train_is_described_once(dcgan):
    page = dcgan("train", "--help-all")[1]
    options = re.findall(r"^  (--[\w.-]+)", page, re.MULTILINE)
    assert len(options) == len(set(options))
    short = [option.split()[0] for entries in FIRST.values() for option in entries]
    assert {"--data.size", "--length.minutes", "--optim.batch"} <= set(options)
    for option in ("--size", "--minutes", "--batch"):
        assert option in short
        assert f"This is the long form of {option}." in page
