"""Download a file: resumed after interruptions, checked, and complete before it has its name."""

from __future__ import annotations

import hashlib
import http.client
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from filelock import FileLock

from dcgan.errors import DataError, Unreachable
from dcgan.runtime.files import move, sync_file, sync_folder
from dcgan.runtime.network import offline
from dcgan.runtime.reporting import SILENT, Reporter

_PAUSES = (0.5, 1.0, 2.0, 4.0)
"""Seconds before each further try after an interrupted connection."""

_PATIENCE = 30.0
"""Seconds without a byte or a connection that count as an interruption."""

_CHUNK = 1 << 18

_TEMPORARY = {408, 425, 429, 500, 502, 503, 504}
"""HTTP status codes after which the same request may succeed later."""


class _Interrupted(Exception):
    """This try ended early; the next one resumes from there."""


@dataclass(frozen=True)
class RemoteFile:
    """A published file.

    Parameters
    ----------
    urls : tuple of str
        The same file on several servers, tried in this order.
    name : str
        Local file name.
    checksum : str
        As published: ``md5:`` or ``sha256:`` and hexadecimal digits.
    size : int, optional
        In bytes; the download stops at more.
    """

    urls: tuple[str, ...]
    name: str
    checksum: str
    size: int | None = None


def fetch(file: RemoteFile, folder: Path, reporter: Reporter = SILENT) -> Path:
    """The path of a file in ``folder``, downloaded if it is not there.

    The partial file ``.NAME.part`` is resumed by this call or a later one. If two processes need
    the same file, one downloads it. The folder is created.

    Raises
    ------
    Unreachable
        No server sent any of it, or the variable ``DCGAN_OFFLINE`` is set.
    DataError
        Interrupted too often; the checksum is wrong; or the folder cannot be written.
    """
    path = folder / file.name
    if path.is_file():
        return _as_published(path, file)
    if offline():
        raise Unreachable("no network is used, because the variable DCGAN_OFFLINE is set")
    part = folder / f".{file.name}.part"
    lock = folder / f".{file.name}.lock"
    is_new = not folder.exists()
    with _writing_named(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(lock):
            if not path.is_file():  # else another process downloaded it
                try:
                    _fetch_from_any(file, part, reporter)
                except Unreachable:
                    _remove(lock)
                    if is_new:
                        with suppress(OSError):  # it is not empty
                            folder.rmdir()
                    raise
                sync_file(part)
                move(part, path)
                sync_folder(folder)
            _remove(lock)
    return path


def _fetch_from_any(file: RemoteFile, part: Path, reporter: Reporter) -> None:
    """Complete the partial file from one server after another."""
    urls = list(file.urls)
    pauses = iter(_PAUSES)
    while True:
        url = urls[0]
        try:
            _resume(url, file, part, reporter)
            _as_published(part, file, url)
            return
        except _Interrupted as error:
            pause = next(pauses, None)
            if pause is None:
                raise _given_up(url, file, part, error) from error
            urls.append(urls.pop(0))
            time.sleep(pause)
        except DataError:  # this server will not help later either
            urls.pop(0)
            if not urls:
                raise


def _given_up(url: str, file: RemoteFile, part: Path, error: Exception) -> DataError:
    arrived = _size(part)
    why = f"{url}: {error}, after {len(_PAUSES) + 1} tries"
    if not arrived:
        return Unreachable(why)
    of = f" of {file.size:,}" if file.size else ""
    return DataError(
        f"{why}; {arrived:,}{of} bytes have arrived. Run the same command again to resume, or"
        f" put {file.name} into {part.parent}/ by hand"
    )


def _resume(url: str, file: RemoteFile, part: Path, reporter: Reporter) -> None:
    """Ask one server for the missing part, and append it."""
    start = _size(part)
    if start and start == file.size:  # complete, but not yet renamed
        return
    headers = {"User-Agent": "dcgan"} | ({"Range": f"bytes={start}-"} if start else {})
    try:
        response = urlopen(Request(url, headers=headers), timeout=_PATIENCE)
    except HTTPError as error:
        error.close()
        if error.code == 416 and start:  # nothing follows: complete, or another file
            if _checksum(part, file) == file.checksum.lower():
                return
            part.unlink()
            raise _Interrupted("the partial file was of another file") from error
        reason = f"answers {error.code} {error.reason}"
        if error.code in _TEMPORARY:
            raise _Interrupted(reason) from error
        raise Unreachable(f"{url}: {reason}") from error
    except (OSError, http.client.HTTPException) as error:
        reason = _why_no_connection(error)
        if start:  # the server was reached before
            raise _Interrupted(reason) from error
        raise Unreachable(f"{url}: {reason}") from error
    with response:
        if not response.headers.get("Content-Range", "").startswith(f"bytes {start}-"):
            start = 0  # the server sends all of it again
        _append(response, file, part, start, reporter)


def _append(
    response: http.client.HTTPResponse, file: RemoteFile, part: Path, start: int, reporter: Reporter
) -> None:
    """Write a response to the partial file from a position; errors keep what has arrived."""
    length = response.headers.get("Content-Length", "")
    total = start + int(length) if length.isdecimal() else file.size
    done = start
    with part.open("ab" if start else "wb") as out:
        for chunk in _chunks(response):
            out.write(chunk)
            done += len(chunk)
            reporter.progress("downloading", done, total, "bytes")
            if file.size is not None and done > file.size:
                return  # another file: its checksum will be wrong
    if total is not None and done < total:
        raise _Interrupted("the connection was interrupted")


def _chunks(response: http.client.HTTPResponse) -> Iterator[bytes]:
    """Chunks as they arrive: ``read`` would lose buffered bytes when the connection ends."""
    while True:
        try:
            chunk = response.read1(_CHUNK)
        except TimeoutError as error:
            raise _Interrupted(f"no data for {_PATIENCE:g} seconds") from error
        except (OSError, http.client.HTTPException) as error:
            raise _Interrupted("the connection was interrupted") from error
        if not chunk:
            return
        yield chunk


def _why_no_connection(error: Exception) -> str:
    reason = error.reason if isinstance(error, URLError) else error
    if isinstance(reason, socket.gaierror):
        return "its name cannot be resolved (no network?)"
    if isinstance(reason, ssl.SSLCertVerificationError):
        return (
            f"its certificate cannot be verified ({reason.verify_message}). With Python from"
            " python.org on macOS, run 'Install Certificates.command' in its folder first"
        )
    if isinstance(reason, TimeoutError):
        return f"no answer in {_PATIENCE:g} seconds"
    return str(getattr(reason, "strerror", None) or reason or type(reason).__name__)


def _as_published(path: Path, file: RemoteFile, url: str = "") -> Path:
    """The path, if its content has the published checksum; else a download is deleted."""
    found = _checksum(path, file)
    if found == file.checksum.lower():
        return path
    wrong = f"wrong checksum: {found}; published is {file.checksum}"
    if not url:
        raise DataError(f"{path}: {wrong}. Delete it to download it again")
    path.unlink()
    raise DataError(
        f"{url}: {wrong}. The download was deleted: try again later, or put {file.name} into"
        f" {path.parent}/ by hand"
    )


def _checksum(path: Path, file: RemoteFile) -> str:
    kind = file.checksum.partition(":")[0].lower()
    with path.open("rb") as content:
        hashed = hashlib.file_digest(content, lambda: hashlib.new(kind, usedforsecurity=False))
    return f"{kind}:{hashed.hexdigest()}"


def _remove(lock: Path) -> None:
    """Processes that wait for the lock will find the finished file."""
    with suppress(OSError):  # Windows does not remove open files
        lock.unlink(missing_ok=True)


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


@contextmanager
def _writing_named(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise DataError(
            f"{folder}: cannot be written ({error.strerror or error}). Free space there, or choose"
            " another folder with `data_root=DIR`"
        ) from error
