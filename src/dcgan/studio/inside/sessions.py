"""The sessions that are open: a few, and none that nobody uses."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from threading import Lock

from dcgan.studio.inside.session import Session
from dcgan.studio.problems import not_found

MOST = 4
IDLE_SECONDS = 1800.0


class Sessions:
    """Sessions by opaque ids. A new one replaces those that are idle and, if there are too many,
    the one that was used least recently.

    Parameters
    ----------
    now : callable
        A clock in seconds.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._lock = Lock()
        self._sessions: dict[str, Session] = {}
        self._used: dict[str, float] = {}

    def start(self, seed: int) -> tuple[str, Session]:
        """A new session with its id."""
        session, name = Session(seed), secrets.token_hex(8)
        with self._lock:
            oldest_first = sorted(self._used, key=lambda one: self._used[one])
            for number, one in enumerate(oldest_first):
                is_idle = self._now() - self._used[one] > IDLE_SECONDS
                if is_idle or len(oldest_first) - number >= MOST:
                    self._drop(one)
            self._sessions[name], self._used[name] = session, self._now()
        return name, session

    def find(self, name: str) -> Session:
        """An open session.

        Raises
        ------
        Problem
            It was ended or replaced.
        """
        with self._lock:
            if name not in self._sessions:
                raise not_found("This lesson")
            self._used[name] = self._now()
            return self._sessions[name]

    def end(self, name: str) -> None:
        """Forget a session, if it is still there."""
        with self._lock:
            self._drop(name)

    def __len__(self) -> int:
        return len(self._sessions)

    def _drop(self, name: str) -> None:
        self._sessions.pop(name, None)
        self._used.pop(name, None)
