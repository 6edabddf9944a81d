"""A reporter that keeps what it is told."""

from __future__ import annotations

import pytest

from dcgan.runtime.reporting import Reporter


class Heard(Reporter):
    def __init__(self):
        self.notes = []
        self.advances = []

    def note(self, text):
        self.notes.append(text)

    def progress(self, activity, done, total, unit="images"):
        self.advances.append((done, total))


@pytest.fixture
def heard():
    return Heard()
