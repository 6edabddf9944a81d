"""Imports point down only: the contracts in pyproject.toml hold."""

from __future__ import annotations

from pathlib import Path

from importlinter.cli import lint_imports

ROOT = Path(__file__).parent.parent


def test_imports_point_down(monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    assert lint_imports(config_filename="pyproject.toml", no_cache=True) == 0, (
        capsys.readouterr().out
    )


def test_every_package_has_its_layer():
    """A new top-level package must be put into the contract, not forgotten."""
    contract = (ROOT / "pyproject.toml").read_text()
    for entry in (ROOT / "src" / "dcgan").iterdir():
        if entry.is_dir() and (entry / "__init__.py").exists():
            assert f"dcgan.{entry.name}" in contract, entry.name
