"""Server-sent events: what changes in a run is pushed to the page.

The folder is looked at once a second: runs are trained by other processes, also by those of
earlier servers and of other machines. An event has the number of log lines known to the page as its
identifier, so that a browser that reconnects gets what it missed.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread

from dcgan.studio.summary import signature

_PERIOD = 1.0
"""Seconds between two looks."""

_SILENCE = 15
"""Looks without a change after which a comment keeps the connection open."""


def event(name: str, content: Any, number: int) -> str:
    """The text of one event."""
    return f"event: {name}\nid: {number}\ndata: {json.dumps(content)}\n\n"


async def changes(
    path: Path,
    describe: Callable[[], tuple[Any, dict[str, list[Any]]]],
    is_gone: Callable[[], Awaitable[bool]],
    known: int = 0,
) -> AsyncIterator[str]:
    """Events of one run until the page has gone: ``run`` with its details, ``log`` with new lines.

    Parameters
    ----------
    path : Path
    describe : callable
        → details, and the curves as columns.
    is_gone : callable
        Whether the page has closed the connection.
    known : int, default 0
        Lines of the log that the page has already.
    """
    seen: object = None
    quiet = 0
    yield "retry: 2000\n\n"
    while not await is_gone():
        now = await anyio.to_thread.run_sync(signature, path)
        if now != seen:
            details, columns = await anyio.to_thread.run_sync(describe)
            count = len(columns.get("images", []))
            if count < known:  # the run was resumed from an earlier checkpoint
                known = 0
            fresh = {name: values[known:] for name, values in columns.items()}
            yield event("run", details, count)
            yield event("log", {"from": known, "columns": fresh}, count)
            seen, known, quiet = now, count, 0
        quiet += 1
        if quiet % _SILENCE == 0:
            yield ": still here\n\n"
        await anyio.sleep(_PERIOD)
