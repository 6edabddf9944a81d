"""Training can start from the weights of another run."""

from __future__ import annotations

import pytest
import torch
from tests.conftest import SMALL, Notes

import dcgan
from dcgan.config import merge, read_yaml
from dcgan.errors import ConfigError, RunError
from dcgan.models.spectral import plain_weights
from dcgan.runs.checkpoints import read_part
from dcgan.training.planning.arguments import settings_to_start_from

COLOR = {"data": {"channels": 3}}


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    out = tmp_path_factory.mktemp("first") / "run"
    return dcgan.train("digits", images=192, out=out, **SMALL)


def start(first, out, images=64, **changed):
    """A run from the weights of the first, and what it noted."""
    notes = Notes()
    arguments = merge({key: value for key, value in SMALL.items() if key != "size"}, changed)
    run = dcgan.train(
        "digits", images=images, out=out, init=first.path, reporter=notes, **arguments
    )
    (line,) = [note for note in notes if note.startswith("starts from")]
    return run, line


def weights(run, part="discriminator", name=None):
    checkpoint = run.folder.checkpoints / name if name else run.folder.latest_checkpoint()
    return read_part(checkpoint, part)


def frozen_rates():
    return {"optim": {"generator": {"lr": 1e-30}, "discriminator": {"lr": 1e-30}}}


def test_a_run_starts_where_another_one_ended(first, tmp_path):
    """With rates so small that nothing moves, the weights at the end are those of the start."""
    run, line = start(first, tmp_path / "run", settings=merge(SMALL["settings"], frozen_rates()))
    assert line == "starts from run (192 images seen): all layers of both networks"
    for part in ("generator", "discriminator"):
        for key, there in weights(first, part).items():
            if "running" not in key and "num_batches" not in key:
                assert torch.allclose(weights(run, part)[key], there, atol=1e-12), key
    assert read_yaml(run.folder.config)["start"]["weights"] == str(first.path)


def test_the_average_starts_there_too(first, tmp_path):
    run, _ = start(first, tmp_path / "run", settings=merge(SMALL["settings"], frozen_rates()))
    there, here = weights(first, "ema"), weights(run, "ema")
    trained = weights(run, "generator")
    # after 4 steps it lies between both, and nearer to the trained weights of the new run
    for key in (key for key in there if key.endswith("weight")):
        low, high = torch.minimum(there[key], trained[key]), torch.maximum(there[key], trained[key])
        assert ((here[key] >= low - 1e-6) & (here[key] <= high + 1e-6)).all(), key


def test_an_exported_model_starts_a_run_with_spectral_norm(tmp_path):
    """Its weights are divided already; the layers of the new run divide by their norm, about 1."""
    networks = {
        "generator": {"width": 4, "norm": "spectral+batch"},
        "discriminator": {"width": 4, "norm": "spectral"},
    }
    settings = merge(SMALL["settings"], {"model": networks})
    first = dcgan.train(
        "digits", images=192, out=tmp_path / "first", **SMALL | {"settings": settings}
    )
    model = first.export("weights", tmp_path / "model", part="both", progress=False)
    run, line = start(
        dcgan.open_run(model.path), tmp_path / "run", settings=merge(settings, frozen_rates())
    )
    assert line == "starts from model (192 images seen): all layers of both networks"
    first = dcgan.open_run(first.path, "last")
    run = dcgan.open_run(run.path, "last")
    images = torch.rand(20, *run.networks.image_shape) * 2 - 1
    for part in ("generator", "discriminator"):
        there = plain_weights(getattr(first, part))
        here = plain_weights(getattr(run, part))
        for key in there:
            if key.endswith("weight"):
                torch.testing.assert_close(here[key], there[key], rtol=0.02, atol=1e-3)
    torch.testing.assert_close(
        run.discriminator(images), first.discriminator(images), rtol=0.05, atol=0.02
    )


def test_size_and_networks_are_those_of_the_other_run(first, tmp_path):
    run, _ = start(first, tmp_path / "run")
    assert run.networks.generator == first.networks.generator
    assert run.networks.discriminator == first.networks.discriminator
    assert run.networks.image_shape == first.networks.image_shape


def test_other_channels_leave_out_the_layers_at_the_image(first, tmp_path):
    settings = merge(merge(SMALL["settings"], COLOR), frozen_rates())
    run, line = start(first, tmp_path / "run", settings=settings)
    last = len(run.networks.generator)
    assert line == (
        f"starts from run (192 images seen): all layers of the generator but layer {last} and all"
        " layers of the discriminator but layer 1"
    )
    there, here = weights(first), weights(run)
    assert torch.allclose(here["blocks.1.conv.weight"], there["blocks.1.conv.weight"])
    assert here["blocks.0.conv.weight"].shape[1] == 3


def test_a_larger_size_takes_the_layers_that_both_have(first, tmp_path):
    """Layers of the generator are counted from the image where more of them fit that way."""
    settings = merge(SMALL["settings"], frozen_rates())
    run, line = start(first, tmp_path / "run", size=32, settings=settings)
    assert "no layer" not in line
    there, here = weights(first, "generator"), weights(run, "generator")
    before, after = (len(one.networks.generator) - 1 for one in (first, run))
    end = f"blocks.{before}.conv_transpose.weight", f"blocks.{after}.conv_transpose.weight"
    assert torch.allclose(here[end[1]], there[end[0]])


def test_frozen_layers_stay_as_they_are(first, tmp_path):
    settings = merge(SMALL["settings"], {"start": {"freeze_discriminator": 1}})
    run, _ = start(first, tmp_path / "run", settings=settings)
    there, here = weights(first), weights(run)
    for key in there:
        if key.startswith("blocks.0.") and "running" not in key:
            assert torch.equal(here[key], there[key]), key
    assert not torch.equal(here["blocks.1.conv.weight"], there["blocks.1.conv.weight"])
    # the log has the gradients of the others under their own names
    layers = list(run.log()[-1]["gradient_mean"])
    assert layers[0].startswith("2 ")


def test_a_resumed_run_needs_the_other_one_no_more(first, tmp_path):
    import shutil

    copy = shutil.copytree(first.path, tmp_path / "copy")
    other = dcgan.open_run(copy)
    whole, _ = start(other, tmp_path / "whole", images=128)
    start(other, tmp_path / "half", images=64)
    shutil.rmtree(copy)
    half = dcgan.train(out=tmp_path / "half", resume=True, images=128, progress=False)
    assert (half.sample(8, seed=1) == whole.sample(8, seed=1)).all()


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"recipe": "mlp-mnist", "size": 28}, "no layer has the shape"),
        ({"settings": {"start": {"freeze_discriminator": 9}}}, "Use at most"),
        ({"settings": COLOR | {"start": {"freeze_discriminator": 1}}}, "layer 1 of the discrimin"),
    ],
)
def test_what_cannot_work_is_refused(first, tmp_path, changed, message):
    with pytest.raises(ConfigError, match=message):
        dcgan.train("digits", images=64, out=tmp_path / "run", init=first.path, **changed)


def test_a_path_without_a_run_is_refused(tmp_path):
    with pytest.raises(RunError, match="no such run folder"):
        dcgan.train("digits", images=64, out=tmp_path / "run", init=tmp_path / "nothing")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("text", ["data: []", "model: 1\ndata: {size: 16}"])
def test_a_run_with_a_damaged_configuration_is_refused(tmp_path, text):
    (tmp_path / "config.yaml").write_text(text)
    with pytest.raises(RunError, match=r"config\.yaml: damaged"):
        settings_to_start_from(tmp_path)


@pytest.mark.parametrize(
    ("stored", "asked"),
    [("condition: label", "auto"), ("condition: clusters", "clusters"), ("", None)],
)
def test_classes_are_learned_where_the_other_run_knew_some(tmp_path, stored, asked):
    """Also by runs of versions that did not have all settings; those are left to the recipe."""
    (tmp_path / "config.yaml").write_text(f"data: {{size: 16}}\nmodel: {{{stored}}}")
    wanted = {"data": {"size": 16}, "model": {"condition": asked}}
    assert settings_to_start_from(tmp_path) == wanted


def test_a_built_in_model_is_stored_by_its_name(tmp_path):
    """A stored configuration can be trained on another machine, where its copy is elsewhere."""
    notes = Notes()
    settings = merge(SMALL["settings"], {"records": {"sheets": 1}})
    settings.pop("model")
    run = dcgan.train(
        "digits", images=8, batch=8, out=tmp_path / "run", init="mnist-demo", reporter=notes,
        settings=merge(settings, {"metrics": {"metric": "off"}}),
    )  # fmt: skip
    assert any(note.startswith("starts from mnist-demo") for note in notes)
    assert read_yaml(run.folder.config)["start"]["weights"] == "mnist-demo"
    assert run.networks.image_shape == (1, 28, 28)
