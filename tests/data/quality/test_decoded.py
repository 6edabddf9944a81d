"""Blank images and copies are counted among decoded images."""

from __future__ import annotations

import numpy as np

from dcgan.data.quality import decoded
from dcgan.data.quality.decoded import count_blank_and_copies


def test_blank_images_and_copies_are_counted_apart(monkeypatch):
    monkeypatch.setattr(decoded, "_AT_A_TIME", 7)
    images = np.random.default_rng(0).integers(0, 256, (40, 3, 8, 8), np.uint8)
    images[3:6] = 255
    images[6] = images[6] // 255 + 100  # barely visible noise is blank
    images[[10, 30]] = images[20]
    assert count_blank_and_copies(images) == (4, 2)
    images[3, 0, :4] = 0  # one channel suffices
    assert count_blank_and_copies(images) == (3, 2)
