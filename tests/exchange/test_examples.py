"""The example serves images from an ONNX file, without PyTorch and without dcgan."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import threading
from io import BytesIO
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import ProxyHandler, build_opener

import numpy as np
import pytest
from PIL import Image

EXAMPLE = Path(__file__).parents[2] / "examples" / "serve_onnx.py"

pytest.importorskip("onnxscript")
pytest.importorskip("onnxruntime")

ALONE = """
import runpy, sys
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
assert not {"torch", "dcgan", "PIL", "onnx"} & set(sys.modules)
"""


@pytest.fixture(scope="module")
def model(runs, tmp_path_factory):
    path = tmp_path_factory.mktemp("served") / "model.onnx"
    runs["conditional"].export("onnx", path, progress=False)
    return path


@pytest.fixture(scope="module")
def address(model):
    specification = importlib.util.spec_from_file_location("serve_onnx", EXAMPLE)
    example = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(example)
    server = example.server(example.Model(str(model)), 0)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def get(address):
    with build_opener(ProxyHandler({})).open(address) as answer:
        return answer.read()


def pixels(content):
    with Image.open(BytesIO(content)) as image:
        return np.asarray(image)


def test_it_needs_neither_pytorch_nor_dcgan(model, tmp_path):
    words = [EXAMPLE, model, "--save", tmp_path / "one.png"]
    subprocess.run([sys.executable, "-c", ALONE, *map(str, words)], check=True)
    assert pixels((tmp_path / "one.png").read_bytes()).shape == (17, 20, 3)


def test_one_seed_gives_one_image(address):
    first = get(f"{address}/?seed=7")
    assert get(f"{address}/?seed=7") == first
    assert get(f"{address}/?seed=8") != first
    assert pixels(first).std() > 5


def test_label_and_codes_are_chosen(address):
    images = {
        get(f"{address}/?seed=7&label={label}&code_1=0&code_3=0.5") for label in ("cat", "dog")
    }
    assert len(images) == 2


@pytest.mark.parametrize("asked", ["label=dgo", "seed=x", "code_9=1", "latent=1", "code_1=x"])
def test_a_wrong_request_is_answered(address, asked):
    with pytest.raises(HTTPError) as caught:
        get(f"{address}/?{asked}")
    with caught.value as answer:
        assert answer.code == 400
        assert answer.read()
