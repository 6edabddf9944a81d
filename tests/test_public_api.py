"""``docs/guide/python.md`` lists the public names, all of them and no others."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image

import dcgan

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "guide" / "python.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^## `([\w.]+)`\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL))
MODULES = ["dcgan", *sorted(name for name in SECTIONS if name != "dcgan")]


def names(table: str) -> list[str]:
    """The names in the first column of a table."""
    rows = re.findall(r"^\| (`[^|]*) \|", table, re.MULTILINE)
    return [name for row in rows for name in re.findall(r"`(\w+)(?:\(\))?`", row)]


def tables(module: str) -> list[str]:
    """The tables in the section of a module."""
    return re.findall(r"(?:^\|.*\n)+", SECTIONS[module], re.MULTILINE)


@pytest.mark.parametrize("module", MODULES)
def test_a_section_lists_what_its_module_exports(module):
    listed, exported = names(tables(module)[0]), import_module(module).__all__
    assert sorted(listed) == sorted(exported)


@pytest.mark.parametrize("module", MODULES)
def test_a_module_shows_its_exports_and_no_internals(module):
    found = import_module(module)
    public = [name for name in dir(found) if name != "__version__"]
    assert sorted(public) == sorted(found.__all__)
    for name in public:
        assert getattr(found, name) is not None


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'dcgan' has no attribute 'trian'"):
        _ = dcgan.trian


def test_every_public_module_has_a_section():
    modules = {one for one in dcgan.__all__ if isinstance(getattr(dcgan, one), ModuleType)}
    assert {f"dcgan.{name}" for name in modules} == set(MODULES) - {"dcgan"}


def test_a_run_has_the_methods_that_the_page_names(small_run):
    listed = names(tables("dcgan")[1])
    assert len(listed) > 10
    for name in listed:
        assert getattr(small_run, name) is not None
        is_method = callable(getattr(type(small_run), name, None))
        assert (f"`{name}()`" in tables("dcgan")[1]) == is_method, name


def test_the_page_shows_the_own_loop_as_it_is():
    loop = (ROOT / "examples" / "own_loop.py").read_text(encoding="utf-8")
    assert f"```python\n{loop}```\n" in PAGE


def test_the_page_links_every_example():
    for path in (ROOT / "examples").glob("*.py"):
        assert f"(../../examples/{path.name})" in PAGE, path.name


def test_the_first_lines_of_the_page_run(tmp_path, monkeypatch):
    pytest.importorskip("onnxscript")
    monkeypatch.chdir(tmp_path)
    Path("images").mkdir()
    for number, pixels in enumerate(np.random.default_rng(0).integers(0, 256, (120, 16, 16))):
        Image.fromarray(pixels.astype(np.uint8)).save(f"images/{number}.png")
    block = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)[0]
    found = {}
    exec(block.replace("minutes=10", "images=64, progress=False"), found)
    assert found["run"].images_seen == 64
    assert found["images"].shape == (64, 1, 16, 16)
    assert Path("sheet.png").is_file() and Path("model.onnx").is_file()


def test_what_the_page_says_of_recipes_and_networks(monkeypatch):
    (block,) = re.findall(r"## Recipes and networks\n\n```python\n(.*?)```", PAGE, re.DOTALL)
    monkeypatch.setattr(dcgan, "train", lambda *_, **__: None)  # there are no images here
    found = {"dcgan": dcgan}
    exec(block.replace("size=64", "size=16"), found)
    assert found["recipe"].optim.generator.betas == (0.0, 0.99)
    assert found["images"].shape == (8, 3, 16, 16)
    assert found["images"].abs().max() <= 1
    assert found["logits"].shape == (8,)
