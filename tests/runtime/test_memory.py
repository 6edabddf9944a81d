"""The memory that is available inside a container."""

from __future__ import annotations

import ctypes
import struct
import sys

import pytest

from dcgan.runtime import memory


@pytest.fixture
def container(tmp_path, monkeypatch):
    """A container of 8 GB, of which programs use 1 GB and read files fill 6.5 GB."""
    (tmp_path / "memory.max").write_text("8000000000\n")
    (tmp_path / "memory.current").write_text("7500000000\n")
    (tmp_path / "memory.stat").write_text(
        "anon 1000000000\nfile 6500000000\ninactive_file 6000000000\nactive_file 500000000\n"
    )
    monkeypatch.setattr(memory, "_CGROUP", tmp_path)
    monkeypatch.setattr(memory, "_machine", lambda: 10**11)
    monkeypatch.setattr(memory, "_process", lambda: None)
    return tmp_path


@pytest.mark.usefixtures("container")
def test_files_that_were_read_leave_a_container_its_memory():
    """The system drops them as soon as a program needs the room."""
    assert memory.available_memory() == 7_000_000_000


def test_a_container_without_a_limit_has_the_memory_of_the_machine(container):
    (container / "memory.max").write_text("max\n")
    assert memory.available_memory() == 10**11


def test_of_a_container_that_says_too_little_nothing_is_known(container):
    (container / "memory.stat").unlink()
    assert memory.available_memory() == 10**11


class Windows:
    """Its libraries; a call of GlobalMemoryStatusEx fills a MEMORYSTATUSEX of 64 bytes."""

    def __init__(self, success=1):
        self.kernel32, self.success = self, success

    def GlobalMemoryStatusEx(self, pointer):  # noqa: N802
        status = ctypes.string_at(pointer, 64)
        assert struct.unpack_from("<I", status) == (64,)
        content = struct.pack("<II7Q", 64, 50, 16 * 2**30, 5 * 2**30, 7, 8, 9, 10, 11)
        ctypes.memmove(pointer, content, 64)
        return self.success


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """A system without /proc, containers and limits of processes."""
    monkeypatch.setattr(memory, "kilobytes", lambda *_: None)
    monkeypatch.setattr(memory, "_CGROUP", tmp_path)


@pytest.mark.usefixtures("elsewhere")
def test_on_windows_the_free_memory_is_known(monkeypatch):
    monkeypatch.setattr(ctypes, "windll", Windows(), raising=False)
    monkeypatch.setitem(sys.modules, "resource", None)
    assert memory.available_memory() == 5 * 2**30
    monkeypatch.setattr(ctypes, "windll", Windows(success=0))
    assert memory.available_memory() is None


@pytest.mark.usefixtures("elsewhere")
def test_on_macos_it_is_the_memory_of_the_machine(monkeypatch):
    sizes = {"SC_PHYS_PAGES": 10**6, "SC_PAGE_SIZE": 16_384}
    monkeypatch.setattr("os.sysconf", sizes.__getitem__)
    assert memory.available_memory() == 16_384_000_000


def test_a_shortage_names_the_needed_and_the_free_memory(monkeypatch):
    monkeypatch.setattr(memory, "available_memory", lambda: 2 * 10**9)
    assert memory.shortage(2 * 10**9) is None
    assert memory.shortage(3e9) == "3.0 GB of memory, and 2.0 GB is free"
    assert memory.shortage(10**9, 0.5) is None
    assert memory.shortage(1.5e9, 0.6) == "1.5 GB of memory, more than 60% of the free 2.0 GB"
    assert memory.shortage(3e9, 0.6) == "3.0 GB of memory, and 2.0 GB is free"
    monkeypatch.setattr(memory, "available_memory", lambda: None)
    assert memory.shortage(10**30) is None
