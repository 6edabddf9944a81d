"""Weights in eight bits are close to the weights."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from dcgan.exchange.int8 import best_in_bytes, in_bytes

WEIGHTS = arrays(
    np.float32,
    array_shapes(min_dims=2, max_dims=4, max_side=6),
    elements=st.floats(-100, 100, width=32),
)


@given(WEIGHTS, st.data())
def test_no_weight_moves_by_more_than_half_a_step(weight, data):
    axis = data.draw(st.integers(0, weight.ndim - 1))
    found = in_bytes(weight, axis)
    largest = np.abs(np.moveaxis(weight, axis, 0).reshape(weight.shape[axis], -1)).max(axis=1)
    step = np.moveaxis(
        np.broadcast_to(
            largest / 127, weight.shape[:axis] + weight.shape[axis + 1 :] + largest.shape
        ),
        -1,
        axis,
    )
    assert found.stored.dtype == np.int8
    assert found.scale.shape == (weight.shape[axis],)
    assert (np.abs(found.restored() - weight) <= step * 0.5001 + 1e-30).all()


def test_the_smallest_numbers_become_zero():
    smallest = np.full((1, 3), 1e-45, np.float32)
    assert (in_bytes(smallest, 0).restored() == 0).all()


def test_the_axis_of_the_channels_is_found():
    random = np.random.default_rng(0)
    weight = random.standard_normal((32, 8, 4, 4)).astype(np.float32)
    weight *= np.logspace(-2, 1, 8, dtype=np.float32)[:, None, None]  # of very unequal size
    assert best_in_bytes(weight).axis == 1


def test_small_tensors_stay_as_they_are():
    assert best_in_bytes(np.ones(1000, np.float32)) is None
    assert best_in_bytes(np.ones((4, 4), np.float32)) is None
