"""Locks are seen without taking them."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

import pytest
from filelock import FileLock

from dcgan.studio.locks import is_locked


def test_a_lock_is_seen_while_it_is_held(tmp_path):
    assert not is_locked(tmp_path), "no file"
    with FileLock(tmp_path / ".lock"):
        assert is_locked(tmp_path)
    assert not is_locked(tmp_path)


def test_looks_at_the_same_time_do_not_see_each_other(tmp_path):
    (tmp_path / ".lock").touch()
    with ThreadPoolExecutor(3) as pool:
        assert not any(pool.map(lambda _: is_locked(tmp_path), range(3_000)))


@pytest.mark.skipif(os.name == "nt", reason="POSIX locks")
def test_a_look_of_another_server_is_not_a_lock(tmp_path):
    import fcntl

    (tmp_path / ".lock").touch()
    with (tmp_path / ".lock").open("rb") as look:
        fcntl.flock(look, fcntl.LOCK_SH)
        assert not is_locked(tmp_path)


@pytest.mark.skipif(os.name == "nt", reason="POSIX files")
def test_only_regular_files_are_locks(tmp_path):
    folders = [tmp_path / name for name in ("link", "pipe", "folder")]
    for folder in folders:
        folder.mkdir()
    with FileLock(tmp_path / "other"):
        (folders[0] / ".lock").symlink_to(tmp_path / "other")
        os.mkfifo(folders[1] / ".lock")
        (folders[2] / ".lock").mkdir()
        assert not any(map(is_locked, folders))
