"""The layer table: rows that survive being written to JSON and read again."""

from __future__ import annotations

import json
from dataclasses import FrozenInstanceError
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dcgan.config.model import Norm
from dcgan.models import Layer
from dcgan.vocabulary import Activation, Interpolation, Operation, Order

NATURALS = st.integers(0, 9)
POSITIVES = st.integers(1, 4096)
LAYERS = st.builds(
    Layer,
    operation=st.sampled_from(get_args(Operation)),
    channels=POSITIVES,
    kernel=st.tuples(POSITIVES, POSITIVES),
    stride=st.tuples(POSITIVES, POSITIVES),
    padding=st.tuples(NATURALS, NATURALS),
    output_padding=st.tuples(NATURALS, NATURALS),
    reshape=st.none() | st.tuples(POSITIVES, POSITIVES, POSITIVES),
    bias=st.booleans(),
    end_padding=st.none() | st.tuples(NATURALS, NATURALS),
    norm=st.sampled_from(get_args(Norm)),
    eps=st.floats(0, 1, exclude_min=True),
    norm_groups=POSITIVES,
    norm_features=st.booleans(),
    activation=st.sampled_from(get_args(Activation)),
    slope=st.floats(0, 1),
    order=st.sampled_from(get_args(Order)),
    dropout=st.floats(0, 1, exclude_max=True),
    noise=st.floats(0, 10),
    resize=st.none() | st.tuples(POSITIVES, POSITIVES),
    interpolation=st.sampled_from(get_args(Interpolation)),
    minibatch_stddev=st.booleans(),
)


@settings(max_examples=200, deadline=None)
@given(layer=LAYERS)
def test_a_row_comes_back_from_json_as_it_was(layer):
    again = Layer.from_json(json.loads(json.dumps(layer.to_json())))
    assert again == layer
    # tuples, not lists: rows are compared and hashed
    assert hash(again) == hash(layer)


def test_json_holds_only_what_differs_from_the_defaults():
    assert Layer(operation="conv", channels=4).to_json() == {"operation": "conv", "channels": 4}
    layer = Layer(operation="conv", channels=4, bias=False, kernel=(1, 3))
    assert layer.to_json() == {
        "operation": "conv",
        "channels": 4,
        "bias": False,
        "kernel": (1, 3),
    }


def test_json_of_an_unknown_setting_is_refused():
    with pytest.raises(TypeError, match="dilation"):
        Layer.from_json({"operation": "conv", "channels": 4, "dilation": 2})


@pytest.mark.parametrize(
    ("norm", "names"),
    [
        ("none", ()),
        ("batch", ("batch",)),
        ("spectral+batch+pixel", ("spectral", "batch", "pixel")),
    ],
)
def test_a_row_names_its_norms_in_order(norm, names):
    assert Layer(operation="conv", channels=4, norm=norm).norms == names


def test_a_row_cannot_be_changed():
    layer = Layer(operation="conv", channels=4)
    with pytest.raises(FrozenInstanceError):
        layer.channels = 8
