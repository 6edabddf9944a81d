"""Histories of runs that never were: logs of healthy training, with what a test changes."""

from __future__ import annotations

import numpy as np

from dcgan.health.history import History, ScoreLine, Setup

IMAGES = 40_000
"""Images seen at the end."""

SIGNS = {
    **{"contrast": 1.0, "brightness": 0.0, "saturation": 0.0, "checkerboard": 0.0},
    **{"precision": 0.6, "recall": 0.6, "coverage": 0.7, "diversity": 1.0, "rank": 1.0},
    **{"repeats": 0.05, "distance": 1.1, "batch_norm_gap": 0.02},
}


def line(images, **changed):
    layers = {"1 conv": 0.01, "2 conv": 0.01}
    return {
        **{"images": images, "loss_d": 1.3, "loss_g": 0.8, "score_real": 0.6},
        **{"score_fake_before": 0.4, "score_fake_after": 0.35, "sign_real": 0.4},
        **{"gradient_mean": layers, "gradient_max": layers, "waiting": 0.01},
        **changed,
    }


def history(log=None, scores=None, events=(), **setup):
    """A run of 200 log lines and 20 scores that improve steadily.

    ``log`` and ``scores`` give, from images seen, what is not as in a healthy run; ``scores`` may
    hold ``value``.
    """
    lines = [
        line(images, **(log(images) if log else {}))
        for images in np.linspace(32, IMAGES, 200).astype(int)
    ]
    marks = np.linspace(IMAGES / 20, IMAGES, 20).astype(int)
    entries = []
    for images in marks:
        changed = dict(scores(images)) if scores else {}
        value = changed.pop("value", 2 + 100 / (1 + images / 2000))
        entries.append(ScoreLine(int(images), value, 2.0, SIGNS | changed, f"{images:09d}"))
    known = {"dataset_images": 60_000, "images": IMAGES, "needed": 10_000, "usual": 10_000} | setup
    settings = known.pop("settings", {})
    return History(lines, entries, events, Setup(**known, settings=settings))


def rates(generator, discriminator, **others):
    """Settings with these learning rates."""
    found = {"optim.generator.lr": generator, "optim.discriminator.lr": discriminator}
    return {"settings": {key: rate for key, rate in found.items() if rate} | others}


def after(images, **changed):
    """What changes from a number of images seen on."""
    return lambda seen: changed if seen >= images else {}
