"""The cache: decoded once, shared, rebuilt when stale, bounded, and never in the way."""

from __future__ import annotations

import errno
import os
import shutil
import textwrap
import time
from collections import namedtuple
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock
from PIL import Image
from tests.conftest import Notes
from tests.processes import Program

from dcgan.data import Labels, load_dataset, open_source
from dcgan.data.cache import Cache
from dcgan.data.contents import Wanted
from dcgan.data.image_view import View
from dcgan.data.sources.base import ArraySource, Source
from dcgan.data.store import prepare_dataset
from dcgan.errors import TooManyUnreadable
from dcgan.runtime.changes import state_of

BIG = 10**12


class Counting(Source):
    """Gray pictures that count how often they are read."""

    def __init__(self, tones=(1, 2, 3), stamp="one"):
        super().__init__("counting")
        self.tones, self._stamp, self.reads = tones, stamp, 0

    def __len__(self):
        return len(self.tones)

    def read(self, index, at_least=None):
        self.reads += 1
        return Image.new("L", (9, 9), self.tones[index])

    def title(self, index):
        return f"{index}"

    def stamp(self):
        return self._stamp


def load(source, cache, size=(8, 8), channels=1, **options):
    return load_dataset(source, size, channels, cache=cache, **options)


def entries(cache: Cache) -> list[Path]:
    return [path for path in cache.folder.iterdir() if path.is_dir()]


@pytest.fixture
def cache(tmp_path):
    return Cache(tmp_path / "cache", BIG)


def test_images_are_decoded_once_for_all_runs(cache):
    first = load(Counting(), cache)
    again = Counting()
    second = load(again, cache)
    assert again.reads == 0
    np.testing.assert_array_equal(second.images, first.images)
    assert second.images[:, 0, 0, 0].tolist() == [1, 2, 3]
    assert first.fingerprint == second.fingerprint


def test_with_and_without_it_a_run_sees_the_same(cache):
    with_it, without = load(Counting(), cache), load(Counting(), None)
    np.testing.assert_array_equal(with_it.images, without.images)
    assert with_it.fingerprint == without.fingerprint


@pytest.mark.parametrize(
    "other",
    [
        {"size": (9, 8)},
        {"channels": 3},
        {"how": "pad"},
        {"background": "#000000"},
        {"how": "cover-random"},
    ],
)
def test_another_view_is_another_entry(cache, other):
    load(Counting(), cache)
    again = Counting()
    load(again, cache, **other)
    assert again.reads == 3
    assert len(entries(cache)) == 2


def test_changed_images_are_decoded_again(cache):
    load(Counting(), cache)
    changed = Counting(tones=(4, 5), stamp="two")
    assert load(changed, cache).images[:, 0, 0, 0].tolist() == [4, 5]


def test_a_folder_whose_file_changed_is_decoded_again(cache, png_folder):
    before = load(open_source(str(png_folder)), cache, size=(20, 20)).images[3].copy()
    Image.new("L", (20, 20), 77).save(png_folder / "3.png")
    after = load(open_source(str(png_folder)), cache, size=(20, 20)).images[3]
    assert (after == 77).all()
    assert not (before == 77).all()
    (png_folder / "3.png").unlink()
    assert len(load(open_source(str(png_folder)), cache, size=(20, 20))) == 9


def bitmap(path: Path, tone: int) -> None:
    """Bitmaps of one size have as many bytes, whatever they show."""
    Image.new("L", (20, 20), tone).save(path)


def rewritten(path: Path, tone: int) -> None:
    bitmap(path, tone)


def copied_with_its_times(path: Path, tone: int) -> None:
    """As ``cp -p`` does, onto the file that is there."""
    bitmap(path.with_name("other.bmp"), tone)
    os.utime(path.with_name("other.bmp"), ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns))
    shutil.copy2(path.with_name("other.bmp"), path)
    path.with_name("other.bmp").unlink()


def moved_over_it(path: Path, tone: int) -> None:
    """As ``rsync -t`` does: a new file takes the place of the old one."""
    bitmap(path.with_name("other.bmp"), tone)
    os.utime(path.with_name("other.bmp"), ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns))
    path.with_name("other.bmp").replace(path)


@pytest.mark.parametrize("change", [rewritten, copied_with_its_times, moved_over_it])
def test_a_file_of_the_same_size_and_time_with_other_pixels_is_decoded_again(
    cache, tmp_path, change
):
    folder = tmp_path / "bitmaps"
    folder.mkdir()
    for number in range(3):
        bitmap(folder / f"{number}.bmp", 10)
    path = folder / "1.bmp"
    before = path.stat()
    load(open_source(str(folder)), cache, size=(20, 20))
    time.sleep(0.02)  # longer than a tick of the file system's clock
    change(path, 77)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (path.stat().st_size, path.stat().st_mtime_ns) == (before.st_size, before.st_mtime_ns)
    images = load(open_source(str(folder)), cache, size=(20, 20)).images
    assert images[:, 0, 0, 0].tolist() == [10, 77, 10]


def test_a_file_changed_at_once_after_it_was_read_is_decoded_again(cache, tmp_path, monkeypatch):
    """Within one tick of the file system's clock, when its times stay the same: here, for ever."""
    monkeypatch.setattr("dcgan.runtime.changes._SETTLED_AFTER_NS", 10**10)
    states = {}

    def first_state(path):
        return states.setdefault(path, state_of(path))

    monkeypatch.setattr("dcgan.data.sources.paths.state_of", first_state)
    bitmap(tmp_path / "1.bmp", 10)
    load(open_source(str(tmp_path)), cache, size=(20, 20))
    bitmap(tmp_path / "1.bmp", 77)
    assert load(open_source(str(tmp_path)), cache, size=(20, 20)).images[0, 0, 0, 0] == 77


@pytest.mark.parametrize("move", [shutil.copytree, shutil.move])
def test_the_same_files_elsewhere_are_not_decoded_again(cache, png_folder, monkeypatch, move):
    first = load(open_source(str(png_folder)), cache, size=(20, 20))
    move(png_folder, png_folder.with_name("elsewhere"))
    monkeypatch.setattr("dcgan.data.sources.base.decode", pytest.fail)
    for _ in range(2):
        source = open_source(str(png_folder.with_name("elsewhere")))
        assert load(source, cache, size=(20, 20)).fingerprint == first.fingerprint
    assert len(entries(cache)) == 1


def test_nothing_is_read_of_files_that_have_not_changed(cache, png_folder, monkeypatch):
    load(open_source(str(png_folder)), cache, size=(20, 20))
    source = open_source(str(png_folder))
    monkeypatch.setattr(source, "fetch", pytest.fail)
    assert len(load(source, cache, size=(20, 20))) == 10


def test_files_that_were_touched_are_read_and_not_decoded(cache, png_folder, monkeypatch):
    load(open_source(str(png_folder)), cache, size=(20, 20))
    (png_folder / "3.png").touch()
    monkeypatch.setattr("dcgan.data.sources.base.decode", pytest.fail)
    assert len(load(open_source(str(png_folder)), cache, size=(20, 20))) == 10


def test_a_source_that_cannot_tell_is_never_kept(cache):
    load(Counting(stamp=None), cache)
    assert not cache.folder.exists()


def test_a_damaged_entry_is_built_again(cache):
    load(Counting(), cache)
    (entry,) = entries(cache)
    (entry / "images.npy").write_bytes(b"")
    again, said = Counting(), Notes()
    assert load(again, cache, reporter=said).images[:, 0, 0, 0].tolist() == [1, 2, 3]
    assert again.reads == 3
    assert len(said) == 1
    assert f"{entry / 'images.npy'}: damaged" in said[0]
    assert load(Counting(), cache, reporter=said).images[:, 0, 0, 0].tolist() == [1, 2, 3]
    assert len(said) == 1, "and is whole again"


@pytest.mark.parametrize("name", ["images.npy", "kept.npy", "labels.npz", "prepared.json"])
def test_one_wrong_bit_in_an_entry_is_found(cache, png_folder, name):
    (png_folder / "0.png").write_bytes(b"")
    right = load(open_source(str(png_folder)), None, max_unreadable=0.5)
    load(open_source(str(png_folder)), cache, max_unreadable=0.5)
    (entry,) = entries(cache)
    content = bytearray((entry / name).read_bytes())
    content[len(content) * 2 // 3] ^= 4
    (entry / name).write_bytes(content)
    said = Notes()
    again = load(open_source(str(png_folder)), cache, max_unreadable=0.5, reporter=said)
    assert again.fingerprint == right.fingerprint
    np.testing.assert_array_equal(again.images, right.images)
    assert len(said) == 1
    assert name in said[0]


def test_the_bound_on_unreadable_images_holds_for_an_entry_too(cache, png_folder):
    (png_folder / "0.png").write_bytes(b"")
    assert len(load(open_source(str(png_folder)), cache, max_unreadable=0.5).images) == 9
    with pytest.raises(TooManyUnreadable):
        load(open_source(str(png_folder)), cache, max_unreadable=0.05)


def test_the_entry_used_longest_ago_goes_first(tmp_path):
    room = Cache(tmp_path / "cache", 7000)  # an entry is some 1,600 bytes, its images 192
    for number in range(3):
        load(Counting(stamp=f"{number}"), room)
    old = {path: (path / "prepared.json").stat().st_mtime for path in entries(room)}
    for age, path in enumerate(sorted(old)):
        os.utime(path / "prepared.json", (1000 + age, 1000 + age))
    victim = min(old)
    tight = Cache(room.folder, sum(_size(path) for path in old) + 192 - 1)
    load(Counting(stamp="new"), tight)
    assert victim not in entries(room)
    assert len(entries(room)) == 3


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir())


def test_use_makes_an_entry_young_again(cache):
    load(Counting(), cache)
    (entry,) = entries(cache)
    os.utime(entry / "prepared.json", (1000, 1000))
    load(Counting(), cache)
    assert (entry / "prepared.json").stat().st_mtime > 10**9


def test_what_is_larger_than_the_limit_stays_in_memory_and_says_so(tmp_path):
    said = Notes()
    small = Cache(tmp_path / "cache", 100)
    dataset = load(Counting(), small, reporter=said)
    assert len(dataset) == 3
    assert not dataset.is_slow
    assert "data.cache_gb" in said[0]
    assert not small.folder.exists() or entries(small) == []


def test_a_short_disk_is_said_and_does_no_harm(cache, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage(2e9, 1.5e9, 5e8))
    said = Notes()
    assert len(load(Counting(), cache, reporter=said)) == 3
    assert "500.0 MB free" in said[0]


def test_a_disk_that_fills_while_decoding_leaves_nothing_and_does_no_harm(cache, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("numpy.lib.format.write_array_header_1_0", full)
    said = Notes()
    assert len(load(Counting(), cache, reporter=said)) == 3
    assert "no space is left" in said[0]
    assert entries(cache) == []


def test_a_cache_that_cannot_be_written_does_no_harm(tmp_path):
    (tmp_path / "file").write_text("")
    said = Notes()
    assert len(load(Counting(), Cache(tmp_path / "file" / "cache", BIG), reporter=said)) == 3
    assert said


def test_what_a_killed_process_left_is_cleared(cache):
    load(Counting(), cache)
    (entry,) = entries(cache)
    left = cache.folder / f".{entry.name}.99999.part"
    left.mkdir()
    (left / "images.npy").write_bytes(b"half")
    (entry / "prepared.json").unlink()
    load(Counting(), cache)
    assert not left.exists()


BUILDER = """
    import sys, time
    from pathlib import Path
    from PIL import Image
    from dcgan.data import load_dataset
    from dcgan.data.cache import Cache
    from dcgan.data.sources.base import Source

    class Slow(Source):
        def __len__(self): return 40
        def read(self, index, at_least=None):
            print("read", flush=True)
            time.sleep(0.01)
            return Image.new("L", (9, 9), index)
        def title(self, index): return str(index)
        def stamp(self): return "slow"

    pictures = load_dataset(Slow("slow"), (8, 8), 1, cache=Cache(Path(sys.argv[1]), 10**12))
    assert pictures.images[:, 0, 0, 0].tolist() == list(range(40))
"""


def test_two_processes_decode_once(tmp_path):
    pair = [Program("-c", textwrap.dedent(BUILDER), tmp_path / "cache") for _ in range(2)]
    codes, said = zip(*(one.wait() for one in pair), strict=True)
    assert codes == (0, 0), said
    assert sorted(text.count("read") for text in said) == [0, 40]


def test_nothing_is_removed_for_what_would_not_fit_even_so(cache, monkeypatch):
    load(Counting(), cache)
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage(2e9, 1.5e9, 5e8))
    assert len(load(Counting(stamp="two"), cache)) == 3
    assert len(entries(cache)) == 1


def test_an_entry_that_may_only_be_read_serves(cache, monkeypatch):
    load(Counting(), cache)

    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("dcgan.data.cache.FileLock", refuse)
    monkeypatch.setattr("os.utime", refuse)
    again = Counting()
    assert len(load(again, cache)) == 3
    assert again.reads == 0


def test_leftovers_of_other_images_are_swept_when_room_is_made(cache):
    load(Counting(), cache)
    half = cache.folder / f".{'0' * 32}.12345.part"
    half.mkdir()
    (half / "prepared.json").write_text("{}")
    headless = cache.folder / ("1" * 32)
    headless.mkdir()
    (headless / "images.npy").write_bytes(b"x")
    load(Counting(stamp="two"), cache)
    assert not half.exists()
    assert not headless.exists()
    assert len(entries(cache)) == 2


def test_what_is_being_built_is_not_swept(cache):
    cache.folder.mkdir(parents=True)
    key = "2" * 32
    building = cache.folder / f".{key}.12345.part"
    building.mkdir()
    with FileLock(cache.folder / f".{key}.lock"):
        load(Counting(), cache)
    assert building.exists()


def test_the_content_is_that_of_the_files_as_they_were_decoded(png_folder):
    """And not as they were compared with the cache, shortly before."""
    source = open_source(str(png_folder))
    wanted = Wanted(source, View((8, 8), 1), "one")
    compared = wanted.content()
    whole = (png_folder / "3.png").read_bytes()
    Image.new("L", (20, 20), 77).save(png_folder / "3.png")
    with wanted.reading():
        source.read(source_row(source, "3.png"))
    assert wanted.content() != compared
    (png_folder / "3.png").write_bytes(whole)
    assert Wanted(source, View((8, 8), 1), "one").content() == compared


def source_row(source: Source, title: str) -> int:
    return [source.title(index) for index in range(len(source))].index(title)


def test_other_labels_need_no_other_images(cache, tmp_path, monkeypatch):
    folder = tmp_path / "data"
    folder.mkdir()
    for n in range(12):
        Image.new("L", (9, 9), 20 * n).save(folder / f"{n:02}.png")
    (folder / "11.png").write_bytes(b"broken")
    labels = tmp_path / "labels.csv"

    def loaded(source):
        return load(source, cache, max_unreadable=0.5).labels

    for words in (("cat", "dog"), ("dog", "cow")):
        labels.write_text("\n".join(f"{n:02}.png,{words[n % 2]}" for n in range(12)))
        found = loaded(open_source(folder, labels=str(labels)))["label"]
        assert [found.names[n] for n in found.values] == [words[n % 2] for n in range(11)]
        monkeypatch.setattr(View, "remarked", _never)  # the first run has decoded all images
    assert loaded(open_source(folder, labels="none")) == {}
    assert len(entries(cache)) == 1


def _never(*_):
    raise AssertionError("the images are in the cache")


def test_prepared_folders_of_the_same_images_keep_their_labels(cache, tmp_path):
    pixels = np.zeros((3, 8, 8, 1), np.uint8)
    found = []
    for number, values in enumerate(([0, 1, 1], [1, 0, 0])):
        labels = {"label": Labels(np.array(values), ("a", "b"))}
        source = ArraySource("pets", pixels, labels=labels)
        prepare_dataset(source, View((8, 8), 1), tmp_path / f"p{number}")
        dataset = load(open_source(str(tmp_path / f"p{number}")), cache, size=(16, 16))
        found.append(dataset.labels["label"].values.tolist())
    assert found == [[0, 1, 1], [1, 0, 0]]
