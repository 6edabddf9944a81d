"""Files that cannot be imported: one line each, and no run folder."""

from __future__ import annotations

import io
import os
import pickle
import zipfile

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file
from tests.exchange.originals import example_discriminator, example_generator, keras_generator
from torch import nn

import dcgan
from dcgan.errors import ConfigError, DcganError, RunConflict, WeightsError
from dcgan.exchange.reading import read_weights


class Runs:
    """A pickle that makes a file when it is loaded."""

    def __init__(self, path) -> None:
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def refused(tmp_path, path, *others, like=None, error=WeightsError) -> str:
    """The message about files that are refused; nothing else may be left."""
    out = tmp_path / "runs" / "new"
    with pytest.raises(error) as caught:
        dcgan.import_model(path, *others, out=out, like=like)
    message = str(caught.value)
    assert len(message.splitlines()) == 1
    assert not out.exists()
    left = list(out.parent.iterdir()) if out.parent.exists() else []
    assert [one.name for one in left if not one.name.endswith("-table.yaml")] == []
    return message


def state(**changes):
    found = dict(example_generator(10, 4, 1).state_dict())
    for name, value in changes.items():
        found[name.replace("__", ".")] = value
    return {name: value for name, value in found.items() if value is not None}


def saved(content, path):
    torch.save(content, path)
    return path


def test_arrays_without_numbers_are_refused(tmp_path):
    """A layer of no channels has no size."""
    arrays = [one if one.ndim < 4 else one[..., :0] for one in keras_generator()]
    np.savez(tmp_path / "g.npz", *arrays)
    assert "is empty" in refused(tmp_path, tmp_path / "g.npz")
    path = saved(state(main__3__weight=torch.zeros(0, 16, 4, 4)), tmp_path / "g.pth")
    assert "main.3.weight is empty" in refused(tmp_path, path)


def test_a_name_with_a_raised_number_is_no_number(tmp_path):
    path = saved(
        {"main.²": torch.ones(1), "main.².weight": torch.ones(2, 2, 4, 4)}, tmp_path / "g.pt"
    )
    refused(tmp_path, path)
    save_file({"²": torch.ones(2), "main.1": torch.ones(2)}, tmp_path / "g.safetensors")
    refused(tmp_path, tmp_path / "g.safetensors")


@pytest.mark.parametrize("kind", [">f4", "<f8", np.longdouble, np.float16])
def test_numbers_of_every_kind_are_read(tmp_path, kind):
    values = np.array([[0.5, -2.0], [3.0, 0.25]])
    np.save(tmp_path / "a.npy", values.astype(kind))
    found = read_weights(tmp_path / "a.npy").tensors["a"]
    assert found.dtype == torch.float32
    assert found.tolist() == values.tolist()


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("suffix", [".pth", ".pt", ".bin"])
def test_a_pickle_that_would_run_code_is_not_run(tmp_path, suffix, zipped):
    made = tmp_path / "made"
    path = tmp_path / f"g{suffix}"
    torch.save({"main.0.weight": Runs(made)}, path, _use_new_zipfile_serialization=zipped)
    assert "torch.save(model.state_dict()" in refused(tmp_path, path)
    path.write_bytes(pickle.dumps(Runs(made)))
    assert "torch.save(model.state_dict()" in refused(tmp_path, path)
    assert not made.exists()
    # the file does what it is meant to do where it is trusted
    pickle.loads(path.read_bytes())
    assert made.exists()


def test_arrays_that_are_pickles_are_not_run(tmp_path):
    made = tmp_path / "made"
    objects = np.empty(1, dtype=object)
    objects[0] = Runs(made)
    np.save(tmp_path / "g.npy", objects, allow_pickle=True)
    np.savez(tmp_path / "g.npz", a=objects, allow_pickle=True)
    for name in ("g.npy", "g.npz"):
        assert "numpy.savez(" in refused(tmp_path, tmp_path / name)
    (tmp_path / "g.jl").write_bytes(pickle.dumps(Runs(made)))
    assert "numpy.savez(" in refused(tmp_path, tmp_path / "g.jl")
    assert not made.exists()


def test_a_whole_module_says_how_to_save_its_state_dict(tmp_path):
    message = refused(tmp_path, saved(example_generator(10, 4, 1), tmp_path / "g.pth"))
    assert "torch.save(model.state_dict(), 'weights.pth')" in message


def test_a_program_says_how_to_save_its_state_dict(tmp_path):
    path = tmp_path / "g.pt"
    with zipfile.ZipFile(path, "w") as archive:  # as far as PyTorch looks
        archive.writestr("g/constants.pkl", b"")
        archive.writestr("g/data.pkl", b"")
        archive.writestr("g/version", b"3")
        archive.writestr("g/code/__torch__.py", b"")
    assert "torch.save" in refused(tmp_path, path)


def test_half_a_file(tmp_path):
    torch.save(state(), tmp_path / "a.pth")
    torch.save(state(), tmp_path / "b.pth", _use_new_zipfile_serialization=False)
    save_file(state(), tmp_path / "c.safetensors")
    np.savez(tmp_path / "d.npz", *keras_generator())
    np.save(tmp_path / "e.npy", keras_generator()[0])
    for path in sorted(tmp_path.iterdir()):
        whole = path.read_bytes()
        for part in (0, 1, 5, len(whole) // 2, len(whole) - 1):
            path.write_bytes(whole[:part])
            message = refused(tmp_path, path)
            assert str(path) in message and "again" in message


@settings(max_examples=60, deadline=None)
@given(
    content=st.binary(max_size=300),
    suffix=st.sampled_from([".pth", ".pt", ".bin", ".safetensors", ".npz", ".npy", ".h5"]),
    begin=st.sampled_from([b"", b"PK\x03\x04\x14\x00", b"\x80\x02", b"\x93NUMPY\x01\x00"]),
)
def test_any_bytes_are_refused_in_one_line(tmp_path_factory, content, suffix, begin):
    folder = tmp_path_factory.mktemp("bytes")
    path = folder / f"g{suffix}"
    path.write_bytes(begin + content)
    refused(folder, path)


def test_a_zip_that_is_none_of_ours(tmp_path):
    for name in ("g.pth", "g.npz"):
        with zipfile.ZipFile(tmp_path / name, "w") as archive:
            archive.writestr("readme.txt", "hello")
        refused(tmp_path, tmp_path / name)


def test_files_of_no_known_kind(tmp_path):
    assert "no such file" in refused(tmp_path, tmp_path / "no.pth")
    (tmp_path / "weigths.pth").touch()
    assert "weigths.pth" in refused(tmp_path, tmp_path / "weights.pth")
    assert "a folder" in refused(tmp_path, tmp_path)
    for name, hint in [("g.onnx", ".safetensors"), ("g.keras", "save_weights")]:
        (tmp_path / name).touch()
        assert hint in refused(tmp_path, tmp_path / name)


def test_what_is_no_state_dict(tmp_path):
    path = tmp_path / "g.pth"
    for content in ([torch.zeros(2)], {"epoch": 3}, 7, {}, {"optimizer": {"state": {}}}):
        assert "state_dict" in refused(tmp_path, saved(content, path))
    both = {"netG": state(), "netD": state()}
    message = refused(tmp_path, saved(both, path))
    assert "'netG', 'netD'" in message and "torch.load(path)['netG']" in message


def test_one_state_dict_of_both_networks(tmp_path):
    both = {f"generator.{name}": one for name, one in state().items()}
    both |= {f"discriminator.{name}": one for name, one in state().items()}
    message = refused(tmp_path, saved({"state_dict": both}, tmp_path / "model.ckpt"))
    assert "torch.save(model.generator.state_dict()" in message


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"main__0__weight": torch.full((10, 32, 4, 4), float("nan"))}, ["main.0.weight", "NaN"]),
        ({"main__0__weight": torch.zeros(10, 32, 4, 4, dtype=torch.complex64)}, ["complex"]),
        ({"main__0__weight": torch.eye(3).to_sparse()}, ["not a plain array"]),
        ({"main__4__weight": None}, ["main.4.weight is missing"]),
        ({"main__0__weight_g": torch.zeros(3)}, ["weight norm", "remove_weight_norm"]),
        ({"main__0__kernel": torch.zeros(3)}, ["main.0.kernel", "not a weight"]),
        ({"main__0__weight": torch.zeros(1, 1, 1, 1, 1)}, ["5 axes"]),
    ],
)
def test_tensors_that_no_layer_has(tmp_path, changes, words):
    message = refused(tmp_path, saved(state(**changes), tmp_path / "g.pth"))
    assert all(word in message for word in words), message


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"main__3__weight": torch.zeros(32, 16, 3, 4)}, ["main.3.weight is 32×16×3×4", "row 2"]),
        ({"main__1__running_var": None}, ["main.1.running_var is missing", "row 1"]),
        ({"main__1__running_mean": torch.zeros(31)}, ["main.1.running_mean is 31"]),
        ({"main__0__bias": torch.zeros(32)}, ["row 1", "main.0.bias"]),
        ({"main__12__weight": None}, ["4 layers", "5", "row 5"]),
        ({"main__20__weight": torch.zeros(1, 1, 3, 3)}, ["6 layers", "main.20.weight"]),
        ({"main__13__weight": torch.zeros(4)}, ["5 norms", "main.13.weight"]),
        (
            {
                "main__0__weight": None,
                "main__0__weight_orig": torch.zeros(10, 32, 4, 4),
                "main__0__weight_u": torch.zeros(32),
                "main__0__weight_v": torch.zeros(160),
            },
            ["main.0.weight", "spectral norm"],
        ),
    ],
)
def test_weights_that_do_not_fit_the_table(tmp_path, changes, words):
    """The layers of the example, told by a table, and one thing that is otherwise in the file."""
    rows = [{"conv_transpose": 32, "kernel": 4, "norm": "batch", "bias": False}]
    for made in (16, 8, 4):
        rows.append({**rows[0], "conv_transpose": made, "stride": 2, "padding": 1})
    rows.append({**rows[-1], "conv_transpose": 1, "norm": "none", "activation": "tanh"})
    table = tmp_path / "table.yaml"
    model = {"latent": {"dim": 10}, "generator": {"layers": rows}}
    table.write_text(str({"model": model}).replace("False", "false"))
    message = refused(tmp_path, saved(state(**changes), tmp_path / "g.pth"), like=table)
    assert all(word in message for word in words), message
    assert "like" in message


def test_the_wrong_recipe(tmp_path):
    path = saved(state(), tmp_path / "g.pth")
    message = refused(tmp_path, path, like="lsun-church")
    assert "main.0.weight is 10×32×4×4" in message and "100×1024×4×4" in message
    assert "did you mean 'paper'" in refused(tmp_path, path, like="papr", error=ConfigError)
    assert "own TABLE.yaml" in refused(tmp_path, path, like="auto", error=ConfigError)
    judge = saved(example_discriminator(4, 1).state_dict(), tmp_path / "d.pth")
    message = refused(tmp_path, judge, path, like="small-mnist")
    assert "does not fit the generator" in message


def test_the_files_in_the_wrong_order(tmp_path):
    judge = saved(example_discriminator(4, 1).state_dict(), tmp_path / "d.pth")
    refused(tmp_path, judge, saved(state(), tmp_path / "g.pth"))


def test_arrays_of_no_known_program(tmp_path):
    weights = keras_generator()
    np.savez(tmp_path / "g.npz", *weights[:-1])
    assert "TABLE.yaml" in refused(tmp_path, tmp_path / "g.npz")
    message = refused(tmp_path, tmp_path / "g.npz", like="small-mnist")
    assert "g.npz" in message and "row 1" in message


def test_an_array_too_many_or_too_few(tmp_path):
    np.savez(tmp_path / "g.npz", np.zeros((100, 2), dtype=np.float32))
    refused(tmp_path, tmp_path / "g.npz", like="mlp-mnist")


def test_a_small_file_of_large_arrays(tmp_path, monkeypatch):
    buffer = io.BytesIO()
    np.savez_compressed(buffer, np.zeros((1000, 1000), dtype=np.float32))
    (tmp_path / "g.npz").write_bytes(buffer.getvalue())
    monkeypatch.setattr("dcgan.runtime.memory.available_memory", lambda: 10**6)
    assert "4.0 MB of memory" in refused(tmp_path, tmp_path / "g.npz")


def test_files_of_keras_that_lead_elsewhere(tmp_path, monkeypatch):
    h5py = pytest.importorskip("h5py")
    secret = tmp_path / "secret.bin"
    secret.write_bytes(b"\0" * 400)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("layers/dense/vars/0", (10, 10), "f4", external=[(secret, 0, 400)])
    assert "another file" in refused(tmp_path, tmp_path / "a.h5")
    with h5py.File(tmp_path / "b.h5", "w") as file:
        file["layers/dense/vars/0"] = h5py.ExternalLink(tmp_path / "a.h5", "layers")
    assert "no arrays" in refused(tmp_path, tmp_path / "b.h5")
    with h5py.File(tmp_path / "c.h5", "w") as file:
        file.create_dataset("layers/dense/vars/0", (10**6, 10**6), "f4", chunks=True)
    assert "of memory" in refused(tmp_path, tmp_path / "c.h5")


def test_a_folder_in_use_is_not_changed(tmp_path):
    path = saved(state(), tmp_path / "g.pth")
    out = tmp_path / "out"
    out.mkdir()
    run = dcgan.import_model(path, out=out)
    before = {one: one.read_bytes() for one in run.path.rglob("*") if one.is_file()}
    with pytest.raises(RunConflict, match="not empty"):
        dcgan.import_model(path, out=out)
    assert {one: one.read_bytes() for one in run.path.rglob("*") if one.is_file()} == before


def test_a_failure_while_writing_leaves_nothing(tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("dcgan.exchange.run_folder.write_checkpoint", full)
    path = saved(state(), tmp_path / "g.pth")
    with pytest.raises((DcganError, OSError)):
        dcgan.import_model(path, out=tmp_path / "runs" / "new")
    assert list((tmp_path / "runs").iterdir()) == []


def test_a_discriminator_for_other_images(tmp_path):
    judge = saved(example_discriminator(4, 3).state_dict(), tmp_path / "d.pth")
    message = refused(tmp_path, saved(state(), tmp_path / "g.pth"), judge)
    assert "main.0.weight is 4×3×4×4" in message and "4×1×4×4" in message
    linear = saved(nn.Sequential(nn.Linear(5, 1)).state_dict(), tmp_path / "l.pth")
    assert "-table.yaml" in refused(tmp_path, tmp_path / "g.pth", linear)


def test_a_tensor_that_repeats_itself_without_end(tmp_path):
    """A tensor may be larger than the file that holds it."""
    path = saved(state(main__0__weight=torch.zeros(1).expand(10**9, 10**4)), tmp_path / "g.pth")
    assert path.stat().st_size < 10**6
    assert "of memory" in refused(tmp_path, path)
