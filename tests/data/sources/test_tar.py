"""Tar files and shards: here, in memory and over http, whole, damaged and cut off."""

from __future__ import annotations

import gzip
import os
import tarfile
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from time import sleep

import fsspec
import pytest
from tests.tiny_images import class_names, png, tones

from dcgan.data import Source, open_source
from dcgan.errors import DataError, SourceNotFound, Unreachable, UnreadableImage


def tar(members: Mapping[str, bytes], kind: int = tarfile.PAX_FORMAT) -> bytes:
    buffer = BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=kind, encoding="utf-8") as archive:
        for name, data in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, BytesIO(data))
    return buffer.getvalue()


def numbered(first: int, count: int) -> dict[str, bytes]:
    """Pictures whose names say their tone."""
    return {f"{number:04d}.png": png(number % 256) for number in range(first, first + count)}


def put(path: Path, members: Mapping[str, bytes], **options) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(tar(members, **options))
    return path


def names(source: Source) -> list[str]:
    return [source.title(index).partition(":")[2] for index in range(len(source))]


def is_right(source: Source, index: int) -> bool:
    """Whether a picture has the tone that its name says."""
    tone = int(source.title(index).rpartition(":")[2][:4]) % 256
    return source.read(index).getpixel((0, 0)) == tone


def names_it(error: DataError) -> None:
    assert "a.tar: " in str(error)


def test_a_tar_is_read_in_place_and_in_its_own_order(tmp_path):
    path = put(tmp_path / "a.tar", {"z.png": png(1), "b/a.PNG": png(2), "notes.txt": b"text"})
    source = open_source(str(path))
    assert [source.title(index) for index in range(2)] == ["a.tar:z.png", "a.tar:b/a.PNG"]
    assert tones(source) == [1, 2]
    assert dict(source.others) == {".txt": 1}
    assert list(tmp_path.iterdir()) == [path]


def test_class_folders_give_labels(tmp_path):
    members = {"set/dog/1.png": png(1), "set/cat/2.png": png(2), "set/cat/3.png": png(3)}
    source = open_source(str(put(tmp_path / "a.tar", members)))
    assert class_names(source) == ["dog", "cat", "cat"]


def test_class_files_give_labels_wherever_they_stand(tmp_path):
    members = {
        "a.jpg": png(1),
        "a.cls": b"7",
        "x/b.cls": b"12\n",
        "x/b.json": b"{}",
        "x/b.png": png(2),
        "c.png": png(3),
        "c.cls": b" 7 ",
    }
    source = open_source(str(put(tmp_path / "a.tar", members)))
    assert names(source) == ["a.jpg", "x/b.png", "c.png"]
    assert class_names(source) == ["7", "12", "7"]
    assert source.labels["label"].names == ("7", "12")
    assert dict(source.others) == {".json": 1}


def test_a_class_belongs_to_the_image_of_its_sample_however_that_is_called(tmp_path):
    members = {"1.image.png": png(1), "1.cls": b"4", "2.cls": b"5", "2.image.png": png(2)}
    source = open_source(str(put(tmp_path / "a.tar", members)))
    assert class_names(source) == ["4", "5"]


def test_class_files_of_several_shards_do_not_mix(tmp_path):
    for shard, number in (("a", b"0"), ("b", b"1")):
        put(tmp_path / f"{shard}.tar", {"1.png": png(), "1.cls": number})
    assert class_names(open_source(str(tmp_path / "*.tar"))) == ["0", "1"]


@pytest.mark.parametrize("wrong", [{}, {"b.cls": b""}, {"b.cls": b"1.5"}])
def test_a_image_without_a_class_leaves_all_without(tmp_path, wrong):
    members = {"a.png": png(1), "a.cls": b"3", "b.png": png(2), **wrong}
    source = open_source(str(put(tmp_path / "a.tar", members)))
    assert tones(source) == [1, 2]
    assert source.labels == {}


def test_companions_of_a_image_are_left_out(tmp_path):
    members = {
        "1.seg.png": png(99),
        "1.jpg": png(1),
        "1.depth.tif": png(98),
        "x/1.seg.png": png(2),  # another folder: has no picture that it belongs to
        "3.seg.png": png(3),
    }
    source = open_source(str(put(tmp_path / "a.tar", members)))
    assert names(source) == ["1.jpg", "x/1.seg.png", "3.seg.png"]
    assert tones(source) == [1, 2, 3]


def test_dots_in_names_make_no_companions(tmp_path):
    members = {"my.photo.v1.jpg": png(1), "my.photo.v2.jpg": png(2)}
    source = open_source(str(put(tmp_path / "a.tar", members)))
    assert names(source) == list(members)
    assert tones(source) == [1, 2]


def test_dots_in_names_give_no_wrong_classes(tmp_path):
    members = {
        "my.photo.v1.jpg": png(1),
        "my.photo.v1.cls": b"1",
        "my.photo.v2.jpg": png(2),
        "my.photo.v2.cls": b"2",
    }
    source = open_source(str(put(tmp_path / "a.tar", members)))
    assert source.labels == {} or class_names(source) == ["1", "2"]


LONG = "/".join(["a folder of no importance"] * 9) + "/the picture.png"


@pytest.mark.parametrize("kind", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT], ids=["gnu", "pax"])
@pytest.mark.parametrize("name", [LONG, "猫/写真 1.png", "собака/ü & 'x'.png", "x" * 250 + ".png"])
def test_long_and_foreign_names_are_read(tmp_path, kind, name):
    path = put(tmp_path / "a.tar", {"0.png": png(7), name: png(8), "9.png": png(9)}, kind=kind)
    source = open_source(str(path))
    assert names(source) == ["0.png", name, "9.png"]
    assert tones(source) == [7, 8, 9]


def test_names_do_not_depend_on_the_encoding_of_the_machine(tmp_path, monkeypatch):
    path = put(tmp_path / "a.tar", {"ü.png": png(1)}, kind=tarfile.GNU_FORMAT)
    monkeypatch.setattr(tarfile.TarFile, "encoding", "iso8859-9")
    assert names(open_source(str(path))) == ["ü.png"]


def test_names_of_no_encoding_are_read(tmp_path):
    path = put(tmp_path / "a.tar", {"caf\udce9/1.png": png(1)}, kind=tarfile.GNU_FORMAT)
    assert tones(open_source(str(path))) == [1]


def test_a_leading_dot_folder_is_the_folder_itself(tmp_path):
    """As ``tar cf a.tar .`` writes it."""
    path = put(tmp_path / "a.tar", {"./cat/1.png": png(1), "./dog/2.png": png(2)})
    source = open_source(str(path))
    assert names(source) == ["cat/1.png", "dog/2.png"]
    assert class_names(source) == ["cat", "dog"]


def test_hidden_members_and_what_macos_adds_are_passed_over(tmp_path):
    members = {
        "cat/1.png": png(1),
        "cat/._1.png": b"x",
        ".thumbnails/2.png": png(2),
        "__MACOSX/cat/1.png": b"x",
        "./.3.png": png(3),
        "dog/4.png": png(4),
    }
    source = open_source(str(put(tmp_path / "a.tar", members)))
    assert tones(source) == [1, 4]
    assert class_names(source) == ["cat", "dog"]


def test_links_folders_and_devices_inside_are_no_images(tmp_path):
    path = tmp_path / "a.tar"
    kinds = (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE)
    with tarfile.open(path, "w") as archive:
        for number, kind in enumerate(kinds):
            member = tarfile.TarInfo(f"{number}.png")
            member.type, member.linkname = kind, "/etc/passwd"
            archive.addfile(member)
        member = tarfile.TarInfo("real.png")
        member.size = len(png(5))
        archive.addfile(member, BytesIO(png(5)))
    source = open_source(str(path))
    assert names(source) == ["real.png"]
    assert tones(source) == [5]
    assert source.others["link out of the tar"] == 2


def test_a_link_to_an_image_of_the_tar_is_an_image(tmp_path):
    """GNU tar stores the second name of a file as a hard link."""
    members = {"a/1.png": png(10), "a/2.png": png(20), "b/3.png": png(30)}
    for name, data in members.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(data)
    os.link(tmp_path / "a/1.png", tmp_path / "b/1.png")
    (tmp_path / "b/2.png").symlink_to("../a/2.png")
    with tarfile.open(tmp_path / "x.tar", "w") as archive:
        for folder in ("a", "b"):
            archive.add(tmp_path / folder, f"./{folder}")
        again = tarfile.TarInfo("a/1.png")
        again.type, again.linkname = tarfile.LNKTYPE, "a/1.png"
        archive.addfile(again)
    source = open_source(str(tmp_path / "x.tar"))
    found = dict(zip(names(source), tones(source), strict=True))
    assert found == {"a/1.png": 10, "a/2.png": 20, "b/3.png": 30, "b/1.png": 10, "b/2.png": 20}
    assert class_names(source) == [name[0] for name in found]
    assert source.others == {}


def test_names_that_point_outside_are_only_names(tmp_path):
    path = put(tmp_path / "a.tar", {"a/../../evil.png": png(1), "/tmp/evil.png": png(2)})
    assert 2 in tones(open_source(str(path)))
    assert list(tmp_path.iterdir()) == [path]


def test_empty_images_are_unreadable_and_others_are_not(tmp_path):
    path = put(tmp_path / "a.tar", {"1.png": b"", "2.png": png(2), "3.png": b""})
    source = open_source(str(path))
    assert source.read(1).getpixel((0, 0)) == 2
    for index in (0, 2):
        with pytest.raises(UnreadableImage, match="empty"):
            source.read(index)


def test_a_tar_cut_off_anywhere_is_refused_or_gives_what_is_whole(tmp_path):
    whole = tar(numbered(0, 3))
    path = tmp_path / "a.tar"
    for length in (*range(0, 4 * 1024, 61), *range(511, 4096, 512), *range(512, 4096, 512)):
        path.write_bytes(whole[:length])
        try:
            source = open_source(str(path))
        except DataError as error:
            names_it(error)
        else:
            assert tones(source) == list(range(len(source)))


@pytest.mark.parametrize("damage", ["cut off", "altered"])
def test_a_tar_with_a_damaged_header_does_not_lose_images_in_silence(tmp_path, damage):
    path = put(tmp_path / "a.tar", numbered(0, 5))
    content = bytearray(path.read_bytes())
    third = 2 * 1024
    if damage == "altered":
        content[third + 10] ^= 0xFF
    else:
        del content[third + 200 :]
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"a\.tar: not a readable tar"):
        open_source(str(path))


@pytest.mark.parametrize("content", [b"", b"text" * 300, b"\xff" * 2048])
def test_what_is_no_tar_is_refused_by_its_name(tmp_path, content):
    (tmp_path / "a.tar").write_bytes(content)
    with pytest.raises(DataError, match=r"a\.tar: not a readable tar"):
        open_source(str(tmp_path / "a.tar"))


def test_a_tar_without_images_is_refused(tmp_path):
    path = put(tmp_path / "a.tar", {"a.txt": b"x", "b.heic": b"x", "c.txt": b"x"})
    with pytest.raises(DataError, match=r"holds no image \(other files.* 2 \.txt"):
        open_source(str(path))


@pytest.mark.parametrize("name", ["a.tar.gz", "a.tgz"])
@pytest.mark.parametrize("pattern", [False, True], ids=["named", "by pattern"])
def test_a_compressed_tar_is_refused_with_the_cure(tmp_path, name, pattern):
    (tmp_path / name).write_bytes(gzip.compress(tar(numbered(0, 2))))
    asked = "a.t*" if pattern else name
    with pytest.raises(DataError, match=r"[Uu]npack"):
        open_source(str(tmp_path / asked))


def three_shards(folder: Path) -> None:
    """Eight, four and six pictures."""
    for number, (first, count) in enumerate(((0, 8), (8, 4), (12, 6))):
        put(folder / f"s-{number:03d}.tar", numbered(first, count))


@pytest.mark.parametrize("asked", ["", "*.tar", "s-{000..002}.tar", "s-00[0-2].tar", "**/*.tar"])
def test_shards_come_by_folder_pattern_and_braces(tmp_path, asked):
    three_shards(tmp_path / "shards")
    (tmp_path / "shards" / "readme.md").write_text("text")
    source = open_source(str(tmp_path / "shards" / asked))
    assert tones(source) == list(range(18))
    assert source.title(0) == "s-000.tar:0000.png"
    assert source.title(8) == "s-001.tar:0008.png"


def test_braces_take_their_width_from_the_first_number(tmp_path):
    for number in range(8, 12):
        put(tmp_path / f"{number}.tar", numbered(number, 1))
    assert tones(open_source(str(tmp_path / "{9..11}.tar"))) == [9, 10, 11]


def test_braces_may_stand_twice(tmp_path):
    for first in range(2):
        for second in range(2):
            put(tmp_path / f"{first}" / f"{second}.tar", numbered(2 * first + second, 1))
    assert tones(open_source(str(tmp_path / "{0..1}" / "{0..1}.tar"))) == [0, 1, 2, 3]


def test_a_pattern_that_nothing_fits_is_no_source(tmp_path):
    for asked in ("*.tar", "{0..3}.tar", "gone.tar"):
        with pytest.raises(SourceNotFound, match="no such file"):
            open_source(str(tmp_path / asked))


def test_a_shard_missing_from_a_range_is_named(tmp_path):
    three_shards(tmp_path)
    (tmp_path / "s-001.tar").unlink()
    with pytest.raises(SourceNotFound, match=r"s-001\.tar"):
        open_source(str(tmp_path / "s-{000..002}.tar"))


@pytest.mark.parametrize("last", ["9999999", "9" * 30])
def test_braces_of_enormous_ranges_end_at_once(tmp_path, last):
    with pytest.raises(DataError):
        open_source(str(tmp_path / f"{{0..{last}}}.tar"))


def test_braces_of_other_digits_are_no_range(tmp_path):
    with pytest.raises(SourceNotFound):
        open_source(str(tmp_path / "{²..³}.tar"))


def test_a_shard_without_images_does_no_harm(tmp_path):
    put(tmp_path / "0.tar", {"a.txt": b"x"})
    put(tmp_path / "1.tar", numbered(7, 2))
    put(tmp_path / "2.tar", {})
    source = open_source(str(tmp_path / "*.tar"))
    assert tones(source) == [7, 8]
    assert source.ignored == 1


def test_one_damaged_shard_is_named(tmp_path):
    three_shards(tmp_path)
    (tmp_path / "s-001.tar").write_bytes(b"text" * 300)
    with pytest.raises(DataError, match=r"s-001\.tar: not a readable tar"):
        open_source(str(tmp_path))


def test_a_folder_of_shards_in_upper_case_is_read(tmp_path):
    put(tmp_path / "A.TAR", numbered(0, 2))
    assert tones(open_source(str(tmp_path))) == [0, 1]


def test_shards_in_a_linked_folder_are_read(tmp_path):
    put(tmp_path / "elsewhere" / "a.tar", numbered(0, 2))
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "link").symlink_to(tmp_path / "elsewhere")
    assert tones(open_source(str(tmp_path / "data"))) == [0, 1]


@pytest.mark.parametrize("beside", ["._a.tar", ".cache/b.tar", "b.tar/"])
def test_beside_shards_hidden_files_and_folders_are_passed_over(tmp_path, beside):
    put(tmp_path / "a.tar", numbered(0, 2))
    if beside.endswith("/"):
        (tmp_path / beside).mkdir()
    else:
        (tmp_path / beside).parent.mkdir(exist_ok=True)
        (tmp_path / beside).write_bytes(b"Mac OS X" * 100)
    assert tones(open_source(str(tmp_path))) == [0, 1]


def test_a_shard_cut_off_after_it_was_opened_gives_reasons(tmp_path):
    path = put(tmp_path / "a.tar", numbered(0, 3))
    source = open_source(str(path))
    os.truncate(path, 1024 + 512 + 20)
    assert source.read(0).getpixel((0, 0)) == 0
    for index in (1, 2):
        with pytest.raises(UnreadableImage, match="ends within it"):
            source.read(index)
    path.unlink()
    with pytest.raises(UnreadableImage, match=r"cannot be read: .*No such"):
        source.read(0)


def test_the_stamp_changes_when_a_shard_does(tmp_path):
    three_shards(tmp_path)
    source = open_source(str(tmp_path))
    before = source.stamp()
    assert open_source(str(tmp_path)).stamp() == before
    last = tmp_path / "s-002.tar"
    os.utime(last, ns=(0, last.stat().st_mtime_ns + 1_000_000))
    changed = source.stamp()
    put(tmp_path / "s-003.tar", numbered(18, 1))
    assert len({before, changed, open_source(str(tmp_path)).stamp()}) == 3
    last.unlink()
    assert source.stamp() not in {before, changed}


@pytest.fixture
def memory() -> Iterator[fsspec.AbstractFileSystem]:
    """An address that is no file: what is known of far shards holds here."""
    system = fsspec.filesystem("memory")
    yield system
    system.store.clear()
    system.pseudo_dirs[:] = [""]


SMALL_SHARDS = (5, 1, 30, 70, 2, 200, 0, 3)
"""Their runs of 64 begin and end within shards, and hold up to five of them."""


@pytest.mark.parametrize("asked", ["memory://set/*.tar", "memory://set/{0..7}.tar"])
def test_runs_that_span_shards_give_every_image(memory, asked):
    first = 0
    for number, count in enumerate(SMALL_SHARDS):
        memory.pipe(f"/set/{number}.tar", tar(numbered(first, count)))
        first += count
    source = open_source(asked)
    assert len(source) == first
    assert source.title(0) == "0.tar:0000.png"
    assert all(is_right(source, index) for index in range(first))
    assert all(is_right(source, index) for index in range(first - 1, -1, -7))


def test_far_shards_are_read_from_several_threads_at_once(memory):
    for number in range(5):
        memory.pipe(f"/set/{number}.tar", tar(numbered(100 * number, 100)))
    source = open_source("memory://set/*.tar")
    order = [index * 7919 % 500 for index in range(500)]
    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(lambda index: is_right(source, index), order))


def test_labels_and_companions_of_far_shards_are_as_of_near_ones(memory):
    members = {"1.cls": b"4", "1.png": png(1), "1.seg.png": png(9), "2.png": png(2), "2.cls": b"5"}
    memory.pipe("/a.tar", tar(members))
    source = open_source("memory://a.tar")
    assert tones(source) == [1, 2]
    assert class_names(source) == ["4", "5"]


def test_empty_images_of_far_shards_are_unreadable(memory):
    memory.pipe("/a.tar", tar({"1.png": b""}))
    with pytest.raises(UnreadableImage, match="empty"):
        open_source("memory://a.tar").read(0)


def test_a_far_shard_that_is_gone_gives_a_reason(memory):
    memory.pipe("/a.tar", tar(numbered(0, 3)))
    source = open_source("memory://a.tar")
    before = source.stamp()
    memory.rm("/a.tar")
    with pytest.raises(UnreadableImage, match="cannot be read"):
        source.read(0)
    assert source.stamp() != before
    with pytest.raises(SourceNotFound, match=r"a\.tar: no such file"):
        open_source("memory://a.tar")


def test_a_far_shard_cut_off_after_it_was_opened_gives_a_reason(memory):
    whole = tar(numbered(0, 3))
    memory.pipe("/a.tar", whole)
    source = open_source("memory://a.tar")
    memory.pipe("/a.tar", whole[: 1024 + 512 + 20])
    assert source.read(0).getpixel((0, 0)) == 0
    with pytest.raises(UnreadableImage, match="ends within it"):
        source.read(2)


def test_the_stamp_changes_with_the_size_of_a_far_shard(memory):
    memory.pipe("/a.tar", tar(numbered(0, 3)))
    source = open_source("memory://a.tar")
    before = source.stamp()
    assert source.stamp() == before
    memory.pipe("/a.tar", tar(numbered(0, 30)))
    assert source.stamp() != before


def test_the_stamp_changes_when_a_far_shard_is_replaced_by_one_of_its_size(memory):
    memory.pipe("/a.tar", tar({"1.png": png(1)}))
    source = open_source("memory://a.tar")
    before = source.stamp()
    memory.pipe("/a.tar", tar({"1.png": png(2)}))
    assert source.stamp() != before


@pytest.mark.parametrize("address", ["nosuch://a.tar", "nosuch://{0..3}.tar"])
def test_an_unknown_kind_of_address_is_refused(address):
    with pytest.raises(DataError, match="nosuch"):
        open_source(address)


class Server:
    """Files over http, on this machine only; counts what is asked for."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.asked: list[str] = []
        """The Range header of every GET, or nothing."""
        self.knows_ranges = True
        self.answers = 206
        self.delay = 0.0
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_HEAD(self):
                self._answer(with_body=False)

            def do_GET(self):
                server.asked.append(self.headers.get("Range", ""))
                sleep(server.delay)
                self._answer(with_body=True)

            def _answer(self, *, with_body):
                body = server.files.get(self.path.partition("?")[0])
                if body is None or server.answers not in {200, 206}:
                    self.send_error(404 if body is None else server.answers)
                    return
                total, wanted = len(body), self.headers.get("Range")
                is_part = wanted is not None and server.knows_ranges
                self.send_response(206 if is_part else 200)
                if is_part:
                    first, _, last = wanted.removeprefix("bytes=").partition("-")
                    start, end = int(first), min(int(last), total - 1)
                    body = body[start : end + 1]
                    self.send_header("Content-Range", f"bytes {start}-{end}/{total}")
                if server.knows_ranges:
                    self.send_header("Accept-Ranges", "bytes")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if with_body:
                    self.wfile.write(body)

            def log_message(self, *args):
                """Silent."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()
        self.address = f"http://127.0.0.1:{self._server.server_port}"

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def server(monkeypatch) -> Iterator[Server]:
    pytest.importorskip("aiohttp", reason="comes with the extra shards")
    monkeypatch.delenv("DCGAN_OFFLINE")
    made = Server()
    yield made
    made.stop()


def test_a_run_of_a_far_shard_costs_one_request(server):
    server.files["/a.tar"] = tar(numbered(0, 200))
    source = open_source(f"{server.address}/a.tar")
    listed = len(server.asked)
    assert listed <= 2
    for index in range(64):
        assert is_right(source, index)
    assert len(server.asked) == listed + 1
    for index in range(199, -1, -1):
        assert is_right(source, index)
    assert len(server.asked) == listed + 4  # 200 pictures are four runs


def test_a_run_over_several_far_shards_costs_one_request_each(server):
    for number in range(4):
        server.files[f"/{number}.tar"] = tar(numbered(10 * number, 10))
    source = open_source(f"{server.address}/{{0..3}}.tar")
    listed = len(server.asked)
    assert all(is_right(source, index) for index in range(40))
    assert len(server.asked) == listed + 4
    assert all(server.asked)  # nothing was fetched whole


def test_only_what_holds_images_is_fetched(server):
    """A large file before the pictures is neither listed through nor read."""
    server.files["/a.tar"] = tar({"movie.mp4": bytes(30_000_000), **numbered(0, 3)})
    source = open_source(f"{server.address}/a.tar")
    assert tones(source) == [0, 1, 2]
    ends = [asked.removeprefix("bytes=").split("-") for asked in server.asked]
    assert sum(int(last) + 1 - int(first) for first, last in ends) < 10_000_000


def test_threads_that_want_one_run_cost_one_request(server):
    server.files["/a.tar"] = tar(numbered(0, 64))
    source = open_source(f"{server.address}/a.tar")
    listed = len(server.asked)
    server.delay = 0.2
    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(lambda index: is_right(source, index), range(8)))
    assert len(server.asked) == listed + 1


def test_an_address_may_carry_a_signature(server):
    server.files["/a.tar"] = tar(numbered(0, 3))
    assert tones(open_source(f"{server.address}/a.tar?key=1&until=2")) == [0, 1, 2]


def test_a_server_that_knows_no_parts_is_read_or_refused(server):
    """Such as ``python -m http.server``."""
    server.knows_ranges = False
    server.files["/a.tar"] = tar(numbered(0, 200))
    try:
        source = open_source(f"{server.address}/a.tar")
    except DataError as error:
        names_it(error)
    else:
        assert all(is_right(source, index) for index in (0, 63, 64, 199))


@pytest.mark.parametrize("status", [403, 404, 500])
def test_a_server_that_refuses_gives_a_reason(server, status):
    server.files["/a.tar"] = tar(numbered(0, 3))
    source = open_source(f"{server.address}/a.tar")
    server.answers = status
    with pytest.raises(UnreadableImage, match=r"cannot be read: \S"):
        source.read(0)
    server.answers = 206
    assert source.read(0).getpixel((0, 0)) == 0  # nothing of the failure was kept


def test_a_server_that_dies_gives_reasons(server):
    server.files["/a.tar"] = tar(numbered(0, 100))
    source = open_source(f"{server.address}/a.tar")
    assert source.read(0).getpixel((0, 0)) == 0
    server.stop()
    assert source.read(63).getpixel((0, 0)) == 63  # was fetched with the first
    with pytest.raises(UnreadableImage, match=r"cannot be read: \S"):
        source.read(64)


@pytest.mark.parametrize("asked", ["gone.tar", "{0..1}.tar"])
def test_a_shard_that_a_server_lacks_is_named(server, asked):
    with pytest.raises(SourceNotFound, match=r"http://127.*\.tar: no such file"):
        open_source(f"{server.address}/{asked}")


def test_a_server_that_is_not_there_is_named(server):
    server.stop()
    with pytest.raises(DataError, match=r"http://127.*a\.tar"):
        open_source(f"{server.address}/a.tar")


def test_no_network_means_none_for_shards_either(server, monkeypatch):
    server.files["/a.tar"] = tar(numbered(0, 3))
    monkeypatch.setenv("DCGAN_OFFLINE", "1")
    for address in (f"{server.address}/a.tar", f"{server.address}/*.tar"):
        with pytest.raises(Unreachable, match="DCGAN_OFFLINE"):
            open_source(address)
    assert server.asked == []


def test_between_films_images_are_fetched_singly(server):
    """One request for all would fetch what nobody wants."""
    members = {}
    for number in range(4):
        members[f"{number}.png"] = png(number)
        members[f"{number}.mp4"] = bytes(2**20)
    server.files["/a.tar"] = tar(members)
    source = open_source(f"{server.address}/a.tar")
    listed = len(server.asked)
    assert tones(source) == [0, 1, 2, 3]
    sizes = [span_of(asked) for asked in server.asked[listed:]]
    assert len(sizes) == 4
    assert max(sizes) < 1000


def span_of(asked: str) -> int:
    """Bytes that a Range header asks for."""
    first, _, last = asked.removeprefix("bytes=").partition("-")
    return int(last) - int(first) + 1


def test_a_far_shard_of_which_nothing_tells_a_change_has_no_stamp(server, monkeypatch):
    server.files["/a.tar"] = tar(numbered(0, 3))
    source = open_source(f"{server.address}/a.tar")
    places = [place._replace(system=Silent(place.system)) for place in source._places]
    monkeypatch.setattr(source, "_places", places)
    assert source.stamp() is None


class Silent:
    """A file system that tells sizes and nothing else."""

    def __init__(self, system) -> None:
        self.system = system

    def info(self, path):
        return {"size": self.system.info(path)["size"]}
