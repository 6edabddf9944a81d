"""Work in threads: every index once, in order, and errors come through."""

from __future__ import annotations

import threading

import pytest

from dcgan.data.parallel import in_threads


@pytest.mark.parametrize("count", [0, 1, 255, 256, 257, 1000])
def test_every_index_is_worked_on_once_and_comes_in_order(count):
    done = []

    def square(index: int) -> int:
        done.append(index)
        return index**2

    assert list(in_threads(square, range(count))) == [index**2 for index in range(count)]
    assert sorted(done) == list(range(count))


def test_indices_may_be_any():
    assert list(in_threads(str, [7, 3, 3])) == ["7", "3", "3"]


def test_the_work_is_done_beside_the_main_thread():
    (thread,) = in_threads(lambda index: threading.current_thread(), [0])
    assert thread is not threading.main_thread()


def test_an_error_comes_through():
    def fail(index: int) -> None:
        raise ValueError(f"number {index}")

    with pytest.raises(ValueError, match="number 0"):
        list(in_threads(fail, range(1000)))
