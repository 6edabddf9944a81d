"""Training with a discriminator of packs, and what is made of it afterwards."""

from __future__ import annotations

import pytest
import torch
from tests.conftest import SMALL

import dcgan
from dcgan.probe.labeled import held_out, load_labeled
from dcgan.probe.protocol import probe
from dcgan.runs.checkpoints import read_part


def packed():
    model = SMALL["settings"]["model"]
    model = model | {"discriminator": model["discriminator"] | {"pack": 2}}
    settings = SMALL["settings"] | {"model": model, "objective": {"penalty_interval": 1}}
    return {**SMALL, "settings": settings}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "packed"
    return dcgan.train("digits", images=256, out=out, **packed())


def test_a_run_with_packs_learns_and_goes_on_bit_for_bit(run, tmp_path):
    assert run.networks.discriminator[0].pack == 2
    assert "r1" in run.log()[-1]
    dcgan.train("digits", images=128, out=tmp_path / "run", **packed())
    again = dcgan.train("digits", images=256, out=tmp_path / "run", resume=True, **packed())
    for part in ("generator", "discriminator"):
        ours, theirs = (read_part(one.checkpoint, part) for one in (run, again))
        assert all(torch.equal(value, theirs[name]) for name, value in ours.items()), part


def test_its_features_can_be_probed_and_its_table_trained_on_labels(run):
    train, test = held_out(load_labeled(run, "digits"), 0, purpose="test")
    result = probe(run, train, test, methods=["discriminator", "supervised"], budget=12_800)
    for row in result.methods:
        assert row.test[0] > 0.5, row.method
