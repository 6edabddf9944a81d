"""Fetching a file from a server that is slow, rude, broken or gone."""

from __future__ import annotations

import hashlib
import ssl
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.error import URLError

import pytest
from tests.conftest import Notes

from dcgan.data import download
from dcgan.data.download import RemoteFile, fetch
from dcgan.errors import DataError, Unreachable
from dcgan.runtime.cache import cache_folder, fetching_folder

CONTENT = hashlib.shake_128(b"some file").digest(1_000_000)
MD5 = f"md5:{hashlib.md5(CONTENT).hexdigest()}"
SHA = f"sha256:{hashlib.sha256(CONTENT).hexdigest()}"


class Server(ThreadingHTTPServer):
    """Sends ``content`` from any path, in the ways that the tests ask for."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.content = CONTENT
        self.ranges = True
        self.cuts = []
        """How many bytes to send before hanging up, one for each answer; then all."""
        self.codes = []
        """What to answer instead, one for each request."""
        self.says_length = True
        self.seconds = 0.0
        self.asked = []
        """The Range of each request."""

    def handle_error(self, request, client_address):
        """Who hung up on it is no news."""

    def url(self, name="file.bin"):
        return f"http://127.0.0.1:{self.server_port}/{name}"


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        server = self.server
        wanted = self.headers.get("Range")
        server.asked.append(wanted)
        time.sleep(server.seconds)
        if self.path == "/gone" or server.codes:
            self.send_error(404 if self.path == "/gone" else server.codes.pop(0))
            return
        start = int(wanted[6:-1]) if wanted and server.ranges else 0
        if start and start >= len(server.content):
            self.send_error(416)
            return
        body = b"another file" if self.path == "/wrong" else server.content[start:]
        self.send_response(206 if start else 200)
        if start:
            end = len(server.content)
            self.send_header("Content-Range", f"bytes {start}-{end - 1}/{end}")
        if server.says_length:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: server.cuts.pop(0)] if server.cuts else body)

    def log_message(self, *arguments):
        pass


@pytest.fixture(autouse=True)
def _without_waiting(monkeypatch):
    monkeypatch.delenv("DCGAN_OFFLINE")
    monkeypatch.setattr(download, "_PAUSES", (0.0, 0.0, 0.0, 0.0))


@pytest.fixture
def server():
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def remote(server, *names, checksum=MD5, size=None):
    return RemoteFile(
        tuple(server.url(name) for name in names or ("file.bin",)), "file.bin", checksum, size
    )


def is_alone(path):
    """The whole file, and nothing else is left in its folder."""
    return path.read_bytes() == CONTENT and list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("checksum", [MD5, SHA, MD5.upper()])
def test_a_file_arrives_whole_in_a_new_folder(server, tmp_path, checksum):
    path = fetch(remote(server, checksum=checksum), tmp_path / "deep" / "er")
    assert path == tmp_path / "deep" / "er" / "file.bin"
    assert is_alone(path)


def test_a_file_that_is_there_is_not_fetched_again(server, tmp_path):
    fetch(remote(server), tmp_path)
    fetch(remote(server), tmp_path)
    assert len(server.asked) == 1


def test_a_file_put_there_by_hand_must_be_the_right_one(server, tmp_path):
    (tmp_path / "file.bin").write_bytes(b"wrong")
    with pytest.raises(DataError, match=r"file\.bin: wrong checksum.*Delete it"):
        fetch(remote(server), tmp_path)
    assert (tmp_path / "file.bin").read_bytes() == b"wrong"


def test_a_cut_connection_is_gone_on_from_where_it_was_cut(server, tmp_path):
    server.cuts = [300_000, 200_000]
    assert is_alone(fetch(remote(server), tmp_path))
    assert server.asked == [None, "bytes=300000-", "bytes=500000-"]


def test_a_connection_cut_time_and_again_says_how_to_go_on(server, tmp_path):
    server.cuts = [100_000] * 5
    with pytest.raises(DataError) as failure:
        fetch(remote(server, size=len(CONTENT)), tmp_path)
    message = str(failure.value)
    assert server.url() in message
    assert "500,000 of 1,000,000 bytes" in message
    assert f"put file.bin into {tmp_path}/ by hand" in message
    assert not isinstance(failure.value, Unreachable)
    assert is_alone(fetch(remote(server), tmp_path))  # the same command again
    assert server.asked[-1] == "bytes=500000-"


def test_an_answer_without_a_length_that_ends_early_is_gone_on_from(server, tmp_path):
    server.says_length = False
    server.cuts = [300_000]
    assert is_alone(fetch(remote(server, size=len(CONTENT)), tmp_path))
    assert server.asked == [None, "bytes=300000-"]


def test_a_server_without_ranges_sends_all_of_it_again(server, tmp_path):
    server.ranges = False
    server.cuts = [300_000]
    assert is_alone(fetch(remote(server), tmp_path))


def test_a_part_that_is_already_whole_needs_no_server(server, tmp_path):
    (tmp_path / ".file.bin.part").write_bytes(CONTENT)
    assert is_alone(fetch(remote(server, "gone", size=len(CONTENT)), tmp_path))


@pytest.mark.parametrize("part", [CONTENT, CONTENT + b"more"], ids=["whole", "longer"])
def test_a_part_that_nothing_follows_is_whole_or_begun_again(server, tmp_path, part):
    (tmp_path / ".file.bin.part").write_bytes(part)
    assert is_alone(fetch(remote(server), tmp_path))


def test_a_wrong_checksum_names_both_and_keeps_nothing(server, tmp_path):
    wrong = "md5:" + "0" * 32
    with pytest.raises(DataError) as failure:
        fetch(remote(server, checksum=wrong), tmp_path)
    assert wrong in str(failure.value)
    assert MD5 in str(failure.value)
    assert {path.suffix for path in tmp_path.iterdir()} <= {".lock"}


def test_a_part_of_another_file_is_found_out_by_the_checksum(server, tmp_path):
    (tmp_path / ".file.bin.part").write_bytes(b"something else")
    with pytest.raises(DataError, match="wrong checksum"):
        fetch(remote(server), tmp_path)
    assert is_alone(fetch(remote(server), tmp_path))


def test_more_than_the_published_size_is_not_read(server, tmp_path):
    server.content = CONTENT * 40
    told = Notes()
    with pytest.raises(DataError, match="wrong checksum"):
        fetch(remote(server, size=1000), tmp_path, told)
    assert told.steps[-1][0] < 2_000_000


@pytest.mark.parametrize("first", ["gone", "wrong"])
def test_the_next_server_is_asked_where_one_is_of_no_use(server, tmp_path, first):
    assert is_alone(fetch(remote(server, first, "file.bin"), tmp_path))


def test_a_missing_file_is_unreachable_at_once(server, tmp_path):
    with pytest.raises(Unreachable, match=r"/gone: answers 404 Not Found$"):
        fetch(remote(server, "gone"), tmp_path)
    assert len(server.asked) == 1


def test_a_busy_server_is_asked_again(server, tmp_path):
    server.codes = [503, 429, 500]
    assert is_alone(fetch(remote(server), tmp_path))


def test_a_server_that_stays_busy_is_unreachable(server, tmp_path):
    server.codes = [503] * 5
    with pytest.raises(Unreachable, match="answers 503"):
        fetch(remote(server), tmp_path)


def test_no_server_is_unreachable(server, tmp_path):
    closed = RemoteFile(("http://127.0.0.1:9/file.bin",), "file.bin", MD5)
    with pytest.raises(Unreachable, match=r"refused$"):
        fetch(closed, tmp_path)
    unknown = RemoteFile(("http://host.invalid/file.bin",), "file.bin", MD5)
    with pytest.raises(Unreachable, match=r"host\.invalid/file\.bin: "):
        fetch(unknown, tmp_path)


def test_silence_does_not_hang(server, tmp_path, monkeypatch):
    monkeypatch.setattr(download, "_PATIENCE", 0.05)
    server.seconds = 0.5
    with pytest.raises(Unreachable, match="no answer in"):
        fetch(remote(server), tmp_path)


def test_offline_asks_nobody(server, tmp_path, monkeypatch):
    monkeypatch.setenv("DCGAN_OFFLINE", "1")
    with pytest.raises(Unreachable, match="DCGAN_OFFLINE"):
        fetch(remote(server), tmp_path)
    assert server.asked == []
    monkeypatch.setenv("DCGAN_OFFLINE", "0")
    assert is_alone(fetch(remote(server), tmp_path))


def test_progress_counts_up_to_the_whole_and_goes_on_after_a_cut(server, tmp_path):
    server.cuts = [300_000]
    told = Notes()
    fetch(remote(server), tmp_path, told)
    seen = told.steps
    assert seen[-1] == (1_000_000, 1_000_000)
    assert {total for _, total in seen} == {1_000_000}
    done = [number for number, _ in seen]
    assert done == sorted(done)


def test_two_at_once_fetch_once(server, tmp_path):
    server.seconds = 0.1
    with ThreadPoolExecutor(2) as pool:
        both = [pool.submit(fetch, remote(server), tmp_path) for _ in range(2)]
        paths = {one.result() for one in both}
    assert len(server.asked) == 1
    assert is_alone(paths.pop())


def test_a_folder_that_cannot_be_made_is_named(server, tmp_path):
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(DataError, match=r"taken/below: cannot be written"):
        fetch(remote(server), tmp_path / "taken" / "below")


def test_the_cache_is_where_the_variable_says(monkeypatch, tmp_path):
    monkeypatch.setenv("DCGAN_CACHE", str(tmp_path / "cache"))
    assert cache_folder() == tmp_path / "cache"
    assert fetching_folder(None) == tmp_path / "cache" / "datasets"
    assert fetching_folder(tmp_path / "data") == tmp_path / "data"
    monkeypatch.delenv("DCGAN_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_folder().name == "dcgan"


def test_a_data_root_that_is_read_only_is_not_written_to(monkeypatch, tmp_path):
    monkeypatch.setenv("DCGAN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("os.access", lambda place, mode: "fixed" not in str(place))
    (tmp_path / "fixed").mkdir()
    assert fetching_folder(tmp_path / "fixed" / "data") == tmp_path / "cache" / "datasets"


def test_where_nothing_was_to_be_had_nothing_stays_behind(server, tmp_path):
    for folder in (tmp_path / "new", tmp_path):
        with pytest.raises(Unreachable):
            fetch(remote(server, "gone"), folder)
    assert list(tmp_path.iterdir()) == []


def test_a_certificate_that_cannot_be_verified_has_its_remedy(tmp_path, monkeypatch):
    """Python from python.org on macOS has no certificates until a program of it has run."""
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_message = "unable to get local issuer certificate"

    def refused(*_, **__):
        raise URLError(error)

    monkeypatch.setattr(download, "urlopen", refused)
    with pytest.raises(Unreachable, match=r"get local issuer certificate\).*Install Certificates"):
        fetch(RemoteFile(("https://localhost/a.bin",), "a.bin", MD5), tmp_path)


def test_on_a_drive_that_is_missing_the_cache_is_used(tmp_path, monkeypatch):
    """On Windows no parent of such a path exists."""
    monkeypatch.setenv("DCGAN_CACHE", str(tmp_path))
    exists = Path.exists
    monkeypatch.setattr(Path, "exists", lambda path: path.is_relative_to(tmp_path) and exists(path))
    assert fetching_folder(Path("/missing/data")) == tmp_path / "datasets"
