"""A difference between an export and the run is found, also behind rounding."""

from __future__ import annotations

import pytest
import torch

from dcgan.errors import DcganError
from dcgan.exchange.checks import generator_difference, refuse_difference
from dcgan.exchange.result import Difference
from dcgan.exchange.standalone import standalone_generator


@pytest.mark.parametrize("pixels", ["uint8", "float"])
@pytest.mark.parametrize("error", [0.0, 0.003, 0.2])
def test_a_known_error_is_measured(runs, pixels, error):
    run = runs["plain"]
    right = standalone_generator(run, "float")

    def compute(inputs):
        image = right(*map(torch.from_numpy, inputs)) + error
        if pixels == "uint8":
            image = (image * 127.5 + 127.5).round().clamp(0, 255).to(torch.uint8)
        return [image.numpy()]

    found = generator_difference(run, compute, pixels)
    assert found.largest == pytest.approx(error, abs=1e-4 if pixels == "uint8" else 1e-6)
    assert found.latents == 100


@pytest.mark.parametrize("largest", [2e-4, float("nan"), float("inf")])
def test_what_differs_too_much_is_refused(largest):
    with pytest.raises(DcganError, match="differs from the run"):
        refuse_difference(Difference(largest, 0.0, 100), "model.onnx")
    refuse_difference(Difference(1e-4, 0.0, 100), "model.onnx")
