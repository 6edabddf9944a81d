"""Several processes train one run, and it becomes what one process makes of it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest
import torch
import yaml
from safetensors.torch import load_file
from tests.processes import TORCHRUN, Program

import dcgan
from dcgan.config import load_recipe, merge, parse_config
from dcgan.errors import ConfigError
from dcgan.training.planning.device_limits import refuse_uneven

pytestmark = pytest.mark.slow

IMAGES = 640


def recipe(precision="fp32"):
    """Everything that is random where processes share a batch, and all that they average."""
    player = {"lr": 2e-4, "clip_norm": 5.0}
    return {
        "precision": precision,
        "data": {"source": "digits", "size": 16, "channels": 1, "flip": True, "dequantize": True},
        "model": {
            "latent": {"dim": 8},
            "generator": {"width": 4, "norm": "batch"},
            "discriminator": {"width": 4},
        },
        "objective": {"loss": "relativistic", "r1": 1.0, "r2": 0.5, "penalty_interval": 2},
        "optim": {"batch": 16, "generator": player, "discriminator": player},
        "average": {"half_life": 1000},
        "metrics": {"metric": "off"},
        "records": {
            **{"tensorboard": False, "sheets": 2, "log_every": 64},
            **{"checkpoint_every": 64, "keep": 100},
        },
    }


def joint_recipe():
    """Real and generated images in one batch, which batch norm normalizes together; of clusters,
    which the first process finds."""
    settings = {
        "model": {"condition": "clusters", "discriminator": {"norm": "batch"}},
        "objective": {"loss": "non-saturating", "r1": 0, "r2": 0, "penalty_interval": 8},
        "optim": {"joint_batch": True},
    }
    return merge(recipe(), settings)


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """The recipe's file, and the run of one process."""
    folder = tmp_path_factory.mktemp("alone")
    path = folder / "recipe.yaml"
    path.write_text(yaml.safe_dump(recipe()), encoding="utf-8")
    return path, dcgan.train(recipe=str(path), images=IMAGES, out=folder / "run").path


def assert_same(one: Path, other: Path, rtol: float = 1e-5):
    for part in ("generator", "discriminator", "ema"):
        name = f"checkpoints/{IMAGES:09d}/{part}.safetensors"
        ours, theirs = load_file(one / name), load_file(other / name)
        for key, expected in theirs.items():
            scale = float(expected.double().abs().max())
            torch.testing.assert_close(ours[key], expected, rtol=rtol, atol=rtol * scale)


def without_later(run: Path, images: int, out: Path) -> Path:
    """The run as it stood after so many images."""
    shutil.copytree(run, out)
    for path in (out / "checkpoints").glob("0*"):
        if int(path.name) > images:
            shutil.rmtree(path)
    return out


def events(run: Path) -> list[str]:
    lines = (run / "events.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line)["event"] for line in lines]


def train_words(path: Path, images: int, out: Path) -> list[str]:
    return ["train", "--recipe", str(path), "--images", str(images), "--out", str(out)]


FEW_IMAGES = 64
"""In bf16, which is slow where it is emulated."""


@pytest.fixture(scope="module")
def of_two(alone, torchrun, tmp_path_factory):
    """What two processes make, one command after the other, for which they are started once: a run
    of one process gone on with, and one in bf16; and what they print."""
    path, run = alone
    folder = tmp_path_factory.mktemp("two")
    half = without_later(run, IMAGES // 2, folder / "half")
    bf16 = folder / "bf16.yaml"
    bf16.write_text(yaml.safe_dump(recipe("bf16")), encoding="utf-8")
    joint = folder / "joint.yaml"
    joint.write_text(yaml.safe_dump(joint_recipe()), encoding="utf-8")
    commands = [
        train_words(path, IMAGES, half),
        train_words(joint, FEW_IMAGES, folder / "joint"),
        train_words(bf16, FEW_IMAGES, folder / "bf16"),
    ]
    script = Path(__file__).with_name("in_turn.py")
    code, said = torchrun(2, script, json.dumps(commands)).wait()
    assert code == 0, said
    return folder, said


def test_two_processes_go_on_with_a_run_of_one_and_end_where_it_does(alone, of_two):
    _, run = alone
    folder, said = of_two
    half = folder / "half"
    assert said.count(f"run folder: {half}") == 1  # one of them speaks
    assert_same(half, run)
    ours, theirs = (dcgan.open_run(one).log() for one in (half, run))
    # a line of few steps has no penalty where none of them was due
    for mine, expected in zip(ours[-2:], theirs[-2:], strict=True):
        assert mine.keys() == expected.keys()
        for key in {"images", "loss_d", "loss_g", "score_real", "sign_real", "r1"} & mine.keys():
            assert mine[key] == pytest.approx(expected[key], rel=1e-3, abs=1e-4)


def test_batch_norm_of_a_joint_batch_uses_the_images_of_both_processes(of_two, tmp_path):
    folder, _ = of_two
    recipe = str(folder / "joint.yaml")
    run = dcgan.train(recipe=recipe, images=FEW_IMAGES, out=tmp_path / "run").path
    for kind in ("generator", "discriminator"):
        name = f"checkpoints/{FEW_IMAGES:09d}/{kind}.safetensors"
        ours, theirs = load_file(folder / "joint" / name), load_file(run / name)
        assert any("running_var" in key for key in ours)
        for key, expected in theirs.items():
            torch.testing.assert_close(ours[key], expected, rtol=1e-3, atol=1e-5, msg=key)


def gradients(run: Path, images: int) -> dict[str, torch.Tensor]:
    """Averages over the last steps, as Adam keeps them."""
    return {
        f"{player} {key}": value
        for player in ("generator", "discriminator")
        for key, value in load_file(
            run / f"checkpoints/{images:09d}/{player}_optimizer.safetensors"
        ).items()
        if key.endswith("exp_avg")
    }


def test_in_bf16_gradients_of_two_processes_are_those_of_one_but_for_its_rounding(of_two, tmp_path):
    """Each rounds the gradient of its own share to 8 bits before they are averaged."""
    folder, _ = of_two
    path = str(folder / "bf16.yaml")
    run = dcgan.train(recipe=path, images=FEW_IMAGES, out=tmp_path / "alone").path
    ours, theirs = (gradients(one, FEW_IMAGES) for one in (folder / "bf16", run))
    off = {
        key: float((ours[key] - one).norm() / one.norm().clamp_min(1e-9))
        for key, one in theirs.items()
    }
    assert max(off.values()) < 0.15, off
    assert max(off.values()) > 1e-5  # it was bf16


@pytest.fixture
def hosts():
    """Two network namespaces, joined by a cable: their names, devices and addresses."""
    known = f"dcgan{os.getpid()}"
    ends = [(f"{known}{k}", f"d{os.getpid()}{k}", f"10.77.0.{k + 1}") for k in range(2)]

    def ip(*words):
        subprocess.run(["ip", *words], check=True, capture_output=True, timeout=20)

    made = []
    try:
        try:
            for space, _, _ in ends:
                ip("netns", "add", space)
                made.append(space)
            (one, plug, _), (other, socket, _) = ends
            ip("link", "add", plug, "netns", one, "type", "veth", "peer", socket, "netns", other)
            for space, end, address in ends:
                ip("-n", space, "addr", "add", f"{address}/24", "dev", end)
                for device in ("lo", end):
                    ip("-n", space, "link", "set", device, "up")
        except (OSError, subprocess.SubprocessError) as error:
            pytest.skip(f"network namespaces want Linux, iproute2 and root ({error})")
        yield ends
    finally:
        for space in made:
            ip("netns", "del", space)


INSIDE = """
import ctypes, sys
from tests.processes import run

with open(f"/run/netns/{sys.argv[1]}") as space:
    if ctypes.CDLL(None, use_errno=True).setns(space.fileno(), 0):
        raise OSError(ctypes.get_errno(), "cannot enter a network namespace")
run(sys.argv[2:])
"""
"""A program in a network namespace, as ``ip netns exec`` runs it."""


def test_two_hosts_that_share_nothing_but_a_disk_end_where_one_does(alone, hosts, tmp_path):
    path, run = alone
    out = tmp_path / "run"
    first = hosts[0][2]
    one_run = {"rdzv_endpoint": f"{first}:29400", "run_id": "test", "min_nodes": 2, "max_nodes": 2}
    started = []
    for space, end, address in hosts:
        its_own = {"local_addr": address, "rdzv_configs": {"is_host": address == first}}
        words = [TORCHRUN, json.dumps({"nproc_per_node": 1, **one_run, **its_own}), "-m", "dcgan"]
        words += train_words(path, IMAGES, out)
        started.append(Program("-c", INSIDE, space, *words, GLOO_SOCKET_IFNAME=end))
    codes, said = zip(*(one.wait() for one in started), strict=True)
    assert codes == (0, 0), said
    assert ["run folder" in one for one in said] in ([True, False], [False, True])
    assert_same(out, run)


def test_one_process_goes_on_with_a_run_of_two_that_was_told_to_stop(alone, torchrun, tmp_path):
    path, run = alone
    out = tmp_path / "run"
    watcher = torchrun(2, "-m", "dcgan", *train_words(path, 100 * IMAGES, out))
    log = out / "log.jsonl"
    patience = time.monotonic() + 240
    while not (log.is_file() and log.read_text(encoding="utf-8").count("\n") >= 2):
        assert watcher.is_running, watcher.wait()
        assert time.monotonic() < patience
        time.sleep(0.01)
    watcher.send(signal.SIGTERM)
    watcher.wait()
    assert events(out)[-1] == "signal"
    saved = sorted(int(path.name) for path in (out / "checkpoints").glob("0*"))
    assert saved[-1] < 100 * IMAGES
    start = max(images for images in saved if images <= IMAGES)
    early = without_later(out, start, tmp_path / "early")
    dcgan.train(recipe=str(path), images=IMAGES, out=early, resume=True)
    assert_same(early, run)


def test_a_killed_process_costs_only_what_came_after_the_last_checkpoint(alone, torchrun, tmp_path):
    path, run = alone
    out = tmp_path / "run"
    script = Path(__file__).with_name("dying.py")
    watcher = torchrun(2, script, out, *train_words(path, IMAGES, out), max_restarts=1)
    code, said = watcher.wait()
    assert code == 0, said
    assert events(out).count("started") == 1
    assert "resumed" in events(out)
    assert events(out)[-1] == "finished"
    assert_same(out, run)


@pytest.mark.parametrize(("batch", "pack", "processes", "multiple"), [(16, 1, 3, 3), (12, 4, 2, 8)])
def test_a_batch_that_cannot_be_shared_is_refused(batch, pack, processes, multiple):
    settings = {"optim": {"batch": batch}, "model": {"discriminator": {"pack": pack}}}
    config = parse_config(merge(load_recipe("auto"), settings))
    with pytest.raises(ConfigError, match=f"optim.batch` is {batch}.*multiple of {multiple}$"):
        refuse_uneven(config, processes)
    refuse_uneven(config, 1)
