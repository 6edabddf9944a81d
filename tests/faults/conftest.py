"""Fixtures of tests of what goes wrong."""

from tests.cli.conftest import dcgan  # noqa: F401
