"""Packed names: they come back as they were, in little memory."""

from __future__ import annotations

import tracemalloc

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dcgan.data.name_table import Names

ANY_TEXT = st.text(st.characters(exclude_categories=()))
"""Lone surrogates too, as undecodable file names have them."""


@settings(deadline=None)
@given(st.lists(ANY_TEXT))
@example([])
@example([""])
@example(["", "a", "", ""])
@example(["caf\udce9", "\ud83d\ude00", "😀", "a\0b", "a\nb"])
def test_names_come_back_as_they_were(names):
    packed = Names(names)
    assert len(packed) == len(names)
    assert list(packed) == names
    assert [packed[index] for index in range(len(names))] == names


@settings(deadline=None)
@given(st.lists(ANY_TEXT, max_size=9), st.slices(9), st.integers(-12, 12))
def test_places_and_slices_are_those_of_a_list(names, part, index):
    packed = Names(names)
    assert packed[part] == names[part]
    if -len(names) <= index < len(names):
        assert packed[index] == names[index]
    else:
        with pytest.raises(IndexError):
            packed[index]


def test_names_are_taken_from_any_iterable_and_searched_like_a_list():
    packed = Names(name for name in ("b", "ä", "b"))
    assert packed.index("ä") == 1
    assert packed.count("b") == 2
    assert "ä" in packed and "c" not in packed
    assert list(reversed(packed)) == ["b", "ä", "b"]
    assert sorted(packed) == ["b", "b", "ä"]


def test_a_name_costs_its_bytes_and_one_number():
    count, length = 50_000, 40
    tracemalloc.start()
    packed = Names(f"{number:0{length}d}" for number in range(count))
    held, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert packed[count - 1] == f"{count - 1:0{length}d}"
    assert held < count * (length + 16)
    assert peak < count * 3 * length
