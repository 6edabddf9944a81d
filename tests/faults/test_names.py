"""Names that UTF-8 cannot hold neither stop a run nor its going on."""

from __future__ import annotations

import os
import shutil
import sys

import pytest
from tests.conftest import SMALL

import dcgan


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names themselves")
def test_a_folder_of_another_encoding_trains_and_goes_on(tmp_path, png_folder):
    folder = os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9")
    shutil.copytree(png_folder, folder)
    arguments = {**SMALL, "batch": 4, "out": tmp_path / "run"}
    dcgan.train(folder, images=8, **arguments)
    assert dcgan.train(folder, images=16, resume=True, **arguments).images_seen == 16
