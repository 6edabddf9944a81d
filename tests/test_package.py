"""What is installed is the whole package."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from pydantic import BaseModel

from dcgan.config.tree import RunConfig

ROOT = Path(__file__).parent.parent


def test_every_source_file_is_under_version_control():
    """An ignore rule once hid a package from clones and wheels."""
    if not (ROOT / ".git").exists():
        pytest.skip("not a checkout")
    ignored = subprocess.run(
        ["git", "status", "--porcelain", "--ignored", "--", "src", "tests", "docs"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    hidden = [line for line in ignored if line.startswith("!!") and "__pycache__" not in line]
    assert hidden == []


def test_recipes_travel_with_the_package():
    import dcgan

    assert (Path(dcgan.__file__).parent / "config" / "recipes" / "paper.yaml").is_file()


def _options(section: type[BaseModel], path: str = "") -> list[str]:
    found = []
    for name, field in section.model_fields.items():
        below = field.annotation
        if isinstance(below, type) and issubclass(below, BaseModel):
            found += _options(below, f"{path}{name}.")
        else:
            found.append(f"{path}{name}")
    return found


def test_the_guide_explains_every_option_of_what_is_learned_and_how():
    guide = (ROOT / "docs" / "guide" / "objectives.md").read_text(encoding="utf-8")
    named = set(re.findall(r"\w+", " ".join(re.findall(r"`([^`]+)`", guide))))
    sections = ("model", "objective", "augment", "optim", "average")
    asked = [option for option in _options(RunConfig) if option.split(".")[0] in sections]
    assert len(asked) > 50
    assert [option for option in asked if option.split(".")[-1] not in named] == []


def test_git_converts_no_line_ends():
    """Git for Windows does by default, and the files of built-in models then fail their checksums."""
    if not (ROOT / ".git").exists():
        pytest.skip("not a checkout")
    files = ["src/dcgan/built_in/mnist-demo/model.json", "tests/golden/a.yaml", "Makefile"]
    said = subprocess.run(
        ["git", "check-attr", "text", "--", *files],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert said.splitlines() == [f"{file}: text: unset" for file in files]
