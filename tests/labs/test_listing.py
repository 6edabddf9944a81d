"""The list of labs, with verdicts adjusted for their number."""

from __future__ import annotations

import json

from dcgan.labs import listing


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
    assert (a.verdict, a.p_value) == ("holds; 3 seeds", 0.003)
    assert b.verdict == ("holds; 3 seeds; may be chance among so many labs, adjusted p-value 0.06")
    assert c.verdict == "does not hold; 3 seeds"
    assert d.verdict == "" and d.p_value is None
