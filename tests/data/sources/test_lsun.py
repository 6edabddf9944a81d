"""LMDB databases as LSUN comes in: read from threads, twice, and refused when damaged."""

from __future__ import annotations

import gc
import sys
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO

import pytest
from PIL import Image

from dcgan.data import open_source
from dcgan.data.sources.lsun import LmdbSource
from dcgan.errors import DataError, SourceNotFound, UnreadableImage

lmdb = pytest.importorskip("lmdb", reason="is the extra lsun")


def png(tone):
    """Noise, so that a picture fills pages of its own."""
    buffer = BytesIO()
    Image.effect_noise((100, 100), 90).save(buffer, "PNG", compress_level=0)
    gray = Image.open(buffer)
    gray.putpixel((0, 0), tone)
    out = BytesIO()
    gray.save(out, "PNG", compress_level=0)
    return out.getvalue()


def put(folder, dataset):
    folder.mkdir(parents=True)
    with lmdb.open(str(folder), map_size=1 << 24) as database, database.begin(write=True) as write:
        for key, value in dataset.items():
            write.put(key, value)
    return folder


def tone(source, index):
    return source.read(index).getpixel((0, 0))


@pytest.fixture
def database(tmp_path):
    """40 pictures, stored in no order, under such keys as LSUN's and some that are no text."""
    keys = [f"{(number * 7919) % 40:040x}".encode() for number in range(39)] + [b"\xff\x00\x80"]
    return put(tmp_path / "church_outdoor_train_lmdb", {k: png(i) for i, k in enumerate(keys)})


def test_images_come_sorted_by_key(database):
    source = LmdbSource(database)
    assert len(source) == 40
    assert source.title(0) == "0" * 40
    tones = [tone(source, index) for index in range(40)]
    assert tones[39] == 39
    assert sorted(tones) == list(range(40))
    assert [source.title(tones.index(number))[-2:] for number in (0, 1)] == ["00", "27"]
    assert source.labels == {}


def test_nothing_is_written(database):
    before = sorted(path.name for path in database.iterdir())
    (database / "lock.mdb").unlink()
    source = LmdbSource(database)
    tone(source, 0)
    assert sorted(path.name for path in database.iterdir()) == ["data.mdb"]
    assert before == ["data.mdb", "lock.mdb"]


def test_many_threads_read_one_database_opened_twice(database):
    both = [LmdbSource(database), LmdbSource(database)]
    with ThreadPoolExecutor(8) as pool:
        tones = list(pool.map(lambda i: tone(both[i % 2], i // 2 % 40), range(400)))
    assert tones[:80:2] == [tone(both[0], index) for index in range(40)]
    del both[0]
    gc.collect()
    assert tone(both[0], 39) == 39  # closing one leaves the other


def test_a_database_can_be_opened_again_after_its_last_user(database, tmp_path):
    source = LmdbSource(database)
    before = source.stamp()
    del source
    gc.collect()
    with lmdb.open(str(database), map_size=1 << 24) as writable, writable.begin(write=True) as add:
        add.put(b"a", png(77))
    source = LmdbSource(database)
    assert len(source) == 41
    assert source.stamp() != before


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"",
        lambda data: data[:100],
        lambda data: data[:8192],
        lambda data: data[: len(data) // 2],
        lambda data: data[:-1],
        lambda data: b"PK\3\4" * 10_000,
        lambda data: bytes(100_000),
    ],
    ids=["empty", "tiny", "head", "half", "one byte", "a zip", "zeros"],
)
def test_a_damaged_file_is_one_line_and_no_crash(database, damage):
    file = database / "data.mdb"
    file.write_bytes(damage(file.read_bytes()))
    with pytest.raises(DataError, match=r"data\.mdb: .*again"):
        LmdbSource(database)


def test_a_folder_without_a_database_is_named(tmp_path):
    with pytest.raises(DataError, match=r"data\.mdb"):
        LmdbSource(tmp_path)


def test_a_image_that_is_none_says_why(tmp_path):
    source = LmdbSource(put(tmp_path / "other", {b"a": b"no image", b"b": b""}))
    with pytest.raises(UnreadableImage, match="not an image"):
        source.read(0)
    with pytest.raises(UnreadableImage, match="empty"):
        source.read(1)


@pytest.mark.parametrize("place", ["lsun", "."])
def test_lsun_is_found_under_the_data_root(tmp_path, place):
    put(tmp_path / place / "church_outdoor_train_lmdb", {b"a": png(1), b"b": png(2)})
    put(tmp_path / place / "church_outdoor_val_lmdb", {b"a": png(3)})
    assert len(open_source("lsun/church_outdoor:train", tmp_path)) == 2
    validation = open_source("lsun/church_outdoor:val", tmp_path)
    assert (validation.name, tone(validation, 0)) == ("lsun/church_outdoor:val", 3)


def test_a_missing_scene_names_file_address_and_folder(tmp_path):
    with pytest.raises(SourceNotFound) as failure:
        open_source("lsun/church_outdoor:train", tmp_path)
    message = str(failure.value)
    assert "http://dl.yf.io/lsun/scenes/church_outdoor_train_lmdb.zip" in message
    assert "church_outdoor_train_lmdb/data.mdb of" in message
    assert f"into {tmp_path / 'lsun'}/" in message
    with pytest.raises(SourceNotFound, match=r"`data_root=DIR`.*DCGAN_DATA"):
        open_source("lsun/church_outdoor:train", None)


def test_unknown_scenes_and_splits_are_answered(tmp_path):
    with pytest.raises(SourceNotFound, match="mean 'church_outdoor'"):
        open_source("lsun/church_outdor:train", tmp_path)
    with pytest.raises(SourceNotFound, match="train and val"):
        open_source("lsun/church_outdoor:test", tmp_path)


def test_the_missing_package_is_named(database, monkeypatch):
    monkeypatch.setitem(sys.modules, "lmdb", None)
    with pytest.raises(DataError, match=r'pip install "dcgan\[lsun\]"'):
        LmdbSource(database)
