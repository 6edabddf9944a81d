"""Fixtures of tests of training."""

from tests.cli.conftest import dcgan  # noqa: F401
