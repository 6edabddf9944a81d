"""Zips: every legal layout gives what the standard library reads, every illegal one a reason."""

from __future__ import annotations

import lzma
import struct
import tracemalloc
import zipfile
import zlib
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.tiny_images import png

from dcgan.data import open_source
from dcgan.data.sources.paths import is_hidden
from dcgan.data.sources.zips import ZipSource
from dcgan.errors import DataError, UnreadableImage

COMPRESSIONS = {
    "stored": zipfile.ZIP_STORED,
    "deflated": zipfile.ZIP_DEFLATED,
    "bzip2": zipfile.ZIP_BZIP2,
    "lzma": zipfile.ZIP_LZMA,
}
WIDE = 0xFFFFFFFF
LOCAL, CENTRAL, END = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"


def pack(path: Path, members: dict[str, bytes], **options) -> Path:
    with zipfile.ZipFile(path, "w", **options) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def by_hand(members: dict[str, bytes], *, wide: bool = False) -> bytes:
    """A zip of stored members, faster than the standard library writes it.

    Parameters
    ----------
    wide : bool
        Every size and place in the ZIP64 extra field, and a ZIP64 end of the directory.
    """
    body, central = bytearray(), bytearray()
    version = 45 if wide else 20
    for name, data in members.items():
        encoded, check, at = name.encode(), zlib.crc32(data), len(body)
        size = (WIDE if wide else len(data),) * 2
        common = (0x800, 0, 0, 0, check, *size, len(encoded))
        local_extra = struct.pack("<HHQQ", 1, 16, len(data), len(data)) if wide else b""
        extra = struct.pack("<HHQQQ", 1, 24, len(data), len(data), at) if wide else b""
        body += struct.pack("<4s5H3I2H", LOCAL, version, *common, len(local_extra))
        body += encoded + local_extra + data
        tail = (len(extra), 0, 0, 0, 0, WIDE if wide else at)
        central += struct.pack("<4s6H3I5H2I", CENTRAL, version, version, *common, *tail)
        central += encoded + extra
    count, start = len(members), len(body)
    if wide:
        end = (44, 45, 45, 0, 0, count, count, len(central), start)
        central += struct.pack("<4sQ2H2I4Q", b"PK\x06\x06", *end)
        central += struct.pack("<4sIQI", b"PK\x06\x07", 0, start + len(central) - 56, 1)
        ending = (0, 0, 0xFFFF, 0xFFFF, WIDE, WIDE, 0)
    else:
        ending = (0, 0, count & 0xFFFF, count & 0xFFFF, len(central), start, 0)
    return bytes(body + central + struct.pack("<4s4H2IH", END, *ending))


def contents(source: ZipSource) -> dict[str, bytes]:
    return {source.title(index): source.fetch(index) for index in range(len(source))}


def check(reason: DataError) -> None:
    assert len(str(reason).splitlines()) == 1


def read_or_reason(path: Path) -> int:
    """How many pictures of a zip can be read; any other failure than a reason is let through."""
    try:
        source = open_source(str(path))
    except UnreadableImage:
        pytest.fail("one unreadable picture may not refuse the whole zip")
    except DataError as error:
        check(error)
        return 0
    readable = 0
    for index in range(len(source)):
        try:
            source.read(index)
        except UnreadableImage as error:
            check(error)
        else:
            readable += 1
    return readable


NAMES = st.text(
    st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="/\\"), min_size=1
)
PATHS = (
    st.lists(NAMES.filter(lambda name: name[0] != "."), min_size=1, max_size=3)
    .map("/".join)
    .map("a{}.png".format)
    .filter(lambda name: not is_hidden(name))
)


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.dictionaries(
        PATHS, st.tuples(st.binary(max_size=300), st.sampled_from(list(COMPRESSIONS))), min_size=1
    ),
    st.binary(max_size=60).filter(lambda junk: b"PK" not in junk),
    st.binary(max_size=60).filter(lambda comment: b"PK" not in comment),
)
def test_any_archive_gives_what_the_standard_library_reads(tmp_path, members, before, comment):
    path = tmp_path / "a.zip"
    path.write_bytes(before)  # such as a program that unpacks itself
    with zipfile.ZipFile(path, "a") as archive:
        archive.comment = comment
        for name, (data, compression) in members.items():
            archive.writestr(name, data, COMPRESSIONS[compression])
    with zipfile.ZipFile(path) as archive:
        wanted = {name: archive.read(name) for name in archive.namelist()}
    found = contents(ZipSource(path, split="all", labels="none"))
    assert found == wanted
    assert list(found) == sorted(wanted)


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_every_compression_is_read(tmp_path, compression):
    members = {f"{tone}.png": png(tone) for tone in range(5)}
    path = pack(tmp_path / "a.zip", members, compression=COMPRESSIONS[compression])
    assert contents(open_source(str(path))) == members


def test_a_compression_that_nobody_knows_is_one_unreadable_image(tmp_path):
    path = pack(tmp_path / "a.zip", {"1.png": png(1), "2.png": png(2)})
    content = bytearray(path.read_bytes())
    content[content.index(CENTRAL) + 10] = 97  # the method
    path.write_bytes(content)
    source = open_source(str(path))
    with pytest.raises(UnreadableImage):
        source.read(0)
    assert source.read(1).getpixel((0, 0)) == 2


def test_names_of_the_old_encoding_are_read(tmp_path):
    """Without the flag of UTF-8, bytes stand for code page 437: 0x81 is ü."""
    path = pack(tmp_path / "a.zip", {"x1.png": png(1), "猫.png": png(2)})
    content = path.read_bytes().replace(b"x1.png", b"\x811.png")
    path.write_bytes(content)
    assert contents(open_source(str(path))) == {"ü1.png": png(1), "猫.png": png(2)}


@pytest.mark.parametrize("wide", [False, True], ids=["plain", "zip64"])
@pytest.mark.parametrize("before", [b"", b"#!/bin/sh\n" * 1000], ids=["alone", "prepended"])
def test_both_layouts_are_read_wherever_they_begin(tmp_path, wide, before):
    members = {f"{kind}/{tone}.png": png(tone) for tone in range(3) for kind in ("cat", "dog")}
    path = tmp_path / "a.zip"
    path.write_bytes(before + by_hand(members, wide=wide))
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None  # the bytes above are a legal zip
    source = open_source(str(path))
    assert contents(source) == members
    assert source.labels["label"].names == ("cat", "dog")


def test_zip64_members_as_the_standard_library_writes_them_are_read(tmp_path):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for tone in range(3):
            with archive.open(f"{tone}.png", "w", force_zip64=True) as member:
                member.write(png(tone))
    assert contents(open_source(str(path))) == {f"{tone}.png": png(tone) for tone in range(3)}


def test_members_written_to_a_pipe_are_read(tmp_path):
    """Their sizes follow the data, and stand as zeros before it."""

    class Pipe(BytesIO):
        def seekable(self):
            return False

        def seek(self, *place):
            raise OSError("cannot be sought in")

        def tell(self):
            raise OSError("cannot be sought in")

    pipe = Pipe()
    pack(pipe, {"1.png": png(1), "2.png": png(2)}, compression=zipfile.ZIP_DEFLATED)
    (tmp_path / "a.zip").write_bytes(pipe.getvalue())
    assert contents(open_source(str(tmp_path / "a.zip"))) == {"1.png": png(1), "2.png": png(2)}


def test_an_archive_may_end_in_a_long_comment(tmp_path):
    path = pack(tmp_path / "a.zip", {"1.png": png(1)})
    with zipfile.ZipFile(path, "a") as archive:
        archive.comment = b"c" * 65_535
    assert contents(open_source(str(path))) == {"1.png": png(1)}


def test_of_the_version_needed_only_the_low_byte_counts(tmp_path):
    """The high byte names a system, as in "version made by"; the standard library ignores it."""
    path = pack(tmp_path / "a.zip", {"1.png": png(1)})
    content = bytearray(path.read_bytes())
    content[content.index(CENTRAL) + 7] = 3
    path.write_bytes(content)
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
    assert contents(open_source(str(path))) == {"1.png": png(1)}


def many(path: Path, count: int) -> Path:
    """Members of one byte each, in no order; their name says which byte."""
    names = (f"{n % 10}/{n * 7919 % count:06d}-{n % 251}.png" for n in range(count))
    path.write_bytes(by_hand({name: bytes([int(name[9:-4])]) for name in names}, wide=True))
    return path


def test_of_more_members_than_the_plain_layout_can_count_any_is_read(tmp_path):
    source = open_source(str(many(tmp_path / "a.zip", 66_000)))
    assert len(source) == 66_000
    assert source.labels["label"].names == tuple("0123456789")
    for index in (0, 1, 65_534, 65_535, 65_536, 65_999):
        assert source.fetch(index) == bytes([int(source.title(index)[9:-4])])
    assert source.title(0) < source.title(1) < source.title(65_999)


def test_a_member_costs_little_memory(tmp_path):
    """Two million members then take 1.6 GB at most while they are listed, and 0.2 GB afterwards."""
    count = 5_000
    path = many(tmp_path / "a.zip", count)
    tracemalloc.start()
    source = ZipSource(path)
    held, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(source) == count
    assert held < 120 * count
    assert peak < 800 * count


def test_a_zip_cut_off_anywhere_is_refused(tmp_path):
    whole = by_hand({"cat/1.png": png(1), "dog/2.png": png(2)})
    path = tmp_path / "a.zip"
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises(DataError, match=r"a\.zip: a damaged or incomplete zip"):
            open_source(str(path))
    path.write_bytes(whole)
    assert read_or_reason(path) == 2


def test_a_zip64_cut_off_anywhere_is_refused(tmp_path):
    whole = by_hand({"1.png": png(1)}, wide=True)
    path = tmp_path / "a.zip"
    for length in range(0, len(whole), 2):
        path.write_bytes(whole[:length])
        assert read_or_reason(path) == 0


def test_a_zip_that_lacks_a_piece_gives_a_reason(tmp_path):
    whole = by_hand({"cat/1.png": png(1), "dog/2.png": png(2)})
    path = tmp_path / "a.zip"
    for start in range(0, len(whole), 3):
        path.write_bytes(whole[:start] + whole[start + 7 :])
        read_or_reason(path)


@pytest.mark.filterwarnings("ignore::UserWarning")  # of damage, from Pillow and zipfile
@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize(
    ("wide", "value"),
    [
        (False, 0x00),
        (False, 0xFF),
        (True, 0x00),
        (True, 0x7F),
        (True, 0xFF),
    ],
)
def test_a_zip_with_a_wrong_byte_anywhere_gives_a_reason(tmp_path, wide, value):
    whole = by_hand({"1.png": png(1), "2.png": png(2)}, wide=wide)
    path = tmp_path / "a.zip"
    for place in range(0, len(whole), 3 if wide else 2):
        content = bytearray(whole)
        content[place] = value
        path.write_bytes(content)
        read_or_reason(path)


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_a_zip_with_several_wrong_bytes_gives_a_reason(tmp_path, compression):
    random = np.random.default_rng(0)
    members = {"1.png": png(1), "2.png": png(2)}
    path = pack(tmp_path / "a.zip", members, compression=COMPRESSIONS[compression])
    whole = np.frombuffer(path.read_bytes(), np.uint8)
    for _ in range(100):
        content = whole.copy()
        places = random.integers(len(content), size=random.integers(1, 6))
        content[places] = random.integers(256, size=len(places))
        path.write_bytes(content.tobytes())
        read_or_reason(path)


def altered(path: Path, mark: bytes, at: int, value: bytes) -> Path:
    """Bytes of the first local or central header replaced."""
    content = bytearray(path.read_bytes())
    start = content.index(mark) + at
    content[start : start + len(value)] = value
    path.write_bytes(content)
    return path


def test_a_wrong_checksum_is_one_unreadable_image(tmp_path):
    path = pack(tmp_path / "a.zip", {"1.png": png(1), "2.png": png(2)})
    source = open_source(str(altered(path, CENTRAL, 16, b"\1\2\3\4")))
    with pytest.raises(UnreadableImage, match=r"damaged in the zip: .*checksum"):
        source.read(0)
    assert source.read(1).getpixel((0, 0)) == 2


@pytest.mark.parametrize("compression", ["deflated", "bzip2", "lzma"])
def test_a_bomb_is_not_unpacked_beyond_what_it_says(tmp_path, compression):
    """32 MB of zeros that say they are 100 bytes."""
    bomb = {"1.png": bytes(2**25)}
    path = pack(tmp_path / "a.zip", bomb, compression=COMPRESSIONS[compression])
    source = open_source(str(altered(path, CENTRAL, 24, struct.pack("<I", 100))))
    tracemalloc.start()
    with pytest.raises(UnreadableImage):
        source.read(0)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2**20


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_a_member_that_promises_too_much_for_an_image_is_not_unpacked(tmp_path, compression):
    path = pack(tmp_path / "a.zip", {"1.png": png()}, compression=COMPRESSIONS[compression])
    source = open_source(str(altered(path, CENTRAL, 24, struct.pack("<I", 0xFFFFFF00))))
    with pytest.raises(UnreadableImage, match="too large for an image"):
        source.read(0)


def test_a_dictionary_of_lzma_takes_no_more_than_the_image(tmp_path, monkeypatch):
    """The header asks for 4 GB, which the decoder would take at once."""
    path = pack(tmp_path / "a.zip", {"1.png": png(1)}, compression=zipfile.ZIP_LZMA)
    content = bytearray(path.read_bytes())
    start = content.index(b"1.png") + len("1.png")
    content[start + 5 : start + 9] = b"\xff" * 4
    path.write_bytes(content)
    asked = []
    decoder = lzma.LZMADecompressor

    def noted(form, filters):
        asked.append(filters[0]["dict_size"])
        return decoder(form, filters=filters)

    monkeypatch.setattr("lzma.LZMADecompressor", noted)
    assert open_source(str(path)).read(0).getpixel((0, 0)) == 1
    assert asked == [4096]


def test_a_packed_size_beyond_the_file_is_one_unreadable_image(tmp_path):
    path = pack(tmp_path / "a.zip", {"1.png": png(1), "2.png": png(2)})
    source = open_source(str(altered(path, CENTRAL, 20, struct.pack("<I", 0xFFFFFFFE))))
    with pytest.raises(UnreadableImage):
        source.read(0)
    assert source.read(1).getpixel((0, 0)) == 2


def zip64_saying(size: int, packed: int, offset: int) -> bytes:
    """One member whose ZIP64 field says so."""
    whole = by_hand({"1.png": png(1)}, wide=True)
    at = whole.index(CENTRAL) + 46 + len("1.png") + 4
    return whole[:at] + struct.pack("<QQQ", size, packed, offset) + whole[at + 24 :]


@pytest.mark.parametrize("wrong", [2**40, 2**62, 2**63 - 1])
@pytest.mark.parametrize("which", ["size", "offset"])
def test_enormous_numbers_are_one_unreadable_image(tmp_path, which, wrong):
    said = {"size": len(png(1)), "packed": len(png(1)), "offset": 0, which: wrong}
    path = tmp_path / "a.zip"
    path.write_bytes(zip64_saying(**said))
    source = open_source(str(path))
    with pytest.raises(UnreadableImage):
        source.read(0)


@pytest.mark.parametrize("wrong", [2**40, 2**62])
def test_an_enormous_packed_size_is_one_unreadable_image(tmp_path, wrong):
    path = tmp_path / "a.zip"
    path.write_bytes(zip64_saying(len(png(1)), wrong, 0))
    source = open_source(str(path))
    with pytest.raises(UnreadableImage):
        source.read(0)


@pytest.mark.parametrize("which", ["size", "packed", "offset"])
def test_numbers_beyond_any_file_give_a_reason(tmp_path, which):
    said = {"size": len(png(1)), "packed": len(png(1)), "offset": 0, which: 2**64 - 1}
    path = tmp_path / "a.zip"
    path.write_bytes(zip64_saying(**said))
    assert read_or_reason(path) == 0


def test_a_zip64_field_that_is_too_short_gives_a_reason(tmp_path):
    whole = by_hand({"1.png": png(1)}, wide=True)
    at = whole.index(CENTRAL) + 46 + len("1.png")
    path = tmp_path / "a.zip"
    for field in (struct.pack("<HH", 1, 8), struct.pack("<HH", 2, 24), struct.pack("<HH", 1, 0)):
        path.write_bytes(whole[:at] + field + whole[at + 4 :])
        assert read_or_reason(path) == 0


def test_two_entries_of_one_place_are_told_apart(tmp_path):
    """Overlapping members, of which one is another's: a classic bomb."""
    path = tmp_path / "a.zip"
    whole = by_hand({"1.png": png(1), "2.png": png(2)})
    second = whole.index(CENTRAL, whole.index(CENTRAL) + 4)
    content = bytearray(whole)
    content[second + 42 : second + 46] = bytes(4)  # lies where the first does
    path.write_bytes(content)
    source = open_source(str(path))
    assert source.read(0).getpixel((0, 0)) == 1
    with pytest.raises(UnreadableImage, match="another member"):
        source.read(1)


def test_a_place_that_is_no_member_is_one_unreadable_image(tmp_path):
    path = pack(tmp_path / "a.zip", {"1.png": png(1), "2.png": png(2)})
    source = open_source(str(altered(path, LOCAL, 0, b"XX")))
    with pytest.raises(UnreadableImage, match="damaged in the zip"):
        source.read(0)
    assert source.read(1).getpixel((0, 0)) == 2


def test_a_name_given_twice_gives_both_images(tmp_path):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("1.png", png(1))
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("1.png", png(2))
    source = open_source(str(path))
    assert [source.read(index).getpixel((0, 0)) for index in range(2)] == [1, 2]


def test_the_stamp_changes_with_any_image(tmp_path):
    path = tmp_path / "a.zip"
    stamps = {
        open_source(str(pack(path, members))).stamp()
        for members in (
            {"1.png": png(1), "2.png": png(2)},
            {"1.png": png(1), "2.png": png(3)},
            {"1.png": png(1), "3.png": png(2)},
            {"1.png": png(1)},
        )
    }
    assert len(stamps) == 4
    again = pack(tmp_path / "copy.zip", {"1.png": png(1)})
    assert open_source(str(again)).stamp() in stamps


def test_a_zip_cut_off_after_it_was_opened_gives_reasons(tmp_path):
    path = pack(tmp_path / "a.zip", {"1.png": png(1), "2.png": png(2)})
    source = open_source(str(path))
    with path.open("r+b") as file:
        file.truncate(60)
    for index in range(2):
        with pytest.raises(UnreadableImage):
            source.read(index)
