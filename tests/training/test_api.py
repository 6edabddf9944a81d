"""Whole runs: what a folder holds, going on bit for bit, and what is refused."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image
from tests.conftest import SMALL, Notes

import dcgan
from dcgan.config import merge
from dcgan.data import open_source
from dcgan.errors import DataError, Diverged, RunConflict, RunError
from dcgan.runs.checkpoints import read_part, read_state
from dcgan.runs.folder import RunFolder
from dcgan.runs.logs import JsonLines
from dcgan.runs.scores import read_best
from dcgan.runtime.reporting import Reporter
from dcgan.training import hooks, loop, trainer
from dcgan.training.planning.triggers import Widening


@pytest.fixture(scope="module")
def few(tmp_path_factory):
    """64 digits in the size that the networks work at, so that nothing has to be decoded."""
    path = tmp_path_factory.mktemp("few") / "digits.npy"
    np.save(path, open_source("digits").pixels()[:64, 0].repeat(2, axis=1).repeat(2, axis=2))
    return str(path)


@pytest.fixture(scope="module")
def train(few):
    """Trains a small run on them."""

    def run(out, *, settings=None, **arguments):
        settings = merge(SMALL["settings"], settings or {})
        return dcgan.train(few, out=out, **{**SMALL, **arguments, "settings": settings})

    return run


def assert_same_state(one, other, *, means=True):
    """Two checkpoints hold the same bits, times aside; ``means``: also those for the next line of
    the log."""
    parts = sorted(path.stem for path in one.glob("*.safetensors"))
    assert len(parts) == 7
    if not means:
        parts.remove("means")
    for part in parts:
        ours, theirs = read_part(one, part), read_part(other, part)
        assert ours.keys() == theirs.keys()
        for key, value in ours.items():
            assert torch.equal(value, theirs[key]), f"{part}: {key}"
    states = [read_state(path) for path in (one, other)]
    for state in states:
        del state["seconds"]
        state["threads"] = state["threads"]["record"]  # beside it stand speeds
        if not means:
            del state["means"]
    assert states[0] == states[1]


def test_the_folder_holds_what_the_design_promises(small_run):
    names = {path.name for path in small_run.path.iterdir() if not path.name.startswith(".")}
    assert names == {
        "config.yaml",
        "run.json",
        "networks.json",
        "log.jsonl",
        "events.jsonl",
        "samples",
        "checkpoints",
        "training.gif",
        "report.html",
        "curves.png",
        "gradients.png",
    }
    assert {path.name for path in small_run.checkpoint.iterdir()} == {
        "generator.safetensors",
        "discriminator.safetensors",
        "ema.safetensors",
        "generator_optimizer.safetensors",
        "discriminator_optimizer.safetensors",
        "random.safetensors",
        "means.safetensors",
        "state.json",
        "manifest.json",
    }
    provenance = json.loads((small_run.path / "run.json").read_text())
    assert provenance["data"]["count"] == 1797
    assert provenance["versions"]["torch"].startswith(torch.__version__.split("+")[0])
    with Image.open(small_run.folder.animation) as animation:
        assert animation.n_frames == len(small_run.folder.sheets())


def test_log_lines_carry_losses_scores_and_gradients_by_layer(small_run):
    lines = small_run.log()
    assert [line["images"] for line in lines] == list(range(32, 513, 32))
    for line in lines:
        assert 0 < line["score_real"] < 1
        assert 0 < line["score_fake_before"] < 1
        assert 0 < line["score_fake_after"] < 1
        assert line["loss_d"] > 0
        assert line["loss_g"] > 0
        assert line["images_per_second"] > 0
        assert list(line["gradient_mean"]) == ["1 conv", "2 conv", "3 linear", "4 linear"]
        assert all(
            0 < line["gradient_mean"][layer] <= line["gradient_max"][layer]
            for layer in line["gradient_mean"]
        )
    assert lines[-1]["epoch"] == pytest.approx(512 / 1792, abs=1e-4)


PLAYERS = {
    "adam, batch norm, EMA": {},
    "AdamW, spectral norm, noise, dropout": {
        "model": {
            "generator": {"norm": "spectral+batch"},
            "discriminator": {
                "norm": "spectral",
                "noise": 0.1,
                "dropout": 0.3,
                "minibatch_stddev": True,
            },
        },
        "objective": {"r1": 0},
        "optim": {
            "generator": {"algorithm": "adamw", "weight_decay": 0.01},
            "discriminator": {"algorithm": "adamw"},
        },
    },
    "nearest upsampling, joint batch, random targets": {
        "model": {"generator": {"upsampling": "nearest"}, "discriminator": {"norm": "batch"}},
        "objective": {
            "r1": 0,
            "real_target_spread": 0.2,
            "fake_target_spread": 0.1,
            "flipped_targets": 0.1,
        },
        "optim": {"joint_batch": True},
    },
    "SGD, two D steps, no EMA, uniform latents": {
        "model": {"latent": {"distribution": "uniform"}},
        "optim": {
            "generator": {"algorithm": "sgd", "momentum": 0.9},
            "discriminator": {"algorithm": "sgd"},
            "discriminator_steps": 2,
        },
        "average": {"half_life": 0},
    },
}


@pytest.mark.parametrize("settings", PLAYERS.values(), ids=PLAYERS.keys())
def test_a_run_stopped_between_any_two_steps_goes_on_bit_for_bit(tmp_path, settings, train):
    whole = train(tmp_path / "whole", images=192, settings=settings)
    train(tmp_path / "parts", images=96, settings=settings)
    parts = train(tmp_path / "parts", images=192, resume=True, settings=settings)
    assert_same_state(whole.checkpoint, parts.checkpoint)
    assert [line["loss_d"] for line in whole.log()] != []


class Killed(Exception):
    """Stands for a kill: nothing is saved."""


class KilledAfter(Reporter):
    """Ends a run at a step, as a kill would."""

    def __init__(self, images):
        self.images = images

    def tick(self, images_seen, seconds):
        if images_seen >= self.images:
            raise Killed


TIMES = {"seconds", "images_per_second", "waiting"}


def lines_but_times(run):
    """The log, without what depends on the clock."""
    return [{key: value for key, value in line.items() if key not in TIMES} for line in run.log()]


def killed_and_resumed(train, out, **arguments):
    """A run of 480 images, killed twice between two lines of the log, the second time right after
    a checkpoint."""
    arguments = {"batch": 8, "images": 480, **arguments}
    for images in (368, 472):
        with pytest.raises(Killed):
            train(out, reporter=KilledAfter(images), **arguments)
    saved = read_state(out / "checkpoints" / "000000320")
    assert saved["means"]["loss_d"] > 0, "this checkpoint lies between two lines of the log"
    return train(out, **arguments)


def test_the_log_after_a_resume_equals_that_of_an_unbroken_run(tmp_path, train):
    settings = {
        "optim": {"discriminator_steps": 2},  # not every step has a generator's loss
        "objective": {"r1": 1.0, "penalty_interval": 3},
        "records": {"log_every": 64, "checkpoint_every": 320, "checkpoint_minutes": 60},
    }
    whole = train(tmp_path / "whole", batch=8, images=480, settings=settings)
    parts = killed_and_resumed(train, tmp_path / "parts", settings=settings)
    assert lines_but_times(parts) == lines_but_times(whole)
    assert_same_state(whole.checkpoint, parts.checkpoint)


def test_a_checkpoint_of_an_earlier_version_without_means_is_resumed(tmp_path, train):
    settings = {"records": {"checkpoint_every": 96}}
    whole = train(tmp_path / "whole", images=160, settings=settings)
    run = train(tmp_path / "run", images=96, settings=settings)
    state, manifest = (run.checkpoint / name for name in ("state.json", "manifest.json"))
    plain = json.loads(state.read_text())
    del plain["means"]
    state.write_text(json.dumps(plain))
    sums = json.loads(manifest.read_text())
    del sums["means.safetensors"]
    sums["state.json"] = hashlib.sha256(state.read_bytes()).hexdigest()
    manifest.write_text(json.dumps(sums))
    (run.checkpoint / "means.safetensors").unlink()
    again = train(tmp_path / "run", images=160, resume=True, settings=settings)
    assert_same_state(whole.checkpoint, again.checkpoint)


@pytest.mark.parametrize("steps", [30, 100])
def test_curves_have_thirty_points_however_few_steps_a_run_takes(tmp_path, steps, train):
    """Which points depends on the images seen alone."""
    images = 2 * steps
    settings = {"records": {"log_every": 1600}}
    run = train(tmp_path / "run", batch=2, images=images, settings=settings)
    seen = [line["images"] for line in run.log()]
    assert len(seen) >= 30
    assert seen[0] == 2
    gaps = np.diff([0, *seen])
    assert gaps.max() <= max(2, 0.04 * images), "spread over the whole run"


def test_sheets_take_little_time_beside_training(tmp_path, train):
    settings = {"records": {"sheets": 100, "sheet_images": 1}}
    run = train(tmp_path / "run", images=4800, settings=settings)
    seen = [int(path.stem) for path in run.folder.sheets()]
    assert seen[:2] == [0, 4 * 32], "something to look at soon"
    # three images seen for each of the 513 that are generated, in whole batches
    assert seen[2:-1] == [1696, 3232, 4768]
    assert seen[-1] == 4800, "the end always has one"


def test_what_is_written_in_between_does_not_touch_the_weights(tmp_path, train):
    quiet = train(tmp_path / "quiet", images=160, settings={"records": {"sheets": 1}})
    busy = train(
        tmp_path / "busy",
        images=160,
        settings={"records": {"sheets": 10, "log_every": 32, "checkpoint_every": 32}},
    )
    assert len(busy.folder.sheets()) > len(quiet.folder.sheets())
    assert_same_state(quiet.checkpoint, busy.checkpoint, means=False)


def test_another_seed_gives_another_run(tmp_path, train):
    one, other = (
        read_part(train(tmp_path / str(seed), images=32, seed=seed).checkpoint, "generator")
        for seed in range(2)
    )
    name = "blocks.0.conv_transpose.weight"
    assert not torch.equal(one[name], other[name])


def test_another_configuration_in_the_same_folder_is_refused_with_its_keys(tmp_path, train):
    train(tmp_path / "run", images=64)
    with pytest.raises(RunConflict, match=r"optim\.batch: 32 there, 16 here"):
        train(tmp_path / "run", images=64, batch=16)


def test_another_length_in_the_same_folder_is_refused_with_what_continues_the_run(tmp_path, train):
    out = train(tmp_path / "run", images=64).path
    call = rf"dcgan\.train\(out='{re.escape(str(out))}', resume=True, images=128\)"
    with pytest.raises(RunConflict, match=rf"length\.images: 64 there, 128 here.*{call}"):
        train(out, images=128)
    assert dcgan.train(out=out, resume=True, images=128).images_seen == 128


THREE = {"records": {"keep": 3, "checkpoint_every": 32}}
"""Settings of a run that keeps three checkpoints."""


@pytest.mark.parametrize("request_", [{}, {"resume": True}, {"settings": {"records": {"keep": 1}}}])
def test_a_complete_run_says_so_and_nothing_in_it_changes(tmp_path, train, request_):
    first = train(tmp_path / "run", images=128, settings=THREE)
    before = contents(tmp_path / "run")
    notes = Notes()
    again = train(
        tmp_path / "run", **({"images": 128, "settings": THREE} | request_), reporter=notes
    )
    assert any("complete already" in note for note in notes)
    assert again.checkpoint == first.checkpoint
    assert contents(tmp_path / "run") == before


def test_a_run_that_was_killed_at_its_very_end_is_finished(tmp_path, train):
    run = train(tmp_path / "run", images=128)
    lines = run.folder.events.path.read_text().splitlines(keepends=True)
    assert '"finished"' in lines[-1]
    run.folder.events.path.write_text("".join(lines[:-1]))
    run.folder.animation.unlink()
    train(tmp_path / "run", images=128)
    assert run.folder.animation.is_file()


@pytest.mark.parametrize("wrong", [{"size": 20}, {"batch": 16}, {"images": 999}])
def test_a_refused_call_changes_nothing_in_the_run(tmp_path, train, wrong):
    run = train(tmp_path / "run", images=128, settings=THREE)
    (run.checkpoint / "ema.safetensors").write_bytes(b"")
    before = contents(tmp_path / "run")
    with pytest.raises(RunConflict):
        train(tmp_path / "run", **({"images": 128, "settings": THREE} | wrong))
    assert contents(tmp_path / "run") == before


def test_a_call_with_other_images_changes_nothing_in_the_run(tmp_path, train):
    run = train(tmp_path / "run", images=128, settings=THREE)
    (run.checkpoint / "ema.safetensors").write_bytes(b"")
    before = contents(tmp_path / "run")
    others = np.zeros((64, 16, 16), np.uint8)
    settings = merge(SMALL["settings"], THREE)
    with pytest.raises(DataError):
        dcgan.train(others, out=tmp_path / "run", images=128, **SMALL | {"settings": settings})
    assert contents(tmp_path / "run") == before


def contents(folder):
    """Every file below a folder with its content, except the lock."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != ".lock")
    return {path.relative_to(folder): path.read_bytes() for path in files}


def test_a_command_that_trains_nothing_deletes_no_checkpoint(tmp_path, train):
    settings = {"metrics": {"images": 60, "every": 64}, "records": {"keep": 2}}
    run = train(tmp_path / "run", images=256, settings=settings)
    before = run.folder.path / "checkpoints" / "000000032"
    shutil.copytree(run.checkpoint, before)  # one more than the run would keep
    names = sorted(path.name for path in before.parent.iterdir())
    train(tmp_path / "run", images=256, settings=settings)
    with pytest.raises(RunConflict):
        train(tmp_path / "run", images=256, size=32, settings=settings)
    assert sorted(path.name for path in before.parent.iterdir()) == names


def test_the_end_of_a_run_keeps_no_checkpoint_that_was_best_before(tmp_path):
    more = {
        "metrics": {"images": 60, "every": 256, "extractor": "random"},
        "records": {"keep": 1},
    }
    settings = merge(SMALL["settings"], more)
    out = tmp_path / "run"
    run = dcgan.train("digits", out=out, images=320, **SMALL | {"settings": settings})
    best = read_best(run.folder).checkpoint
    kept = {path.name for path in (out / "checkpoints").iterdir()}
    assert kept == {best, "000000320"}


def test_a_damaged_last_checkpoint_is_passed_over_for_the_one_before(tmp_path, train):
    settings = {"records": {"checkpoint_every": 64}}
    whole = train(tmp_path / "whole", images=192, settings=settings)
    run = train(tmp_path / "run", images=128, settings=settings)
    (run.checkpoint / "generator.safetensors").write_bytes(b"")
    notes = Notes()
    again = train(tmp_path / "run", images=192, resume=True, settings=settings, reporter=notes)
    assert any("skipped" in note for note in notes)
    assert_same_state(whole.checkpoint, again.checkpoint)


def test_a_damaged_checkpoint_at_the_same_place_is_replaced_by_a_whole_one(tmp_path, train):
    settings = {"records": {"checkpoint_every": 64}}
    run = train(tmp_path / "run", images=128, settings=settings)
    # cloned: what is read is mapped from the file that is about to be cut
    before = {key: value.clone() for key, value in read_part(run.checkpoint, "generator").items()}
    (run.checkpoint / "generator.safetensors").write_bytes(b"")
    again = train(tmp_path / "run", images=128, settings=settings)
    assert again.images_seen == 128
    after = read_part(again.checkpoint, "generator")
    assert all(torch.equal(before[key], after[key]) for key in before)


def test_what_came_after_the_checkpoint_is_forgotten_when_a_run_goes_on(tmp_path, train):
    run = train(tmp_path / "run", images=64)
    future = run.folder.sheet(6400)
    future.write_bytes(b"")  # as a crash can leave it
    run.folder.log.append({"images": 6400, "loss_d": 0.0})
    again = train(tmp_path / "run", images=96, resume=True)
    assert not future.exists()
    assert [line["images"] for line in again.log()] == [32, 64, 96]


def test_going_on_needs_no_length_said_again(tmp_path, train):
    train(tmp_path / "run", epochs=1, settings={"records": {"log_every": 640}})
    notes = Notes()
    train(tmp_path / "run", reporter=notes, settings={"records": {"log_every": 640}})
    assert any("complete already" in note for note in notes)


@pytest.mark.figures
def test_a_log_interval_without_a_generator_step_is_drawn_all_the_same(tmp_path, train):
    settings = {"optim": {"discriminator_steps": 2}, "records": {"log_every": 32}}
    run = train(tmp_path / "run", images=128, settings=settings)
    assert sum("loss_g" in line for line in run.log()) == 2
    assert run.folder.curves.exists()


def test_moved_images_are_known_by_their_content(tmp_path, png_folder):
    arguments = {**SMALL, "batch": 4, "out": tmp_path / "run"}
    dcgan.train(str(png_folder), images=8, **arguments)
    moved = png_folder.rename(tmp_path / "elsewhere")
    run = dcgan.train(str(moved), images=16, resume=True, **arguments)
    assert run.images_seen == 16


def test_data_that_cannot_be_used_leaves_no_folder_behind(tmp_path, png_folder, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for path in list(png_folder.glob("*.png"))[:5]:
        path.write_bytes(b"broken")
    before = sorted(path.name for path in tmp_path.iterdir())
    for out in (None, tmp_path / "run"):
        with pytest.raises(DataError, match="5 of 10 images are unreadable"):
            dcgan.train(str(png_folder), images=8, **{**SMALL, "out": out})
    shutil.rmtree(tmp_path / "runs", ignore_errors=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == before


def test_a_neighbor_of_another_version_does_not_hinder_resuming(tmp_path, monkeypatch, train):
    monkeypatch.chdir(tmp_path)
    first = train(None, images=64)
    (tmp_path / "runs" / "old").mkdir()
    (tmp_path / "runs" / "old" / "config.yaml").write_text("who: knows\n")
    assert train(None, images=96, resume=True).path == first.path


def test_a_run_is_not_continued_on_other_images(tmp_path, png_folder):
    arguments = {**SMALL, "batch": 4, "out": tmp_path / "run"}
    dcgan.train(str(png_folder), images=8, **arguments)
    next(png_folder.glob("*.png")).unlink()
    with pytest.raises(DataError, match="not the same"):
        dcgan.train(str(png_folder), images=16, resume=True, **arguments)


def test_fewer_images_than_a_batch_are_drawn_with_replacement_and_said(tmp_path, png_folder):
    notes = Notes()
    run = dcgan.train(str(png_folder), images=64, out=tmp_path / "r", reporter=notes, **SMALL)
    assert any("repeats some of them" in note for note in notes)
    assert run.images_seen == 64


def test_a_folder_with_other_files_is_left_alone(tmp_path, train):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(RunError, match="holds other files"):
        train(tmp_path, images=64)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_two_processes_do_not_train_in_one_folder(tmp_path, train):
    from filelock import FileLock

    (tmp_path / "run").mkdir()
    with FileLock(tmp_path / "run" / ".lock"), pytest.raises(RunError, match="another process"):
        train(tmp_path / "run", images=64)


def test_resuming_without_a_folder_finds_the_run_of_this_configuration(
    tmp_path, monkeypatch, train
):
    monkeypatch.chdir(tmp_path)
    first = train(None, images=64)
    train(None, images=64, seed=7)
    again = train(None, images=96, resume=True)
    assert again.path == first.path
    assert again.images_seen == 96
    with pytest.raises(RunError, match="nothing to resume"):
        train(None, images=96, resume=True, seed=8)


@pytest.mark.figures
def test_a_loss_that_is_no_number_ends_the_run_and_keeps_the_last_good_checkpoint(tmp_path, train):
    settings = {
        "optim": {"generator": {"algorithm": "sgd", "lr": 1e30}},
        "records": {"checkpoint_every": 32, "log_every": 32},
    }
    with pytest.raises(Diverged, match=r"not finite.*after 3 returns.*lr=6e") as caught:
        train(tmp_path / "run", images=6400, settings=settings)
    assert caught.value.exit_code == 4
    lines = (tmp_path / "run" / "events.jsonl").read_text().splitlines()
    events = [json.loads(line) for line in lines]
    told = [event["event"] for event in events if event["event"] in {"diverged", "rollback"}]
    assert told == ["diverged", "rollback"] * 3 + ["diverged"]
    factors = [event["rate_factor"] for event in events if event["event"] == "rollback"]
    assert factors == [0.5, 0.25, 0.125]
    assert "Diverged" in (tmp_path / "run" / "report.html").read_text()


@pytest.fixture
def _log_every_interval(monkeypatch):
    """No more log lines at the start of a run than later on."""
    monkeypatch.setattr(hooks, "Widening", lambda first, every, dense: Widening(every, every, 1))


@pytest.fixture
def diverging_at(monkeypatch):
    """Make D's weights infinite in the step after so many images, at full rates only."""
    plain, rates = loop.update, []

    def prepare(images, below=1.5e-3):
        def update(players, *rest):
            statistics = plain(players, *rest)
            rate = players.discriminator_optimizer.param_groups[0]["lr"]
            rates.append(rate)
            if prepare.seen() == images and rate > below:
                with torch.no_grad():
                    next(players.discriminator.parameters()).fill_(torch.inf)
                statistics["loss_d"] = torch.tensor(torch.inf)
            return statistics

        monkeypatch.setattr(loop, "update", update)

    plain_fit = trainer.fit

    def fit(state, *rest):
        prepare.seen = lambda: state.images_seen
        return plain_fit(state, *rest)

    monkeypatch.setattr(trainer, "fit", fit)
    prepare.rates = rates
    return prepare


def test_a_run_that_diverges_goes_on_from_its_last_checkpoint_with_half_the_rates(
    tmp_path, diverging_at, train
):
    diverging_at(192)
    said = Notes()
    settings = {"records": {"checkpoint_every": 64, "log_every": 32}}
    run = train(tmp_path / "run", images=320, settings=settings, reporter=said)
    assert run.images_seen == 320
    # 192 + one broken step at the full rate, then from 192 on at half of it
    assert diverging_at.rates == pytest.approx([2e-3] * 7 + [1e-3] * 4)
    assert [line["images"] for line in run.log()] == list(range(32, 321, 32))
    assert any("not finite after 224 images: back to 192 images, with 0.5" in n for n in said)
    state = read_state(run.checkpoint)
    assert (state["rollbacks"], state["rate_factor"]) == (1, 0.5)
    longer = train(tmp_path / "run", images=384, settings=settings, resume=True)
    assert diverging_at.rates[-2:] == pytest.approx([1e-3] * 2), "and stays there"
    assert read_state(longer.checkpoint)["rate_factor"] == 0.5


def test_a_run_that_diverges_does_not_go_back_to_where_only_the_clock_saved(
    tmp_path, diverging_at, train
):
    """From the same seed it must become the same on a slow machine as on a fast one."""
    diverging_at(224)
    said = Notes()
    records = {"checkpoint_every": 128, "log_every": 32, "checkpoint_minutes": 1e-9}
    run = train(tmp_path / "run", images=320, settings={"records": records}, reporter=said)
    assert any("back to 128 images" in note for note in said)
    saved = [event["images"] for event in run.folder.events.read() if "path" in event]
    assert 192 in saved, "after each step"
    assert in_sight(run.path) == [128, 256, 320]


def test_without_a_checkpoint_a_run_that_diverges_begins_anew(tmp_path, diverging_at, train):
    diverging_at(32)
    settings = {"records": {"checkpoint_every": 6400, "log_every": 32}}
    run = train(tmp_path / "run", images=128, settings=settings)
    assert run.images_seen == 128
    assert diverging_at.rates == pytest.approx([2e-3] * 2 + [1e-3] * 4)


@pytest.mark.usefixtures("_log_every_interval")
def test_broken_weights_are_never_saved(tmp_path, train):
    """Checkpoints due long before the log would notice."""
    settings = {
        "optim": {"generator": {"algorithm": "sgd", "lr": 1e30}},
        "records": {"checkpoint_every": 32, "log_every": 6400},
    }
    with pytest.raises(Diverged, match="not finite"):
        train(tmp_path / "run", images=6400, settings=settings)
    for checkpoint in (tmp_path / "run" / "checkpoints").iterdir():
        for tensor in read_part(checkpoint, "generator").values():
            assert tensor.isfinite().all()


def in_sight(run):
    return sorted(int(path.name) for path in (run / "checkpoints").glob("0*"))


@pytest.mark.usefixtures("_log_every_interval")
def test_losses_that_explode_without_reaching_infinity_count_as_diverged(tmp_path, train):
    """Adam at a rate of 10 stays finite for ever, and so would its noise."""
    wild = {player: {"lr": 10.0} for player in ("generator", "discriminator")}
    settings = {"optim": wild, "records": {"log_every": 128, "checkpoint_every": 32}}
    run = tmp_path / "run"
    with pytest.raises(Diverged, match=r"loss_.* beyond 100,000 after \d+ images.*after 3 returns"):
        train(run, images=640, settings=settings)
    events = JsonLines(run / "events.jsonl").read()
    said = {event["what"] for event in events if event["event"] == "diverged"}
    assert said and all("beyond 100,000" in what for what in said)
    assert not [images for images in in_sight(run) if images > RunFolder(run).last_logged()]


def test_wasserstein_losses_may_be_as_large_as_weights_allow(tmp_path, monkeypatch, train):
    plain = loop.update

    def update(players, *rest):
        return plain(players, *rest) | {"loss_g": torch.tensor(-2e5)}

    monkeypatch.setattr(loop, "update", update)
    objective = {"loss": "wasserstein", "r1": 0.0, "clip_weights": 0.2}
    run = train(tmp_path / "run", images=128, settings={"objective": objective})
    assert run.log()[-1]["loss_g"] == -2e5


@pytest.mark.usefixtures("_log_every_interval")
def test_a_run_goes_back_to_before_its_losses_diverged(tmp_path, diverging_at, train):
    """Checkpoints after 128 images are newer than the last line of the log: nothing says that they
    are sound. That of 128 stays although only two are kept."""
    diverging_at(224)
    said = Notes()
    settings = {"records": {"checkpoint_every": 32, "log_every": 128, "keep": 2}}
    run = train(tmp_path / "run", images=320, settings=settings, reporter=said)
    assert run.images_seen == 320
    assert any("not finite after 256 images: back to 128 images, with 0.5" in n for n in said)
    assert any(".000000192.diverged" in note for note in said)
    assert (run.path / "checkpoints" / ".000000192.diverged" / "manifest.json").is_file()
    assert diverging_at.rates == pytest.approx([2e-3] * 8 + [1e-3] * 6)
    assert run.log()[-1]["rate_factor"] == 0.5


@pytest.mark.usefixtures("_log_every_interval")
def test_a_checkpoint_from_which_a_run_diverges_at_once_is_not_sound(tmp_path, diverging_at, train):
    """The log's line at 128 images speaks of the steps before; what they led to is lost."""
    diverging_at(160, below=6e-4)
    said = Notes()
    settings = {"records": {"checkpoint_every": 64, "log_every": 64}}
    run = train(tmp_path / "run", images=192, settings=settings, reporter=said)
    back = [note.split("back to ")[1].split(",")[0] for note in said if "back to" in note]
    assert back == ["128 images", "64 images"]
    assert run.images_seen == 192


def test_a_kill_after_a_return_does_not_bring_the_rates_back(
    tmp_path, diverging_at, monkeypatch, train
):
    """Nor the time that was spent, of which a run may have just so much."""
    diverging_at(192)
    fit, starts = trainer.fit, []

    def killed(state, *rest):
        starts.append((state.rollbacks, state.rate_factor, state.seconds))
        if len(starts) == 2:
            raise KeyboardInterrupt
        fit(state, *rest)

    monkeypatch.setattr(trainer, "fit", killed)
    settings = {"records": {"checkpoint_every": 64, "log_every": 32}}
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path / "run", images=320, settings=settings)
    train(tmp_path / "run", images=320, settings=settings)
    assert [start[:2] for start in starts] == [(0, 1.0), (1, 0.5), (1, 0.5)]
    assert diverging_at.rates == pytest.approx([2e-3] * 7 + [1e-3] * 4)
    lines = JsonLines(tmp_path / "run" / "log.jsonl").read()
    before = [line["seconds"] for line in lines if line.get("images") == 192]
    assert starts[1][2] >= before[0]


@pytest.mark.usefixtures("_log_every_interval")
def test_the_log_tells_settings_that_move_and_no_others(tmp_path, small_run):
    moving = {
        "rate_factor",
        "noise_generator",
        "noise_discriminator",
        "top_k",
        "penalty_scale",
        "augment_probability",
    }
    assert moving & small_run.log()[-1].keys() == {"penalty_scale", "rate_factor"}, "both fade"
    dataset = np.random.default_rng(0).integers(0, 256, (64, 16, 16), dtype=np.uint8)
    settings = {
        "model": {"discriminator": {"noise": 0.1, "noise_until": 256}},
        "objective": {"top_k": 0.25, "top_k_ramp": 256, "r1": 1.0, "penalties_fade_from": 64},
        "optim": {"schedule": "linear"},
        "augment": {
            "policy": "translation",
            "probability": "adaptive",
            "target": 0.01,
            "images_to_one": 256,
        },
        "records": {"log_every": 128},
    }
    small = {**SMALL, "settings": merge(SMALL["settings"], settings)}
    run = dcgan.train(dataset, out=tmp_path / "run", images=256, **small)
    first, last = run.log()
    told = {name: first[name] for name in first.keys() & moving}
    # steered from the second epoch on, at 64 images, by 4 steps of 32 of 256 images at a time
    assert told.pop("augment_probability") in (0.0, 0.5)
    assert told == pytest.approx(
        {"rate_factor": 0.5, "noise_discriminator": 0.5, "top_k": 0.5, "penalty_scale": 0.5}
    )
    state = read_state(run.checkpoint)
    assert last["augment_probability"] == pytest.approx(state["augment"]["probability"])
    assert last["augment_probability"] > 0
    assert last["penalty_scale"] == 0.25
    assert last["noise_discriminator"] == 0


def test_a_stored_configuration_repeats_the_run(tmp_path, small_run):
    copy = tmp_path / "copy.yaml"
    shutil.copy(small_run.folder.config, copy)
    again = dcgan.train(None, recipe=str(copy), out=tmp_path / "again")
    assert_same_state(small_run.checkpoint, again.checkpoint)


def test_minutes_bound_the_run(tmp_path, monkeypatch, train):
    """By a clock on which each step takes a quarter of a second."""
    clock = SimpleNamespace(now=0.0)
    clock.perf_counter = lambda: clock.now
    plain = loop.update

    def update(*args):
        clock.now += 0.25
        return plain(*args)

    monkeypatch.setattr(loop, "time", clock)
    monkeypatch.setattr(loop, "update", update)
    run = train(tmp_path / "run", minutes=0.02)
    assert run.log()[-1]["seconds"] == 1.25  # the first step that ends after 1.2 seconds
    (event,) = [one for one in run.folder.events.read() if one["event"] == "expectation"]
    assert event["minutes"] == 0.02
    assert event["outlook"].startswith("in 1 second, expect blurred images at 16x16; recognizable")
    assert run.images_seen == 5 * 32


def test_standardized_pixels_come_back_as_pixels(tmp_path, train):
    rows = [{"conv_transpose": 1, "kernel": 16, "norm": "none", "activation": "none"}]
    run = train(
        tmp_path / "run",
        images=64,
        settings={
            "data": {"scaling": "standardized"},
            "model": {"generator": {"layers": rows, "width": "auto"}},
        },
    )
    scale = run.networks.scale
    assert scale.mean[0] == pytest.approx(78, abs=2)
    assert abs(float(run.sample(64).mean()) - scale.mean[0]) < 40


def test_the_modern_recipe_trains_in_bf16_and_goes_on_bit_for_bit(tmp_path, few):
    arguments = {**SMALL, "recipe": "modern", "precision": "bf16"}
    whole = dcgan.train(few, images=160, out=tmp_path / "whole", **arguments)
    dcgan.train(few, images=96, out=tmp_path / "parts", **arguments)
    parts = dcgan.train(few, images=160, out=tmp_path / "parts", resume=True, **arguments)
    assert_same_state(whole.checkpoint, parts.checkpoint)
    last = whole.log()[-1]
    assert {"r1", "r2"} <= last.keys()
    assert all(last[name] >= 0 for name in ("r1", "r2"))


def test_training_without_data_says_on_what_it_trains(tmp_path):
    unsaid, resumed, said = Notes(), Notes(), Notes()
    dcgan.train(images=64, out=tmp_path / "1", reporter=unsaid, **SMALL)
    dcgan.train(out=tmp_path / "1", resume=True, images=96, reporter=resumed)
    dcgan.train("digits", images=64, out=tmp_path / "2", reporter=said, **SMALL)
    assert any(line.startswith("no `data` given: training on digits, 1,797") for line in unsaid)
    assert not any("no `data` given" in line for line in [*resumed, *said])


def test_what_is_wrong_with_images_is_said_once_and_after_the_last_line(tmp_path, png_folder):
    class Heard(Notes):
        def end(self):
            self.append("end")

    (png_folder / "broken.png").write_bytes(b"nothing")
    Image.new("L", (40, 20)).save(png_folder / "wide.png")
    out, settings = tmp_path / "run", merge(SMALL["settings"], {"data": {"max_unreadable": 0.5}})
    first, second = Heard(), Heard()
    dcgan.train(png_folder, images=64, out=out, reporter=first, **SMALL | {"settings": settings})
    dcgan.train(out=out, resume=True, images=128, reporter=second)
    assert any("skipped broken.png" in line for line in first)
    assert any("`data.fit=pad`" in line for line in first)
    at_end = first[first.index("end") :]
    assert at_end[1] == "writing figures and the report"
    assert any("skipped broken.png" in line for line in at_end)
    assert not any("broken.png" in line or "`data.fit=pad`" in line for line in second)


def test_a_stop_before_training_says_that_there_is_no_run(tmp_path, monkeypatch):
    def stopped(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("dcgan.training.api.build_dataset", stopped)
        with pytest.raises(KeyboardInterrupt, match="before training began: no run folder"):
            dcgan.train("digits", images=64, out=tmp_path / "run", **SMALL)
    assert not (tmp_path / "run").exists()
    monkeypatch.setattr("dcgan.training.api.train_run", stopped)
    with pytest.raises(KeyboardInterrupt) as caught:
        dcgan.train("digits", images=64, out=tmp_path / "run", **SMALL)
    assert str(caught.value) == ""


def test_blank_images_and_copies_are_named_with_the_settings_that_drop_them(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (60, 16, 16), np.uint8)
    images[:9] = 255
    images[10:14] = images[20]
    heard, resumed, cleaned = Notes(), Notes(), Notes()
    dcgan.train(images, images=64, out=tmp_path / "1", reporter=heard, **SMALL)
    dcgan.train(images, out=tmp_path / "1", resume=True, images=96, reporter=resumed)
    settings = merge(SMALL["settings"], {"data": {"blank": "drop", "duplicates": "drop"}})
    dcgan.train(
        images, images=64, reporter=cleaned, out=tmp_path / "2", **SMALL | {"settings": settings}
    )
    line = (
        "of 60 images, 9 are blank and 4 are copies of another image. The generator learns to make"
    )
    assert [one for one in heard if "are blank" in one] == [
        f"{line} them too; `data.blank=drop` and `data.duplicates=drop` drop them"
    ]
    assert not any("are blank" in one for one in [*resumed, *cleaned])
