"""Commands without ``--out`` keep existing files, and say so."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from dcgan.cli.output import choose_output


def test_the_default_name_is_numbered_if_it_is_taken(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert str(choose_output(None, "a.b.png")) == "a.b.png"
    for name in ("a.b.png", "a.b-2.png"):
        Path(name).touch()
    assert str(choose_output(None, "a.b.png")) == "a.b-3.png (a.b.png exists and is kept)"
    assert str(choose_output(Path("a.b.png"), "x.png")) == "a.b.png"


def test_a_tilde_is_the_home_folder_also_after_an_equals_sign(tmp_path, monkeypatch):
    monkeypatch.setattr(Path, "expanduser", lambda path: tmp_path / path.relative_to("~"))
    assert choose_output(Path("~/a.png"), "x.png").path == tmp_path / "a.png"


@pytest.mark.parametrize(
    ("words", "name"),
    [
        (["sample", "RUN", "-n", 4], "samples.png"),
        (["interpolate", "RUN", "--frames", 4], "interpolate.gif"),
        (["interpolate", "RUN", "--kind", "grid", "--frames", 4], "interpolate.png"),
        (["arithmetic", "RUN", "--plus", "1,2"], "arithmetic.png"),
        (["invert", "RUN", "--starts", 1], "invert.png"),
        (["directions", "RUN", "way-1"], "way-1.png"),
        (["compare", "RUN", "OTHER", "-n", 0], "compare.html"),
        (["inspect", "digits", "--limit", 60], "digits-inspect.png"),
    ],
)
def test_no_command_replaces_a_file_that_was_not_named(
    dcgan, small_run, tmp_path, monkeypatch, words, name
):
    monkeypatch.chdir(tmp_path)
    run, other = (shutil.copytree(small_run.path, tmp_path / one) for one in ("run", "other"))
    if words[0] == "directions":
        found = dcgan("directions", run, "way", "--method", "pca", "--count", 1, "--out", "x.png")
        assert found[0] == 0, found[2]
    kept = Path(name)
    kept.write_text("precious")
    words = [{"RUN": run, "OTHER": other}.get(word, word) for word in words]
    code, said, complaint = dcgan(*words)
    assert code == 0, complaint
    assert kept.read_text() == "precious"
    numbered = f"{kept.stem}-2{kept.suffix}"
    assert f"{numbered} ({name} exists and is kept)" in said
    assert Path(numbered).stat().st_size > 100
