"""``dcgan export`` as typed, and commands on what it wrote."""

from __future__ import annotations

import os
import re

import pytest


def test_files_sizes_difference_and_use_are_printed(dcgan, small_run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, _ = dcgan("export", small_run.path, "--to", "weights")
    assert code == 0
    lines = out.splitlines()
    assert lines[0] == "weights        small-weights: weights, fp32, checkpoint 000000512"
    assert re.search(r"^  generator\.safetensors +\d+ kB$", out, re.MULTILINE)
    assert re.search(r"^largest difference from the run, on 100 latents: \S+ \(mean", out, re.M)
    assert lines[-2:] == [
        "  dcgan sample small-weights",
        "  dcgan.load('small-weights').sample(64)",
    ]
    # a second time, the first is kept
    _, out, _ = dcgan("export", small_run.path, "--to", "weights")
    assert out.startswith("weights        small-weights-2 (small-weights exists and is kept)")


def test_a_program_is_written_where_asked(dcgan, small_run, tmp_path):
    code, out, _ = dcgan("export", small_run.path, "--to", "torch", "--out", tmp_path / "a.pt2")
    assert code == 0
    assert (tmp_path / "a.pt2").is_file()
    assert f"network = torch.export.load('{tmp_path / 'a.pt2'}').module()" in out


@pytest.mark.skipif(os.name == "nt", reason="other shells quote otherwise")
def test_the_command_that_serves_a_page_can_be_pasted(dcgan, small_run, tmp_path):
    page = tmp_path / "my page"
    code, out, _ = dcgan("export", small_run.path, "--to", "web", "--out", page)
    assert code == 0
    assert out.splitlines()[-2] == f"  python -m http.server --directory '{page}'"


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["--to", "onxx"], "--to is 'onxx': no such format; did you mean 'onnx'?"),
        (["--to", "onnx", "--part", "both"], "--part is 'both': with --to onnx, use generator or"),
        (["--to", "torch", "--out", "a.pt"], "--out is 'a.pt': the file must end in .pt2"),
        (["--to", "onnx", "--license", "mit"], "only --to weights writes a model card"),
        (["--to", "onnx", "--checkpoint", "7"], "no checkpoint 7. Use --checkpoint"),
        ([], "--to is missing"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(dcgan, small_run, words, line):
    code, out, err = dcgan("export", small_run.path, *words)
    assert (code, out) == (2, "")
    assert line in err.splitlines()[-1]


@pytest.fixture(scope="module")
def model(small_run, tmp_path_factory):
    folder = tmp_path_factory.mktemp("exported") / "model"
    small_run.export("weights", folder, progress=False)
    return folder


@pytest.mark.parametrize(
    "words",
    [
        ["sample", "MODEL", "-n", "4", "--out", "OUT/a.png"],
        ["interpolate", "MODEL", "--out", "OUT/a.png"],
        ["arithmetic", "MODEL", "--plus", "1,2", "--minus", "3", "--out", "OUT/a.png"],
        ["health", "MODEL"],
        ["report", "MODEL", "--out", "OUT/a.html"],
        ["evaluate", "MODEL", "--number", "100", "--extractor", "random", "--out", "OUT"],
        ["export", "MODEL", "--to", "weights", "--out", "OUT/again"],
    ],
    ids=lambda words: words[0],
)
def test_commands_take_an_exported_model(dcgan, model, tmp_path, words):
    names = {"MODEL": str(model), "OUT": str(tmp_path)}
    typed = [re.sub("MODEL|OUT", lambda match: names[match[0]], word) for word in words]
    code, _, err = dcgan(*typed)
    assert code == 0, err


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["probe", "MODEL", "digits"], "holds no discriminator, which this needs"),
        (["train", "--out", "MODEL", "--resume"], "has no training state"),
        (["train", "digits", "--out", "MODEL"], "--recipe"),
    ],
)
def test_what_needs_more_says_so_in_one_line(dcgan, model, words, line):
    code, _, err = dcgan(*[str(model) if word == "MODEL" else word for word in words])
    assert code == 2
    assert line in err.splitlines()[-1]
