"""Nothing in a file that somebody else made runs: each of these would leave a trace if it did."""

from __future__ import annotations

import io
import json
import pickle
import shutil
import struct
import warnings
import zipfile
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.conftest import SMALL, Notes
from torch import nn

import dcgan
from dcgan.config import load_recipe
from dcgan.data import open_source
from dcgan.errors import DcganError
from dcgan.metrics.extractors.inception_weights import read_weights
from dcgan.metrics.extractors.module import module_extractor


class Trace:
    """Unpickling it leaves a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


class Pooled(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(4, 3)

    def forward(self, pixels):
        return self.linear(torch.nn.functional.adaptive_avg_pool2d(pixels.float(), 2).flatten(1))


@pytest.fixture
def trace(tmp_path):
    path = tmp_path / "trace"
    yield path
    assert not path.exists(), "code of the file ran"


@pytest.fixture(scope="module")
def program():
    """The members of a harmless exported program."""
    file = io.BytesIO()
    pixels = torch.zeros(64, 1, 8, 8, dtype=torch.uint8)
    torch.export.save(torch.export.export(Pooled().eval(), (pixels,)), file)
    with zipfile.ZipFile(file) as archive:
        return {one.filename: archive.read(one) for one in archive.infolist()}


def pack(members, path):
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def member(members, end):
    return next(name for name in members if name.endswith(end))


def edited(members, end, edit):
    """The same program with one of its JSON files changed."""
    name = member(members, end)
    content = json.loads(members[name])
    edit(content)
    return members | {name: json.dumps(content).encode()}


def pickled(trace):
    buffer = io.BytesIO()
    torch.save({"tensor": Trace(trace)}, buffer)
    return buffer.getvalue()


def pickled_weight(members, trace):
    def edit(content):
        for about in content["config"].values():
            about["use_pickle"] = True

    members = edited(members, "model_weights_config.json", edit)
    return {name: pickled(trace) if "/weight_" in name else data for name, data in members.items()}


def earlier_weights(members, trace):
    return {
        "serialized_exported_program.json": members[member(members, "model.json")],
        "serialized_state_dict.pt": pickled(trace),
    }


def target(name, argument=None):
    """A graph that calls something else."""

    def change(members, trace):
        def edit(content):
            node = content["graph_module"]["graph"]["nodes"][0]
            node["target"] = name
            if argument is not None:
                text = {"as_string": argument.format(trace=trace)}
                node["inputs"] = [{"name": "filename", "arg": text, "kind": 1}]

        return edited(members, "models/model.json", edit)

    return change


EVIL_PROGRAMS = {
    "pickled weights": pickled_weight,
    "pickled weights of an earlier version": earlier_weights,
    "a function of Python": target("torch.os.system", "touch {trace}"),
    "a file that is mapped": target("torch.ops.aten.from_file.default", "{trace}"),
    "a file that is saved": target("torch.ops.aten.save.default", "{trace}"),
    "a name out of the namespace": target("torch.ops.aten.__class__.__init__"),
    "compiled code": lambda members, _: members | {"a/data/aotinductor/model/x.so": b"\x7fELF"},
}


@pytest.mark.parametrize("kind", EVIL_PROGRAMS)
def test_an_exported_program_that_would_run_code_is_refused_by_name(kind, program, trace, tmp_path):
    path = pack(EVIL_PROGRAMS[kind](program, trace), tmp_path / "evil.pt2")
    with pytest.raises(DcganError, match=r"evil\.pt2: cannot be used as an extractor: .*Export"):
        module_extractor(path)


def test_the_same_file_runs_code_when_pytorch_loads_it(program, tmp_path):
    """So that the test above tests something."""
    path = pack(pickled_weight(program, tmp_path / "trace"), tmp_path / "evil.pt2")
    with suppress(Exception):
        torch.export.load(path).module()
    assert (tmp_path / "trace").exists()


def evaluated(members, trace):
    """Sizes of such a file are Python to ``torch.export.load``."""

    def edit(content):
        values = content["graph_module"]["graph"]["tensor_values"]
        for about in values.values():
            about["sizes"] = [
                {"as_expr": {"expr_str": f"__import__('pathlib').Path({str(trace)!r}).touch()"}}
            ]

    return edited(members, "models/model.json", edit)


def renamed(members, trace):
    """Names of such a file become lines of Python in ``torch.export.load``."""
    content = members[member(members, "models/model.json")].decode()
    evil = f"pixels=__import__('pathlib').Path({str(trace)!r}).touch()"
    content = content.replace('"name": "pixels"', f'"name": {json.dumps(evil)}')
    return members | {member(members, "models/model.json"): content.encode()}


def sampled(members, trace):
    return members | {member(members, "sample_inputs/model.pt"): pickled(trace)}


@pytest.mark.parametrize("change", [evaluated, renamed, sampled])
def test_what_need_not_be_read_is_not_read(change, program, trace, tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (3, 1, 8, 8), dtype=np.uint8)
    plain = module_extractor(pack(program, tmp_path / "plain.pt2"))(images)
    changed = module_extractor(pack(change(program, trace), tmp_path / "changed.pt2"))(images)
    np.testing.assert_array_equal(changed.values, plain.values)


class Maps(nn.Module):
    def __init__(self, path: str):
        super().__init__()
        self.path = path

    def forward(self, pixels):
        return torch.from_file(self.path, shared=True, size=64).view(64, 1) + pixels.sum()


class MapsWhenLoaded(nn.Module):
    """Its own code runs when it is loaded."""

    def __init__(self, path: str):
        super().__init__()
        self.path = path

    @torch.jit.export
    def __getstate__(self):
        return (self.path, self.training)

    @torch.jit.export
    def __setstate__(self, state: tuple[str, bool]):
        self.training = state[1]
        found = torch.from_file(state[0], shared=True, size=4)
        self.path = state[0] if float(found.sum()) < 1 else ""

    def forward(self, pixels):
        return pixels.float().flatten(1)


@pytest.mark.parametrize("kind", [Maps, MapsWhenLoaded])
def test_torchscript_that_touches_files_is_refused(kind, trace, tmp_path):
    path = tmp_path / "evil.ts"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.jit.script(kind(str(trace))).save(path)
    with pytest.raises(DcganError, match="its code names 'from_file'"):
        module_extractor(path)


def test_a_pickled_module_is_refused(trace, tmp_path):
    for name in ("evil.pt", "evil.pt2", "evil.pth"):
        torch.save(Trace(trace), tmp_path / name)
        with pytest.raises(DcganError, match=name):
            if name == "evil.pth":
                read_weights(tmp_path / name)
            else:
                module_extractor(tmp_path / name)


def test_numpy_files_with_objects_are_refused(trace, tmp_path):
    array = np.array([Trace(trace)] * 3, dtype=object)
    np.save(tmp_path / "evil.npy", array, allow_pickle=True)
    np.savez(tmp_path / "evil.npz", images=array)
    (tmp_path / "plain.npy").write_bytes(pickle.dumps(Trace(trace)))
    for name in ("evil.npy", "evil.npz", "plain.npy"):
        with pytest.raises(DcganError, match=name):
            open_source(str(tmp_path / name))


@pytest.mark.parametrize(
    "line",
    [
        "seed: !!python/object/apply:pathlib.Path.touch [PATH]",
        "seed: !!python/object/new:os.system [touch PATH]",
        "seed: !!python/name:os.system ''",
        "!!python/module:os x: 1",
    ],
)
def test_tags_in_yaml_make_nothing(line, trace, tmp_path):
    path = tmp_path / "evil.yaml"
    path.write_text(line.replace("PATH", str(trace)))
    with pytest.raises(DcganError, match=r"evil\.yaml: not YAML"):
        load_recipe(str(path))


@pytest.mark.parametrize("length", [2**62, 2**31, 99_999_999])
def test_a_header_of_safetensors_that_claims_gigabytes(length, small_run, tmp_path):
    shutil.copytree(small_run.path, tmp_path / "run")
    for path in (tmp_path / "run" / "checkpoints").glob("*/ema.safetensors"):
        path.write_bytes(struct.pack("<Q", length) + b"{}")
        sums = json.loads((path.parent / "manifest.json").read_text())
        import hashlib

        sums[path.name] = hashlib.sha256(path.read_bytes()).hexdigest()
        (path.parent / "manifest.json").write_text(json.dumps(sums))
    with pytest.raises(DcganError, match=r"ema\.safetensors"):
        dcgan.open_run(tmp_path / "run").sample(1)


@pytest.mark.parametrize("key", ["data.source", "metrics.extractor"])
def test_a_file_outside_its_folder_that_a_recipe_names_is_said_before_it_is_opened(key, tmp_path):
    """Also when opening it fails."""
    (tmp_path / "there").mkdir()
    section, name = key.split(".")
    data = None if section == "data" else "digits"

    def said(file, data):
        recipe = tmp_path / "there" / "recipe.yaml"
        recipe.write_text(f"length: {{images: 64}}\n{section}: {{{name}: {file}}}\n")
        file.write_bytes(b"nothing")
        notes = Notes()
        with pytest.raises(DcganError, match=file.name):
            dcgan.train(data, recipe=str(recipe), out=tmp_path / "run", reporter=notes, **SMALL)
        return [line for line in notes if "outside its folder" in line]

    (line,) = said(tmp_path / "outside.npy", data)
    assert key in line and str(tmp_path / "outside.npy") in line
    assert said(tmp_path / "there" / "inside.npy", data) == []
