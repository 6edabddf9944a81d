"""A step asks nothing back from the device.

Run on PyTorch's ``meta`` device, whose tensors have no values: reading one (``item()``, a
comparison, ``nonzero``) raises, as does most arithmetic with a tensor that stayed on the CPU. On a
GPU the first would make each step wait for the one before, and the second would end the run.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from dcgan.bench.report import open_config
from dcgan.config import merge, parse_config
from dcgan.layer_tables import resolve_networks
from dcgan.models.ema import AveragedGenerator
from dcgan.runtime.ranks import Ranks
from dcgan.training.build import build_augment, build_rules
from dcgan.training.descent import gradient_magnitudes
from dcgan.training.rules import Batch, Players, StepPlan
from dcgan.training.step import update

CPU, META = torch.device("cpu"), torch.device("meta")
BATCH = 8

STEPS = {
    "as it is": {},
    "relativistic, all penalties": {
        "objective": {
            **{"loss": "relativistic", "r1": 1.0, "r2": 1.0, "wgan_gp": 1.0, "dragan": 1.0},
            **{"top_k": 0.5, "top_k_ramp": 0},
        },
    },
    "norms, clipping, noise, packs": {
        "model": {
            "generator": {"norm": "spectral+batch", "noise": 0.1},
            "discriminator": {
                **{"norm": "spectral", "noise": 0.1, "dropout": 0.2},
                **{"minibatch_stddev": True, "pack": 2},
            },
        },
        "optim": {"generator": {"clip_norm": 1.0}, "discriminator": {"clip_norm": 1.0}},
    },
    "steered augmentation": {
        "augment": {"policy": "color+translation+cutout", "probability": "adaptive"},
    },
    "codes, weight clipping": {
        "model": {"latent": {"categorical": [3], "continuous": 2}},
        "objective": {"loss": "wasserstein", "r1": 0.0, "clip_weights": 0.01},
    },
    "parts": {"optim": {"micro_batch": BATCH // 2}},
    "bf16": {"precision": "bf16"},
}


def augment_state():
    """Of one that has been adjusted once, so that its operations are applied."""
    return {"probability": 0.1, "sign_sum": 0.0, "images": 0, "steps": 0, "wait": 0, "acts": True}


def on_meta(settings):
    """Players, rules and a batch without values."""
    config = open_config("auto", "16", BATCH, CPU)
    networks = {"generator": {"width": 4}, "discriminator": {"width": 4}}
    small = {"precision": "fp32", "model": networks}
    config = parse_config(merge(merge(config.model_dump(mode="json"), small), settings))
    networks = resolve_networks(config)
    generator = networks.build_generator().to(META)
    discriminator = networks.build_discriminator().to(META)
    # fused kernels take no tensors without values; the others have the same inputs
    optimizers = [torch.optim.Adam(one.parameters()) for one in (generator, discriminator)]
    augment = build_augment(config, META)
    augment.restore(augment_state())
    players = Players(generator, discriminator, *optimizers, augment, Ranks())
    latent_BZ = networks.latent.sample(BATCH, torch.Generator()).to(META)
    real_BCHW = torch.empty(BATCH, *networks.image_shape, device=META)
    micro = config.optim.micro_batch
    parts = 1 if micro == "auto" else BATCH // micro
    rules = replace(build_rules(config, networks.latent, CPU), parts=parts)
    return players, rules, Batch(real_BCHW, latent_BZ)


@pytest.mark.parametrize("with_penalties", [True, False])
@pytest.mark.parametrize("settings", STEPS.values(), ids=STEPS.keys())
def test_a_step_reads_nothing_back(settings, with_penalties):
    players, rules, batch = on_meta(settings)
    average = AveragedGenerator(
        players.generator, half_life=1000, ramp_up=0.05, latent=rules.latent, seed=0
    )
    share = settings.get("objective", {}).get("top_k", 1.0)
    found = update(players, batch, rules, StepPlan(with_penalties=with_penalties, share=share))
    average.update(players.generator, BATCH, BATCH)
    assert {value.device for value in found.values()} == {META}
    assert rules.penalties.keys() & found.keys() == (
        rules.penalties.keys() if with_penalties else set()
    )
    assert gradient_magnitudes(players.discriminator)[1].device == META


def test_what_reads_something_back_is_noticed(monkeypatch):
    players, rules, batch = on_meta({})
    monkeypatch.setattr(players.augment, "observe", lambda sign, images: sign.item())
    with pytest.raises((RuntimeError, NotImplementedError), match="meta"):
        update(players, batch, rules, StepPlan())
