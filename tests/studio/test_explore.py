"""Exploring a run through the interface: the model, inversion, neighbors, films, the web page."""

from __future__ import annotations

import base64
import gc
import io
import json
import os
import weakref

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors import deserialize
from starlette.testclient import TestClient
from tests.conftest import can_be_named
from tests.exchange.conftest import KINDS, write_run

import dcgan
from dcgan.latent import Inversion
from dcgan.render.sheet import pillow_image
from dcgan.studio import create_app
from dcgan.studio.library import identifier
from dcgan.studio.opened import _opened, opened

HOST = "127.0.0.1:8500"


@pytest.fixture
def client(tmp_path):
    app = create_app(tmp_path / "runs", hosts={HOST}, allow=[tmp_path])
    return TestClient(app, base_url=f"http://{HOST}", headers={"origin": f"http://{HOST}"})


@pytest.fixture
def run(tmp_path):
    return write_run(tmp_path / "runs" / "plain", KINDS["plain"])


@pytest.fixture
def address(run):
    return f"/api/runs/{identifier(run.path)}"


def pixels_of(text):
    image = Image.open(io.BytesIO(base64.b64decode(text.removeprefix("data:image/png;base64,"))))
    return np.asarray(image)


def png(array):
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, format="PNG")
    return buffer.getvalue()


def test_the_model_is_that_of_the_web_export(client, run, address):
    tensors = dict(deserialize(client.get(f"{address}/model").content))
    assert tensors["directions"]["shape"][1] == run.networks.latent.dim


def test_another_checkpoint_is_another_model(client, run, address):
    before = client.get(f"{address}/model").content
    write_run(run.path.with_name("other"), KINDS["plain"], images_seen=1024, seed=1)
    newer = run.path.with_name("other") / "checkpoints" / "000001024"
    newer.rename(run.path / "checkpoints" / newer.name)
    assert client.get(f"{address}/model").content != before


def test_what_is_kept_of_a_run_goes_with_it(client, run, address):
    """Models and previews are large, and are not those of another run at the same address."""
    for page in ("model", "preview"):
        content = client.get(f"{address}/{page}").content
        assert client.get(f"{address}/{page}").content == content
    kept = weakref.ref(opened(run.path))
    _opened.cache_clear()
    gc.collect()
    assert kept() is None


def test_a_generated_image_is_found_again(client, run, address):
    image = run.sample(1, seed=5)[0, 0]
    found = client.post(f"{address}/invert?name=a.png", content=png(image)).json()
    made = run.generate(np_latents(found["latent"]))[0, 0]
    assert found["error"] < 0.05
    assert np.abs(made.astype(int) - image).mean() < 12
    np.testing.assert_array_equal(pixels_of(found["target"]), image)
    np.testing.assert_array_equal(pixels_of(found["image"]), made)


def test_the_baseline_is_an_image_without_the_content(client, run, address, monkeypatch):
    """An image of few samples, and a flat one with a gray pixel."""
    found = Inversion(torch.zeros(1, 8), np.array([0.1]))
    monkeypatch.setattr("dcgan.studio.routes.explore.invert", lambda *words, **more: found)
    samples = run.sample(2000, seed=9)[:, 0] / 255
    sample = run.sample(1, seed=5)[0, 0]
    flat = np.full_like(sample, 250)
    flat[3, 4] = 10
    for image, expected in ((sample, samples.mean(axis=0)), (flat, flat.mean() / 255)):
        answer = client.post(f"{address}/invert?name=a.png", content=png(image)).json()
        difference = np.sqrt(((image / 255 - expected) ** 2).mean())
        assert answer["baseline"] == pytest.approx(difference, rel=0.05)


def np_latents(*latents):
    return torch.tensor(latents, dtype=torch.float32)


@pytest.mark.parametrize(
    ("name", "content", "status"),
    [
        ("a.png", b"no image", 415),
        ("a.txt", b"text", 415),
        ("a.zip", b"PK", 415),
        ("a.png", png(np.zeros((8000, 8000), bool)), 413),
    ],
)
def test_what_is_no_image_is_refused_and_not_kept(client, address, tmp_path, name, content, status):
    answer = client.post(f"{address}/invert?name={name}", content=content)
    assert answer.status_code == status
    problem = answer.json()["problem"]
    assert problem.startswith(name) and ".zip" not in problem.removeprefix("a.zip")
    assert not list((tmp_path / "runs" / ".studio").rglob("*.png"))


def test_the_nearest_training_image_is_shown(client, tmp_path):
    photos = tmp_path / "photos"
    photos.mkdir()
    run = write_run(tmp_path / "runs" / "near", KINDS["plain"])
    config = f"{{recipe: auto, data: {{source: {photos}, size: 16, channels: 1}}}}"
    (run.path / "config.yaml").write_text(config)
    images = run.sample(9, seed=3)[:, 0]
    for number, image in enumerate(images):
        Image.fromarray(image).save(photos / f"{number}.png")
    latent = run.networks.latent.numbered(3, 4, 5)[0].tolist()
    found = client.post(f"/api/runs/{identifier(run.path)}/nearest", json={"latent": latent}).json()
    np.testing.assert_array_equal(pixels_of(found["image"]), images[4])
    assert (found["searched"], found["of"]) == (9, 9)
    assert found["distance"] == pytest.approx(0.0, abs=1e-3)
    assert (found["as_near"], found["compared"]) == (0, 4)


@pytest.mark.parametrize("latent", [[0.0] * 7, [0.0] * 9, [], ["x"] * 8, [None] * 8])
def test_a_latent_of_another_width_is_refused(client, address, latent):
    assert client.post(f"{address}/nearest", json={"latent": latent}).status_code == 422


def test_a_number_that_is_not_finite_is_refused(client, address):
    body = json.dumps({"latent": [float("nan")] * 8})
    answer = client.post(
        f"{address}/nearest", content=body, headers={"content-type": "application/json"}
    )
    assert answer.status_code == 422


def test_a_film_returns_to_its_start(client, run, address, tmp_path):
    latents = run.networks.latent.numbered(0, 0, 2).tolist()
    answer = client.post(f"{address}/film", json={"latents": latents, "kind": "gif"})
    assert answer.headers["content-disposition"].endswith('"plain.gif"')
    film = Image.open(io.BytesIO(answer.content))
    assert film.n_frames == 60
    own = tmp_path / "runs" / ".studio"
    assert not list(own.glob("*.gif")), "the file is deleted once it is sent"


@pytest.mark.skipif(not can_be_named("caf\udce9"), reason="names are Unicode here")
def test_downloads_of_a_run_whose_name_is_not_unicode(client, run, tmp_path):
    path = tmp_path / "runs" / os.fsdecode(b"caf\xe9")
    run.path.rename(path)
    address = f"/api/runs/{identifier(path)}"
    latents = [run.networks.latent.numbered(3, 0, 2)[place].tolist() for place in (0, 1)]
    film = client.post(f"{address}/film", json={"latents": latents, "kind": "gif"})
    page = client.get(f"{address}/web-page")
    assert (film.status_code, page.status_code) == (200, 200)
    for answer, ending in ((film, "gif"), (page, "html")):
        assert answer.headers["content-disposition"].endswith(f"caf%EF%BF%BD.{ending}")


def test_a_film_of_two_images_is_the_circle_that_the_explorer_plays(client, run, address):
    latents = run.networks.latent.numbered(0, 0, 2)
    content = {"latents": latents.tolist(), "kind": "webp"}
    film = Image.open(io.BytesIO(client.post(f"{address}/film", json=content).content))
    shown = torch.cat([latents, -latents])
    for frame, image in zip((0, 15, 30, 45), run.generate(shown), strict=True):
        film.seek(frame)
        step = film.width // image.shape[2]
        pixels = np.asarray(film.convert("RGB"))[::step, ::step]
        np.testing.assert_array_equal(pixels, np.asarray(pillow_image(image).convert("RGB")))


@pytest.mark.parametrize(
    "asked",
    [{"latents": [[0.0] * 8]}, {"latents": [[0.0] * 8] * 25}, {"latents": [], "kind": "gif"}],
)
def test_a_film_needs_two_points_and_not_many(client, address, asked):
    assert client.post(f"{address}/film", json=asked).status_code == 422


def test_the_web_page_is_taken_away(client, run, address):
    answer = client.get(f"{address}/web-page")
    assert answer.headers["content-disposition"].endswith('"plain.html"')
    assert dcgan.__version__ and b'content="dcgan export web"' in answer.content


def test_an_unknown_run_is_not_there(client, run):
    for name in ("0" * 16, "..%2f..", "plain", "%00"):
        assert client.get(f"/api/runs/{name}/model").status_code == 404
