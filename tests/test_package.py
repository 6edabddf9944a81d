"""What is installed is the whole package."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

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
