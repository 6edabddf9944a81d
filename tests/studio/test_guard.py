"""What the studio refuses: other sites, other hosts, other folders, too much, and what is no image."""

from __future__ import annotations

import io
import socket
import struct
import zipfile
from unittest.mock import Mock

import pytest
from PIL import Image
from starlette.testclient import TestClient
from tests.exchange.conftest import KINDS, write_run
from tests.studio.conftest import HOST

from dcgan.errors import ConfigError
from dcgan.studio import create_app, guard, uploads
from dcgan.studio import serve as server
from dcgan.studio.library import identifier

BATCH = "0123456789abcdef"


def image(width=8, height=8, mode="RGB"):
    buffer = io.BytesIO()
    Image.new(mode, (width, height)).save(buffer, format="PNG")
    return buffer.getvalue()


def archive(files):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in files.items():
            made.writestr(name, content)
    return buffer.getvalue()


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8500", "127.0.0.1", "127.0.0.1:85"])
def test_another_host_name_is_refused_as_after_dns_rebinding(client, host):
    for path in ("/", "/api/home", "/static/app.js"):
        assert client.get(path, headers={"host": host}).status_code == 421


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", f"https://{HOST}", "http://127.0.0.1"]
)
def test_another_site_is_refused(client, origin):
    for call in (client.get, client.post, client.delete, client.put):
        assert call("/api/home", headers={"origin": origin}).status_code == 403


def test_a_change_without_an_origin_is_refused(client, runs):
    run = write_run(runs / "mine", KINDS["plain"])
    del client.headers["origin"]
    assert client.get("/api/home").status_code == 200
    assert client.delete(f"/api/runs/{identifier(run.path)}").status_code == 403
    assert client.post("/api/train", json={"data": "digits"}).status_code == 403
    assert run.path.is_dir()


def test_other_addresses_need_the_token(tmp_path):
    app = create_app(tmp_path / "runs", hosts={HOST}, token="secret")
    visitor = TestClient(app, base_url=f"http://{HOST}")
    assert visitor.get("/api/home").status_code == 401
    assert visitor.get("/?token=wrong").status_code == 401
    assert visitor.get("/?token=secret").status_code == 200  # after a redirect that sets the cookie
    assert visitor.get("/api/home").status_code == 200


def test_the_page_may_run_only_its_own_scripts(client):
    policy = client.get("/").headers["content-security-policy"]
    assert "script-src 'self' 'wasm-unsafe-eval'" in policy
    assert "default-src 'none'" in policy and "unsafe-inline" not in policy
    assert client.get("/").text.count("<script") == 1


@pytest.mark.parametrize(
    "path", ["/", "/etc", "..", "allowed/..", "allowed/../..", "\0", "x" * 5000, "~", "link"]
)
def test_only_allowed_folders_are_listed_and_trained_on(client, tmp_path, path):
    (tmp_path / "secret").mkdir()
    (tmp_path / "allowed" / "link").symlink_to(tmp_path / "secret")
    asked = str(tmp_path / "allowed" / "link") if path == "link" else path
    asked = str(tmp_path / path) if path.startswith("allowed") else asked
    assert client.get("/api/folders", params={"path": asked}).status_code == 403
    for way in ("inspect", "train"):
        answer = client.post(f"/api/{way}", json={"data": asked})
        assert answer.status_code in {403, 422}, answer.json()
        assert str(tmp_path) not in answer.text.replace(asked, ""), "no more than was asked for"


def test_an_allowed_folder_is_listed(client, tmp_path):
    (tmp_path / "allowed" / "a").mkdir()
    (tmp_path / "allowed" / "b.png").write_bytes(image())
    (tmp_path / "allowed" / "c.zip").write_bytes(b"")
    (tmp_path / "allowed" / ".hidden").mkdir()
    found = client.get("/api/folders").json()
    assert (found["folders"], found["files"], found["images"]) == (["a"], ["c.zip"], 1)
    assert found["parent"] == "", "nothing above an allowed folder is shown"


@pytest.mark.parametrize("path", ["pics", "~/allowed/pics", "../allowed/pics"])
def test_a_path_may_be_relative_to_the_folder_that_is_shown(client, tmp_path, monkeypatch, path):
    (tmp_path / "allowed" / "pics").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path))
    asked = {"path": path, "within": str(tmp_path / "allowed")}
    found = client.get("/api/folders", params=asked).json()
    assert found["path"] == str(tmp_path / "allowed" / "pics")


def test_a_folder_that_is_refused_is_named_as_it_was_typed(client):
    answer = client.get("/api/folders", params={"path": "pics\n", "within": "/"}).json()
    assert answer["problem"].startswith("pics\N{REPLACEMENT CHARACTER} is missing, or")
    assert answer["field"] == "data"


@pytest.mark.parametrize(
    "data", ["http://127.0.0.1/x.tar", "s3://bucket/x", "hub:someone/images", "a*", "digits:x"]
)
def test_a_dataset_is_a_known_name_or_an_allowed_path(client, data):
    for way in ("inspect", "train"):
        assert client.post(f"/api/{way}", json={"data": data}).status_code == 403


@pytest.mark.parametrize(
    "asked",
    [{"name": "../out"}, {"name": "/out"}, {"name": ".."}, {"name": "-x"}, {"recipe": "../x.yaml"},
     {"size": "8 --out x"}, {"minutes": -1}, {"minutes": "inf"}, {"images": 0}, {"fit": "--out"},
     {"inspection": "../.."}, {"out": "/x"}],
)  # fmt: skip
def test_what_could_become_another_option_or_path_is_refused(client, not_started, asked):
    answer = client.post("/api/train", json={"data": "digits", **asked})
    assert answer.status_code in {404, 422}, answer.json()
    assert isinstance(answer.json()["problem"], str)


def test_identifiers_are_not_paths(client, runs, tmp_path):
    write_run(tmp_path / "outside", KINDS["plain"])
    for name in ("..", "%2e%2e", "..%2foutside", "outside", identifier(tmp_path / "outside")):
        for path in (f"runs/{name}", f"runs/{name}/sheets/0", f"jobs/{name}", f"jobs/{name}/sheet"):
            assert client.get(f"/api/{path}").status_code == 404
        assert client.delete(f"/api/runs/{name}").status_code in {404, 405}
        assert client.post(f"/api/bin/{name}/restore").status_code == 404
    assert (tmp_path / "outside").is_dir()


def test_a_run_behind_a_link_is_not_shown(client, runs, tmp_path):
    write_run(tmp_path / "outside", KINDS["plain"])
    (runs / "link").symlink_to(tmp_path / "outside")
    assert client.get("/api/home").json()["runs"] == []


def test_an_upload_is_kept_under_another_name(client, runs):
    for name in ("a.png", "..%2f..%2fb.png".replace("%2f", "_"), "<img src=x>.PNG"):
        answer = client.put(f"/api/uploads/{BATCH}/{name}", content=image())
        assert answer.status_code == 200, answer.json()
    kept = [path for path in (runs / ".studio" / "uploads").rglob("*") if path.is_file()]
    assert len(kept) == 3 and all(path.parent.name == BATCH for path in kept)
    assert not any("img" in path.name for path in kept)


# a texture in a format that Pillow knows and cannot read
DDS = b"DDS " + struct.pack("<5I", 124, 0x1007, 8, 8, 0) + bytes(52)
DDS += struct.pack("<2I4s5I", 32, 4, b"ABCD", *[0] * 5) + bytes(20)

NOT_UTF_8 = archive({"\u00e9.png": b""}).replace("\u00e9".encode(), b"\xff\xfe")


@pytest.mark.parametrize(
    ("name", "content", "status", "words"),
    [
        ("a.svg", b"<svg/>", 415, "not an image"),
        ("a.png", b"<html>", 415, "not a readable image"),
        ("a.zip", b"PK", 415, "not a readable .zip"),
        ("a.png", image(9000, 6000, "1"), 413, "9000x6000 pixels"),
        (
            "a.png",
            b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n",
            415,
            "not a readable image",
        ),
        ("a.png", DDS, 415, "not a readable image"),
        ("a.zip", NOT_UTF_8, 415, "not a readable .zip"),
    ],
)
def test_a_refused_upload_leaves_nothing(client, runs, name, content, status, words):
    answer = client.put(f"/api/uploads/{BATCH}/{name}", content=content)
    assert answer.status_code == status
    assert answer.json()["problem"].startswith(name) and words in answer.json()["problem"]
    assert not [path for path in (runs / ".studio" / "uploads").rglob("*") if path.is_file()]


@pytest.mark.parametrize("batch", ["..", "short", "0" * 33, "0123456789ABCDEF"])
def test_a_batch_is_no_path(client, batch):
    assert client.put(f"/api/uploads/{batch}/a.png", content=image()).status_code in {404, 405, 422}
    put = client.put(f"/api/models/{batch}/generator/a.pth", content=b"x")
    assert put.status_code in {404, 405, 422}


def test_an_archive_that_unpacks_to_too_much_is_refused(client, monkeypatch):
    bomb = archive({"a.png": b"\0" * 3_000_000})
    assert len(bomb) < 10_000
    monkeypatch.setattr(uploads, "MOST_UNPACKED", 2_000_000)
    answer = client.put(f"/api/uploads/{BATCH}/a.zip", content=bomb)
    assert answer.status_code == 413 and "unpacks to more than" in answer.json()["problem"]
    monkeypatch.setattr(uploads, "MOST_FILES", 10)
    many = archive({f"{number}.png": b"" for number in range(11)})
    answer = client.put(f"/api/uploads/{BATCH}/a.zip", content=many)
    assert answer.status_code == 413 and "more than 10 files" in answer.json()["problem"]


def test_the_table_of_an_archive_is_not_read_if_it_is_too_long(client, monkeypatch):
    monkeypatch.setattr(uploads, "MOST_FILES", 10)
    many = archive({f"{number}.png": b"" for number in range(11)})
    monkeypatch.setattr(uploads.zipfile, "ZipFile", None)
    # the count at the end may say less
    many = many[:-14] + struct.pack("<2H", 1, 1) + many[-10:]
    answer = client.put(f"/api/uploads/{BATCH}/a.zip", content=many)
    assert answer.status_code == 413 and "more than 10 files" in answer.json()["problem"]


def test_a_memory_error_of_a_decoder_is_a_refusal(client, monkeypatch):
    def broken(*_, **__):
        raise MemoryError

    monkeypatch.setattr(uploads.Image, "open", broken)
    answer = client.put(f"/api/uploads/{BATCH}/a.png", content=image())
    assert answer.status_code == 415 and "not a readable image" in answer.json()["problem"]


def test_a_batch_has_a_most_number_of_files(client, runs, monkeypatch):
    monkeypatch.setattr(uploads, "MOST_FILES", 3)
    batch = runs / ".studio" / "uploads" / BATCH
    batch.mkdir(parents=True)
    (batch / "earlier.png").write_bytes(image())  # of a server before this one
    answers = [client.put(f"/api/uploads/{BATCH}/a.png", content=image()) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 413]
    assert "More than 3 files" in answers[-1].json()["problem"] and len([*batch.iterdir()]) == 3


def test_too_large_an_upload_is_refused_by_its_length_and_without_one(client, runs, monkeypatch):
    monkeypatch.setattr(guard, "MOST_BYTES", 1000)
    monkeypatch.setattr(uploads, "MOST_BYTES", 1000)
    content = image() + b"\0" * 1000
    assert client.put(f"/api/uploads/{BATCH}/a.png", content=content).status_code == 413
    parts = (content[start : start + 100] for start in range(0, len(content), 100))
    assert client.put(f"/api/uploads/{BATCH}/a.png", content=parts).status_code == 413
    assert not [path for path in (runs / ".studio" / "uploads").rglob("*") if path.is_file()]


def test_too_many_jobs_are_refused(client, not_started):
    answers = [client.post("/api/inspect", json={"data": "digits"}) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 409]
    assert "3 jobs are running" in answers[-1].json()["problem"]


def test_a_body_is_counted_although_its_length_is_not_stated(client):
    parts = (b" " * 2**16 for _ in range(17))
    answer = client.post("/api/inspect", content=parts)
    assert answer.status_code in {400, 413}
    assert client.post("/api/inspect", content=b" " * (2**20 + 1)).status_code == 413
    long = {"content-length": "9" * 5000}
    assert client.post("/api/inspect", content=b"{}", headers=long).status_code == 413


def test_pages_of_other_sites_cannot_load_from_the_interface(client):
    for place, status in (("/api/home", 403), ("/", 200)):
        headers = {"sec-fetch-site": "cross-site"}
        assert client.get(place, headers=headers).status_code == status


@pytest.mark.parametrize("other", ['x={"a":1}', "a b=1", "foo", "dcgan-studio=old"])
def test_cookies_of_other_programs_do_not_lock_out(tmp_path, other):
    app = create_app(tmp_path / "runs", hosts={HOST}, token="secret")
    visitor = TestClient(app, base_url=f"http://{HOST}", follow_redirects=False)
    cookie = visitor.get("/?token=secret").headers["set-cookie"].partition(";")[0]
    answer = visitor.get("/api/home", headers={"cookie": f"{other}; {cookie}"})
    assert answer.status_code == 200


def test_a_server_for_all_addresses_answers_for_its_own():
    found = server._as_sent({"Box.Local", "::1", "10.0.0.7"}, 8500)
    assert found == {"box.local:8500", "[::1]:8500", "10.0.0.7:8500"}
    assert server._as_sent({"box"}, 80) == {"box:80", "box"}
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        try:
            one.connect(("192.0.2.1", 9))
        except OSError:
            pytest.skip("this machine has no network")
        assert one.getsockname()[0] in server._own_addresses("0.0.0.0")
    assert server._own_addresses("10.0.0.7") == set()


@pytest.mark.parametrize(
    "data",
    [
        *("source: http://127.0.0.1:9/x.tar", "source: hub:someone/images", "source: /etc"),
        *("source: 'file:///etc/passwd'", "source: --out", "{source: digits, root: /etc}"),
        "{source: digits, labels: /etc/passwd}",
    ],
)
def test_the_settings_of_a_strangers_run_open_nothing(client, runs, data):
    run = write_run(runs / "copied", KINDS["plain"])
    section = data if data.startswith("{") else f"{{{data}}}"
    (run.path / "config.yaml").write_text(f"{{recipe: auto, data: {section}}}")
    asked = {"latent": [0.0] * 8}
    answer = client.post(f"/api/runs/{identifier(run.path)}/nearest", json=asked)
    assert answer.status_code == 403 and "--allow" in answer.json()["problem"]


@pytest.mark.parametrize(("system", "times"), [("nt", 0), ("posix", 1)])
def test_on_windows_two_servers_do_not_share_a_port(monkeypatch, system, times):
    """There, SO_REUSEADDR lets a second server listen on the same port."""
    with server._listen("127.0.0.1", 0) as taken:
        listener = Mock(wraps=socket.socket())
        monkeypatch.setattr("socket.socket", lambda _: listener)
        monkeypatch.setattr("os.name", system)
        with pytest.raises(ConfigError, match="cannot listen"):
            server._listen("127.0.0.1", taken.getsockname()[1])
    assert listener.setsockopt.call_count == times
