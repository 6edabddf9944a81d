"""Serve the studio until it is stopped."""

from __future__ import annotations

import ipaddress
import os
import secrets
import socket
import webbrowser
from collections.abc import Callable, Iterable
from pathlib import Path
from threading import Timer

from dcgan.errors import ConfigError
from dcgan.runtime.files import StrPath
from dcgan.runtime.shell import install

LOOPBACK = "127.0.0.1"
_ANY = {"0.0.0.0", "::"}
_USUAL = 80
"""The port of http, which browsers leave out."""

PORT = 8500

_TRIED = 20
"""Ports that are tried, from the wanted one upwards."""

_GRACE = 2
"""Seconds that open event streams get when the server stops."""


def serve(
    folder: StrPath = "runs",
    *,
    host: str = LOOPBACK,
    port: int | None = None,
    allow: Iterable[StrPath] = (),
    data_root: StrPath | None = None,
    open_browser: bool = True,
    announce: Callable[[str], object] = print,
) -> None:
    """Serve the studio over a folder of runs, and open it in the browser.

    Parameters
    ----------
    folder : path, default "runs"
    host : str, default 127.0.0.1
        The address to listen on. On any other, visitors need the token in the printed address.
    port : int, optional
        Default 8500, or the next free one.
    allow : iterable of paths, optional
        Folders in which datasets may be chosen; default the home folder.
    data_root : path, optional
        The folder of datasets chosen by name.
    open_browser : bool, default True
    announce : callable
        Is given the address, and how to stop the server, as lines of text.

    Raises
    ------
    ConfigError
        An address that this machine does not have, or a port that is in use; or the packages of the
        extra ``studio`` are missing.
    """
    try:
        import uvicorn

        from dcgan.studio.app import create_app
    except ModuleNotFoundError as error:
        if error.name not in {"uvicorn", "fastapi", "starlette", "anyio"}:
            raise
        raise ConfigError(
            "", "", f"the studio needs more packages. Install them: {install('studio')}"
        ) from error
    listener = _listen(host, port)
    bound = listener.getsockname()[1]
    names = {host, "localhost"} if _is_loopback(host) else {host, *_own_addresses(host)}
    token = None if _is_loopback(host) else secrets.token_urlsafe(24)
    app = create_app(
        folder,
        hosts=_as_sent(names, bound),
        allow=allow,
        token=token,
        data_root=data_root,
    )
    shown = _outgoing(host) or LOOPBACK if host in _ANY else host
    address = f"http://{_bracketed(shown)}:{bound}/" + (f"?token={token}" if token else "")
    announce(f"dcgan studio over {Path(folder).absolute()}: {address}")
    announce("Press Ctrl-C to stop it. Trainings that it has started continue.")
    if open_browser:
        Timer(0.5, webbrowser.open, [address]).start()
    config = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=_GRACE)
    uvicorn.Server(config).run(sockets=[listener])


def _listen(host: str, port: int | None) -> socket.socket:
    wanted = range(PORT, PORT + _TRIED) if port is None else [port]
    problem: OSError | None = None
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for one in wanted:
        listener = socket.socket(family)
        if os.name != "nt":  # Windows would let two servers have the same port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, one))
            listener.listen(128)
        except (OSError, OverflowError) as error:
            listener.close()
            problem = error if isinstance(error, OSError) else OSError(str(error))
            continue
        return listener
    where = f"{host}:{port}" if port is not None else host
    reason = problem.strerror if problem is not None else "no free port"
    raise ConfigError("", "", f"cannot listen on {where} ({reason}). Choose another `port` or host")


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _own_addresses(host: str) -> set[str]:
    """Names under which this machine is reached if it listens on all addresses."""
    if host not in _ANY:
        return set()
    name = socket.gethostname()
    try:
        found = {str(one[4][0]) for one in socket.getaddrinfo(name, None)}
    except OSError:
        found = set()
    return {name, f"{name}.local", *found, _outgoing(host) or LOOPBACK, LOOPBACK, "localhost"}


def _outgoing(host: str) -> str | None:
    """The address of this machine in its network: a name may be mapped to loopback only."""
    family, far = (socket.AF_INET6, "2001:db8::1") if ":" in host else (socket.AF_INET, "192.0.2.1")
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as one:
            one.connect((far, 9))  # sends nothing
            return str(one.getsockname()[0])
    except OSError:
        return None


def _as_sent(names: Iterable[str], port: int) -> set[str]:
    """What browsers send as ``Host``: lower case, and without the usual port."""
    hosts = {_bracketed(name).lower() for name in names}
    return {f"{host}:{port}" for host in hosts} | (hosts if port == _USUAL else set())


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
