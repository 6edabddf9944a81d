"""Folders of runs."""

from __future__ import annotations

import pytest

from dcgan.config import parse_config
from dcgan.training.planning.run_choice import claimed


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("my photos", "my photos-auto"),
        ("mnist:test", "mnist-test-auto"),
        ("shards/*.tar", "images-auto"),
        ("shards/cats-{00..11}.tar", "cats-{00..11}-auto"),
        ("https://example.org/a?<b>|c.tar", "a-b-c-auto"),
    ],
)
def test_every_system_allows_the_name_of_a_new_folder(tmp_path, monkeypatch, source, name):
    monkeypatch.chdir(tmp_path)
    with claimed(None, parse_config({"data": {"source": source}}), None) as folder:
        assert folder.path.is_dir() and folder.path.name == name


def test_a_lock_that_cannot_be_deleted_does_not_hide_the_error(tmp_path, monkeypatch):
    """Windows deletes no file that another process has open."""

    def in_use(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("pathlib.Path.unlink", in_use)
    with pytest.raises(KeyError, match="mine"), claimed(None, parse_config({}), None):
        raise KeyError("mine")
