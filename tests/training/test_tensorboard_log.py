"""Numbers, sheets, quality and settings reach TensorBoard, once each, also after a resume."""

from __future__ import annotations

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams.metadata import (
    PLUGIN_NAME,
    SESSION_START_INFO_TAG,
    parse_session_start_info_plugin_data,
)
from tests.conftest import SMALL

import dcgan
from dcgan.config import merge
from dcgan.runs.scores import read_scores
from dcgan.runtime.reporting import SILENT
from dcgan.training.tensorboard_log import TensorBoardLog

SETTINGS = {
    "records": {"tensorboard": True, "log_every": 32},
    "metrics": {"images": 60, "every": 64},
    "optim": {"schedule": "linear"},
}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run with a penalty, a setting that moves and measurements, that was resumed."""
    settings = merge(SMALL["settings"], SETTINGS)
    out = tmp_path_factory.mktemp("board") / "run"
    dcgan.train("digits", images=64, out=out, **SMALL | {"settings": settings})
    return dcgan.train("digits", images=192, out=out, resume=True, **SMALL | {"settings": settings})


@pytest.fixture(scope="module")
def events(run):
    return EventAccumulator(str(run.folder.tensorboard)).Reload()


def points(events, tag):
    return [(event.step, event.value) for event in events.Scalars(tag)]


def test_scalars_are_those_of_the_log_in_groups(run, events):
    names = {
        "loss_d": "loss/d",
        "loss_g": "loss/g",
        "r1": "penalty/r1",
        "score_real": "score/real",
        "score_fake_before": "score/fake_before",
        "sign_real": "score/sign_real",
        "images_per_second": "speed/images_per_second",
        "waiting": "speed/waiting",
        "epoch": "progress/epoch",
        "rate_factor": "settings/rate_factor",
    }
    for key, tag in names.items():
        logged = [(line["images"], line[key]) for line in run.log() if key in line]
        steps, values = zip(*points(events, tag), strict=True)
        assert list(steps) == [images for images, _ in logged], tag
        assert values == pytest.approx([value for _, value in logged], rel=1e-5), tag
    groups = {tag.partition("/")[0] for tag in events.Tags()["scalars"]}
    assert groups == {
        *("loss", "penalty", "score", "gradient_mean", "gradient_max"),
        *("quality", "progress", "speed", "settings"),
    }
    assert "gradient_max/1 conv" in events.Tags()["scalars"]
    assert events.Tags()["images"] == ["samples"]


def test_quality_is_there_beside_what_real_images_get(run, events):
    measured = read_scores(run.folder)
    assert [one.images for one in measured] == [32, 64, 128, 192]
    found = points(events, "quality/frechet_distance")
    expected = [(one.images, one.score.value) for one in measured]
    assert found == [(images, pytest.approx(value, rel=1e-5)) for images, value in expected]
    baselines = [value for _, value in points(events, "quality/frechet_distance_of_real_images")]
    assert baselines == pytest.approx([one.score.baseline for one in measured], rel=1e-5)
    best = [value for _, value in points(events, "quality/best")]
    assert best == sorted(best, reverse=True)
    assert best[-1] == pytest.approx(min(value for _, value in expected), rel=1e-5)


def test_settings_are_there_as_text_and_as_hyperparameters(run, events):
    text = events.Tensors("configuration/text_summary")[-1].tensor_proto.string_val[0].decode()
    assert (run.path / "config.yaml").read_text() in text
    content = events.summary_metadata[SESSION_START_INFO_TAG].plugin_data
    assert content.plugin_name == PLUGIN_NAME
    started = parse_session_start_info_plugin_data(content.content).hparams
    assert started["data.size"].string_value == "16x16"
    assert started["optim.batch"].number_value == 32
    assert started["metrics.every"].number_value == 64
    assert started["optim.schedule"].string_value == "linear"
    assert started["model.generator.width"].number_value == 4
    assert "data.fit" not in started, "it has its default"
    assert "quality/best" in str(events.summary_metadata["_hparams_/experiment"])


def test_a_layer_table_is_one_word_among_hyperparameters(tmp_path):
    settings = merge(SMALL["settings"], {"records": {"tensorboard": True}})
    rows = [{"conv": 4, "kernel": 4, "stride": 2, "padding": 1}, {"linear": 1}]
    settings = merge(settings, {"model": {"discriminator": {"layers": rows, "width": "auto"}}})
    run = dcgan.train("digits", images=32, out=tmp_path / "run", **SMALL | {"settings": settings})
    events = EventAccumulator(str(run.folder.tensorboard)).Reload()
    content = events.summary_metadata[SESSION_START_INFO_TAG].plugin_data.content
    started = parse_session_start_info_plugin_data(content).hparams
    assert started["model.discriminator.layers"].string_value == "table of 2 layers"


def test_files_of_one_run_have_different_seconds(tmp_path):
    """Within one second, the reader takes the tenth file for older than the ninth."""
    for _ in range(2):
        TensorBoardLog(tmp_path, SILENT, 0).close()
    seconds = {path.name.split(".")[3] for path in tmp_path.iterdir()}
    assert len(seconds) == 2
