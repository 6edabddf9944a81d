"""Pieces in threads: their order, how far ahead, and whose threads."""

from __future__ import annotations

import threading
import time
from multiprocessing import get_context

import pytest
import torch

from dcgan.runtime import threads
from dcgan.runtime.threads import in_threads, leave_busy_cores


@pytest.fixture(autouse=True)
def two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)
    threads._lowered_from.clear()


@pytest.mark.parametrize(
    ("most", "speeds", "free", "left"),
    [
        (2, {1: 100, 2: 150}, 2.0, 2),
        (2, {1: 100, 2: 60}, None, 2),
        (2, {1: 100, 2: 4}, 2.0, 1),  # the system's counters say little of a short time
        (2, {1: 100, 2: 150}, 1.2, 1),  # as fast for a moment, but another program has a core
        (4, {1: 100, 4: 3, 2: 80}, 3.0, 2),
        (4, {1: 100, 4: 90, 2: 80}, 2.0, 2),
        (4, {1: 100, 4: 3, 2: 3}, None, 1),
        (1, {}, 1.0, 1),
    ],
)
def test_operations_use_no_more_threads_than_other_programs_leave_cores(
    monkeypatch, most, speeds, free, left
):
    monkeypatch.setattr(threads, "free_cores", lambda *_: free)
    torch.set_num_threads(most)
    monkeypatch.setattr(threads, "_operations", lambda _: speeds[torch.get_num_threads()])
    monkeypatch.setattr(threads, "_lowered_from", [])
    leave_busy_cores()
    assert torch.get_num_threads() == left
    # pieces with a thread each wait for nothing, and go on with all
    together = threading.Barrier(most)
    list(in_threads(lambda _: together.wait(timeout=240), range(most)))
    assert torch.get_num_threads() == left


def test_operations_are_counted_alone_and_shared():
    torch.set_num_threads(2)
    assert threads._operations(torch.zeros(8)) > 0
    leave_busy_cores()
    assert torch.get_num_threads() in (1, 2)


def test_results_come_in_the_order_of_items():
    def work(number):
        time.sleep(0.02 if number % 2 == 0 else 0)
        return number

    assert list(in_threads(work, range(9))) == list(range(9))
    assert list(in_threads(work, [])) == []


def test_two_work_at_once_with_a_thread_each_and_the_rest_keeps_its_own():
    together = threading.Barrier(2)

    def work(_):
        together.wait(timeout=240)
        return torch.get_num_threads(), threading.get_ident()

    found = list(in_threads(work, range(4)))
    assert {number for number, _ in found} == {1}
    assert len({ident for _, ident in found}) == 2
    assert torch.get_num_threads() == 2
    of_a_new_thread = []
    other = threading.Thread(target=lambda: of_a_new_thread.append(torch.get_num_threads()))
    other.start()
    other.join()
    assert of_a_new_thread == [2]


def test_items_are_taken_as_results_are():
    taken = []
    results = in_threads(lambda number: number, (taken.append(k) or k for k in range(100)))
    for seen in range(1, 4):
        next(results)
        assert len(taken) <= seen + 2 * 2
    results.close()
    assert len(taken) < 10


def test_what_fails_is_raised_and_the_next_call_works():
    def work(number):
        return 1 / number

    with pytest.raises(ZeroDivisionError):
        list(in_threads(work, [1, 0, 2]))
    assert list(in_threads(work, [1, 2])) == [1, 0.5]


def test_threads_that_begin_together_keep_their_number():
    for _ in range(30):
        threads._pool.cache_clear()
        found = []

        def draw(found=found):
            list(in_threads(abs, [-1]))
            found.append(torch.get_num_threads())

        both = [threading.Thread(target=draw) for _ in range(3)]
        for one in both:
            one.start()
        for one in both:
            one.join()
        assert found == [2, 2, 2]


def _in_a_fork(queue):
    queue.put(list(in_threads(abs, [-1, -2])))


def test_a_fork_has_threads_of_its_own():
    list(in_threads(abs, [-1]))
    context = get_context("fork")
    queue = context.Queue()
    process = context.Process(target=_in_a_fork, args=(queue,))
    process.start()
    try:
        assert queue.get(timeout=240) == [1, 2]
    finally:
        process.kill()
