"""What is written: files, names, refusals."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shutil
import subprocess
from html import unescape
from typing import get_args

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load
from tests.conftest import Notes
from tests.exchange.web.tables import BY_HAND, networks
from torch import nn

import dcgan
from dcgan.errors import ConfigError, RunError
from dcgan.exchange.web import write_web
from dcgan.exchange.web.model_file import COMPONENTS, model_bytes, model_file
from dcgan.exchange.web.page import STATIC, single_script
from dcgan.exchange.web.program import half_precision
from dcgan.exchange.web.steps import compile_generator
from dcgan.latent.directions import Direction, factorised
from dcgan.latent.store import keep_direction
from dcgan.models import Generator
from dcgan.models.latents import LatentSpace
from dcgan.models.table import Layer
from dcgan.vocabulary import Activation, Interpolation, Norm, Operation

ASC = shutil.which("asc")


@pytest.fixture
def run(small_run, tmp_path):
    """A copy of a run, to change."""
    return dcgan.open_run(shutil.copytree(small_run.path, tmp_path / "run"))


def description(model):
    """The JSON in a model file."""
    length = int.from_bytes(model[:8], "little")
    return json.loads(json.loads(model[8 : 8 + length])["__metadata__"]["model"])


def test_the_folder_has_all_that_its_page_asks_for(small_run, tmp_path):
    page = write_web(small_run, tmp_path / "page")
    assert page == tmp_path / "page" / "index.html"
    asked = set(re.findall(r'(?:src|href)="([^"]+)"', page.read_text()))
    for script in page.parent.glob("*.js"):
        asked |= set(re.findall(r'^import .*"\./(.+)";', script.read_text(), re.MULTILINE))
    assert {"page.js", "explorer.js", "page.css"} <= asked
    there = {path.name for path in page.parent.iterdir()}
    assert there == asked | {"index.html", "engine.wasm", "model.safetensors"}
    with safe_open(page.parent / "model.safetensors", "pt") as file:
        assert json.loads(file.metadata()["model"])["format"] == "dcgan-web-2"


def test_a_path_is_opened_at_its_best_checkpoint(small_run, tmp_path):
    write_web(small_run.path, tmp_path / "page")
    written = (tmp_path / "page" / "model.safetensors").read_bytes()
    assert written == model_bytes(dcgan.open_run(small_run.path))


def test_the_folder_has_no_inline_script_or_style(small_run, tmp_path):
    text = write_web(small_run, tmp_path / "page").read_text()
    assert "<style" not in text and "style=" not in text
    assert re.findall(r"<script[^>]*>(.*?)</script>", text, re.DOTALL) == [""]
    policy = re.search(r'Content-Security-Policy" content="(.*?)"', text)[1]
    assert "unsafe-inline" not in policy and "'unsafe-eval'" not in policy


def test_the_single_file_allows_only_its_own_script_and_style(small_run, tmp_path):
    text = write_web(small_run, tmp_path / "page.html", single_file=True).read_text()
    policy = re.search(r'Content-Security-Policy" content="(.*?)"', text)[1]
    for tag in ('script type="module"', "style"):
        (inside,) = re.findall(rf"<{tag}>(.*?)</", text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(inside.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy
    assert "unsafe-inline" not in policy and "http" not in policy
    assert not re.search(r'(src|href)="', text)
    (model,) = re.findall(r'id="model">(.*?)</script>', text)
    assert base64.b64decode(model) == model_bytes(small_run)


def test_modules_join_to_one_script():
    script = single_script()
    assert not re.search(r"^\s*(import|export)\b", script, re.MULTILINE)
    names = re.findall(r"^(?:async )?(?:function|class|const) (\w+)", script, re.MULTILINE)
    assert len(names) == len(set(names))  # two of the same name would be an error
    assert "</script" not in script and "</style" not in (STATIC / "explorer.css").read_text()


def test_names_are_escaped(run, tmp_path):
    name = "<img src=x onerror=alert(1)>&\"'"
    evil = dcgan.open_run(run.path.rename(tmp_path / name))
    for single in (False, True):
        out = tmp_path / ("page.html" if single else "page")
        text = write_web(evil, out, single_file=single).read_text()
        assert "<img" not in text
        assert unescape(re.search(r"<h1>(.*?)</h1>", text)[1]) == name


def test_the_earlier_export_is_replaced(small_run, run, tmp_path):
    for out, single in ((tmp_path / "page", False), (tmp_path / "page.html", True)):
        page = write_web(small_run, out, single_file=single)
        old = page.read_bytes()
        (tmp_path / "page" / "notes.txt").write_text("mine")
        page.write_bytes(old.replace(b"<h1>", b"<h1>old"))
        assert write_web(small_run, out, single_file=single).read_bytes() == old
    assert (tmp_path / "page" / "notes.txt").read_text() == "mine"
    assert not list(tmp_path.rglob("*.part"))


@pytest.mark.parametrize("single", [False, True])
def test_nothing_else_is_overwritten(small_run, tmp_path, single):
    out = tmp_path / ("page.html" if single else "page")
    inside = out if single else out / "index.html"
    inside.parent.mkdir(exist_ok=True)
    inside.write_text("<!doctype html>mine")
    with pytest.raises(ConfigError, match="exists and is no exported page"):
        write_web(small_run, out, single_file=single)
    assert inside.read_text() == "<!doctype html>mine"


@pytest.mark.parametrize(
    ("out", "single", "words"),
    [
        ("page.html", False, "Use `single_file=True`"),
        ("page", True, "must be an .html file"),
        ("there", True, "must be an .html file"),
        ("folder.html", True, "exists and is no exported page"),
        ("file", False, "exists and is no exported page"),
    ],
)
def test_wrong_places_are_refused(small_run, tmp_path, out, single, words):
    (tmp_path / "folder.html").mkdir()
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match=words):
        write_web(small_run, tmp_path / out, single_file=single)


def test_saved_directions_come_before_components(run):
    vector = nn.functional.normalize(torch.arange(float(run.networks.latent.dim)), dim=0)
    keep_direction(run, Direction("slant", vector, "from two groups", {}))
    model = model_bytes(run)
    about = description(model)
    assert about["saved"] == [{"name": "slant", "about": "from two groups"}]
    assert len(about["components"]) == COMPONENTS
    stored = load(model)["directions"]
    torch.testing.assert_close(stored[0], vector)
    torch.testing.assert_close(
        stored[1:],
        factorised(run.generator, run.networks.latent, COMPONENTS),
        atol=1e-3,
        rtol=0,
    )


def test_components_are_those_of_the_first_layer_whatever_it_has():
    rows = [
        Layer(
            **{"operation": "conv_transpose", "channels": 4, "kernel": (5, 5)},
            **{"padding": (1, 0), "end_padding": (0, 2), "norm": "group", "norm_groups": 2},
        ),
        Layer(operation="conv", channels=1),
    ]
    case = networks(tuple(rows), LatentSpace(dim=7))
    generator = case.build_generator().eval()
    stored = load(model_file(case, generator, name="x", images_seen=0))["directions"]
    wanted = factorised(generator, case.latent, COMPONENTS)
    torch.testing.assert_close(stored, wanted, atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"checkpoint": "000000001"}, "belongs to checkpoint 000000001"),
        ({"vector": [1.0]}, "numbers"),
        ({"vector": "all"}, "vector"),
        ({"method": 3}, "method"),
    ],
)
def test_other_directions_are_left_out_with_a_note(run, change, words):
    vector = nn.functional.normalize(torch.ones(run.networks.latent.dim), dim=0)
    keep_direction(run, Direction("slant", vector, "from two groups", {}))
    path = run.folder.directions / "slant.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    notes = Notes()
    assert description(model_bytes(run, notes))["saved"] == []
    assert len(notes) == 1 and str(path) in notes[0] and words in notes[0]


def test_classes_without_names_get_numbers():
    case = networks(BY_HAND["planned"], LatentSpace(dim=4, classes=(0.5, 0.5)))
    model = model_file(case, case.build_generator().eval(), name="x", images_seen=0)
    assert description(model)["class_names"] == ["Class 0", "Class 1"]


def test_the_tables_have_every_layer():
    """So a new one is refused in a test, until the page has it."""
    rows = [row for table in BY_HAND.values() for row in table]
    assert {row.operation for row in rows} == set(get_args(Operation))
    assert {row.activation for row in rows} == set(get_args(Activation))
    assert {row.interpolation for row in rows} == set(get_args(Interpolation))
    norms = {name for norm in get_args(Norm) for name in norm.split("+")}
    assert {name for row in rows for name in row.norms} == norms - {"none"}
    for table in BY_HAND.values():
        compile_generator(networks(table, LatentSpace(dim=8)).build_generator().eval())


def test_an_unknown_operation_is_refused():
    generator = Generator([Layer(operation="linear", channels=4, reshape=(1, 2, 2))], latent_dim=3)
    generator.blocks[0].add_module("softplus", nn.Softplus())
    with pytest.raises(ConfigError, match=r"does not have the layer Softplus\. Use `to=onnx`"):
        compile_generator(generator)


def test_a_batch_dependent_image_is_refused():
    rows = [Layer(operation="conv_transpose", channels=1, kernel=(4, 4), minibatch_stddev=True)]
    with pytest.raises(
        ConfigError, match=r"`to` is 'web': the generator has minibatch_stddev.*`to=onnx`"
    ):
        compile_generator(Generator(rows, latent_dim=3))


@pytest.mark.parametrize(
    "settings", [{"groups": 2}, {"dilation": 2}, {"padding_mode": "circular", "padding": 1}]
)
def test_other_convolutions_are_refused(settings):
    generator = Generator([Layer(operation="conv", channels=2)], latent_dim=4)
    generator.blocks[0].conv = nn.Conv2d(4, 2, 1, **settings)
    with pytest.raises(ConfigError, match="of one group"):
        compile_generator(generator)


@pytest.mark.parametrize("part", ["weight", "bias"])
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_finite_are_refused(part, value):
    generator = Generator([Layer(operation="conv", channels=2)], latent_dim=4)
    getattr(generator.blocks[0].conv, part).data[0] = value
    with pytest.raises(RunError, match=r"not finite\. Choose another `checkpoint`"):
        compile_generator(generator)


def test_the_generator_is_not_changed():
    case = networks(BY_HAND["spectral"], LatentSpace(dim=8))
    generator = case.build_generator().eval()
    latent_BZ = torch.randn(2, 8)
    before = generator(latent_BZ)
    compile_generator(generator)
    assert torch.equal(generator(latent_BZ), before)


@pytest.mark.parametrize("size", [1e-30, 1e-6, 1.0, 32768.0, 1e30])
def test_weights_keep_eleven_bits_whatever_their_size(size):
    weight = size * torch.linspace(-1, 1, 1001)
    half, scale = half_precision(weight)
    assert half.dtype == torch.float16 and half.isfinite().all()
    relative = (half.double() * scale / weight.double() - 1).abs()
    assert relative[weight.abs() > size * 1e-6].max() <= 2**-11


def test_static_files_are_small():
    assert sum(path.stat().st_size for path in STATIC.iterdir()) < 100_000


@pytest.mark.skipif(ASC is None, reason="no AssemblyScript compiler, asc, in PATH")
def test_the_engine_is_built_from_its_source(tmp_path):
    makefile = (STATIC.parents[4] / "Makefile").read_text()
    wanted = re.search(r"assemblyscript@(\S+)", makefile)[1]
    version = subprocess.run([ASC, "--version"], capture_output=True, text=True, check=True)
    if wanted not in version.stdout:
        pytest.skip(f"asc is {version.stdout.strip()}, not {wanted}")
    for name in ("engine.ts", "asconfig.json"):
        shutil.copy(STATIC / name, tmp_path)
    subprocess.run([ASC], cwd=tmp_path, check=True)
    assert (tmp_path / "engine.wasm").read_bytes() == (STATIC / "engine.wasm").read_bytes()
