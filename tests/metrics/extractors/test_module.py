"""Anybody's network as an extractor, in whatever form it comes."""

import hashlib
import warnings

import numpy as np
import pytest
import torch
from torch import nn

from dcgan.errors import DataError
from dcgan.metrics.extractors.module import module_extractor


class Small(nn.Module):
    """uint8 (B, 1, H, W) → features (B, 6) and, if wanted, logits (B, 3)."""

    def __init__(self, classifies: bool = False) -> None:
        super().__init__()
        self.classifies = classifies
        self.convolution = nn.Conv2d(1, 6, 3)
        self.dropout = nn.Dropout(0.5)
        self.logits = nn.Linear(6, 3)

    def forward(self, pixels):
        features = self.dropout(self.convolution(pixels.float() / 255).mean((2, 3)))
        if self.classifies:
            return features, self.logits(features)
        return features


@pytest.fixture
def images():
    return np.random.default_rng(0).integers(0, 256, (70, 1, 20, 18), dtype=np.uint8)


def as_script(network, path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.jit.trace(network.eval(), torch.zeros(2, 1, 20, 18, dtype=torch.uint8)).save(path)
    return path


def as_program(network, path):
    pixels = torch.zeros(64, 1, 20, 18, dtype=torch.uint8)
    torch.export.save(torch.export.export(network.eval(), (pixels,)), path)
    return path


@pytest.mark.parametrize("classifies", [False, True])
def test_a_module_and_its_files_give_the_same(classifies, images, tmp_path):
    network = Small(classifies)
    module = module_extractor(network)(images)
    assert module.values.shape == (70, 6)
    with torch.inference_mode():
        found = network.eval()(torch.from_numpy(images))
    expected = found[0] if classifies else found
    np.testing.assert_allclose(module.values, expected, rtol=1e-5, atol=1e-6)
    if classifies:
        np.testing.assert_allclose(module.probabilities, found[1].softmax(dim=1), rtol=1e-5)
    for path in (
        as_script(network, tmp_path / "network.ts"),
        as_program(network, tmp_path / "network.pt2"),
    ):
        read = module_extractor(path)(images)
        np.testing.assert_allclose(read.values, module.values, rtol=1e-5, atol=1e-6)
        assert (read.probabilities is None) == (not classifies)


def test_an_exported_program_at_hand_is_taken(images):
    pixels = torch.zeros(64, 1, 20, 18, dtype=torch.uint8)
    network = Small().eval()
    program = torch.export.export(network, (pixels,)).module()
    np.testing.assert_allclose(
        module_extractor(program)(images).values,
        module_extractor(network)(images).values,
        rtol=1e-5,
    )


def test_a_file_is_known_by_its_content(tmp_path):
    first = module_extractor(as_script(Small(), tmp_path / "first.pt"))
    (tmp_path / "copy.pt").write_bytes((tmp_path / "first.pt").read_bytes())
    second = module_extractor(as_script(Small(), tmp_path / "second.pt"))
    content = (tmp_path / "first.pt").read_bytes()
    assert first.label == f"module:{hashlib.sha256(content).hexdigest()[:12]}"
    assert first.digest == module_extractor(tmp_path / "copy.pt").digest != second.digest


def test_two_modules_have_two_digests():
    assert module_extractor(Small()).digest != module_extractor(Small()).digest


class Returns(nn.Module):
    def __init__(self, what):
        super().__init__()
        self.what = what

    def forward(self, pixels):
        return self.what(pixels.float())


@pytest.mark.parametrize(
    ("what", "message"),
    [
        (lambda x: x, r"returns \(64, 1, 20, 18\) for 64 images"),
        (lambda x: x.flatten(), r"returns \(23040,\)"),
        (lambda x: x.flatten(1)[:1], r"returns \(1, 360\)"),
        (lambda x: x.flatten(1) / 0, "not all finite"),
        (lambda x: x.flatten(1).int(), "torch.int32"),
        (lambda x: (x.flatten(1), x), r"returns \(64, 1, 20, 18\)"),
        (lambda x: (x.flatten(1),) * 3, "returns 3 results"),
        (lambda x: {"features": x}, "returns dict"),
        (lambda x: x @ torch.zeros(3, 3), r"refuses uint8 images of shape \(64, 1, 20, 18\)"),
    ],
)
def test_what_is_no_extractor_says_so_on_use(what, message, images):
    with pytest.raises(DataError, match=message) as caught:
        module_extractor(Returns(what))(images)
    assert "\n" not in str(caught.value) and "Returns" in str(caught.value)


def test_a_network_that_wants_floats_says_so(images):
    with pytest.raises(DataError, match="must take uint8 and scale it itself"):
        module_extractor(nn.Sequential(nn.Conv2d(1, 4, 3), nn.Flatten()))(images)


@pytest.mark.parametrize("name", ["network.pt", "network.pt2"])
def test_other_files_are_refused(name, tmp_path, caplog):
    path = tmp_path / name
    with pytest.raises(DataError, match="cannot be read"):
        module_extractor(path)
    path.write_bytes(b"nothing of the kind")
    with pytest.raises(
        DataError, match=r"cannot be used as an extractor: .*Export the network again"
    ):
        module_extractor(path)
    torch.save({"weight": torch.zeros(2)}, path)
    with pytest.raises(DataError, match="cannot be used as an extractor"):
        module_extractor(path)
    assert caplog.records == []  # no traceback beside the one line
