"""Plausible wrong command lines: one line that says what to type instead, at once."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from dcgan.runtime.arguments import newest_runs

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
    ("sample nowhere", ["newest run is 'runs/emoji-auto'"]),
    ("forget", ["newest run is 'runs/emoji-auto'"]),
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
    # the option and its value as typed
    ("train emoji --size 64*64", ["--size is '64*64': use a number or HEIGHTxWIDTH"]),
    ("train emoji --minutes 0", ["--minutes is 0: use a number above 0"]),
    ("sample runs/emoji-auto -n 0", ["-n is 0: use at least 1 image"]),
    ("sample runs/emoji-auto --out x.pgn", ["--out is 'x.pgn': use a folder, or a file"]),
    ("evaluate runs/emoji-auto --held-out nowhere", ["--held-out nowhere: no such file"]),
    ("train --model.latent.categorical 1", ["--model.latent.categorical is 1", "at least 2"]),
    # only what can be used is suggested
    ("train emojj", ["Did you mean 'emoji'?"]),
    ("train photo", ["digits, shapes", "lsun/CATEGORY, hub:OWNER/NAME"]),
    ("invert runs/emoji-auto --name x", ["invert has no option --name. (dcgan"]),
    ("train emoji --minuts 5", ["train has no option --minuts. Did you mean --minutes?"]),
    # what is missing
    ("probe runs/emoji-auto", ["DATA is missing. Use: dcgan probe runs/emoji-auto DATA"]),
    ("sample", ["RUN is missing. Use: dcgan sample RUN"]),
    ("interpolate runs/emoji-auto --out", ["--out needs a value. Use --out PATH"]),
    ("train emoji --minutes", ["--minutes needs a value. Use --minutes 10"]),
    ("compare runs/emoji-auto", ["two runs", "dcgan compare runs/emoji-auto RUN"]),
    # files, devices, checkpoints and directions, before torch is imported
    ("train photo.png", ["photo.png: a single image"]),
    ("train notes.txt", ["notes.txt: not a dataset. Use a folder, .zip"]),
    ("train all.rar", ["all.rar: a compressed file. Unpack it"]),
    ("train runs/emoji-auto", ["a run", "dcgan train --out runs/emoji-auto --resume"]),
    ("train emoji --device gpu", ["--device is 'gpu': not a device. Use cuda"]),
    ("sample runs/emoji-auto --device gpu", ["--device is 'gpu': not a device. Use cuda"]),
    (
        "evaluate runs/emoji-auto --checkpoint frist",
        ["no checkpoint frist", "Use --checkpoint best"],
    ),
    ("evaluate runs/emoji-auto --checkpoint 63", ["no checkpoint 63", "--checkpoint 64;", "640"]),
    (
        "sample runs/emoji-auto --checkpoint lsat",
        ["Use --checkpoint last; there are best, last, 64"],
    ),
    ("sample runs/emoji-auto --move smile=2", ["--move is 'smile=2'", "dcgan directions"]),
    ("directions runs/emoji-auto smile", ["NAME is 'smile'", "--reads brightness"]),
    ("interpolate runs/emoji-auto a.gif", ["dcgan interpolate runs/emoji-auto --out a.gif"]),
    ("interpolate runs/emoji-auto photo.png", ["dcgan invert runs/emoji-auto photo.png"]),
    ("invert runs/emoji-auto emoji", ["emoji: a folder. Use image files, such as emoji/*.png"]),
    ("compare runs/emoji-auto runs/emoji-auto", ["runs/emoji-auto is given twice"]),
    ("train emoji --recipe my.yml", ["--recipe is 'my.yml': no such file; did you mean 'my.yaml'"]),
    ("train emoji --recipe paper.yaml", ["did you mean the recipe 'paper'?"]),
    ("train --out emoji --resume", ["no run to resume: it holds a. Did you mean"]),
    ("train --out new --resume", ["it does not exist. To start a run there, leave out --resume"]),
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
    checkpoints = [f"runs/emoji-auto/checkpoints/{images:09d}" for images in (64, 640)]
    for folder in ("emoji/a", "my images", "runs/emoji-auto/samples", *checkpoints):
        (place / folder).mkdir(parents=True)
    for file in ("emoji.png", "notes.txt", "all.rar", "my.yaml"):
        (place / file).touch()
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


def test_several_newest_runs_are_named_in_the_plural(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert newest_runs() == ""
    for name in ("a", "b"):
        (tmp_path / "runs" / name).mkdir(parents=True)
        (tmp_path / "runs" / name / "config.yaml").touch()
    assert newest_runs().startswith("The newest runs are 'runs/")
