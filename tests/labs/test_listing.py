"""The list of labs, with verdicts adjusted for their number, and the published ones."""

from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path

import dcgan
from dcgan.labs import listing, overview

FINDINGS = Path(__file__).parents[2] / "benchmarks" / "findings.py"


def test_chance_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(listing, "list_labs", lambda: {"a": "A.", "b": "B.", "c": "C.", "d": "D."})
    for name, verdict, p_value in (
        ("a", "holds", 0.001),
        ("b-full", "holds", 0.03),
        ("b", "cannot be told", 0.5),
        ("c", "does not hold", 0.9),
    ):
        (tmp_path / name).mkdir()
        stored = {"verdict": verdict, "budget": "3 seeds", "p_value": p_value}
        (tmp_path / name / "verdict.json").write_text(json.dumps(stored))
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "verdict.json").write_text("damaged")
    a, b, c, d = listing.listed_labs(tmp_path)
    assert (a.told.verdict, a.told.p_value, a.told.chance) == ("holds", 0.003, "")
    assert b.told.verdict == "holds"
    assert b.told.chance == (
        "may be chance: with 3 labs, some hold by chance"
        " (adjusted p-value 0.06; below 0.05 is the usual bound)"
    )
    assert (c.told.verdict, c.told.chance) == ("does not hold", "")
    assert d.told is None


def test_your_own_verdict_replaces_the_published_one(tmp_path):
    own = {"verdict": "holds", "budget": "5 seeds", "p_value": 0.01, "sentence": "Holds: yes."}
    expected = {"expected": "A is better than B", "verdict": "holds", "in_words": "2 times"}
    own["expectations"] = [expected | {"p_value": 0.01}, {"expected": "damaged"}, None]
    (tmp_path / "dropout").mkdir()
    (tmp_path / "dropout" / "verdict.json").write_text(json.dumps(own))
    labs = {lab.name: lab for lab in listing.listed_labs(tmp_path)}
    dropout, filters = labs["dropout"], labs["filters"]
    assert dropout.told is dropout.own and dropout.told.sentence == "Holds: yes."
    assert list(dropout.told.expectations) == [expected]
    assert dropout.published.budget != "5 seeds"
    assert filters.own is None and filters.told is filters.published


def test_published_verdicts_are_those_of_the_results():
    """``python benchmarks/findings.py`` writes them."""
    spec = importlib.util.spec_from_file_location("findings", FINDINGS)
    findings = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(findings)
    written = json.loads(findings.SHIPPED.read_text(encoding="utf-8"))
    assert written == findings.published(findings.stored())
    for lab in listing.listed_labs(FINDINGS.parent):
        assert lab.published is None or lab.published.sentence == written[lab.name]["sentence"]


def test_the_readme_counts_the_verdicts_of_the_findings():
    root = Path(__file__).parents[2]
    pages = [root / "docs" / "findings.md", root / "README.md"]
    counts = [
        re.search(
            r"(\d+) claims.*?(\d+) hold.*?(\d+) do not,? and (\d+) cannot be told",
            " ".join(page.read_text(encoding="utf-8").split()),
        )
        for page in pages
    ]
    assert counts[0].groups() == counts[1].groups()
    assert sum(map(int, counts[0].groups()[1:])) == int(counts[0].group(1))


def test_every_lab_has_a_subject_and_every_term_is_used():
    labs = dcgan.list_labs()
    assert sorted(overview.subjects()) == sorted(labs)
    used = {term for claim in labs.values() for term in overview.terms_of(claim)}
    assert used == set(overview._overview()["terms"])
