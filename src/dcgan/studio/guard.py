"""What every request must pass: the right host, the same origin, the token; and the headers of
every answer.

A page of another site can send requests to a server on this machine. Browsers name the site in
``Origin``, and after DNS rebinding the wrong name stands in ``Host``. Both must be exact.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from urllib.parse import parse_qs

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.responses import JSONResponse, RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dcgan.studio.problems import Problem

POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self' 'wasm-unsafe-eval'",  # the engine of the explorer is WebAssembly
        "style-src 'self'",
        "img-src 'self' blob: data:",
        "media-src 'self' blob:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    ]
)
"""The Content-Security-Policy of every answer that has none of its own."""

_HEADERS = {
    "content-security-policy": POLICY,
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "cache-control": "no-cache",
}

_READING = {"GET", "HEAD"}
_COOKIE = "dcgan-studio"

MOST_BYTES = 64 * 2**20
"""The largest body of a request that brings a file."""

_MOST_TEXT = 2**20
"""The largest body of any other request."""

_DIGITS = 20
"""Of a length; more are no length."""


class Guard:
    """ASGI middleware that refuses what does not come from the studio's own page.

    Parameters
    ----------
    app : ASGI application
    hosts : iterable of str
        The exact values of ``Host`` that are answered, with the port, such as
        ``127.0.0.1:8500``.
    token : str, optional
        What a visitor must know: in the address once, then in a cookie. None lets everybody in who
        can reach the address, which is right on a loopback address.
    """

    def __init__(self, app: ASGIApp, hosts: Iterable[str], token: str | None = None) -> None:
        self.app, self.hosts, self.token = app, frozenset(hosts), token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self.app(scope, receive, send)
            return  # no web sockets
        with_headers = _with_headers(send)
        refusal = self._refusal(scope)
        if refusal is not None:
            status, problem = refusal
            await JSONResponse({"problem": problem}, status)(scope, receive, with_headers)
        elif self.token is not None and not self._has_cookie(scope):
            await self._let_in(scope, receive, with_headers)
        else:
            await self.app(scope, _counted(receive, _most_bytes(scope)), with_headers)

    def _refusal(self, scope: Scope) -> tuple[int, str] | None:
        headers = Headers(scope=scope)
        host, origin = headers.get("host", ""), headers.get("origin")
        if host not in self.hosts:
            return 421, "this server does not answer for that host name"
        if origin is None and scope["method"] not in _READING:
            return 403, "a request that changes something must come from the studio's page"
        is_foreign = headers.get("sec-fetch-site") == "cross-site" and "/api/" in scope["path"]
        if is_foreign or (origin is not None and origin != f"http://{host}"):
            return 403, "the request comes from another site"
        length, most = headers.get("content-length", "0"), _most_bytes(scope)
        if not length.isdecimal() or len(length) > _DIGITS or int(length) > most:
            return 413, f"larger than {most // 2**20} MB"
        return None

    def _has_cookie(self, scope: Scope) -> bool:
        # not by http.cookies, which gives up at the first odd cookie of another program
        given = cookie_parser(Headers(scope=scope).get("cookie", ""))
        return self._is_token(given.get(_cookie_of(scope), ""))

    def _is_token(self, given: str) -> bool:
        return secrets.compare_digest(given.encode("utf-8", "replace"), (self.token or "").encode())

    async def _let_in(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Exchange the token in the address for a cookie."""
        given = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[0]
        if scope["method"] != "GET" or not self._is_token(given):
            answer = JSONResponse({"problem": "open the address that dcgan studio printed"}, 401)
            await answer(scope, receive, send)
            return
        entered = RedirectResponse("/", 303)
        entered.set_cookie(_cookie_of(scope), given, httponly=True, samesite="strict")
        await entered(scope, receive, send)


def _cookie_of(scope: Scope) -> str:
    """The name of the cookie: all ports of a host share their cookies."""
    return f"{_COOKIE}-{scope['server'][1]}"


def _most_bytes(scope: Scope) -> int:
    is_file = scope["method"] == "PUT" or scope["path"].endswith("/invert")
    return MOST_BYTES if is_file else _MOST_TEXT


def _counted(receive: Receive, most: int) -> Receive:
    """Receive a body up to so many bytes: its length need not be stated."""
    seen = 0

    async def receiving() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > most:
            raise Problem(413, f"larger than {most // 2**20} MB")
        return message

    return receiving


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in _HEADERS.items():
                headers.setdefault(name, value)
        await send(message)

    return sending
