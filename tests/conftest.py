"""Fixtures for all tests."""

from __future__ import annotations

import gc
import os

# before PyTorch is imported, here and in processes that tests start: whatever the machine and its
# load, one thread computes, and precision "auto" is not timed but follows what is stated
os.environ["OMP_NUM_THREADS"] = "1"
os.environ.setdefault("DCGAN_BF16", "emulated")
import json
from contextlib import contextmanager, nullcontext
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from PIL import Image

import dcgan
from dcgan.config import merge
from dcgan.metrics.extractors import classifier_training
from dcgan.runtime.reporting import SILENT, Reporter
from tests import unrendered
from tests.processes import TORCHRUN, Program

# the same examples in every run, so that a change fails by its own fault; `make fuzz` tries others.
# No deadline: how long an example takes depends on the load of the machine
CALM = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("dcgan", derandomize=True, **CALM)
settings.register_profile("fuzz", **CALM)
settings.load_profile("fuzz" if os.environ.get("DCGAN_FUZZ") else "dcgan")

REAL_DATA = os.environ.get("DCGAN_DATA")
"""The folder of real data sets; tests get it by the fixture ``data_root``."""

SMALL = {
    "size": 16,
    "batch": 32,
    "settings": {
        "model": {"generator": {"width": 4}, "discriminator": {"width": 4}},
        "augment": {"policy": "none"},
        "records": {
            **{"sheets": 4, "sheet_images": 9, "tensorboard": False},
            **{"log_every": 128, "checkpoint_every": 128},
        },
    },
}
"""Arguments of ``dcgan.train`` for a run of a second."""


class Notes(Reporter, list):
    """The notes that are reported; ``steps`` are (done, total) of progress."""

    def __init__(self) -> None:
        self.steps: list[tuple[int, int | None]] = []

    def note(self, text: str) -> None:
        self.append(text)

    def progress(self, activity, done, total, unit="images") -> None:
        self.steps.append((done, total))


def can_be_named(name: str) -> bool:
    """Whether a file may bear a name in the encoding that this machine has for names."""
    try:
        os.fsencode(name)
    except UnicodeEncodeError:
        return False
    return True


def pytest_collection_modifyitems(items):
    """Slow tests come first, so that no process is left alone with them at the end. Tests marked
    ``realdata`` need real data sets."""
    items.sort(key=lambda item: "slow" not in item.keywords)
    if REAL_DATA:
        return
    for item in items:
        if "realdata" in item.keywords:
            item.add_marker(pytest.mark.skip(reason="set DCGAN_DATA to the folder of data sets"))


@pytest.hookimpl(wrapper=True)
def pytest_collection():
    """Garbage is looked for among what tests make, not among a million objects of modules and tests,
    which stay."""
    gc.disable()
    found = yield
    gc.freeze()
    gc.enable()
    return found


@pytest.fixture(scope="session", autouse=True)
def _nothing_of_the_users(tmp_path_factory):
    """No test asks the network, reads or fills the user's own cache, or sees the user's data or
    terminal."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("DCGAN_DATA", "COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE"):
            patch.delenv(name, raising=False)
        patch.setenv("TERM", "xterm-256color")
        patch.setenv("DCGAN_OFFLINE", "1")
        patch.setenv("DCGAN_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session", autouse=True)
def _files_are_trusted_at_once():
    """Else files count as changed until two seconds after they were made."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("dcgan.runtime.changes._SETTLED_AFTER_NS", 0)
        yield


@pytest.fixture(scope="session", autouse=True)
def _figures_are_not_made():
    """Every run ends with figures and a report. They stay empty files, except in tests marked
    ``figures`` and within ``rendering``."""
    unrendered.render_nothing()
    yield
    unrendered.render()


@contextmanager
def rendering():
    """Within the block, runs end with figures and a report."""
    unrendered.render()
    try:
        yield
    finally:
        unrendered.render_nothing()


@pytest.fixture(autouse=True)
def _rendering(request):
    with rendering() if "figures" in request.keywords else nullcontext():
        yield


@pytest.fixture(scope="session", autouse=True)
def _digits_are_decoded_once():
    """Most runs are on the dataset ``digits``: its 1,797 images are kept for each view of them."""
    from dcgan.data import store

    decode_all, known = store.decode_all, {}

    def decoded(source, view, reporter):
        if source.name != "digits":
            yield from decode_all(source, view, reporter)
            return
        if view not in known:
            known[view] = list(decode_all(source, view, SILENT))
        for one in known[view]:
            yield one
            reporter.progress("decoding", one.index + 1, len(source))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "decode_all", decoded)
        yield


@pytest.fixture(scope="session", autouse=True)
def _operations_are_counted_once():
    """Every run counts the operations of its feature extractors, to know how often to use them."""
    from dcgan.training.planning import metrics_interval

    count, known = metrics_interval._of_extractor, {}

    def counted(extractor, image_shape):
        key = (str(extractor.network), extractor.batch, image_shape)
        if key not in known:
            known[key] = count(extractor, image_shape)
        return known[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(metrics_interval, "_of_extractor", counted)
        yield


@pytest.fixture(scope="session", autouse=True)
def _the_disk_is_not_waited_for():
    """No test cuts the power: files need not be on the disk when a test ends."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("os.fsync", lambda _: None)
        yield


@pytest.fixture
def brief_classifiers(monkeypatch, tmp_path):
    """The classifiers that evaluations train see few images. No other test gets them."""
    monkeypatch.setenv("DCGAN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(classifier_training, "_FEWEST_SEEN", 4_000)
    monkeypatch.setattr(classifier_training, "_MOST_EPOCHS", 1)


@pytest.fixture(scope="session")
def data_root() -> Path | None:
    """The folder of real data sets: None except for tests marked ``realdata``."""
    return Path(REAL_DATA) if REAL_DATA else None


@pytest.fixture(scope="session")
def small_run(tmp_path_factory) -> dcgan.Run:
    """A finished run on the digits, shared by tests that only read it."""
    out = tmp_path_factory.mktemp("runs") / "small"
    with rendering():
        return dcgan.train("digits", images=512, out=out, **SMALL)


@pytest.fixture(scope="session")
def unlabeled_run(tmp_path_factory) -> dcgan.Run:
    """The same of a run that has not learned the labels."""
    out = tmp_path_factory.mktemp("runs") / "unlabeled"
    settings = merge(SMALL["settings"], {"model": {"condition": None}})
    with rendering():
        return dcgan.train("digits", images=64, out=out, **SMALL | {"settings": settings})


@pytest.fixture(scope="session")
def scored_run(tmp_path_factory):
    """A finished run on the digits with scores of training."""
    settings = SMALL["settings"] | {"metrics": {"images": 60, "every": 256}}
    out = tmp_path_factory.mktemp("runs") / "scored"
    return dcgan.train("digits", images=512, out=out, **SMALL | {"settings": settings})


@pytest.fixture(scope="session")
def torchrun():
    """Start several processes as ``torchrun`` does; gives the one that watches over them."""
    started = []

    def start(size, *words, **settings):
        watcher = Program(TORCHRUN, json.dumps({"nproc_per_node": size, **settings}), *words)
        started.append(watcher)
        return watcher

    yield start
    for watcher in started:
        watcher.kill()


@pytest.fixture
def png_folder(tmp_path) -> Path:
    """Ten small gray PNGs."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    random = np.random.default_rng(0)
    for number in range(10):
        pixels = random.integers(0, 256, (20, 20), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.png")
    return folder
