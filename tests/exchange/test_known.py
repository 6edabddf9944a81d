"""Models whose layers are recognized: the import computes what the original computes."""

from __future__ import annotations

import json
from hashlib import sha256

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from tests.exchange.originals import (
    GanDiscriminator,
    GanGenerator,
    TheanoNorms,
    example_discriminator,
    example_generator,
    keras_discriminator,
    keras_generator,
    keras_images,
    keras_logits,
    lived_in,
    theano_generator,
    theano_images,
)

import dcgan
from dcgan.runs.run import open_run

CLOSE = {"rtol": 0, "atol": 1e-5}


def latents(count, width, seed=5):
    return torch.randn(count, width, generator=torch.Generator().manual_seed(seed))


def saved(module, path, *, wrapped=False):
    state = module.state_dict()
    if wrapped:
        state = {f"module.{name}": value for name, value in state.items()}
    torch.save(state, path)
    return path


def assert_same_images(run, original, width, shape=(1, 1)):
    latent_BZ = latents(4, width)
    expected = original(latent_BZ.reshape(4, -1, *shape) if shape else latent_BZ)
    torch.testing.assert_close(run.generator(latent_BZ), expected, **CLOSE)
    pixels = ((expected + 1) * 127.5).round().clamp(0, 255)
    # sampling folds batch norm, so a pixel may round the other way
    assert np.abs(run.generate(latent_BZ).astype(int) - pixels.numpy()).max() <= 1


@pytest.mark.parametrize("wrapped", [False, True])
@pytest.mark.parametrize(("nz", "ngf", "nc"), [(100, 8, 3), (30, 6, 1)])
def test_the_example_of_pytorch(tmp_path, nz, ngf, nc, wrapped):
    generator = lived_in(example_generator(nz, ngf, nc))
    discriminator = lived_in(example_discriminator(ngf, nc), 1)
    run = dcgan.import_model(
        saved(generator, tmp_path / "g.pth", wrapped=wrapped),
        saved(discriminator, tmp_path / "d.pth", wrapped=wrapped),
        out=tmp_path / "run",
    )
    assert_same_images(run, generator, nz)
    images = torch.rand(16, nc, 64, 64) * 2 - 1
    found = torch.sigmoid(run.discriminator(images))
    torch.testing.assert_close(found, discriminator(images).flatten(), **CLOSE)
    assert run.networks.latent.distribution == "normal"


@pytest.mark.parametrize(("size", "channels", "last_norm"), [(32, 1, True), (64, 3, False)])
def test_the_dcgan_of_pytorch_gan(tmp_path, size, channels, last_norm):
    generator = lived_in(GanGenerator(20, size, channels))
    discriminator = lived_in(GanDiscriminator(size, channels, last_norm=last_norm), 1)
    run = dcgan.import_model(
        saved(generator, tmp_path / "g.pth"),
        saved(discriminator, tmp_path / "d.pth"),
        out=tmp_path / "run",
    )
    assert_same_images(run, generator, 20, shape=None)
    images = torch.rand(16, channels, size, size) * 2 - 1
    found = torch.sigmoid(run.discriminator(images))
    torch.testing.assert_close(found, discriminator(images).flatten(), **CLOSE)


def test_names_in_another_order(tmp_path):
    """safetensors sorts names as text, and the order of a dictionary is anybody's."""
    generator = lived_in(example_generator())
    save_file(generator.state_dict(), tmp_path / "g.safetensors")
    run = dcgan.import_model(tmp_path / "g.safetensors", out=tmp_path / "run")
    assert_same_images(run, generator, 100)
    state = generator.state_dict()
    torch.save({name: state[name] for name in reversed(state)}, tmp_path / "g.pt")
    again = dcgan.import_model(tmp_path / "g.pt", out=tmp_path / "again")
    latent_BZ = latents(2, 100)
    assert torch.equal(again.generator(latent_BZ), run.generator(latent_BZ))


def test_other_files_with_names(tmp_path):
    generator = lived_in(example_generator())
    state = generator.state_dict()
    np.savez(tmp_path / "g.npz", **{name: value.numpy() for name, value in state.items()})
    torch.save({"epoch": 3, "netG": state}, tmp_path / "checkpoint.bin")
    double = {name: value.double() for name, value in state.items() if value.dim()}
    torch.save(double, tmp_path / "double.pth")
    torch.save({f"generator.{name}": one for name, one in state.items()}, tmp_path / "in.ckpt")
    for name in ("g.npz", "checkpoint.bin", "double.pth", "in.ckpt"):
        run = dcgan.import_model(tmp_path / name, out=tmp_path / f"run-{name}")
        assert_same_images(run, generator, 100)


# Arrays of other libraries ---------------------------------------------------------------------


def keras_run(tmp_path, name, write):
    weights, judge = keras_generator(), keras_discriminator()
    write(tmp_path / f"g{name}", weights)
    write(tmp_path / f"d{name}", judge)
    run = dcgan.import_model(tmp_path / f"g{name}", tmp_path / f"d{name}", out=tmp_path / "run")
    latent_BZ = latents(16, 10)
    expected = keras_images(weights, latent_BZ.numpy()).transpose(0, 3, 1, 2)
    np.testing.assert_allclose(run.generator(latent_BZ).numpy(), expected, **CLOSE)
    images = torch.rand(16, 1, 28, 28) * 2 - 1
    logits = keras_logits(judge, images.numpy().transpose(0, 2, 3, 1))
    np.testing.assert_allclose(run.discriminator(images).numpy(), logits, **CLOSE)
    return run


def test_the_tutorial_of_tensorflow_as_arrays(tmp_path):
    run = keras_run(tmp_path, ".npz", lambda path, weights: np.savez(path, *weights))
    latent_BZ = latents(16, 10)
    exact = (run.generator(latent_BZ) * 127.5 + 127.5).round().clamp(0, 255).numpy()
    assert np.abs(run.generate(latent_BZ).astype(int) - exact).max() <= 1


LAYERS = {
    16: [
        *("dense", "batch_normalization", "conv2d_transpose", "batch_normalization_1"),
        *("conv2d_transpose_1", "batch_normalization_2", "conv2d_transpose_2"),
    ],
    6: ["conv2d", "conv2d_1", "dense_1"],
}
"""The layers of the generator and the discriminator, by the number of their arrays."""


def by_layer(weights):
    rest = list(weights)
    for layer in LAYERS[len(weights)]:
        count = 4 if layer.startswith("batch") else 2 if len(weights) == 6 else 1
        own, rest = rest[:count], rest[count:]
        yield layer, own


@pytest.mark.parametrize("inside", ["", "model_weights"])
def test_files_of_keras_2(tmp_path, inside):
    h5py = pytest.importorskip("h5py")

    def write(path, weights):
        with h5py.File(path, "w") as file:
            group = file.create_group(inside) if inside else file
            group.attrs["layer_names"] = [name.encode() for name in LAYERS[len(weights)]]
            for layer, own in by_layer(weights):
                names = [f"{layer}/{chr(122 - number)}:0" for number in range(len(own))]
                group.create_group(layer).attrs["weight_names"] = names
                for name, array in zip(names, own, strict=True):
                    group[layer][name] = array

    keras_run(tmp_path, ".h5", write)


@pytest.mark.parametrize("inside", ["layers", "_layer_checkpoint_dependencies"])
def test_files_of_keras_3(tmp_path, inside):
    h5py = pytest.importorskip("h5py")

    def write(path, weights):
        with h5py.File(path, "w") as file:
            file["optimizer/vars/0"] = np.ones((10, 294), dtype=np.float32)
            for layer, own in by_layer(weights):
                # each model counts its own layers
                name = "dense" if layer == "dense_1" else layer
                for number, array in enumerate(own):
                    file[f"{inside}/{name}/vars/{number}"] = array

    keras_run(tmp_path, ".weights.h5", write)


def test_arrays_of_the_authors_get_statistics(tmp_path):
    """They are the averages of batch statistics over the latents of seed 0, 8 batches of 64."""
    weights = theano_generator()
    np.savez(tmp_path / "g.npz", *weights)
    notes = []
    reporter = type("Notes", (dcgan.Reporter,), {"note": lambda self, text: notes.append(text)})()
    run = dcgan.import_model(tmp_path / "g.npz", out=tmp_path / "run", reporter=reporter)
    assert run.networks.latent.distribution == "uniform"
    assert "512 latents" in notes[-1]
    norms = TheanoNorms()
    for batch in range(8):
        latent_BZ = run.networks.latent.numbered(0, 64 * batch, 64 * batch + 64)
        theano_images(weights, latent_BZ.numpy(), norms, training=True)
    latent_BZ = run.networks.latent.numbered(1, 0, 16)
    expected = theano_images(weights, latent_BZ.numpy(), norms, training=False)
    found = run.generator(latent_BZ).numpy().transpose(0, 2, 3, 1)
    np.testing.assert_allclose(found, expected, **CLOSE)


def test_a_discriminator_of_the_authors(tmp_path):
    random = np.random.default_rng(3)
    shapes = [(4, 3, 5, 5), (6, 4, 5, 5), (6,), (6,), (8, 6, 5, 5), (8,), (8,), (8 * 16, 1)]
    weights = [random.normal(0, 0.2, shape).astype(np.float32) for shape in shapes]
    np.savez(tmp_path / "g.npz", *theano_generator())
    np.savez(tmp_path / "d.npz", *weights)
    run = dcgan.import_model(tmp_path / "g.npz", tmp_path / "d.npz", out=tmp_path / "run")
    assert run.discriminator(torch.zeros(2, 3, 32, 32)).shape == (2,)
    # before the first norm: mirrored kernels
    image = torch.zeros(1, 3, 32, 32)
    image[0, 1, 16, 16] = 1
    first = run.discriminator.blocks[0].conv(image)
    torch.testing.assert_close(first[0, :, 7:10, 7:10], torch.tensor(weights[0][:, 1, ::2, ::2]))


# What the run folder holds ---------------------------------------------------------------------


def test_the_run_folder_says_where_the_weights_are_from(tmp_path):
    path = saved(lived_in(example_generator()), tmp_path / "g.pth")
    run = dcgan.import_model(path, out=tmp_path / "run")
    stored = json.loads((run.path / "run.json").read_text())
    imported = stored["imported"]
    assert imported["files"]["generator"] == {
        "path": str(path),
        "sha256": sha256(path.read_bytes()).hexdigest(),
    }
    assert "PyTorch" in imported["layers"]
    assert sorted(one.name for one in run.path.iterdir()) == [
        *("checkpoints", "config.yaml", "events.jsonl", "networks.json", "run.json", "samples")
    ]
    assert [one.name for one in (run.path / "checkpoints").iterdir()] == ["000000000"]
    assert open_run(run.path).images_seen == 0
