"""Plausible wrong command lines: one line that says what to type instead, at once."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

MISTAKES = [
    ("train emojis", ["no such file", "'emoji'"]),
    ("train EMOJI/a", ["no such file", "'emoji/a'"]),
    ("train --data emoji --size 32", ["dcgan train emoji --size 32"]),
    ("train --optim adam", ["--optim.batch"]),
    ("train my images", ["dcgan train 'my images'"]),
    ("train emoji 5", ["'5' is one argument too many", "dcgan train emoji --minutes 5"]),
    ("train emoji --size 7", ["16 to 4096"]),
    ("train emoji --size big", ["HEIGHTxWIDTH"]),
    ("train emoji --batch many", ["--batch is 'many'", "a whole number"]),
    ("train emoji --data.channels rgba", ["1, 2, 3, 4 or auto"]),
    ("train emoji --precision fp16", ["auto, fp32 or bf16"]),
    ("train emoji --recipe papr", ["'paper'"]),
    ("train emoji --recipe runs/emoji-auto", ["runs/emoji-auto/config.yaml"]),
    ("train emoji --learning-rate 1", ["--optim.discriminator.lr or --optim.generator.lr"]),
    ("train emoji --resume yes", ["--resume is a switch"]),
    ("sample runs/emoji-auto --count 5", ["It is --number here"]),
    ("train emoji --minutes 5 --epochs 3", ["--epochs and --minutes are set. Use only one"]),
    ("train --resume --out runs/emoj", ["no run to resume", "'runs/emoji-auto'"]),
    ("sample runs/emoji", ["no such run folder", "'runs/emoji-auto'"]),
    ("sample emoji-auto", ["'runs/emoji-auto'"]),
    ("sample runs", ["holds some", "'runs/emoji-auto'"]),
    ("sample runs/emoji-auto/samples", ["part of a run", "'runs/emoji-auto'"]),
    ("sample runs/emoji-auto 100", ["'100'", "dcgan sample runs/emoji-auto -n 100"]),
    ("sample runs/emoji-auto a.png", ["dcgan sample runs/emoji-auto --out a.png"]),
    ("sample nowhere", ["newest runs are 'runs/emoji-auto'"]),
    ("sample", ["newest runs are 'runs/emoji-auto'"]),
    ("invert photo.png runs/emoji-auto", ["dcgan invert runs/emoji-auto photo.png"]),
    ("evaluate digits runs/emoji-auto", ["dcgan evaluate runs/emoji-auto digits"]),
    ("evaluate digits", ["a dataset", "dcgan train digits"]),
    ("probe runs/emoji-auto emojis", ["'emoji'"]),
    ("compare runs/emoji-auto runs/emoji", ["'runs/emoji-auto'"]),
    ("inspect emojis", ["'emoji'"]),
    ("inspect emoji --size 7", ["16 to 4096"]),
    ("prepare emoji", ["--out"]),
    ("prepare emoji --out packed --size 7", ["16 to 4096"]),
    ("emoji", ["dcgan train emoji"]),
    ("runs/emoji-auto", ["dcgan sample runs/emoji-auto"]),
    ("trian emoji", ["Did you mean 'train'?"]),
    ("generate runs/emoji-auto", ["Did you mean 'sample'?"]),
    ("xyz emoji", ["The commands are train, recipes"]),
]

SCRIPT = """
import contextlib, io, json, sys
from dcgan.cli.main import main
answers = []
for words in json.load(sys.stdin):
    sys.argv = ["dcgan", *words]
    said = io.StringIO()
    with contextlib.redirect_stderr(said):
        try:
            main()
        except SystemExit as ended:
            answers.append([ended.code, said.getvalue(), "torch" in sys.modules])
print(json.dumps(answers))
"""


@pytest.fixture(scope="module")
def answers(tmp_path_factory):
    """Exit code, message, and whether torch had to be imported for it, by command line."""
    place = tmp_path_factory.mktemp("place")
    for folder in ("emoji/a", "my images", "runs/emoji-auto/samples"):
        (place / folder).mkdir(parents=True)
    for file in ("photo.png", "runs/emoji-auto/config.yaml", "runs/emoji-auto/networks.json"):
        (place / file).touch()
    lines = [line for line, _ in MISTAKES]
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        input=json.dumps([line.split() for line in lines]),
        cwd=place,
        env=os.environ | {"PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        check=True,
        encoding="utf-8",
    )
    return dict(zip(lines, json.loads(done.stdout), strict=True))


@pytest.mark.parametrize(("line", "hints"), MISTAKES)
def test_a_mistake_is_answered_with_what_to_type(answers, line, hints):
    code, said, imported_torch = answers[line]
    assert code == 2
    assert len(said.strip().splitlines()) == 1, said
    for hint in hints:
        assert hint in said
    assert not imported_torch  # which takes seconds


@pytest.mark.parametrize("words", [["help"], ["--help"], ["-h"], []])
def test_help_is_the_overview(dcgan, words):
    code, out, _ = dcgan(*words)
    assert code == 0
    assert "Usage: dcgan COMMAND" in out
    assert "inspect" in out


def test_help_of_a_command(dcgan):
    code, out, _ = dcgan("help", "sample")
    assert code == 0
    assert "Usage: dcgan sample" in out


@pytest.mark.parametrize("word", ["version", "--version", "-v", "-V"])
def test_version(dcgan, word):
    import dcgan as package

    assert dcgan(word) == (0, f"{package.__version__}\n", "")
