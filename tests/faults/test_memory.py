"""A stream of shards larger than the memory allowed: it trains all the same, and stays below."""

from __future__ import annotations

import json
import sys
import tarfile
import textwrap
from io import BytesIO

import numpy as np
import pytest
from PIL import Image
from tests.conftest import SMALL, Notes
from tests.processes import Program

import dcgan

COUNT, SIDE = 1600, 128
DECODED = COUNT * SIDE * SIDE * 3
"""Bytes: 79 MB."""

PROGRAM = """
    import json, sys
    from itertools import islice
    from pathlib import Path
    from dcgan.data import Batches, load_dataset, open_source

    for memory in map(int, sys.argv[2:]):
        pictures = load_dataset(open_source(sys.argv[1]), (128, 128), 3, memory=memory)
        batches = Batches(pictures, 32, seed=0).starting_at(0)
        seen = sum(len(batch) for batch in islice(batches, 8))
        # not getrusage, which still remembers the process that this one was forked from
        status = Path("/proc/self/status").read_text()
        peak = int(status.split("VmHWM:")[1].split()[0]) * 1024
        print(json.dumps({"peak": peak, "seen": seen, "streamed": pictures.is_slow}))
"""


@pytest.fixture(scope="module")
def shards(tmp_path_factory) -> str:
    """Four shards of the same noisy picture, which packs badly."""
    folder = tmp_path_factory.mktemp("shards")
    noise = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)
    buffer = BytesIO()
    Image.fromarray(noise).save(buffer, "JPEG", quality=60)
    for number in range(4):
        with tarfile.open(folder / f"{number}.tar", "w") as shard:
            for index in range(COUNT // 4):
                member = tarfile.TarInfo(f"{index:05d}.jpg")
                member.size = len(buffer.getvalue())
                shard.addfile(member, BytesIO(buffer.getvalue()))
    return str(folder / "{0..3}.tar")


def read(shards: str, *memory: int) -> list[dict]:
    """What one process finds, which is allowed more memory each time."""
    code, said = Program("-c", textwrap.dedent(PROGRAM), shards, *memory).wait()
    assert code == 0, said
    return [json.loads(line) for line in said.splitlines()]


@pytest.mark.skipif(sys.platform != "linux", reason="asks /proc for the peak")
def test_shards_beyond_the_memory_allowed_are_streamed(shards):
    streamed, held = read(shards, DECODED // 2, 2 * DECODED)
    assert (streamed["streamed"], held["streamed"]) == (True, False)
    assert (streamed["seen"], held["seen"]) == (256, 256)
    assert held["peak"] - streamed["peak"] > 0.7 * DECODED


def test_training_on_them_says_so_and_goes_on(shards, tmp_path):
    notes = Notes()
    data = {"cache": "off", "memory_gb": 0.0001}
    options = SMALL | {"settings": SMALL["settings"] | {"data": data}}
    run = dcgan.train(shards, images=128, out=tmp_path / "run", reporter=notes, **options)
    assert run.images_seen == 128
    assert any("decoded each time they are shown" in line for line in notes)
    run = dcgan.train(
        shards,
        images=256,
        out=tmp_path / "run",
        resume=True,
        **SMALL | {"settings": SMALL["settings"] | {"data": {"cache": "run"}}},
    )
    assert run.images_seen == 256, "another way to hold the same pictures is no other run"
    assert list((tmp_path / "run" / "cache").glob("*/prepared.json"))


@pytest.mark.parametrize(("length", "is_brief"), [({"images": 128}, True), ({"epochs": 1}, False)])
def test_a_run_that_sees_little_of_a_large_collection_decodes_little(
    shards, tmp_path, monkeypatch, length, is_brief
):
    monkeypatch.setattr("dcgan.data.store._LARGE", 100)
    notes = Notes()
    data = {"cache": "off"}
    options = SMALL | {"settings": SMALL["settings"] | {"data": data}}
    dcgan.train(shards, out=tmp_path / "run", reporter=notes, **length, **options)
    assert any("less than half of" in line for line in notes) == is_brief
