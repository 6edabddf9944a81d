"""An ONNX file gives the images of the run, by ONNX Runtime and without dcgan."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from tests.exchange.conftest import CLASSES, KINDS, write_run

from dcgan.errors import ConfigError, DcganError
from dcgan.exchange import checks, onnx_file
from dcgan.exchange.standalone import inputs_in_words
from dcgan.models.table import Layer

pytest.importorskip("onnxscript")
onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")


@pytest.fixture(scope="module")
def written(runs, tmp_path_factory):
    """Write a file of a run, once for each choice; gives its session and the result."""
    folder, cache = tmp_path_factory.mktemp("onnx"), {}

    def write(kind, **options):
        key = (kind, *options.items())
        if key not in cache:
            path = folder / f"{len(cache)}.onnx"
            found = runs[kind].export("onnx", path, progress=False, **options)
            session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
            cache[key] = session, found
        return cache[key]

    return write


@pytest.mark.parametrize("kind", ["plain", "imported"])
@pytest.mark.parametrize("count", [1, 7])
def test_any_number_of_latents_gives_the_images_of_the_run(runs, written, kind, count):
    session, found = written(kind)
    latent = runs[kind].networks.latent.numbered(5, 0, count)
    (images,) = session.run(["image"], {"latent": latent.numpy()})
    assert images.dtype == np.uint8
    # not run.generate, whose batches are larger: with minibatch_stddev images depend on their batch
    wanted = runs[kind].networks.scale.denormalize(runs[kind].generator(latent)).numpy()
    assert np.abs(images.astype(int) - wanted).max() <= 1
    assert (images != wanted).mean() < 1e-3
    assert found.difference.largest < 1e-5
    assert found.difference.latents == 100


def test_labels_and_codes_are_inputs_with_names(runs, written):
    session, _ = written("conditional")
    run, random = runs["conditional"], np.random.default_rng(0)
    names = {one.name: (one.type, one.shape) for one in session.get_inputs()}
    assert names == {
        "latent": ("tensor(float)", ["batch", 6]),
        "label": ("tensor(int64)", ["batch"]),
        **dict.fromkeys(("code_1", "code_2"), ("tensor(int64)", ["batch"])),
        **dict.fromkeys(("code_3", "code_4"), ("tensor(float)", ["batch"])),
    }
    noise = random.standard_normal((3, 6)).astype(np.float32)
    label, code_1, code_2 = np.array([2, 0, 1]), np.array([3, 0, 1]), np.array([0, 1, 1])
    code_3, code_4 = np.float32([0.1, -1, 0.5]), np.float32([0.9, 0.2, -0.3])
    inputs = {"latent": noise, "label": label, "code_1": code_1, "code_2": code_2}
    (images,) = session.run(None, inputs | {"code_3": code_3, "code_4": code_4})
    # by hand: noise, then each number one-hot, then the continuous codes
    hot = [np.eye(n)[value] for n, value in ((3, label), (4, code_1), (2, code_2))]
    latent = np.concatenate([noise, *hot, code_3[:, None], code_4[:, None]], axis=1)
    wanted = run.generate(torch.from_numpy(latent.astype(np.float32)))
    assert np.abs(images.astype(int) - wanted).max() <= 1


def test_float_images_are_those_of_the_network(runs, written):
    session, _ = written("odd", pixels="float")
    latent = runs["odd"].networks.latent.numbered(5, 0, 3)
    (images,) = session.run(None, {"latent": latent.numpy()})
    np.testing.assert_allclose(images, runs["odd"].generator(latent).numpy(), atol=1e-5)


def test_the_file_says_what_it_needs(runs, written):
    session, found = written("conditional")
    about = session.get_modelmeta().custom_metadata_map
    assert about["dcgan_version"] and about["part"] == "generator" and about["size"] == "17x20"
    assert json.loads(about["pixel_scale"]) == runs["conditional"].networks.scale.to_json()
    assert json.loads(about["classes"]) == list(CLASSES)
    assert json.loads(about["class_shares"]) == [0.7, 0.2, 0.1]
    assert json.loads(about["codes"]) == {"categorical": [4, 2], "continuous": 2}
    assert (about["latent_dim"], about["latent_distribution"]) == ("6", "normal")
    model = onnx.load(found.path)
    onnx.checker.check_model(model)
    assert [(one.domain, one.version) for one in model.opset_import if not one.domain] == [("", 18)]
    assert (
        b"/work" not in found.path.read_bytes() and b"site-packages" not in found.path.read_bytes()
    )


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("conditional", {}),
        ("conditional", {"part": "discriminator"}),
        ("uniform", {"part": "discriminator", "pixels": "float"}),
        ("uniform", {}),
    ],
)
def test_each_input_is_explained_with_its_type(runs, written, kind, options):
    session, found = written(kind, **options)
    types = {"tensor(float)": "float32", "tensor(int64)": "int64", "tensor(uint8)": "uint8"}
    for line, given in zip(found.use[2:], session.get_inputs(), strict=True):
        shape = ", ".join(map(str, given.shape)).replace("batch", "B")
        shape += "," if len(given.shape) == 1 else ""
        assert line.startswith(f"# {given.name}: {types[given.type]} ({shape})")


def test_the_numbers_of_classes_and_codes_are_explained(written):
    _, found = written("conditional")
    latent, label, code_1, code_2, code_3, code_4 = (
        line.partition("), ")[2] for line in found.use[2:]
    )
    assert latent == "from N(0, 1)"
    assert label == "the number of a class, 0 to 2: cat to ﬁsh"
    assert (code_1, code_2) == ("0 to 3", "0 to 1")
    assert (code_3, code_4) == ("in [-1, 1]",) * 2
    _, found = written("uniform")
    assert found.use[2].endswith("), uniform in [-1, 1]")


def test_names_of_classes_that_are_their_numbers_are_not_repeated(runs):
    digits = replace(runs["conditional"].networks, class_names=("0", "1", "2"))
    label = inputs_in_words(digits, "generator", "uint8")[1]
    assert label == "# label: int64 (B,), the number of a class, 0 to 2"


def test_the_discriminator_gives_logits_and_features(runs, written):
    session, found = written("conditional", part="discriminator")
    run = runs["conditional"]
    latent = run.networks.latent.numbered(2, 0, 5)
    pixels = run.generate(latent)
    classes = latent[:, run.networks.latent.class_slice]
    image = run.networks.scale.normalize(torch.from_numpy(pixels))
    for label, given in (
        (classes.argmax(1).numpy(), (image, classes)),
        (-np.ones(5, int), (image,)),
    ):
        logits, features = session.run(["logits", "features"], {"image": pixels, "label": label})
        np.testing.assert_allclose(logits, run.discriminator(*given).numpy(), atol=1e-4, rtol=1e-5)
    np.testing.assert_allclose(features, run.discriminator.features(image).numpy(), atol=1e-4)
    assert found.difference.largest < 1e-5


def test_pixel_norm_of_zeros_is_zero(tmp_path):
    """Every second row and column of the image has no input. In fp16, where a small constant is
    zero as well, there is most to go wrong."""
    rows = (
        Layer(operation="conv_transpose", channels=4, kernel=(8, 8)),
        Layer(
            operation="conv_transpose", channels=2, stride=(2, 2), output_padding=(1, 1),
            bias=False, norm="pixel",
        ),
    )  # fmt: skip
    networks = replace(KINDS["uniform"], generator=rows)
    run = write_run(tmp_path / "run", networks)
    out = tmp_path / "model.onnx"
    run.export("onnx", out, precision="fp16", pixels="float", progress=False)
    session = onnxruntime.InferenceSession(out, providers=["CPUExecutionProvider"])
    (images,) = session.run(None, {"latent": np.ones((1, 8), np.float32)})
    assert (images[..., 1::2, :] == 0).all() and images.any()


def test_lower_precisions_are_smaller_and_say_how_wrong(written):
    sizes, errors = [], []
    for precision in ("fp32", "fp16", "int8"):
        _, found = written("plain", precision=precision)
        sizes.append(sum(found.sizes.values()))
        errors.append(found.difference.largest)
    assert sizes == sorted(sizes, reverse=True)
    assert errors == sorted(errors)
    assert 0 < errors[1] < 0.01 < errors[2] < 0.1


def test_a_file_that_computes_something_else_is_not_written(runs, tmp_path, monkeypatch):
    monkeypatch.setattr(checks, "TOLERANCE", 0)
    with pytest.raises(DcganError, match=r"model\.onnx: differs from the run by .*e-07"):
        runs["plain"].export("onnx", tmp_path / "model.onnx", pixels="float", progress=False)
    assert list(tmp_path.iterdir()) == []


def test_without_the_extra_the_packages_are_named(runs, tmp_path, monkeypatch):
    monkeypatch.setattr(onnx_file, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r'needs onnx, .*pip install "dcgan\[export\]"'):
        runs["plain"].export("onnx", tmp_path / "model.onnx", progress=False)
