"""``dcgan import`` as typed."""

from __future__ import annotations

import pytest
import torch
from tests.exchange.originals import GanGenerator, example_discriminator, example_generator


@pytest.fixture
def files(tmp_path):
    torch.save(example_generator(10, 2, 1).state_dict(), tmp_path / "g.pth")
    torch.save(example_discriminator(2, 1).state_dict(), tmp_path / "d.pth")
    state = {f"net.{name}": one for name, one in GanGenerator(5, 16).state_dict().items()}
    torch.save(state, tmp_path / "own.pth")
    return tmp_path


def test_it_says_what_it_recognized_and_made(dcgan, files):
    code, out, err = dcgan("import", files / "g.pth", files / "d.pth", "--out", files / "run")
    assert code == 0
    assert "DCGAN example of PyTorch" in err
    assert out == (
        f"run folder     {files / 'run'}\n"
        "generator      10×1×1 → 16×4×4 → 8×8×8 → 4×16×16 → 2×32×32 → 1×64×64\n"
        "discriminator  1×64×64 → 2×32×32 → 4×16×16 → 8×8×8 → 16×4×4 → 1×1×1\n"
    )
    code, out, _ = dcgan("sample", files / "run", "-n", 4, "--out", files / "sheet.png")
    assert code == 0 and (files / "sheet.png").is_file()
    code, out, _ = dcgan("health", files / "run")
    assert code == 0 and "imported model" in out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["g.pth"], "--out is missing"),
        (["no.pth", "--out", "run"], "no.pth: no such file"),
        (["own.pth", "--out", "run"], "replace each FILL_IN there by its value, then use dcgan"),
        (["g.pth", "--out", "run", "--like", "papr"], "--like is 'papr'"),
        (["g.pth", "--out", "run", "--like", "paper"], "by --like"),
        (["g.pth", "--out", "."], "Choose another --out"),
    ],
)
def test_mistakes_are_one_line(dcgan, files, monkeypatch, words, said):
    monkeypatch.chdir(files)
    code, out, err = dcgan("import", *words)
    last = err.splitlines()[-1]
    assert code == 2 and out == ""
    assert said in last, last
    assert last.startswith("dcgan: ")
    assert not (files / "run").exists()
    assert "`" not in last


def test_what_needs_a_discriminator_refuses_the_run(dcgan, files):
    dcgan("import", files / "g.pth", "--out", files / "run")
    code, _, err = dcgan("probe", files / "run", "digits")
    assert code == 2
    assert "imported without a discriminator" in err.splitlines()[-1]
