"""Models of no known program: the user describes what shapes do not tell."""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.exchange.originals import lived_in
from torch import nn

import dcgan
from dcgan.config import list_recipes
from dcgan.errors import ConfigError, WeightsError
from dcgan.exchange.inference import FILL_IN, infer_rows
from dcgan.exchange.parts import parts_of
from dcgan.exchange.reading import WeightFile

CLOSE = {"rtol": 0, "atol": 1e-5}


class Named(nn.Module):
    """Layers as attributes: all norms come before all layers where names are sorted."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(10, 24 * 4 * 4)
        self.bn_a = nn.BatchNorm1d(24 * 4 * 4)
        self.up1 = nn.ConvTranspose2d(24, 12, 4, 2, 1)
        self.bn_b = nn.BatchNorm2d(12, eps=1e-2)
        self.up2 = nn.ConvTranspose2d(12, 3, 4, 2, 1)

    def forward(self, z):
        x = torch.relu(self.bn_a(self.fc(z))).view(-1, 24, 4, 4)
        x = torch.nn.functional.leaky_relu(self.bn_b(self.up1(x)), 0.1)
        return torch.sigmoid(self.up2(x))


def filled(text: str, *values: str) -> str:
    """A table with each gap replaced by the next value."""
    head, begin, body = text.partition("data:")
    for value in values:
        assert FILL_IN in body
        body = body.replace(FILL_IN, value, 1)
    assert FILL_IN not in body
    return head + begin + body


def test_a_table_with_the_gaps_filled_in_is_the_model(tmp_path):
    generator = lived_in(Named())
    state = generator.state_dict()
    torch.save({name: state[name] for name in sorted(state)}, tmp_path / "g.pth")
    out = tmp_path / "run"
    with pytest.raises(WeightsError) as caught:
        dcgan.import_model(tmp_path / "g.pth", out=out)
    message = str(caught.value)
    for word in ("stride", "padding", "activation", "output range", "--like"):
        assert word in message
    (table,) = tmp_path.glob("*.yaml")
    assert str(table) in message and not out.exists()

    with pytest.raises(ConfigError, match=r"and 7 more still say FILL_IN"):
        dcgan.import_model(tmp_path / "g.pth", out=out, like=table)

    values = ["unit", "relu", "2", "1", "leaky_relu", "2", "1", "sigmoid"]
    text = filled(table.read_text(), *values).replace("layers:", "slope: 0.1\n    layers:", 1)
    text = re.sub(r"(conv_transpose: 12,)", r"\1 eps: 0.01,", text)
    table.write_text(text)
    run = dcgan.import_model(tmp_path / "g.pth", out=out, like=table)
    latent_BZ = torch.randn(16, 10)
    expected = generator(latent_BZ)
    torch.testing.assert_close(run.generator(latent_BZ), expected, **CLOSE)
    # [0, 1] is black to white
    pixels = (expected * 255).round().numpy()
    assert np.abs(run.generate(latent_BZ).astype(int) - pixels).max() <= 1


def test_a_table_that_is_there_is_not_overwritten(tmp_path):
    torch.save(Named().state_dict(), tmp_path / "g.pth")
    for _ in range(2):
        with pytest.raises(WeightsError):
            dcgan.import_model(tmp_path / "g.pth", out=tmp_path / "run")
    names = sorted(path.name for path in tmp_path.glob("*.yaml"))
    assert names == ["run-table-2.yaml", "run-table.yaml"]


def test_wrong_values_of_a_table_name_the_table(tmp_path):
    torch.save(Named().state_dict(), tmp_path / "g.pth")
    rows = [
        {"linear": 384, "reshape": [24, 4, 4], "norm": "batch", "norm_features": True},
        {"conv_transpose": 12, "kernel": 4, "stride": 2, "padding": 1, "bias": True},
        {"conv_transpose": 3, "kernel": 4, "stride": 2, "padding": 9, "norm": "none"},
    ]
    table = tmp_path / "t.yaml"
    model = {"latent": {"dim": 10}, "generator": {"layers": rows, "bias": True}}
    wrong = {
        "padding": ({"model": model}, "layers[2].padding is 9"),
        "scaling": ({"model": model, "data": {"scaling": "standardized"}}, "data.scaling"),
        "key": ({"model": {**model, "lattent": {}}}, "did you mean 'latent'"),
        "sigmoid": ({"model": _ending(model, "sigmoid")}, "Use data.scaling=unit"),
        "channels": ({"model": _ending(model, "none", 5)}, "1 to 4 channels"),
    }
    for settings_, words in wrong.values():
        table.write_text(yaml.safe_dump(settings_))
        with pytest.raises(ConfigError) as caught:
            dcgan.import_model(tmp_path / "g.pth", out=tmp_path / "run", like=table)
        assert words in str(caught.value) and str(table) in str(caught.value)
        assert not (tmp_path / "run").exists()


def _ending(model, activation, channels=3):
    *rows, last = model["generator"]["layers"]
    own = {"conv_transpose": channels, "padding": 1, "activation": activation}
    return {**model, "generator": {"layers": [*rows, {**last, **own}], "bias": True}}


@pytest.mark.parametrize("affine", [True, False])
def test_norms_over_parts_of_an_image(tmp_path, affine):
    torch.manual_seed(0)
    generator = nn.Sequential(
        nn.Linear(6, 8 * 16),
        nn.Unflatten(1, (8, 4, 4)),
        nn.GroupNorm(2, 8),
        nn.ReLU(),
        nn.ConvTranspose2d(8, 6, 4, 2, 1),
        nn.InstanceNorm2d(6, affine=affine),
        nn.ReLU(),
        nn.Upsample(scale_factor=2),
        nn.Conv2d(6, 4, 3, 1, 1),
        nn.LayerNorm([4, 16, 16], eps=1e-3),
        nn.ReLU(),
        nn.Conv2d(4, 1, 3, 1, 1),
        nn.Tanh(),
    )
    for parameter in generator.parameters():
        nn.init.normal_(parameter, 0.2, 0.5)
    torch.save(generator.state_dict(), tmp_path / "g.pth")
    rows = [
        {"linear": 128, "reshape": [8, 4, 4], "norm": "group", "norm_groups": 2},
        {"conv_transpose": 6, "kernel": 4, "stride": 2, "padding": 1, "norm": "instance"},
        {"conv": 4, "kernel": 3, "padding": 1, "resize": 16, "interpolation": "nearest"}
        | {"norm": "layer", "eps": 1e-3},
        {"conv": 1, "kernel": 3, "padding": 1, "norm": "none", "activation": "tanh"},
    ]
    table = tmp_path / "t.yaml"
    model = {"latent": {"dim": 6}, "generator": {"layers": rows, "bias": True}}
    table.write_text(yaml.safe_dump({"model": model}))
    run = dcgan.import_model(tmp_path / "g.pth", out=tmp_path / "run", like=table)
    latent_BZ = torch.randn(16, 6)
    expected = generator(latent_BZ)
    torch.testing.assert_close(run.generator(latent_BZ), expected, **CLOSE)
    pixels = ((expected + 1) * 127.5).round().detach().numpy()
    assert np.abs(run.generate(latent_BZ).astype(int) - pixels).max() <= 1


def test_missing_statistics_are_estimated(tmp_path):
    """A batch norm without running statistics gets the averages over 512 latents."""
    generator = nn.Sequential(nn.Linear(100, 256), nn.BatchNorm1d(256, track_running_stats=False))
    generator.extend([nn.ReLU(), nn.Linear(256, 512), nn.BatchNorm1d(512), nn.ReLU()])
    generator.extend([nn.Linear(512, 1024), nn.BatchNorm1d(1024), nn.ReLU(), nn.Linear(1024, 784)])
    state = {k: v for k, v in generator.state_dict().items() if "running" not in k}
    torch.save(state, tmp_path / "g.pth")
    run = dcgan.import_model(tmp_path / "g.pth", out=tmp_path / "run", like="mlp-mnist")
    batches = [run.networks.latent.numbered(0, 64 * n, 64 * n + 64) for n in range(8)]
    linear = [generator[0](batch) for batch in batches]
    mean = torch.stack([one.mean(0) for one in linear]).mean(0)
    variance = torch.stack([one.var(0) for one in linear]).mean(0)
    found = run.generator.blocks[0].batch
    torch.testing.assert_close(found.running_mean, mean.detach(), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(found.running_var, variance.detach(), rtol=1e-4, atol=1e-5)


def test_a_model_of_a_recipe_is_told_by_its_shapes(tmp_path):
    generator = nn.Sequential(nn.Linear(100, 256), nn.BatchNorm1d(256), nn.Linear(256, 512))
    generator.extend([nn.BatchNorm1d(512), nn.Linear(512, 1024), nn.BatchNorm1d(1024)])
    torch.save(generator.append(nn.Linear(1024, 784)).state_dict(), tmp_path / "g.pth")
    assert "mlp-mnist" in list_recipes()
    with pytest.raises(WeightsError, match=r"recipe mlp-mnist.*--like mlp-mnist"):
        dcgan.import_model(tmp_path / "g.pth", out=tmp_path / "run")


WIDTHS = st.lists(st.integers(2, 9), min_size=2, max_size=5, unique=True)


@settings(max_examples=60, deadline=None)
@given(
    widths=WIDTHS,
    kernels=st.lists(st.tuples(st.integers(1, 5), st.integers(1, 5)), min_size=5, max_size=5),
    biases=st.lists(st.booleans(), min_size=5, max_size=5),
    norms=st.lists(st.booleans(), min_size=5, max_size=5),
    transposed=st.booleans(),
)
def test_shapes_tell_operations_channels_kernels_biases_and_norms(
    tmp_path_factory, widths, kernels, biases, norms, transposed
):
    kind = nn.ConvTranspose2d if transposed else nn.Conv2d
    layers: list[nn.Module] = []
    for place, (before, made) in enumerate(zip(widths, widths[1:], strict=False)):
        layers.append(kind(before, made, kernels[place], bias=biases[place]))
        if norms[place]:
            layers.append(nn.BatchNorm2d(made))
    state = nn.Sequential(*layers).state_dict()
    file = WeightFile(tmp_path_factory.getbasetemp(), "", state, is_named=True)
    rows = infer_rows(parts_of(file), is_generator=transposed)
    operation = "conv_transpose" if transposed else "conv"
    assert [row[operation] for row in rows] == widths[1:]
    for place, row in enumerate(rows):
        height, width = kernels[place]
        assert row["kernel"] == (height if height == width else [height, width])
        assert row["bias"] == biases[place]
        assert row["norm"] == ("batch" if norms[place] else "none")
