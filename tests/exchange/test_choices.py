"""Options that a format does not take are refused, with what it takes."""

from __future__ import annotations

import pytest

import dcgan
from dcgan.errors import ConfigError


@pytest.mark.parametrize(
    ("to", "options", "line"),
    [
        ("onxx", {}, "`to` is 'onxx': no such format; did you mean 'onnx'?"),
        ("pickle", {}, "choose one of weights, onnx, torch, web"),
        ("onnx", {"part": "both"}, "with `to=onnx`, use generator or discriminator"),
        ("weights", {"part": "discriminator"}, "with `to=weights`, use generator or both"),
        ("weights", {"precision": "int8"}, "with `to=weights`, use fp32 or fp16"),
        ("torch", {"precision": "bf16"}, "with `to=torch`, use fp32 or fp16"),
        ("weights", {"pixels": "float"}, "`pixels` is 'float': `to=weights` does not take it"),
        ("web", {"precision": "fp16"}, "`to=web` does not take it"),
        ("onnx", {"license": "mit"}, "only `to=weights` writes a model card"),
        ("onnx", {"single_file": True}, "only for `to=web`"),
        ("onnx", {"out": "model.pt2"}, "the file must end in .onnx"),
        ("torch", {"out": "model"}, "the file must end in .pt2"),
        ("weights", {"prt": "both"}, "did you mean 'part'?"),
    ],
)
def test_a_wrong_option_is_named(runs, to, options, line):
    with pytest.raises(ConfigError) as caught:
        dcgan.export(runs["plain"], to, **options)
    assert line in str(caught.value)


def test_a_missing_web_export_is_said(runs, tmp_path, monkeypatch):
    monkeypatch.setattr("dcgan.exchange.write.find_spec", lambda name: None)
    with pytest.raises(ConfigError, match="no web export"):
        dcgan.export(runs["plain"], "web", tmp_path / "page")


def test_the_web_export_gets_what_was_asked_for(runs, tmp_path, monkeypatch):
    asked = {}

    class Web:
        @staticmethod
        def write_web(run, out, *, single_file, reporter):
            asked.update(run=run, out=out, single_file=single_file)
            out.write_text("<html>")

    monkeypatch.setattr("dcgan.exchange.write.find_spec", lambda name: name)
    monkeypatch.setattr("dcgan.exchange.write.import_module", lambda name: Web)
    found = runs["plain"].export("web", tmp_path / "page.html", single_file=True, progress=False)
    assert asked == {"run": runs["plain"], "out": tmp_path / "page.html", "single_file": True}
    assert found.sizes == {"page.html": 6}


def test_without_out_the_name_is_that_of_the_run(runs, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert dcgan.export(runs["odd"].path, "weights").path.name == "odd-weights"
    assert (tmp_path / "odd-weights" / "generator.safetensors").is_file()
