"""Several runs on one page: every run is in the legend, whatever its folder is called."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.legend import Legend

from dcgan.render.runs_page import side_by_side

RECORDS = [
    {"images": images, "loss_d": 1.0, "loss_g": 2.0, "score_real": 0.5, "score_fake_before": 0.4}
    for images in (0, 100, 200)
]


@pytest.mark.parametrize("name", ["b", "_b", "$b$", "a$^^$b"])
def test_every_run_is_in_the_legend_by_its_name(name, tmp_path, monkeypatch):
    legends = []
    draw = Legend.draw
    monkeypatch.setattr(Legend, "draw", lambda self, *a: legends.append(self) or draw(self, *a))
    images = np.zeros((2, 1, 16, 16), np.uint8)
    names = ["a", name]
    side_by_side(
        dict.fromkeys(names, images), dict.fromkeys(names, RECORDS), {}, tmp_path / "a.png"
    )
    texts = legends[-1].get_texts()
    assert [text.get_text() for text in texts] == names
    assert not any(text.get_parse_math() for text in texts)
    colors = [line.get_color() for line in legends[-1].get_lines()]
    assert len(set(colors)) == 2
