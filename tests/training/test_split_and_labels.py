"""Runs on one split, on labels from a file, and resumed where either has changed."""

from __future__ import annotations

import json
from copy import deepcopy

import numpy as np
import pytest
import yaml
from PIL import Image
from tests.conftest import SMALL, Notes

import dcgan
from dcgan.data import load_dataset, open_source
from dcgan.data.cache import Cache
from dcgan.errors import DataError


def put(folder, *names):
    random = np.random.default_rng(0)
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(random.integers(0, 256, (16, 16), dtype=np.uint8)).save(path)


@pytest.fixture
def folder(tmp_path):
    """Eight training images in two classes, four test images, and one beside them."""
    data = tmp_path / "data"
    put(data, *(f"train/{name}/{n}.png" for name in ("a", "b") for n in range(4)))
    put(data, *(f"test/{name}/{n}.png" for name in ("a", "b") for n in range(2)), "cover.png")
    return data


def train(folder, out, images, **data):
    arguments = deepcopy(SMALL) | {"batch": 4}
    arguments["settings"]["data"] = data
    notes = Notes()
    run = dcgan.train(
        str(folder), images=images, out=out, resume=out.exists(), reporter=notes, **arguments
    )
    return run, notes


def count(run) -> int:
    return json.loads(run.folder.provenance.read_text())["data"]["count"]


def test_the_training_split_is_trained_on_and_it_is_said(folder, tmp_path):
    run, lines = train(folder, tmp_path / "run", 8)
    assert count(run) == 8
    assert sum("splits (images): train 8, test 4" in line for line in lines) == 1
    assert yaml.safe_load(run.folder.config.read_text())["data"]["split"] == "auto"


def test_another_split_is_kept_by_the_run(folder, tmp_path):
    run, _ = train(folder, tmp_path / "run", 8, split="test")
    assert count(run) == 4
    longer, _ = train(folder, tmp_path / "run", 16)
    assert longer.images_seen == 16


def test_data_may_name_its_split(folder, tmp_path):
    run, _ = train(f"{folder}:test", tmp_path / "run", 8)
    stored = yaml.safe_load(run.folder.config.read_text())["data"]
    assert (stored["source"], stored["split"]) == (str(folder), "test")


def test_a_run_that_began_before_splits_were_read_says_how_to_resume(folder, tmp_path):
    out = tmp_path / "run"
    run, _ = train(folder, out, 8, split="all", labels="none")
    assert count(run) == 13
    provenance = json.loads(run.folder.provenance.read_text())
    del provenance["data"]["split"]
    run.folder.provenance.write_text(json.dumps(provenance))
    config = yaml.safe_load(run.folder.config.read_text())
    del config["data"]["split"], config["data"]["labels"]
    run.folder.config.write_text(yaml.safe_dump(config))
    with pytest.raises(DataError, match=r"`data\.split=all` and `data\.labels=none`"):
        train(folder, out, 16)
    resumed, _ = train(folder, out, 16, split="all", labels="none")
    assert resumed.images_seen == 16


def test_a_conditional_run_is_not_resumed_with_other_classes(tmp_path):
    data, out = tmp_path / "data", tmp_path / "run"
    put(data, *(f"{n}.png" for n in range(8)))
    table = data / "labels.csv"

    def labels(names):
        table.write_text("\n".join(["file,label", *(f"{n}.png,{names[n % 2]}" for n in range(8))]))

    def conditional(images):
        arguments = deepcopy(SMALL) | {"batch": 4}
        arguments["settings"]["model"]["condition"] = "label"
        return dcgan.train(str(data), images=images, out=out, resume=out.exists(), **arguments)

    labels(("red", "blue"))
    assert conditional(8).networks.class_names == ("blue", "red")
    labels(("red", "green"))
    with pytest.raises(DataError, match=r"other classes.*without blue and with green"):
        conditional(16)
    labels(("red", "blue"))
    assert conditional(16).images_seen == 16


def test_decoded_images_in_the_cache_get_the_labels_of_today(tmp_path):
    data = tmp_path / "data"
    put(data, *(f"{n}.png" for n in range(8)))
    (data / "7.png").write_bytes(b"broken")
    cache = Cache(tmp_path / "cache", 10**9)

    def names():
        dataset = load_dataset(open_source(str(data)), (16, 16), 1, max_unreadable=1, cache=cache)
        found = dataset.labels.get("label")
        return found and [found.names[value] for value in found.values]

    assert names() is None
    rows = (f"{n}.png,{'ab'[n % 2]}" for n in range(8))
    (data / "labels.csv").write_text("\n".join(["file,label", *rows]))
    assert names() == list("abababa")
    (data / "labels.csv").unlink()
    assert names() is None
