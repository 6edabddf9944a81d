"""Fetching a file: with its checksum, on from where it stopped, never a part under its name."""

from __future__ import annotations

import hashlib
import http.client
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from filelock import FileLock

from dcgan.errors import DataError, Unreachable
from dcgan.runtime.files import sync_file, sync_folder
from dcgan.runtime.network import offline
from dcgan.runtime.reporting import SILENT, Reporter

_PAUSES = (0.5, 1.0, 2.0, 4.0)
"""Seconds before each further try of a connection that was cut."""

_PATIENCE = 30.0
"""Seconds without a byte, or without a connection, after which it counts as cut."""

_CHUNK = 1 << 18

_PASSING = {408, 425, 429, 500, 502, 503, 504}
"""Answers of a server that may be another one in a moment."""


class _CutError(Exception):
    """This try ended early; the next one goes on from there."""


@dataclass(frozen=True)
class RemoteFile:
    """A file that others publish.

    Parameters
    ----------
    urls : tuple of str
        The same file at several places, tried in this order.
    name : str
        What it is called here.
    checksum : str
        As published: ``md5:`` or ``sha256:`` and hexadecimal digits.
    size : int, optional
        In bytes; a larger answer is broken off.
    """

    urls: tuple[str, ...]
    name: str
    checksum: str
    size: int | None = None


def fetch(file: RemoteFile, folder: Path, reporter: Reporter = SILENT) -> Path:
    """The file in a folder, fetched where it is not there yet.

    What has arrived lies in ``.NAME.part`` and is gone on from, in this call or a later one. Two
    processes that want the same file fetch it once.

    Parameters
    ----------
    file : RemoteFile
    folder : Path
        Is made.
    reporter : Reporter, default silent
        Receives notes and progress.

    Raises
    ------
    Unreachable
        No server gave any of it, or the variable ``DCGAN_OFFLINE`` forbids asking.
    DataError
        Cut off time and again; of a wrong checksum; or the folder cannot be written.
    """
    path = folder / file.name
    if path.is_file():
        return _as_published(path, file)
    if offline():
        raise Unreachable("no network is used while the variable DCGAN_OFFLINE is set")
    part = folder / f".{file.name}.part"
    lock = folder / f".{file.name}.lock"
    is_new = not folder.exists()
    with _writing_named(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(lock):
            if not path.is_file():  # else another process was first
                try:
                    _fetch_from_any(file, part, reporter)
                except Unreachable:
                    _leave_no_trace(folder, lock, is_new)
                    raise
                sync_file(part)
                part.replace(path)
                sync_folder(folder)
            _remove(lock)
    return path


def _fetch_from_any(file: RemoteFile, part: Path, reporter: Reporter) -> None:
    """Complete the partial file, from one server after the other."""
    urls = list(file.urls)
    pauses = iter(_PAUSES)
    while True:
        url = urls[0]
        try:
            _go_on(url, file, part, reporter)
            _as_published(part, file, url)
            return
        except _CutError as error:
            pause = next(pauses, None)
            if pause is None:
                raise _given_up(url, file, part, error) from error
            urls.append(urls.pop(0))
            time.sleep(pause)
        except DataError:  # this server is of no use: whatever it has stays as it is
            urls.pop(0)
            if not urls:
                raise


def _given_up(url: str, file: RemoteFile, part: Path, error: Exception) -> DataError:
    arrived = _size(part)
    why = f"{url}: {error}, {len(_PAUSES) + 1} times over"
    if not arrived:
        return Unreachable(why)
    of = f" of {file.size:,}" if file.size else ""
    return DataError(
        f"{why}; {arrived:,}{of} bytes arrived; run the same command again to go on from there,"
        f" or put {file.name} into {part.parent}/ by hand"
    )


def _go_on(url: str, file: RemoteFile, part: Path, reporter: Reporter) -> None:
    """Ask one server for what is missing, and append it."""
    start = _size(part)
    if start and start == file.size:  # only its name was missing
        return
    headers = {"User-Agent": "dcgan"} | ({"Range": f"bytes={start}-"} if start else {})
    try:
        response = urlopen(Request(url, headers=headers), timeout=_PATIENCE)
    except HTTPError as error:
        error.close()
        if error.code == 416 and start:  # nothing follows: it is complete, or another file
            _restart_unless_complete(part, file)
            return
        reason = f"answers {error.code} {error.reason}"
        passing = error.code in _PASSING
        raise (_CutError(reason) if passing else Unreachable(f"{url}: {reason}")) from error
    except (OSError, http.client.HTTPException) as error:
        raise _no_connection(url, error, started=start > 0) from error
    with response:
        if not _continues_at(response, start):
            start = 0  # the server sends all of it again
        _append(response, file, part, start, reporter)


def _append(
    response: http.client.HTTPResponse,
    file: RemoteFile,
    part: Path,
    start: int,
    reporter: Reporter,
) -> None:
    """Write an answer to the partial file from a position on; what arrived is kept in any case."""
    length = response.headers.get("Content-Length", "")
    total = start + int(length) if length.isdecimal() else file.size
    done = start
    with part.open("ab" if start else "wb") as out:
        for chunk in _chunks(response):
            out.write(chunk)
            done += len(chunk)
            reporter.progress("downloading", done, total, "bytes")
            if file.size is not None and done > file.size:
                return  # the checksum will say that it is another file
    if total is not None and done < total:
        raise _CutError("the connection was cut")


def _chunks(response: http.client.HTTPResponse) -> Iterator[bytes]:
    """What arrives, as it arrives: ``read`` would lose what it holds when the connection ends."""
    while True:
        try:
            chunk = response.read1(_CHUNK)
        except TimeoutError as error:
            raise _CutError(f"nothing came for {_PATIENCE:g} seconds") from error
        except (OSError, http.client.HTTPException) as error:
            raise _CutError("the connection was cut") from error
        if not chunk:
            return
        yield chunk


def _continues_at(response: http.client.HTTPResponse, start: int) -> bool:
    return response.headers.get("Content-Range", "").startswith(f"bytes {start}-")


def _restart_unless_complete(part: Path, file: RemoteFile) -> None:
    if _checksum(part, file) != file.checksum.lower():
        part.unlink()
        raise _CutError("the part that had arrived was of another file")


def _no_connection(url: str, error: Exception, *, started: bool) -> Exception:
    """A server once reached may come back; one never reached is not waited for."""
    reason = error.reason if isinstance(error, URLError) else error
    if isinstance(reason, socket.gaierror):
        why = "its name is not known here (no network?)"
    elif isinstance(reason, TimeoutError):
        why = f"no answer in {_PATIENCE:g} seconds"
    else:
        why = str(getattr(reason, "strerror", None) or reason or type(reason).__name__)
    return _CutError(why) if started else Unreachable(f"{url}: {why}")


def _as_published(path: Path, file: RemoteFile, url: str = "") -> Path:
    """The path, if its content has the published checksum; what was fetched is deleted if not."""
    found = _checksum(path, file)
    if found == file.checksum.lower():
        return path
    wrong = f"wrong checksum: published is {file.checksum}, found {found}"
    if not url:
        raise DataError(f"{path}: {wrong}; delete it, and it is fetched again")
    path.unlink()
    raise DataError(
        f"{url}: {wrong}; nothing was kept: try again later, or put {file.name} into"
        f" {path.parent}/ by hand"
    )


def _checksum(path: Path, file: RemoteFile) -> str:
    kind = file.checksum.partition(":")[0].lower()
    with path.open("rb") as content:
        hashed = hashlib.file_digest(content, lambda: hashlib.new(kind, usedforsecurity=False))
    return f"{kind}:{hashed.hexdigest()}"


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _leave_no_trace(folder: Path, lock: Path, is_new: bool) -> None:
    """Where nothing was to be had, nothing stays behind."""
    _remove(lock)
    if is_new:
        with suppress(OSError):  # not empty after all
            folder.rmdir()


def _remove(lock: Path) -> None:
    """Delete the lock beside a finished file: who still waits for it will find the file."""
    try:
        lock.unlink(missing_ok=True)
    except OSError:  # Windows keeps what is open
        return


@contextmanager
def _writing_named(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise DataError(
            f"{folder}: cannot be written ({error.strerror or error}); free space there, or name"
            " another folder by --data-root DIR"
        ) from error
