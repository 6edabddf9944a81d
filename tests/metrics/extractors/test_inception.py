"""The Inception network computes what others' conversion of the same graph computes."""

import math

import numpy as np
import pytest
import torch

from dcgan.errors import DataError, Unreachable
from dcgan.metrics.extractors import inception_weights
from dcgan.metrics.extractors.inception import (
    Inception,
    inception_extractor,
    load_published,
    resize_like_tensorflow,
)
from dcgan.metrics.extractors.pixels import to_rgb
from dcgan.metrics.extractors.weights import with_any_weights
from dcgan.runtime.reading import sha256


def fill(network: torch.nn.Module) -> None:
    """Weights without a download: drawn in the order of their names, so that signals pass."""
    random = np.random.Generator(np.random.Philox(2015))
    for name, tensor in sorted(network.state_dict().items()):
        shape = tuple(tensor.shape)
        if tensor.ndim == 4:
            values = random.standard_normal(shape) * math.sqrt(2 / math.prod(shape[1:]))
        elif tensor.ndim == 2:
            values = random.standard_normal(shape) / math.sqrt(shape[1])
        elif name.endswith(("running_var", "bn.weight")):
            values = random.uniform(0.5, 1.5, shape)
        elif tensor.ndim == 1:
            values = 0.3 * random.standard_normal(shape)
        else:
            values = np.zeros(shape)
        tensor.copy_(torch.from_numpy(values))


@pytest.fixture(scope="module")
def network():
    network = with_any_weights(Inception).eval()
    fill(network)
    return network


def test_features_and_logits_are_those_of_torch_fidelity(network):
    """Recorded 2026-11-22 with torch-fidelity 0.4.0, whose network was filled by the same lines."""
    random = np.random.Generator(np.random.Philox(7))
    images = random.integers(0, 256, (2, 3, 32, 40), dtype=np.uint8)
    with torch.inference_mode():
        feature_BF, logit_BK = network(torch.from_numpy(images))
    np.testing.assert_allclose(
        feature_BF[0, ::256],
        [16.72794, 0.1378691, 0.1822983, 1.365503, 15.77289, 5.153161, 0.1159464, 1.548307],
        rtol=1e-4,
    )
    np.testing.assert_allclose(
        logit_BK[1, ::126],
        [5.178704, 6.716957, -0.6447215, -0.5161847, -2.139767, -4.365232, -1.975792, -1.526509],
        rtol=1e-3,
    )
    assert float(feature_BF.norm()) == pytest.approx(444.14047, rel=1e-5)
    assert float(logit_BK.norm()) == pytest.approx(301.21521, rel=1e-5)


def test_the_names_of_the_weights_are_those_of_the_published_file(network):
    names = network.state_dict()
    assert len(names) == 94 * 6 + 2  # convolutions with five of batch norm, and the last layer
    for name, shape in {
        "Conv2d_1a_3x3.conv.weight": (32, 3, 3, 3),
        "Mixed_5b.branch5x5_2.conv.weight": (64, 48, 5, 5),
        "Mixed_6a.branch3x3.conv.weight": (384, 288, 3, 3),
        "Mixed_6b.branch7x7_2.conv.weight": (128, 128, 1, 7),
        "Mixed_6e.branch7x7dbl_4.conv.weight": (192, 192, 7, 1),
        "Mixed_7a.branch7x7x3_4.conv.weight": (192, 192, 3, 3),
        "Mixed_7c.branch3x3dbl_3b.bn.running_var": (384,),
        "Mixed_7b.branch3x3_2a.conv.weight": (384, 384, 1, 3),
        "Mixed_7c.branch_pool.conv.weight": (192, 2048, 1, 1),
        "fc.weight": (1008, 2048),
    }.items():
        assert tuple(names[name].shape) == shape


def test_resizing_takes_corners_for_corners_and_averages_nothing():
    """TensorFlow 1: output i lies at input i · length / side."""
    row = torch.tensor([0.0, 10.0, 20.0, 60.0]).reshape(1, 1, 1, 4).expand(1, 1, 2, 4)
    larger = resize_like_tensorflow(row, 8)
    assert larger.shape == (1, 1, 8, 8)
    assert larger[0, 0, 3].tolist() == [0, 5, 10, 15, 20, 40, 60, 60]
    column = row.transpose(2, 3)
    assert resize_like_tensorflow(column, 8)[0, 0, :, 5].tolist() == [0, 5, 10, 15, 20, 40, 60, 60]
    assert resize_like_tensorflow(row, 2)[0, 0, 0].tolist() == [0, 20]
    same = torch.rand(1, 3, 299, 299)
    assert torch.equal(resize_like_tensorflow(same, 299), same)


def test_gray_is_repeated_and_alpha_shows_white():
    gray = torch.tensor([[[[7]]]], dtype=torch.uint8)
    assert to_rgb(gray).flatten().tolist() == [7, 7, 7]
    clear, solid = torch.tensor([10, 20, 30, 0]), torch.tensor([10, 20, 30, 255])
    pixel_BCHW = torch.stack([clear, solid]).to(torch.uint8)[..., None, None]
    assert to_rgb(pixel_BCHW).flatten(1).tolist() == [[255, 255, 255], [10, 20, 30]]
    half = torch.tensor([100, 51], dtype=torch.uint8).reshape(1, 2, 1, 1)
    assert to_rgb(half).flatten().tolist() == pytest.approx([100 * 0.2 + 255 * 0.8] * 3)


def test_a_file_of_the_right_checksum_becomes_an_extractor(network, tmp_path, monkeypatch):
    path = tmp_path / "weights.pth"
    torch.save(network.state_dict(), path)
    digest = sha256(path)
    monkeypatch.setattr(inception_weights, "_CHECKSUM", digest[:8])
    extractor = inception_extractor(path)
    assert extractor.label == f"inception:{digest[:12]}"
    stored = extractor.network.state_dict()
    assert all(torch.equal(stored[name], value) for name, value in network.state_dict().items())
    assert not extractor.network.training


@pytest.mark.parametrize(
    "name", [inception_weights.FILE_NAME, "pt_inception-2015-12-05-6726825d.pth"]
)
def test_another_file_is_refused_wherever_it_lies(name, tmp_path, monkeypatch):
    monkeypatch.setenv("DCGAN_CACHE", str(tmp_path))
    (tmp_path / "extractors").mkdir()
    (tmp_path / "extractors" / name).write_bytes(b"no weights")
    with pytest.raises(DataError, match=r"not the Inception weights of 2015-12-05.*6726825d"):
        inception_extractor()
    with pytest.raises(DataError, match="not the Inception weights of 2015-12-05"):
        inception_extractor(tmp_path / "extractors" / name)


def test_a_file_that_is_not_there_is_asked_for(tmp_path, monkeypatch):
    monkeypatch.setenv("DCGAN_CACHE", str(tmp_path))
    with pytest.raises(DataError, match=r"no such file.*weights-inception-2015-12-05-6726825d.pth"):
        inception_extractor(tmp_path / "nowhere.pth")
    with pytest.raises(
        DataError, match=r"`download` to download them \(91 MB\).*https://github.com"
    ):
        inception_extractor()
    with pytest.raises(Unreachable, match="DCGAN_OFFLINE"):
        inception_extractor(download=True)
    assert not (tmp_path / "extractors").exists()


def test_a_download_is_kept_only_when_it_is_the_right_file(tmp_path, monkeypatch):
    published = tmp_path / "published.pth"
    published.write_bytes(b"weights")
    monkeypatch.setenv("DCGAN_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("DCGAN_OFFLINE")
    monkeypatch.setattr(inception_weights, "URL", published.as_uri())
    with pytest.raises(DataError, match="are damaged"):
        inception_weights.weights_file(None, download=True)
    assert list((tmp_path / "cache" / "extractors").iterdir()) == []
    digest = sha256(published)
    monkeypatch.setattr(inception_weights, "_CHECKSUM", digest[:8])
    path, found = inception_weights.weights_file(None, download=True)
    assert path.read_bytes() == b"weights" and found == digest
    published.unlink()
    assert inception_weights.weights_file(None, download=True)[0] == path  # not fetched again


def test_an_unreachable_server_is_said(tmp_path, monkeypatch):
    monkeypatch.setenv("DCGAN_CACHE", str(tmp_path))
    monkeypatch.delenv("DCGAN_OFFLINE")
    monkeypatch.setattr(inception_weights, "URL", (tmp_path / "nothing").as_uri())
    with pytest.raises(Unreachable, match=r"cannot be downloaded.*by hand"):
        inception_weights.weights_file(None, download=True)


def test_weights_of_another_network_are_refused(network, tmp_path, monkeypatch):
    stored = dict(network.state_dict())
    old = {name: value for name, value in stored.items() if "num_batches" not in name}
    load_published(network, old, "old.pth")  # files from before those counts are whole
    del stored["Mixed_7c.branch1x1.conv.weight"]
    with pytest.raises(DataError, match=r"other.pth: not the weights of Inception"):
        load_published(network, stored, "other.pth")


def test_code_in_a_weights_file_does_not_run(tmp_path):
    path = tmp_path / "evil.pth"

    class Evil:
        def __reduce__(self):
            return (open, (str(tmp_path / "ran"), "w"))

    torch.save({"fc.bias": Evil()}, path)
    with pytest.raises(DataError, match=r"evil\.pth"):
        inception_weights.read_weights(path)
    assert not (tmp_path / "ran").exists()
