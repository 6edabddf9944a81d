"""What is due depends on images seen alone, and no due point is missed."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dcgan.training.planning.triggers import Geometric, Widening

steps = st.lists(st.integers(1, 500), min_size=1, max_size=60)


def passed(schedule, batches):
    """The positions at which something is due, walking in these steps."""
    seen, due = 0, []
    for batch in batches:
        if schedule.passed(seen, seen + batch):
            due.append(seen + batch)
        seen += batch
    return due


@given(images=st.integers(1, 700), batches=steps)
def test_without_a_denser_start_the_first_step_past_each_multiple_is_due(images, batches):
    ends = [sum(batches[: n + 1]) for n in range(len(batches))]
    multiples = range(images, ends[-1] + 1, images)
    expected = {next(end for end in ends if end >= multiple) for multiple in multiples}
    assert set(passed(Widening(images, images, 1), batches)) == expected


@given(
    first=st.integers(1, 400), ratio=st.floats(1.05, 3), apart=st.integers(1, 900), batches=steps
)
def test_geometric_is_due_at_the_first_step_past_each_point(first, ratio, apart, batches):
    ends = [sum(batches[: n + 1]) for n in range(len(batches))]
    expected, point = set(), float(first)
    while point <= ends[-1] * (1 - 1e-6):
        if all(abs(point / end - 1) > 1e-6 for end in ends):
            expected.add(next(end for end in ends if end >= point))
        point = max(point * ratio, point + apart)
    assert expected <= set(passed(Geometric(first, ratio, apart), batches))


@given(batches=steps, cut=st.integers(0, 60))
def test_a_run_that_was_interrupted_does_the_same(batches, cut):
    schedule = Geometric(7, 1.3, 20)
    whole = passed(schedule, batches)
    seen = sum(batches[:cut])
    rest, position = [], seen
    for batch in batches[cut:]:
        if schedule.passed(position, position + batch):
            rest.append(position + batch)
        position += batch
    assert [p for p in whole if p > seen] == rest


def test_spread_begins_dense_and_reaches_the_end():
    due = passed(Geometric.spread(100, 10_000, 20, apart=10), [10] * 1000)
    assert len(due) == 20
    assert due[0] == 100
    assert due[-1] == 10_000
    gaps = [later - earlier for earlier, later in zip(due, due[1:], strict=False)]
    assert gaps == sorted(gaps)


def test_points_are_never_closer_than_asked():
    due = passed(Geometric.spread(100, 10_000, 20, apart=500), [10] * 1000)
    gaps = [later - earlier for earlier, later in zip(due, due[1:], strict=False)]
    assert due[0] == 100
    assert gaps[0] == gaps[1] == 500 == min(gaps)
    assert gaps == sorted(gaps)


widening = st.builds(
    Widening,
    first=st.floats(1, 50),
    every=st.floats(50, 600),
    dense=st.integers(1, 30),
    sparse=st.none() | st.integers(31, 60),
)


@given(schedule=widening, steps=st.integers(200, 3_000))
def test_widening_is_dense_at_first_and_reaches_its_interval(schedule, steps):
    due = passed(schedule, [5] * steps)
    assert len(due) >= min(steps, schedule.dense, 5 * steps // max(5, schedule.first))
    for earlier, later in zip([0, *due], due, strict=False):
        apart = max(schedule.first, min(schedule.every, earlier / schedule.dense))
        if schedule.sparse:
            apart = max(apart, earlier / schedule.sparse)
        assert later - earlier <= apart * 1.001 + 10
        last_is_cut = later >= schedule.dense * schedule.every > earlier
        assert last_is_cut or later - earlier >= min(apart, schedule.every) * 0.999 - 10


@given(schedule=widening, batches=steps, cut=st.integers(0, 60))
def test_widening_does_the_same_in_a_run_that_was_interrupted(schedule, batches, cut):
    seen = sum(batches[:cut])
    rest, position = [], seen
    for batch in batches[cut:]:
        if schedule.passed(position, position + batch):
            rest.append(position + batch)
        position += batch
    assert [p for p in passed(schedule, batches) if p > seen] == rest
