"""Files appear whole, with the rights that the user asked for, and dead processes leave nothing."""

from __future__ import annotations

import errno
import os
import signal
import stat
import subprocess
import sys
import textwrap
import time
import zipfile

import numpy as np
import pytest
from PIL import Image
from tests.conftest import SMALL, can_be_named
from tests.processes import Program

import dcgan
from dcgan.errors import DiskFull
from dcgan.latent.sample import write_samples
from dcgan.runtime.files import folder_written_whole, write_json, written_whole
from dcgan.runtime.unfinished import remove_leftovers, unfinished_beside

pytestmark = pytest.mark.skipif(os.name == "nt", reason="rights and signals are those of POSIX")

WRITER = """
    import sys, time
    from pathlib import Path
    from dcgan.runtime.files import folder_written_whole, written_whole

    folder = Path(sys.argv[1])
    with written_whole(folder / "file.bin") as file, folder_written_whole(folder / "folder") as new:
        file.write_bytes(b"half")
        (new / "half").touch()
        print("ready", flush=True)
        time.sleep(60)
"""


def start_writer(folder):
    writer = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(WRITER), str(folder)], stdout=subprocess.PIPE
    )
    assert writer.stdout.readline() == b"ready\n"
    return writer


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def rights(path):
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("again", ["file", "folder"])
def test_what_a_killed_process_left_goes_and_what_a_living_one_writes_stays(tmp_path, again):
    dead, living = start_writer(tmp_path), start_writer(tmp_path)
    try:
        dead.send_signal(signal.SIGKILL)
        dead.communicate()
        before = names(tmp_path)
        assert len(before) == 4 and all(name.endswith(".part") for name in before)
        if again == "file":
            write_json(tmp_path / "other.json", {})
        else:
            with folder_written_whole(tmp_path / "other") as new:
                (new / "file").touch()
        left = [name for name in names(tmp_path) if name.endswith(".part")]
        assert len(left) == 2 and all(f"-{living.pid}-" in name for name in left)
    finally:
        living.kill()
        living.communicate()


def test_a_new_process_of_the_same_number_is_another(tmp_path):
    own = unfinished_beside(tmp_path / "a.png")
    space, pid, start, number = own.name.split(".")[-2].split("-")
    earlier = tmp_path / f".a.png.{space}-{pid}-{int(start) - 1}-{number}.part"
    for path in (own, earlier):
        path.touch()
    remove_leftovers(tmp_path)
    assert names(tmp_path) == [own.name]


@pytest.mark.parametrize("kind", ["file", "folder"])
@pytest.mark.parametrize("name", [".a.png.0badcafe-1-1-0.part", ".a.png.4194304.part"])
def test_what_another_machine_writes_goes_only_after_a_week(tmp_path, name, kind):
    path = tmp_path / name
    if kind == "file":
        path.touch()
    else:
        path.mkdir()
        (path / "inside").touch()
    for newest in [path] if kind == "file" else [path / "inside", path]:
        remove_leftovers(tmp_path)
        assert names(tmp_path) == [name]
        long_ago = time.time() - 8 * 24 * 3600
        os.utime(newest, (long_ago, long_ago))
    remove_leftovers(tmp_path)
    assert names(tmp_path) == []


def test_names_as_long_as_a_file_system_allows(tmp_path):
    path = tmp_path / (("ü" * 120 if can_be_named("ü") else "u" * 240) + ".json")
    write_json(path, {})
    assert names(tmp_path) == [path.name]


def test_an_error_leaves_nothing(tmp_path):
    with pytest.raises(ValueError, match="no"), written_whole(tmp_path / "a") as file:
        file.touch()
        raise ValueError("no")
    (tmp_path / "empty").mkdir()
    for folder in ("new", "empty"):
        with pytest.raises(ValueError, match="no"), folder_written_whole(tmp_path / folder) as new:
            (new / "a").touch()
            raise ValueError("no")
    assert names(tmp_path) == ["empty"]
    assert names(tmp_path / "empty") == []


@pytest.mark.parametrize("umask", [0o002, 0o077])
def test_everything_a_command_writes_honours_the_umask(tmp_path, small_run, png_folder, umask):
    before = os.umask(umask)
    try:
        run = dcgan.train(
            str(png_folder),
            out=tmp_path / "run",
            images=16,
            **{**SMALL, "batch": 8, "settings": SMALL["settings"] | {"data": {"cache": "run"}}},
        )
        for out in ("a.png", "a.npz", "a.zip", "folder"):
            write_samples(run, 4, tmp_path / "out" / out)
    finally:
        os.umask(before)
    seen = set()
    for place in (tmp_path / "run", tmp_path / "out"):
        for path in (place, *place.rglob("*")):
            whole = 0o777 if path.is_dir() else 0o666
            assert rights(path) == whole & ~umask, path
            seen.add(path.suffix)
    assert {".safetensors", ".npy", ".npz", ".zip", ".png", ".json", ".yaml"} <= seen
    with zipfile.ZipFile(tmp_path / "out" / "a.zip") as archive:
        assert {member.external_attr >> 16 for member in archive.infolist()} == {0o666}


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere groups are passed on differently")
def test_a_folder_shared_by_a_group_passes_its_group_on(tmp_path, small_run):
    shared = tmp_path / "shared"
    shared.mkdir()
    groups = [group for group in os.getgroups() if group != os.getegid()]
    group = groups[0] if groups else 12345 if os.geteuid() == 0 else os.getegid()
    os.chown(shared, -1, group)
    shared.chmod(0o2770)
    with folder_written_whole(shared / "folder") as new:
        (new / "file").touch()
    write_samples(small_run, 2, shared / "images")
    write_json(shared / "a.json", {})
    for path in shared.rglob("*"):
        assert path.stat().st_gid == group, path
        assert not path.is_dir() or path.stat().st_mode & stat.S_ISGID


def test_a_killed_call_that_writes_a_folder_is_simply_repeated(tmp_path, small_run):
    """Whether it was to be new or was there and empty."""
    (tmp_path / "empty" / "folder").mkdir(parents=True)
    for place in (tmp_path / "new", tmp_path / "empty"):
        dead = start_writer(place)
        dead.kill()
        dead.communicate()
        assert list(place.rglob("half"))
        write_samples(small_run, 3, place / "folder")
        assert names(place / "folder") == ["000000.png", "000001.png", "000002.png"]
        assert names(place) == ["folder"]
        drawn = np.asarray(Image.open(place / "folder" / "000001.png"))
        np.testing.assert_array_equal(drawn, small_run.sample(3)[1, 0])


def test_a_folder_that_was_cut_off_while_it_was_filled_is_simply_repeated(tmp_path, small_run):
    space, pid, start, number = unfinished_beside(tmp_path).name.split(".")[-2].split("-")
    out = tmp_path / "out"
    out.mkdir()
    (out / f".out.{space}-{pid}-{int(start) - 1}-{number}.part").mkdir()
    (out / "000000.png").touch()
    write_samples(small_run, 2, out)
    assert names(out) == ["000000.png", "000001.png"]
    assert (out / "000000.png").stat().st_size > 0
    with pytest.raises(dcgan.errors.RunError, match="not an empty folder"):
        write_samples(small_run, 2, out)


FULL = """
    import resource, sys
    import dcgan
    from dcgan.errors import DiskFull
    from pathlib import Path

    run = dcgan.open_run(sys.argv[1])
    out = Path(sys.argv[2])
    from dcgan.latent.sample import write_samples
    from dcgan.runs.checkpoints import write_checkpoint
    import torch

    said = []
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (300, before[1]))
    for name in ("a.png", "a.npz", "a.zip", "folder"):
        try:
            write_samples(run, 30, out / name)
        except DiskFull as error:
            said.append(error)
    try:
        write_checkpoint(out, 64, {"ema": {"weight": torch.zeros(1000)}}, {})
    except DiskFull as error:
        said.append(error)
    resource.setrlimit(resource.RLIMIT_FSIZE, before)  # the output is a file, too
    print(*said, sep="\\n")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the limit is Linux's")
def test_a_full_disk_is_said_with_the_path_and_the_cure(tmp_path, small_run):
    code, said = Program("-c", textwrap.dedent(FULL), small_run.path, tmp_path).wait()
    assert code == 0, said
    lines = said.splitlines()
    assert [line.partition(": ")[0] for line in lines] == [
        str(tmp_path / name) for name in ("a.png", "a.npz", "a.zip", "folder", "000000064")
    ]
    assert all("disk is full" in line and "Free some space" in line for line in lines)
    assert names(tmp_path) == []
    assert issubclass(DiskFull, dcgan.errors.DcganError)


class InUse:
    """Windows refuses to rename what a program has open: in the first ``times`` tries."""

    def __init__(self, monkeypatch, times, winerror=32):
        self.times, self.winerror, self.rename = times, winerror, os.replace
        monkeypatch.setattr("os.replace", self)

    def __call__(self, path, target):
        self.times -= 1
        if self.times >= 0:
            error = PermissionError(13, "Permission denied", str(path))
            error.winerror = self.winerror
            raise error
        self.rename(path, target)


@pytest.mark.parametrize("winerror", [5, 32])
def test_a_file_that_another_program_has_open_for_a_moment_is_replaced(
    tmp_path, monkeypatch, winerror
):
    (tmp_path / "a.json").write_text("old")
    InUse(monkeypatch, 3, winerror)
    write_json(tmp_path / "a.json", {"new": 1})
    assert names(tmp_path) == ["a.json"] and "new" in (tmp_path / "a.json").read_text()


def test_a_folder_in_which_another_program_reads_for_a_moment_gets_its_name(tmp_path, monkeypatch):
    InUse(monkeypatch, 3)
    with folder_written_whole(tmp_path / "checkpoint") as unfinished:
        (unfinished / "file").touch()
    assert names(tmp_path) == ["checkpoint"]


@pytest.mark.parametrize(("times", "winerror"), [(10**6, 32), (1, None)])
def test_a_file_that_stays_open_or_must_not_be_replaced_is_named(
    tmp_path, monkeypatch, times, winerror
):
    InUse(monkeypatch, times, winerror)
    monkeypatch.setattr("dcgan.runtime.files._PATIENCE", 0.05)
    with pytest.raises(PermissionError) as failure:
        write_json(tmp_path / "a.json", {})
    assert failure.value.filename == str(tmp_path / "a.json") and names(tmp_path) == []


@pytest.mark.parametrize("code", [errno.EINVAL, errno.EBADF, errno.ENOTSUP, errno.EACCES])
def test_a_disk_that_cannot_sync_folders_is_written_to_all_the_same(tmp_path, monkeypatch, code):
    monkeypatch.setattr(os, "fsync", refusing_folders(code))
    write_json(tmp_path / "file.json", {"a": 1})
    with folder_written_whole(tmp_path / "folder") as folder:
        (folder / "a").write_text("a")
    assert names(tmp_path) == ["file.json", "folder"]
    assert names(tmp_path / "folder") == ["a"]


def test_a_faulty_disk_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "fsync", refusing_folders(errno.EIO))
    with pytest.raises(OSError, match=r"file\.json") as caught:
        write_json(tmp_path / "file.json", {"a": 1})
    assert caught.value.errno == errno.EIO


def refusing_folders(code):
    """``os.fsync`` of a file system that cannot do it with folders."""

    def fsync(handle):
        if stat.S_ISDIR(os.fstat(handle).st_mode):
            raise OSError(code, os.strerror(code))

    return fsync


def test_files_in_a_folder_of_a_new_folder_get_the_rights_of_new_files(tmp_path):
    (tmp_path / "plain").touch()
    with folder_written_whole(tmp_path / "new") as folder:
        (folder / "inside").mkdir()
        (folder / "inside" / "private").touch(0o600)
    assert rights(tmp_path / "new" / "inside" / "private") == rights(tmp_path / "plain")
