"""A run as a folder of weights opens like the run, and says nothing of its author's machine."""

from __future__ import annotations

import ast
import json
import re
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
import yaml
from PIL import Image
from safetensors.torch import load_file
from tests.exchange.conftest import KINDS, write_run

import dcgan
from dcgan.errors import CheckpointError, ConfigError, DcganError, RunError
from dcgan.exchange import weights
from dcgan.exchange.card import model_card
from dcgan.exchange.result import Difference
from dcgan.metrics import Score
from dcgan.runs.folder import RunFolder
from dcgan.runs.scores import Measured, write_best
from dcgan.runtime.reading import sha256


@pytest.fixture
def folder(runs, tmp_path):
    runs["plain"].export("weights", tmp_path / "model", progress=False)
    return tmp_path / "model"


def test_an_exported_model_opens_like_the_run(any_run, tmp_path):
    found = any_run.export("weights", tmp_path / "model", part="both", progress=False)
    opened = dcgan.load(found.path)
    assert found.difference.largest < 1e-6
    assert opened.images_seen == any_run.images_seen == 512
    assert opened.checkpoint_name == any_run.checkpoint_name == "000000512"
    for name in ("latent", "latent_shape", "image_shape", "scale", "class_names", "class_pooling"):
        assert getattr(opened.networks, name) == getattr(any_run.networks, name)
    latent = any_run.networks.latent.numbered(1, 0, 10)
    wanted = any_run.generator(latent)
    torch.testing.assert_close(opened.generator(latent), wanted, atol=1e-6, rtol=0)
    conditions = (
        [latent[:, any_run.networks.latent.class_slice]] if opened.networks.class_names else []
    )
    torch.testing.assert_close(
        opened.discriminator(wanted, *conditions), any_run.discriminator(wanted, *conditions)
    )
    assert np.abs(opened.sample(9, seed=2).astype(int) - any_run.sample(9, seed=2)).max() <= 1


def test_conditions_are_chosen_as_before(runs, tmp_path):
    runs["conditional"].export("weights", tmp_path / "model", progress=False)
    opened = dcgan.load(tmp_path / "model")
    chosen = {"label": "dog", "codes": {1: 3, 3: -0.5}}
    assert np.array_equal(opened.sample(4, **chosen), runs["conditional"].sample(4, **chosen))
    with pytest.raises(ConfigError, match="no such class"):
        opened.sample(1, label="dgo")


def test_the_run_itself_is_left_as_it_is(runs, tmp_path):
    run = runs["conditional"]
    before = {key: value.clone() for key, value in run.generator.state_dict().items()}
    run.export("weights", tmp_path / "model", progress=False)
    after = run.generator.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(before[key], after[key]) for key in before)


def test_half_precision_halves_weights_and_keeps_statistics(any_run, tmp_path):
    found = any_run.export("weights", tmp_path / "half", precision="fp16", progress=False)
    assert 0 < found.difference.largest < 0.01
    stored = load_file(tmp_path / "half" / "generator.safetensors")
    assert {value.dtype for value in stored.values() if value.dim() > 1} == {torch.float16}
    assert {v.dtype for k, v in stored.items() if "running_" in k} <= {torch.float32}
    images = dcgan.load(tmp_path / "half").sample(9).astype(int)
    assert np.abs(images - any_run.sample(9)).max() <= 2


def test_weights_too_large_for_half_precision_are_refused(tmp_path):
    run = write_run(tmp_path / "run", KINDS["plain"])
    run.generator.blocks[0].conv_transpose.weight.data[0] = 1e5
    with pytest.raises(ConfigError, match=r"`precision` is 'fp16': some weights .* Use fp32"):
        run.export("weights", tmp_path / "model", precision="fp16", progress=False)
    assert not (tmp_path / "model").exists()


def test_the_card_has_the_fields_that_the_hub_reads(tmp_path):
    run = write_run(tmp_path / "run", KINDS["conditional"])
    score = Score(metric="frechet_distance", value=1.2345, baseline=0.04, extractor="random:1a")
    write_best(run.folder, Measured(512, score, run.checkpoint_name), by="training")
    run.export("weights", tmp_path / "a [model]", license="mit", progress=False)
    card = (tmp_path / "a [model]" / "README.md").read_text(encoding="utf-8")
    front = yaml.safe_load(re.match(r"---\n(.*?)\n---\n", card, re.DOTALL)[1])
    assert front["license"] == "mit"
    assert front["library_name"] == "dcgan"
    assert {"dcgan", "gan", "conditional"} <= set(front["tags"])
    assert r"# a \[model\]" in card
    assert "photos, 1,234 images" in card
    assert "17×20 pixels (height × width), color" in card
    assert "| Fréchet distance | 1.234 | 0.04 | lower | random:1a |" in card
    assert 'label="cat"' in card
    with Image.open(tmp_path / "a [model]" / "samples.png") as sheet:
        assert sheet.format == "PNG"
    assert "Fréchet distance 1.23" in repr(dcgan.load(tmp_path / "a [model]"))


def test_the_label_on_the_card_is_what_python_reads(tmp_path):
    run = write_run(tmp_path / "run", KINDS["conditional"])
    names = ('\N{CAT FACE} "it\'s"', *run.networks.class_names[1:])
    run.networks = replace(run.networks, class_names=names)
    about = {"images_seen": 1, "precision": "fp32", "versions": {"dcgan": "1"}, "data": {}}
    card = model_card(run, about, name="a", licence="mit", sheet="a.png")
    label = re.search(r"label=(.*)\)\n", card)[1]
    assert ast.literal_eval(label) == names[0]


def test_a_score_of_another_checkpoint_is_not_taken(tmp_path):
    run = write_run(tmp_path / "run", KINDS["plain"])
    shutil.copytree(run.checkpoint, run.checkpoint.with_name("000000256"))
    score = Score(metric="frechet_distance", value=1.0)
    write_best(run.folder, Measured(256, score, "000000256"), by="training")
    run.export("weights", tmp_path / "model", progress=False)
    assert not (tmp_path / "model" / "best.json").exists()
    assert "no scores" in (tmp_path / "model" / "README.md").read_text()


def test_no_file_names_a_folder_of_the_author(folder):
    for path in folder.iterdir():
        content = path.read_bytes()
        assert b"/home/ann" not in content, path
        assert b"/data/sets" not in content, path
    settings = yaml.safe_load((folder / "config.yaml").read_text())
    assert settings["data"] == {"source": "photos", "root": "sets", "size": 16}


def test_an_address_is_published_without_its_password():
    stored = {"data": {"source": "https://ann:secret@example.org/a.zip?token=1"}, "list": ["~/a/b"]}
    assert weights.without_places(stored) == {
        "data": {"source": "https://example.org/a.zip"},
        "list": ["b"],
    }
    assert weights.without_places({"source": "file:///home/ann/a.zip"}) == {"source": "a.zip"}


def test_a_model_appears_only_when_it_is_complete(runs, tmp_path, monkeypatch):
    def fail(*_, **__):
        assert not (tmp_path / "model").exists()
        raise OSError("no more")

    monkeypatch.setattr(weights, "model_card", fail)
    with pytest.raises(OSError, match="no more"):
        runs["plain"].export("weights", tmp_path / "model", progress=False)
    assert list(tmp_path.iterdir()) == []


def test_a_difference_is_refused(runs, tmp_path, monkeypatch):
    monkeypatch.setattr(weights, "generator_difference", lambda *_: Difference(2e-4, 1e-5, 100))
    with pytest.raises(DcganError, match=r"differs from the run by 0\.0002, and at most 0\.0001"):
        runs["plain"].export("weights", tmp_path / "model", progress=False)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_in_use_is_refused(folder, runs):
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    for out, line in ((folder, "has files in it"), (folder / "README.md", "a file; the export")):
        with pytest.raises(ConfigError, match=line):
            runs["odd"].export("weights", out, progress=False)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_an_exported_model_is_exported_again_without_change(folder, tmp_path):
    dcgan.export(folder, "weights", tmp_path / "again")
    for name in ("generator.safetensors", "networks.json", "config.yaml", "model.json"):
        assert (tmp_path / "again" / name).read_bytes() == (folder / name).read_bytes(), name


def test_altered_files_are_refused(folder):
    path = folder / "generator.safetensors"
    content = bytearray(path.read_bytes())
    content[-5] ^= 255
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match="SHA-256"):
        dcgan.load(folder)


def test_odd_facts_about_the_images_are_left_out_of_the_card(folder, tmp_path):
    path = folder / "model.json"
    odd = {"data": {"source": ["<b>"], "count": "many"}}
    path.write_text(json.dumps(json.loads(path.read_text()) | odd))
    sums = json.loads((folder / "manifest.json").read_text()) | {"model.json": sha256(path)}
    (folder / "manifest.json").write_text(json.dumps(sums))
    dcgan.load(folder).export("weights", tmp_path / "again", progress=False)
    assert json.loads((tmp_path / "again" / "model.json").read_text())["data"] == {}
    assert "many" not in (tmp_path / "again" / "README.md").read_text()


@pytest.mark.parametrize("text", ["{", "[]", '{"images_seen": "many"}', '{"images_seen": -1}'])
def test_a_damaged_model_json_is_refused_in_one_line(folder, text):
    (folder / "model.json").write_text(text)
    with pytest.raises(CheckpointError) as caught:
        _ = dcgan.load(folder).images_seen
    assert "\n" not in str(caught.value)


def test_a_model_of_a_newer_format_is_refused(folder):
    stored = json.loads((folder / "model.json").read_text()) | {"format": 99}
    (folder / "model.json").write_text(json.dumps(stored))
    sums = json.loads((folder / "manifest.json").read_text())
    sums["model.json"] = sha256(folder / "model.json")
    (folder / "manifest.json").write_text(json.dumps(sums))
    with pytest.raises(CheckpointError, match="format 99"):
        _ = dcgan.load(folder).images_seen


def test_without_a_discriminator_what_needs_it_says_so(folder):
    with pytest.raises(CheckpointError, match=r"no discriminator.*`dcgan\.export\(RUN"):
        _ = dcgan.load(folder).discriminator


@pytest.mark.parametrize("resume", [False, True])
def test_training_into_it_is_refused(folder, resume):
    with pytest.raises(RunError, match="an exported model, which has no training state"):
        dcgan.train("digits", out=folder, resume=resume, images=64, progress=False)


def test_only_its_own_checkpoint_is_there(folder):
    for name in ("best", "last", 512):
        assert dcgan.open_run(folder, name).images_seen == 512
    with pytest.raises(CheckpointError, match=r"no checkpoint 7\. Use `checkpoint=512`"):
        dcgan.open_run(folder, 7)


@pytest.mark.parametrize(
    "kept", [{"ema.safetensors"}, {"ema.safetensors", "state.json", "manifest.json"}]
)
def test_a_run_stripped_to_the_averaged_weights_opens(runs, tmp_path, kept):
    shutil.copytree(runs["plain"].path, tmp_path / "run")
    for path in RunFolder(tmp_path / "run").latest_checkpoint().iterdir():
        if path.name not in kept:
            path.unlink()
    opened = dcgan.open_run(tmp_path / "run")
    assert opened.images_seen == 512
    assert np.array_equal(opened.sample(3), runs["plain"].sample(3))
    with pytest.raises(CheckpointError, match="no discriminator"):
        _ = opened.discriminator


def test_a_checkpoint_without_averaged_weights_does_not_open(runs, tmp_path):
    shutil.copytree(runs["plain"].path, tmp_path / "run")
    (RunFolder(tmp_path / "run").latest_checkpoint() / "ema.safetensors").unlink()
    with pytest.raises(CheckpointError, match="missing"):
        dcgan.open_run(tmp_path / "run")
