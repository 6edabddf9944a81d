"""A finished run opens without training code and gives the same images, always."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from base64 import b64decode
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from tests.conftest import SMALL

import dcgan
from dcgan.errors import CheckpointError, DataError, DcganError, RunError
from dcgan.metrics import Score
from dcgan.runs import dataset
from dcgan.runs.checkpoints import read_part
from dcgan.runs.dataset import held_out_name
from dcgan.runs.folder import RunFolder
from dcgan.runs.networks import Networks
from dcgan.runs.scores import Measured, write_best
from dcgan.training.planning.arguments import collect_settings


def test_samples_have_the_promised_form(small_run):
    images = small_run.sample(5, seed=3)
    assert images.shape == (5, 1, 16, 16)
    assert images.dtype == np.uint8
    assert not np.array_equal(images, small_run.sample(5, seed=4))
    assert small_run.sample(0).shape == (0, 1, 16, 16)


@pytest.mark.parametrize("count", [1, 63, 64, 65, 130])
def test_one_latent_gives_one_image_whatever_is_drawn_beside_it(small_run, count):
    assert np.array_equal(small_run.sample(count, seed=1), small_run.sample(200, seed=1)[:count])


def test_given_latents_are_drawn_as_numbered_ones(small_run):
    latents = small_run.networks.latent.numbered(5, 0, 10)
    assert np.array_equal(small_run.generate(latents), small_run.sample(10, seed=5))
    assert np.array_equal(small_run.generate(latents[3:4]), small_run.sample(10, seed=5)[3:4])


def test_the_generator_takes_latents_and_stays_as_it_is(small_run):
    before = {k: v.clone() for k, v in small_run.generator.state_dict().items()}
    out = small_run.generator(torch.randn(3, small_run.networks.latent.width))
    assert out.shape == (3, 1, 16, 16)
    assert out.abs().max() <= 1
    after = small_run.generator.state_dict()
    assert all(torch.equal(before[key], after[key]) for key in before)


def test_opening_a_run_imports_no_training_code(small_run):
    code = (
        "import sys, dcgan; dcgan.open_run(sys.argv[1]).sample(2);"
        "assert not [m for m in sys.modules if m.startswith(('dcgan.training', 'dcgan.config'))]"
    )
    subprocess.run([sys.executable, "-c", code, str(small_run.path)], check=True)


def test_checkpoints_are_chosen_by_name(small_run, tmp_path):
    copy = tmp_path / "run"
    shutil.copytree(small_run.path, copy)
    names = sorted(path.name for path in (copy / "checkpoints").iterdir())
    assert dcgan.open_run(copy).images_seen == 512
    assert dcgan.open_run(copy, checkpoint="last").checkpoint.name == names[-1]
    assert dcgan.open_run(copy, "last").checkpoint.name == names[-1]
    assert dcgan.open_run(copy, checkpoint=names[0].lstrip("0")).checkpoint.name == names[0]
    score = Score(metric="frechet_distance", value=1.0)
    write_best(dcgan.open_run(copy).folder, Measured(1, score, names[0]), by="training")
    assert dcgan.open_run(copy).checkpoint.name == names[0]
    with pytest.raises(CheckpointError, match="there are best, last"):
        dcgan.open_run(copy, checkpoint="7")
    (copy / "checkpoints" / "000000007").touch()
    with pytest.raises(CheckpointError, match="no checkpoint 7"):
        dcgan.open_run(copy, checkpoint="7")


def test_what_is_no_run_is_refused_in_one_line(small_run, tmp_path):
    with pytest.raises(RunError, match="no such run folder"):
        dcgan.open_run(tmp_path / "none")
    with pytest.raises(RunError, match=r"not a run folder: it has no networks\.json"):
        dcgan.open_run(tmp_path)
    copy = tmp_path / "run"
    shutil.copytree(small_run.path, copy)
    (copy / "networks.json").write_text("{}")
    with pytest.raises(RunError, match="damaged"):
        dcgan.open_run(copy)
    shutil.copy(small_run.folder.networks, copy / "networks.json")
    shutil.rmtree(copy / "checkpoints")
    with pytest.raises(CheckpointError, match="no checkpoint yet"):
        dcgan.open_run(copy)


def test_an_altered_checkpoint_is_not_opened(small_run, tmp_path):
    copy = tmp_path / "run"
    shutil.copytree(small_run.path, copy)
    weights = dcgan.open_run(copy).checkpoint / "ema.safetensors"
    data = bytearray(weights.read_bytes())
    data[-5] ^= 255
    weights.write_bytes(data)
    with pytest.raises(CheckpointError, match="SHA-256"):
        dcgan.open_run(copy)


def test_networks_survive_json(small_run):
    stored = json.loads(json.dumps(small_run.networks.to_json()))
    assert Networks.from_json(stored) == small_run.networks


def test_a_checkpoint_is_named_by_a_number_too(small_run):
    assert dcgan.open_run(small_run.path, checkpoint=512).images_seen == 512


@pytest.mark.parametrize(("source", "test"), [("mnist:train", "mnist:test"), ("digits", None)])
def test_what_was_never_copied_is_the_test_split_of_a_named_set(tmp_path, source, test):
    folder = RunFolder(tmp_path)
    folder.config.write_text(f"data: {{source: '{source}'}}\n", encoding="utf-8")
    assert held_out_name(folder) == test


def test_off_is_a_word_in_a_configuration_that_was_edited_by_hand(tmp_path):
    folder = RunFolder(tmp_path)
    folder.config.write_text("data: {source: digits, cache: off}\n", encoding="utf-8")
    assert dataset._data_section(folder).cache == "off"


def test_a_run_shows_itself_in_one_line(small_run, tmp_path):
    copy = tmp_path / "run"
    shutil.copytree(small_run.path, copy)
    best = Score(metric="frechet_distance", value=0.3912, baseline=0.041)
    write_best(RunFolder(copy), Measured(512, best, small_run.checkpoint.name), by="training")
    line = repr(dcgan.open_run(copy))
    assert line == (
        f"<Run {copy}: 512 images seen; best Fréchet distance 0.391; real images score 0.041;"
        " lower is better>"
    )
    (copy / "best.json").write_text("{")
    assert "damaged" in repr(dcgan.open_run(copy, checkpoint="last"))


def test_a_notebook_shows_the_sheet_and_the_verdict(small_run):
    html = small_run._repr_html_()
    assert html.count("<img") == 1
    assert "512 images seen" in html
    encoded = html.split("base64,")[1].split('"')[0]
    assert len(encoded) < 1_000_000  # a notebook keeps it in its file
    with Image.open(BytesIO(b64decode(encoded))) as shown:
        assert shown.format == "PNG"
        assert max(shown.size) <= 640


def test_a_notebook_shows_a_run_whose_weights_are_gone(small_run, tmp_path):
    copy = tmp_path / "<run>"
    shutil.copytree(small_run.path, copy)
    run = dcgan.open_run(copy)
    (run.checkpoint / "ema.safetensors").unlink()
    html = run._repr_html_()
    assert "&lt;run&gt;" in html
    assert "<img" not in html


def test_a_sheet_holds_the_samples(small_run):
    sheet = small_run.sheet(9, seed=4)
    assert sheet.mode == "L"
    factor = 4  # images of 16 pixels are enlarged to 64
    first = np.asarray(sheet)[2 : 2 + 16 * factor : factor, 2 : 2 + 16 * factor : factor]
    assert np.array_equal(first, small_run.sample(1, seed=4)[0, 0])


def test_the_discriminator_is_that_of_the_checkpoint(small_run):
    discriminator = small_run.discriminator
    stored = read_part(small_run.checkpoint, "discriminator")
    assert not discriminator.training
    assert all(
        torch.equal(value, stored[name]) for name, value in discriminator.state_dict().items()
    )
    images = small_run.generator(small_run.networks.latent.numbered(0, 0, 3))
    assert discriminator(images).shape == (3,)
    assert small_run.discriminator is discriminator


class _Place:
    """A path that is neither str nor Path, as os.PathLike allows."""

    def __init__(self, path):
        self._path = path

    def __fspath__(self):
        return str(self._path)


@pytest.mark.parametrize("as_given", [Path, _Place])
def test_any_path_is_taken_for_a_path(small_run, png_folder, tmp_path, as_given):
    place, packed = as_given(png_folder), as_given(tmp_path / "packed")
    assert len(dcgan.open_source(place)) == 10
    assert len(dcgan.prepare(place, packed, size=16, progress=False)) == 10
    recipe = tmp_path / "mine.yaml"
    recipe.write_text("data: {flip: true}\n")
    assert dcgan.config.load_recipe(as_given(recipe))["data"] == {"flip": True}
    run = dcgan.train(
        packed, recipe=as_given(recipe), images=32, out=as_given(tmp_path / "run"), **SMALL
    )
    opened = dcgan.open_run(as_given(run.path))
    dcgan.latent.write_samples(opened, 2, as_given(tmp_path / "a.png"))
    assert (tmp_path / "a.png").is_file()
    with pytest.raises(DataError, match="10 real images: at least 100"):
        opened.evaluate(place, extractor="random", data_root=as_given(tmp_path), progress=False)


def test_a_run_may_lie_below_the_home_folder(tmp_path, monkeypatch):
    """No shell expands the ~ of Python or of --out=~/run."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    run = dcgan.train("digits", images=32, out="~/run", **SMALL)
    assert run.path == tmp_path / "run"
    assert not any(Path().iterdir())
    assert dcgan.open_run("~/run").images_seen == 32
    again = dcgan.train(out="~/run", resume=True, progress=False)
    assert again.path == tmp_path / "run"
    asked = collect_settings(None, shortcuts={"init": "~/run"}, settings={})
    assert asked["start"]["weights"] == str(tmp_path / "run")


@pytest.mark.parametrize(
    ("call", "line"),
    [
        (lambda run: run.sample(-1), "`count` is -1: use 0 images or more"),
        (lambda run: run.sample(2.5), "`count` is 2.5: use a whole number"),
        (lambda run: run.sample(1, seed=-1), "`seed` is -1: use a whole number from 0 to 2^63 - 1"),
        (lambda run: run.sample(1, sed=1), "did you mean 'seed'?"),
        (lambda run: list(run.stream(-1)), "`count` is -1"),
        (lambda run: run.sample(1, codes={1: 3}), "`codes` is {1: 3}: this run has no codes"),
        (lambda run: run.generate(torch.zeros(4, 7)), "latents have shape (4, 7): this run needs"),
        (lambda run: run.generate(np.zeros((4, 7))), "ndarray of shape (4, 7): use a torch.Tensor"),
        (lambda run: run.sheet(0), "`count` is 0: use 1 image or more"),
        (lambda run: dcgan.open_run(run.path, device="gpu"), "`device` is 'gpu': not a device"),
        (lambda run: dcgan.open_run(run.path, checkpoint="lsat"), "Use `checkpoint=last`"),
        (lambda run: dcgan.evaluate([]), "`runs` is []: use one run or more"),
        (lambda run: dcgan.evaluate([5]), "`runs` is 5: use runs, such as dcgan.open_run(path)"),
        (lambda run: dcgan.evaluate(run, seed=-1), "`seed` is -1"),
    ],
)
def test_a_wrong_value_from_python_is_named(small_run, call, line):
    with pytest.raises(DcganError) as caught:
        call(small_run)
    assert line in str(caught.value)
    assert "--" not in str(caught.value)


def test_a_sheet_that_is_too_large_is_refused_before_images_are_generated(small_run):
    with pytest.raises(DataError, match="10000000 images"):
        small_run.sheet(10**7)  # which would take hours


def test_a_float_without_a_fraction_is_a_whole_number(small_run):
    assert len(small_run.sample(3.0)) == 3
