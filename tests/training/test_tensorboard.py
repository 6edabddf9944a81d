"""The same numbers and sheets reach TensorBoard, once each, also after going on."""

from __future__ import annotations

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tests.conftest import SMALL

import dcgan
from dcgan.config import merge


def test_scalars_and_sheets_are_there_by_images_seen(tmp_path):
    settings = merge(SMALL["settings"], {"records": {"tensorboard": True, "log_every": 32}})
    arguments = {**SMALL, "settings": settings, "out": tmp_path / "run"}
    dcgan.train("digits", images=64, **arguments)
    run = dcgan.train("digits", images=128, resume=True, **arguments)
    events = EventAccumulator(str(run.folder.tensorboard)).Reload()
    scalars = events.Tags()["scalars"]
    for name in ("loss_d", "loss_g", "score_real", "images_per_second", "gradient_max/1 conv"):
        assert name in scalars
    lines = run.log()
    found = {event.step: event.value for event in events.Scalars("loss_d")}
    assert found == pytest.approx({line["images"]: line["loss_d"] for line in lines}, rel=1e-5)
    assert events.Tags()["images"] == ["samples"]
