"""Server-sent events: what changes in a run is pushed to the page.

The folder is looked at once a second: runs are trained by other processes, also by those of
earlier servers and of other machines. The identifier of an event says which log lines the page
has, so that a browser that reconnects gets only what it missed.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import anyio
import anyio.to_thread

from dcgan.studio.answers import to_json

_PERIOD = 1.0
"""Seconds between two looks."""

_REST = 4.0
"""A long log takes a while to read: the next look comes after so many times as long."""

_SILENCE = 15
"""Looks without a change after which an empty event says that the connection is open."""


@dataclass(frozen=True)
class Look:
    """What there is to know of a run at one time.

    Attributes
    ----------
    job : dict, optional
        The job that makes the run or trains it.
    run : dict, optional
        Its details; None while there is no run folder yet.
    columns : mapping of str to list
        Its curves; ``images`` is one of them.
    """

    job: Mapping[str, Any] | None = None
    run: Mapping[str, Any] | None = None
    columns: Mapping[str, list[Any]] = field(default_factory=dict)

    @property
    def mark(self) -> str:
        """Number of log lines and images seen at the last one."""
        images = self.columns.get("images") or [0]
        return f"{len(self.columns.get('images', []))}-{images[-1]}"

    def known(self, mark: str) -> int:
        """How many log lines a page has that was given ``mark``. It is none if the run was resumed
        from a checkpoint before them."""
        count, _, last = mark.partition("-")
        images = self.columns.get("images", [])
        if not count.isdecimal() or not 0 < int(count) <= len(images):
            return 0
        return int(count) if str(images[int(count) - 1]) == last else 0


async def changes(
    signature: Callable[[], object],
    look: Callable[[], Look],
    is_gone: Callable[[], Awaitable[bool]],
    mark: str = "",
) -> AsyncIterator[str]:
    """Events of one run until the page has gone, or the run.

    ``job`` has the job, ``run`` the details, or null without a run folder, ``log`` the log lines
    that are new to the page, and ``open`` nothing.

    Parameters
    ----------
    signature : callable
        → what changes whenever ``look`` would find something else; None if the run is gone.
    look : callable
    is_gone : callable
        Whether the page has closed the connection.
    mark : str, default ""
        The identifier of the last event that the page got.
    """
    seen: object = None
    last = Look()
    quiet = 0
    yield "retry: 2000\n\n"
    while not await is_gone():
        began = time.monotonic()
        now = await anyio.to_thread.run_sync(signature)
        if now is None:
            return
        if now != seen:
            found = await anyio.to_thread.run_sync(look)
            if found.job is not None and found.job != last.job:
                yield _event("job", found.job, mark)
            if found.run is None:  # not there yet, or deleted
                yield _event("run", None, "")
            else:
                known = found.known(mark)
                mark = found.mark
                fresh = {name: values[known:] for name, values in found.columns.items()}
                yield _event("run", found.run, mark)
                yield _event("log", {"from": known, "columns": fresh}, mark)
            seen, last, quiet = now, found, 0
        quiet += 1
        if quiet % _SILENCE == 0:
            yield _event("open", None, mark)
        await anyio.sleep(max(_PERIOD, _REST * (time.monotonic() - began)))


def _event(name: str, content: Any, mark: str) -> str:
    return f"event: {name}\nid: {mark}\ndata: {to_json(content)}\n\n"
