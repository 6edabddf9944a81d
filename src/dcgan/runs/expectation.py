"""What a run expected of itself at its start, by the speed that it measured."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dcgan.runs.folder import RunFolder
from dcgan.runs.logs import of_events


def expectation_of(folder: RunFolder, minutes: float | None) -> Mapping[str, Any]:
    """The last one of a run of this length: ``expected`` images seen and, of newer runs,
    ``outlook``, a sentence without its period; empty without one."""
    found = [
        event
        for event in of_events(folder.events.read())
        if event["event"] == "expectation" and event.get("minutes") == minutes
    ]
    return found[-1] if found else {}
