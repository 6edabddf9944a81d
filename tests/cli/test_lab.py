"""``dcgan lab`` as typed."""

from __future__ import annotations

import json

import pytest
from tests.labs import conftest as labs

from dcgan.labs import listing

tiny, copied, finished, images = labs.content, labs.copied, labs.finished, labs.images


@pytest.fixture(scope="session")
def content(tiny):
    """Of a lab whose runs take a step: what a command prints does not depend on them."""
    return {**tiny, "budget": tiny["budget"] | {"quick": {"images": 16, "seeds": 2}}}


def test_the_verdict_comes_first(dcgan, copied):
    file, folder = copied
    code, out, err = dcgan("lab", file, "--out", folder, "--json")
    assert code == 0
    found = json.loads(out)
    lines = err.splitlines()
    assert " ".join(lines[:2]).startswith(found["sentence"][:60])
    assert any(line.startswith("8 <numbers> is better than 2 numbers") for line in lines)
    assert "estimate: the Fréchet distance of the second arm, divided by that of the first" in err
    cannot_be_told = found["verdict"] == "cannot be told"
    assert ("interval shorter. Add --seeds 4: these runs are kept." in err) == cannot_be_told
    assert lines[-1] == f"page           {folder / 'lab.html'}"


def test_it_lists_the_labs(dcgan, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    claims = {"a-lab": "A claim.", "other": "B.", "third": "C.", "unsure": "D."}
    monkeypatch.setattr(listing, "list_labs", lambda: claims)
    published = {"verdict": "does not hold", "budget": "8 seeds", "p_value": 1.0}
    unsure = {"verdict": "holds", "budget": "8 seeds", "p_value": 0.02}
    monkeypatch.setattr(
        listing, "_published", lambda: {"a-lab": published, "other": published, "unsure": unsure}
    )
    place = tmp_path / "runs" / "labs" / "a-lab"
    place.mkdir(parents=True)
    stored = {"verdict": "holds", "budget": "3 seeds", "p_value": 0.01}
    (place / "verdict.json").write_text(json.dumps(stored))
    code, out, _ = dcgan("lab")
    assert code == 0
    assert out.splitlines()[0:7:2] == [
        "a-lab  [holds; 3 seeds]",
        "other  [does not hold; 8 seeds; published]",
        "third",
        "unsure  [holds; 8 seeds; published; may be chance (adjusted p-value 0.06)]",
    ]
    assert "1 of 4 labs have your own verdict" in out
    code, out, _ = dcgan("lab", "--json")
    first, second, *_ = json.loads(out.splitlines()[-1])
    assert (first["own"]["verdict"], first["published"]["verdict"]) == ("holds", "does not hold")
    assert (second["own"], second["published"]["verdict"]) == (None, "does not hold")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nowhere"], "no such lab or file"),
        (["nowhere.yaml"], "No such file"),
        (["FILE", "--seeds", "1"], "--seeds is 1: use at least 2"),
        (["FILE", "--budget", "large"], "--budget"),
        (["FILE", "--device", "tpu"], "--device is 'tpu'"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(dcgan, copied, words, said):
    file, folder = copied
    words = [str(file) if word == "FILE" else word for word in words]
    code, out, err = dcgan("lab", *words, "--out", folder)
    assert (code, out) == (2, "")
    assert len(err.splitlines()) == 1
    assert said in err
