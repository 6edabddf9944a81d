"""DATA as a name or a path, and the answer to what is neither."""

from __future__ import annotations

from pkgutil import resolve_name

import pytest
from PIL import Image

from dcgan.data import open_source
from dcgan.errors import DataError, SourceNotFound
from dcgan.runtime.datasets import DATASETS


@pytest.mark.parametrize(
    ("wrong", "right"), [("digts", "digits"), ("mnits", "mnist"), ("shape", "shapes")]
)
def test_an_unknown_name_is_answered_with_the_nearest(wrong, right):
    with pytest.raises(SourceNotFound, match=f"{wrong}: no such file.*'{right}'"):
        open_source(wrong)


def test_a_missing_path_lists_the_names(tmp_path):
    with pytest.raises(SourceNotFound, match="digits, shapes, mnist, fashion-mnist"):
        open_source(str(tmp_path / "gone"))


@pytest.mark.parametrize("name", DATASETS)
def test_every_named_dataset_has_an_opener(name):
    assert callable(resolve_name(f"dcgan.data.sources.{DATASETS[name].opener}"))


@pytest.mark.parametrize("name", ["digits:test", "shapes:train"])
def test_sets_without_splits_say_so(name):
    with pytest.raises(SourceNotFound, match="no splits"):
        open_source(name)


def test_a_single_image_is_refused_with_the_cure(tmp_path):
    Image.new("L", (8, 8)).save(tmp_path / "a.png")
    with pytest.raises(DataError, match=r"a\.png: a single image.*into a folder"):
        open_source(str(tmp_path / "a.png"))


def test_a_path_may_begin_at_home(tmp_path, monkeypatch):
    (tmp_path / "pictures").mkdir()
    Image.new("L", (8, 8)).save(tmp_path / "pictures" / "a.png")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert open_source("~/pictures").title(0) == "a.png"
