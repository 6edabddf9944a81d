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


def test_what_differs_too_much_in_fp32_is_refused():
    with pytest.raises(DcganError, match=r"model\.onnx: differs from the run by 0\.0002"):
        refuse_difference(Difference(2e-4, 0.0, 100), "model.onnx", "fp32")
    refuse_difference(Difference(1e-4, 0.0, 100), "model.onnx", "fp32")
    refuse_difference(Difference(2e-4, 0.0, 100), "model.onnx", "fp16")


@pytest.mark.parametrize("largest", [float("nan"), float("inf")])
@pytest.mark.parametrize("precision", ["fp32", "fp16"])
def test_what_is_no_number_is_refused(largest, precision):
    with pytest.raises(DcganError, match=f"no finite numbers in {precision}"):
        refuse_difference(Difference(largest, 0.0, 100), "model.onnx", precision)
