"""Work in threads: every index once, in order, and errors come through."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from dcgan.runtime.threads import in_chunks


@pytest.mark.parametrize("count", [0, 1, 255, 256, 257, 1000])
def test_every_index_is_worked_on_once_and_comes_in_order(count):
    done = []

    def square(index: int) -> int:
        done.append(index)
        return index**2

    assert list(in_chunks(square, range(count))) == [index**2 for index in range(count)]
    assert sorted(done) == list(range(count))


def test_a_few_large_images_are_worked_on_by_all_cores(monkeypatch):
    """Each waits for another one: all in one task would wait for ever."""
    monkeypatch.setattr("dcgan.runtime.threads.cores", lambda: 2)
    together = threading.Barrier(2)
    assert list(in_chunks(lambda index: together.wait(10) >= 0, range(4))) == [True] * 4


def test_quick_work_is_handed_over_in_bulk(monkeypatch):
    monkeypatch.setattr("dcgan.runtime.threads.cores", lambda: 2)
    monkeypatch.setattr("dcgan.runtime.threads._TASK_SECONDS", 3600.0)
    submit, tasks = ThreadPoolExecutor.submit, []
    monkeypatch.setattr(
        ThreadPoolExecutor, "submit", lambda *args: (tasks.append(args), submit(*args))[1]
    )
    assert list(in_chunks(str, range(5000), most=500)) == [str(index) for index in range(5000)]
    assert len(tasks) < 50
    assert max(len(part) for _, _, part in tasks) == 500


def test_indices_may_be_any():
    assert list(in_chunks(str, [7, 3, 3])) == ["7", "3", "3"]


def test_the_work_is_done_beside_the_main_thread():
    (thread,) = in_chunks(lambda index: threading.current_thread(), [0])
    assert thread is not threading.main_thread()


def test_an_error_comes_through():
    def fail(index: int) -> None:
        raise ValueError(f"number {index}")

    with pytest.raises(ValueError, match="number 0"):
        list(in_chunks(fail, range(1000)))
