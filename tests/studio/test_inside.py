"""The teaching page's small GAN: its step, its tensors, and its interface."""

from __future__ import annotations

import copy
from base64 import b64decode

import numpy as np
import pytest
import torch
from starlette.testclient import TestClient
from torch.nn.functional import binary_cross_entropy_with_logits

from dcgan.studio.app import create_app
from dcgan.studio.inside.encoding import encode_maps
from dcgan.studio.inside.session import BATCH, RATE, SHOWN, SIDE, Session
from dcgan.studio.inside.sessions import IDLE_SECONDS, MOST, Sessions
from dcgan.studio.problems import Problem

HOST = "127.0.0.1:8500"


@pytest.fixture
def client(tmp_path):
    app = create_app(tmp_path / "runs", hosts={HOST})
    with TestClient(app, base_url=f"http://{HOST}", headers={"origin": f"http://{HOST}"}) as client:
        yield client


def weights(network):
    return torch.cat([weight.detach().flatten() for weight in network.parameters()])


def loss_of(logit_B, label):
    return binary_cross_entropy_with_logits(logit_B, torch.full_like(logit_B, label))


def decode(maps):
    """The inverse of ``encode_maps``, in NumPy."""
    images, count = maps["shape"][:2]
    scales = [
        np.frombuffer(b64decode(maps[end]), "<f4").reshape(images, count, 1, 1)
        for end in ("low", "high")
    ]
    byte = np.frombuffer(b64decode(maps["values"]), np.uint8).reshape(maps["shape"])
    return scales[0] + (scales[1] - scales[0]) * byte / 255, (scales[1] - scales[0]) / 510


@pytest.mark.parametrize("frozen", [[], ["generator"], ["discriminator"]])
def test_a_step_is_that_of_plain_pytorch(frozen):
    session = Session(3)
    session.train(4)
    generator = copy.deepcopy(session.players.generator)
    discriminator = copy.deepcopy(session.players.discriminator)
    optimizers = []
    for network, trained in (
        (generator, session.players.generator_optimizer),
        (discriminator, session.players.discriminator_optimizer),
    ):
        optimizer = torch.optim.Adam(network.parameters(), betas=(0.5, 0.999))
        optimizer.load_state_dict(copy.deepcopy(trained.state_dict()))
        optimizers.append(optimizer)
    optimizers[0].param_groups[0]["lr"] = 0.01
    optimizers[1].param_groups[0]["lr"] = 0.03

    (record,) = session.train(frozen=frozen, rates={"generator": 0.01, "discriminator": 0.03})
    real, latent = session.batch
    real_loss = loss_of(discriminator(real), 1.0)
    fake_loss = loss_of(discriminator(generator(latent).detach()), 0.0)
    score = discriminator(real).sigmoid().mean()
    if "discriminator" not in frozen:
        optimizers[1].zero_grad()
        (real_loss + fake_loss).backward()
        optimizers[1].step()
    generator_loss = loss_of(discriminator(generator(latent)), 1.0)
    if "generator" not in frozen:
        optimizers[0].zero_grad()
        generator_loss.backward()
        optimizers[0].step()

    assert record.loss_discriminator == pytest.approx((real_loss + fake_loss).item(), rel=1e-4)
    assert record.loss_generator == pytest.approx(generator_loss.item(), rel=1e-4)
    assert record.score_real == pytest.approx(score.item(), rel=1e-4)
    for own, plain in (
        (session.players.generator, generator),
        (session.players.discriminator, discriminator),
    ):
        torch.testing.assert_close(weights(own), weights(plain), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("frozen", "moves"),
    [
        ([], (True, True)),
        (["generator"], (False, True)),
        (["discriminator"], (True, False)),
        (["generator", "discriminator"], (False, False)),
    ],
)
def test_who_is_frozen_does_not_move(frozen, moves):
    session = Session(0)
    networks = (session.players.generator, session.players.discriminator)
    before = [weights(network) for network in networks]
    session.train(3, frozen=frozen)
    moved = [not torch.equal(old, weights(one)) for old, one in zip(before, networks, strict=True)]
    assert tuple(moved) == moves


def test_every_tensor_is_what_the_networks_compute():
    session = Session(1)
    session.train(5)
    tensors = session.tensors()
    generator, discriminator = session.players.generator, session.players.discriminator
    real, latent = session.batch
    image = generator(latent).detach().requires_grad_()
    torch.testing.assert_close(tensors.generator[-1], image.detach())
    torch.testing.assert_close(tensors.logit_real_B, discriminator(real).detach())
    torch.testing.assert_close(tensors.on_real[-1], discriminator.features(real).detach())
    torch.testing.assert_close(tensors.on_generated[-1], discriminator.features(image).detach())
    loss = loss_of(discriminator(image), 1.0)
    loss.backward()
    torch.testing.assert_close(tensors.image_gradient, image.grad)
    torch.testing.assert_close(tensors.loss_generator, loss.detach())
    # the gradient at each place says how the loss changes with the numbers there
    for start, gradient in zip([latent, *tensors.generator], tensors.gradients, strict=False):
        assert gradient.shape == start.shape
    step = 1e-2
    moved = latent.clone()
    moved[0, 0] += step
    back = moved.clone()
    back[0, 0] -= 2 * step
    slope = (
        loss_of(discriminator(generator(moved)), 1.0) - loss_of(discriminator(generator(back)), 1.0)
    ) / (2 * step)
    assert tensors.gradients[0][0, 0].item() == pytest.approx(slope.item(), rel=0.05, abs=2e-5)


def test_to_look_moves_nobody():
    session = Session(0)
    players = session.players
    before = weights(players.generator), weights(players.discriminator)
    session.tensors()
    assert torch.equal(before[0], weights(players.generator))
    assert torch.equal(before[1], weights(players.discriminator))


def test_a_seed_decides_everything_and_leaves_the_global_state_alone():
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    one = Session(5)
    assert torch.equal(torch.rand(3), expected)
    same, other = Session(5), Session(6)
    assert one.train(2) == same.train(2)
    assert one.train(1) != other.train(1)


def test_the_shown_latents_stay():
    session = Session(0)
    first = session.batch[1]
    session.train(1)
    assert torch.equal(first[:SHOWN], session.batch[1][:SHOWN])
    assert not torch.equal(first[SHOWN:], session.batch[1][SHOWN:])


def distance_to_digits(session):
    from dcgan.studio.inside.session import _digits

    real = torch.from_numpy(np.array(_digits().images)).float().flatten(1) / 127.5 - 1
    generated = session.tensors().generator[-1].flatten(1)
    return torch.cdist(generated, real).min(dim=1).values.mean().item()


def test_images_become_like_digits_in_seconds():
    session = Session(0)
    before = distance_to_digits(session)
    session.train(150)
    # another digit of the dataset is at 4.6, noise of the first step at 15
    assert before > 10
    assert distance_to_digits(session) < 7.5


def test_maps_keep_their_values_within_their_scale():
    maps = torch.randn(2, 3, 4, 5) * torch.tensor([1e-6, 1.0, 1e4])[:, None, None]
    maps[1, 1] = 0.25
    found, half_a_level = decode(encode_maps(maps))
    assert (np.abs(found - maps.numpy()) <= 1.01 * half_a_level + 1e-9).all()
    assert (found[1, 1] == 0.25).all()


def test_the_interface_steps_and_shows(client):
    started = client.post("/api/inside", json={"seed": 2}).json()
    assert (started["step"], started["seed"], started["rate"]) == (0, 2, RATE)
    stepped = client.post(
        f"/api/inside/{started['id']}/step",
        json={"count": 3, "freeze": ["generator"], "rates": {"generator": 0.1}},
    )
    assert len(stepped.content) < 200_000
    answer = stepped.json()
    assert answer["step"] == len(answer["records"]) == 3

    twin = Session(2)
    records = twin.train(3, frozen=["generator"])
    assert answer["records"][-1]["loss_discriminator"] == records[-1].loss_discriminator
    tensors = twin.tensors()
    for shown, expected in (
        (answer["generator"][-1]["maps"], tensors.generator[-1]),
        (answer["generator"][0]["maps"], tensors.generator[0]),
        (answer["on_generated"][1]["maps"], tensors.on_generated[1]),
        (answer["on_real"][0]["maps"], tensors.on_real[0]),
        (answer["real"], tensors.real_BCHW),
        (answer["image_gradient"], tensors.image_gradient),
    ):
        found, half_a_level = decode(shown)
        assert shown["shape"] == [SHOWN, *expected.shape[1:]]
        assert (np.abs(found - expected[:SHOWN].numpy()) <= 1.01 * half_a_level + 1e-7).all()
    means = [gradient.abs().mean().item() for gradient in tensors.gradients]
    layers = [answer["latent"], *answer["generator"], *answer["on_generated"]]
    assert [layer["gradient"] for layer in layers] == pytest.approx(means)
    chances = answer["probability"]["generated"]
    assert len(chances) == BATCH
    assert chances == pytest.approx(tensors.logit_generated_B.sigmoid().tolist(), abs=1e-4)
    assert answer["generator"][-1]["maps"]["shape"] == [SHOWN, 1, SIDE, SIDE]
    again = client.get(f"/api/inside/{started['id']}").json()
    assert again["step"] == 3 and again["loss"] == answer["loss"]


def test_an_ended_session_is_not_there(client):
    name = client.post("/api/inside", json={}).json()["id"]
    assert client.delete(f"/api/inside/{name}").status_code == 200
    gone = client.post(f"/api/inside/{name}/step", json={})
    assert gone.status_code == 404
    assert gone.json()["problem"] == "This lesson is not there any more. Reload the page"
    assert client.delete(f"/api/inside/{name}").status_code == 200


@pytest.mark.parametrize(
    "asked",
    [
        {"count": 0},
        {"count": 51},
        {"freeze": ["both"]},
        {"rates": {"generator": 0}},
        {"rates": {"discriminator": 2}},
        {"speed": 1},
    ],
)
def test_wrong_steps_are_refused(client, asked):
    name = client.post("/api/inside", json={}).json()["id"]
    assert client.post(f"/api/inside/{name}/step", json=asked).status_code == 422


def test_numbers_that_overflow_are_said_in_words(client):
    name = client.post("/api/inside", json={}).json()["id"]
    studio = client.app.app.state.studio
    with torch.no_grad():
        next(studio.inside.find(name).players.discriminator.parameters()).fill_(torch.inf)
    answer = client.post(f"/api/inside/{name}/step", json={})
    assert answer.status_code == 409
    assert "Restart, with smaller learning rates" in answer.json()["problem"]


def test_few_sessions_are_kept():
    clock = iter(range(100)).__next__
    sessions = Sessions(clock)
    names = [sessions.start(0)[0] for _ in range(MOST)]
    sessions.find(names[0])
    sessions.start(0)
    assert len(sessions) == MOST
    sessions.find(names[0])
    with pytest.raises(Problem, match="not there any more"):
        sessions.find(names[1])


def test_idle_sessions_are_dropped():
    now = [0.0]
    sessions = Sessions(lambda: now[0])
    sessions.start(0)
    now[0] += 2
    kept, _ = sessions.start(0)
    now[0] += IDLE_SECONDS - 1
    last, _ = sessions.start(0)
    assert len(sessions) == 2
    sessions.find(kept)
    sessions.end(last)
    assert len(sessions) == 1
