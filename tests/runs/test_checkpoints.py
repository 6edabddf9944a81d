"""A checkpoint is there whole or not at all, and any alteration is noticed."""

from __future__ import annotations

import json

import pytest
import torch

from dcgan.errors import CheckpointError
from dcgan.runs.checkpoints import (
    list_checkpoints,
    prune_checkpoints,
    read_part,
    read_state,
    verify_checkpoint,
    write_checkpoint,
)

PARTS = {
    "generator": {"w": torch.arange(6.0).reshape(2, 3), "empty": torch.empty(0)},
    "random": {"torch": torch.arange(10, dtype=torch.uint8)},
}


def write(folder, images=64):
    return write_checkpoint(folder, images, PARTS, {"images_seen": images})


def test_what_was_written_is_read_back(tmp_path):
    checkpoint = write(tmp_path)
    assert checkpoint.name == "000000064"
    verify_checkpoint(checkpoint)
    assert read_state(checkpoint)["images_seen"] == 64
    for name, tensors in PARTS.items():
        stored = read_part(checkpoint, name)
        assert stored.keys() == tensors.keys()
        assert all(torch.equal(stored[key], tensors[key]) for key in tensors)


def test_channels_last_tensors_keep_their_values(tmp_path):
    weight = torch.randn(4, 3, 2, 2).contiguous(memory_format=torch.channels_last)
    checkpoint = write_checkpoint(tmp_path, 1, {"net": {"w": weight}}, {})
    assert torch.equal(read_part(checkpoint, "net")["w"], weight)


@pytest.mark.parametrize("name", ["generator.safetensors", "state.json", "random.safetensors"])
@pytest.mark.parametrize("damage", ["flip", "cut", "remove"])
def test_every_damage_to_any_file_is_noticed(tmp_path, name, damage):
    checkpoint = write(tmp_path)
    path = checkpoint / name
    data = bytearray(path.read_bytes())
    if damage == "remove":
        path.unlink()
    else:
        data[-1] ^= 1
        path.write_bytes(data if damage == "flip" else data[:-1])
    with pytest.raises(CheckpointError, match=name):
        verify_checkpoint(checkpoint)


@pytest.mark.parametrize(
    "step",
    [
        *("dcgan.runtime.tensors.save_file", "dcgan.runs.checkpoints.sha256"),
        *("dcgan.runtime.files.sync_file", "dcgan.runtime.files.sync_folder"),
    ],
)
def test_a_crash_while_writing_leaves_nothing_in_sight(tmp_path, monkeypatch, step):
    first = write(tmp_path, 64)

    def crash(*_):
        raise OSError("disk full")

    monkeypatch.setattr(step, crash)
    with pytest.raises(OSError, match="disk full"):
        write(tmp_path, 128)
    assert list_checkpoints(tmp_path) == [first]
    assert [path.name for path in tmp_path.iterdir()] == [first.name]


def test_pruning_keeps_the_newest(tmp_path):
    for images in (64, 128, 192, 256):
        write(tmp_path, images)
    prune_checkpoints(tmp_path, keep=2)
    assert [path.name for path in list_checkpoints(tmp_path)] == ["000000192", "000000256"]


def test_pruning_keeps_the_best_and_the_first_of_each_span(tmp_path):
    for images in (64, 128, 192, 256, 320, 384, 448, 512):
        write(tmp_path, images)
    prune_checkpoints(tmp_path, keep=1, best={"000000128"}, every=150)
    left = [int(path.name) for path in list_checkpoints(tmp_path)]
    # first from 150, 300 and 450 on: 192, 320 and 512, which is also the newest
    assert left == [128, 192, 320, 512]
    write(tmp_path, 576)
    prune_checkpoints(tmp_path, keep=1, best={"000000128"}, every=150)
    left = [int(path.name) for path in list_checkpoints(tmp_path)]
    assert left == [128, 192, 320, 512, 576]


def test_a_passing_checkpoint_stays_only_while_it_is_the_newest(tmp_path):
    """It takes no other's place."""
    for images in (64, 128, 192, 256, 320):
        write(tmp_path, images)
        prune_checkpoints(tmp_path, keep=2, every=100, sound=192, passing={"000000192"})
        if images == 192:
            left = [int(path.name) for path in list_checkpoints(tmp_path)]
            assert left == [64, 128, 192]
    left = [int(path.name) for path in list_checkpoints(tmp_path)]
    # the first from 100, 200 and 300 on; 128 is also the newest that is sound
    assert left == [128, 256, 320]


def test_writing_the_same_moment_twice_leaves_the_first(tmp_path):
    first = write(tmp_path)
    inode = (first / "state.json").stat().st_ino
    assert write(tmp_path) == first
    assert (first / "state.json").stat().st_ino == inode


def test_a_newer_format_is_refused(tmp_path):
    checkpoint = write(tmp_path)
    (checkpoint / "state.json").write_text(json.dumps({"format": 99, "images_seen": 1}))
    with pytest.raises(CheckpointError, match="Install a newer dcgan"):
        read_state(checkpoint)


def test_a_checkpoint_that_another_program_reads_is_deleted_later(tmp_path, monkeypatch):
    """Windows renames no folder in which a file is open."""

    def in_use(*_):
        raise PermissionError(13, "Permission denied")

    for images in (64, 128):
        write(tmp_path, images)
    with monkeypatch.context() as windows:
        windows.setattr("pathlib.Path.rename", in_use)
        prune_checkpoints(tmp_path, keep=1)
    assert [path.name for path in list_checkpoints(tmp_path)] == ["000000064", "000000128"]
    prune_checkpoints(tmp_path, keep=1)
    assert [path.name for path in list_checkpoints(tmp_path)] == ["000000128"]
