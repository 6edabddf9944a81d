"""Every number of an evaluation names what it rests on, and means what it says."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.conftest import SMALL, Notes

import dcgan
from dcgan.data import HeldDataset, Labels, open_source
from dcgan.errors import CheckpointError, ConfigError, DataError, RunError
from dcgan.evaluation import real_images
from dcgan.evaluation.copying import Copying, Pairs
from dcgan.evaluation.evaluate_runs import evaluate
from dcgan.evaluation.evaluator import Evaluator
from dcgan.evaluation.extractors import classes_of, open_extractor
from dcgan.evaluation.real_features import real_features
from dcgan.evaluation.real_images import chosen_order, take, two_samples
from dcgan.evaluation.results import keep_all_evaluations, keep_evaluation, nearest_sheet
from dcgan.metrics import Metric, registry
from dcgan.metrics.extractors.random_network import random_extractor
from dcgan.metrics.frechet import Moments, frechet_distance
from dcgan.metrics.memorization import copy_threshold, copying_test, repeats
from dcgan.metrics.score import Score
from dcgan.runs.checkpoints import list_checkpoints
from dcgan.runs.dataset import open_dataset
from dcgan.runs.folder import RunFolder
from dcgan.runs.run import open_every_checkpoint


@pytest.fixture(scope="module")
def found(small_run):
    return small_run.evaluate(extractor="random", images=300)


@pytest.fixture
def dataset(small_run):
    return open_dataset(small_run.folder, small_run.networks)


def test_every_score_names_extractor_count_and_baseline(found):
    names = [score.metric for score in found.scores]
    assert len(set(names)) == len(names)
    assert {
        "frechet_distance",
        "kernel_distance",
        "precision",
        "recall",
        "density",
        "coverage",
        "ms_ssim",
        "copying_test",
        "duplicate_rate",
        "repeat_rate",
        "sliced_wasserstein_16",
    } <= set(names)
    for score in found.scores:
        assert score.extractor == "pixels" or score.extractor.startswith("random:")
        assert score.generated == (150 if score.metric == "copying_test" else 300)
        assert score.baseline is not None, score.metric
        assert "300 of 1,797 images" in score.split
        assert np.isfinite(score.value)


def test_real_images_score_the_baseline_and_an_untrained_generator_does_not(found):
    assert found["frechet_distance"].value > 5 * found["frechet_distance"].baseline
    assert abs(found["kernel_distance"].baseline) < found["kernel_distance"].value / 5
    assert found["coverage"].baseline > 0.9 > found["coverage"].value
    assert abs(found["density"].baseline - 1) < 0.2


def test_the_distance_is_that_of_the_stated_images(found, small_run, dataset):
    extractor = random_extractor(1, (16, 16))
    order = chosen_order(1797)
    real = extractor(take(dataset, order[:300])).values
    others = extractor(take(dataset, order[300:600])).values
    fake = extractor(small_run.sample(300, seed=0)).values
    value = frechet_distance(Moments.of(real), Moments.of(fake))
    assert found["frechet_distance"].value == pytest.approx(value, rel=1e-6)
    baseline = frechet_distance(Moments.of(real), Moments.of(others))
    assert found["frechet_distance"].baseline == pytest.approx(baseline, rel=1e-6)


def test_another_seed_draws_other_images(found, small_run):
    other = small_run.evaluate(extractor="random", images=300, seed=1)
    assert other["frechet_distance"].value != found["frechet_distance"].value
    assert other["frechet_distance"].seed == 1
    assert other["frechet_distance"].baseline == found["frechet_distance"].baseline


def test_at_most_half_of_the_images_are_compared_with(small_run, tmp_path):
    np.save(tmp_path / "few.npy", open_source("digits").pixels()[:251, 0])
    found = small_run.evaluate(str(tmp_path / "few.npy"), extractor="random", images=10_000)
    assert found["frechet_distance"].generated == 125
    assert found["frechet_distance"].real == 125


@pytest.mark.usefixtures("brief_classifiers")
def test_labels_give_a_classifier_and_the_shares_of_its_classes(small_run):
    found = small_run.evaluate(images=200)
    assert found.scores[0].extractor.startswith("classifier:")
    assert "held-out images" in found.extractor
    assert list(found.classes) == list("0123456789")
    ours, theirs = zip(*found.classes.values(), strict=True)
    assert sum(ours) == pytest.approx(1)
    assert sum(theirs) == pytest.approx(1)
    assert all(0.03 < share < 0.2 for share in theirs)
    assert found["mode_coverage"].baseline == 10
    assert found["inception_score"].baseline > found["inception_score"].value
    assert found["label_entropy"].baseline == pytest.approx(np.log(10), abs=0.1)


class Copier:
    """Stands for a run that draws what it is told to."""

    def __init__(self, run, images):
        self.path, self.networks, self.images_seen = run.path, run.networks, run.images_seen
        self.checkpoint = run.checkpoint
        self._images = images

    def stream(self, count, *, seed=0):
        yield self._images[:count]


def test_a_generator_that_copies_is_found_out(small_run, dataset):
    evaluator = Evaluator(dataset, random_extractor(1, (16, 16)), images=400)
    order = chosen_order(1797)
    # the first fifth is not searched
    copies = take(dataset, order[800:1200])
    found = evaluator.evaluate(Copier(small_run, copies))
    assert found["copying_test"].value < -3 < found["copying_test"].baseline
    assert found["duplicate_rate"].value == 1.0
    assert found["duplicate_rate"].baseline < 0.05
    assert found.copying is not None
    assert np.array_equal(found.copying.nearest.generated, found.copying.nearest.training)
    assert max(found.copying.nearest.distances) == 0
    assert "it copies" in " ".join(found.copying.lines())


def test_the_sheet_of_nearest_pairs_shows_neither_blank_nor_repeated_images(small_run, dataset):
    order = chosen_order(1797)
    images = take(dataset, order[:1000])
    images[order[:1000] % 3 == 0] = 0
    training = HeldDataset(images)
    evaluator = Evaluator(training, random_extractor(1, (16, 16)), images=400)
    rows = chosen_order(1000)[200:]  # the first fifth is not searched
    generated = np.repeat(take(training, rows), 2, axis=0)  # a third is blank, each comes twice
    found = evaluator.evaluate(Copier(small_run, generated[:400]))
    shown = found.copying.nearest.training
    assert len({image.tobytes() for image in shown}) == len(shown) == 12
    assert shown.std(axis=(1, 2, 3)).min() > 1
    text = " ".join(found.copying.lines())
    assert "of the held-out images are duplicates too" in text
    assert "`data.blank=drop`" in text


def test_where_all_generated_images_are_blank_their_pairs_are_shown_all_the_same(
    small_run, dataset
):
    images = take(dataset, chosen_order(1797)[:1000])
    images[::3] = 0
    training = HeldDataset(images)
    evaluator = Evaluator(training, random_extractor(1, (16, 16)), images=400)
    found = evaluator.evaluate(Copier(small_run, np.zeros((400, 1, 16, 16), np.uint8)))
    assert len(found.copying.nearest.distances) == 12


def test_a_line_in_the_registry_is_all_that_a_metric_needs(small_run, dataset, monkeypatch):
    gap = Metric("mean_gap", "lower", "features", lambda a, b: abs(a.mean() - b.mean()), "far off")
    monkeypatch.setattr(registry, "METRICS", (*registry.METRICS, gap))
    evaluator = Evaluator(dataset, random_extractor(1, (16, 16)), images=100, brief=True)
    score = evaluator.evaluate(Copier(small_run, np.zeros((100, 1, 16, 16), np.uint8)))["mean_gap"]
    assert score.value > score.baseline > 0
    assert str(score).endswith("lower is better")


@pytest.mark.parametrize(
    ("generated", "test", "duplicates", "verdict"),
    [
        (500, -0.8, 0.012, "as far"),  # ten cells: one in a thousand perfect ones is below -0.95
        (500, -1.1, 0.012, "are not copies"),
        (50, -1.1, 0.012, "as far"),  # one cell: as many are below -3
        (50, -3.5, 0.012, "are not copies"),
        (500, -1.1, 0.05, "it copies"),
        (500, 0.0, 0.05, "some generated images are copies"),
        (100, 0.0, 0.15, "some generated images are copies"),
        (100, 0.0, 0.03, "as far"),  # 3 of 100, and 1 of 100 held-out images: chance
        (500, 4.0, 0.0, "farther"),
    ],
)
def test_the_verdict_asks_the_copying_test_and_the_duplicates(generated, test, duplicates, verdict):
    common = {"extractor": "x", "real": 1000, "generated": generated, "split": "", "seed": 0}
    scores = (
        Score(metric="copying_test", value=test, baseline=0.1, better="zero", **common),
        Score(metric="duplicate_rate", value=duplicates, baseline=0.01, **common),
    )
    nothing = np.empty((0, 1, 8, 8), np.uint8)
    pairs = Pairs(nothing, nothing, ())
    found = Copying(pairs, pairs, 1000, "500 held-out images", scores)
    assert verdict in " ".join(found.lines())


def test_held_out_images_are_as_many_as_generated_ones(small_run, dataset):
    extractor = random_extractor(1, (16, 16))
    order = chosen_order(1797)
    fresh = take(dataset, order[1500:1720])
    found = Evaluator(dataset, extractor, images=220).evaluate(Copier(small_run, fresh))
    assert found.copying.searched == 1797 - 220
    assert found.copying.held_out.startswith("220 other training images")
    held_out, training = (
        extractor(take(dataset, rows)).values for rows in (order[:220], order[220:])
    )
    threshold = copy_threshold(training, held_out[:110])
    assert found["repeat_rate"].baseline == repeats(held_out, threshold=threshold)
    expected = copying_test(held_out[:110], training, held_out[110:], cells=2)
    assert found["copying_test"].baseline == pytest.approx(expected, abs=1e-9)


def test_a_fifth_of_copies_is_found_out(small_run, dataset):
    order = chosen_order(1797)
    training = HeldDataset(take(dataset, order[:1200]))
    held_out = HeldDataset(take(dataset, order[1200:1500]))
    mixed = take(dataset, np.concatenate([order[1500:1740], order[:57]]))
    evaluator = Evaluator(training, random_extractor(1, (16, 16)), images=297, held_out=held_out)
    found = evaluator.evaluate(Copier(small_run, np.random.default_rng(0).permutation(mixed)))
    assert "it copies" in " ".join(found.copying.lines())


def test_new_real_images_are_not_taken_for_copies(small_run, dataset):
    order = chosen_order(1797)
    training = HeldDataset(take(dataset, order[:1200]))
    held_out = HeldDataset(take(dataset, order[1200:1500]))
    fresh = take(dataset, order[1500:])
    evaluator = Evaluator(training, random_extractor(1, (16, 16)), images=297, held_out=held_out)
    found = evaluator.evaluate(Copier(small_run, fresh))
    assert abs(found["copying_test"].value) < 3
    assert found["duplicate_rate"].value < 0.08
    assert "300 held-out images" in found.copying.held_out.replace("297 of ", "")
    assert found["frechet_distance"].value < 2 * found["frechet_distance"].baseline


def test_a_generator_that_repeats_itself_is_found_out(small_run, dataset):
    evaluator = Evaluator(dataset, random_extractor(1, (16, 16)), images=400)
    images = np.repeat(take(dataset, chosen_order(1797)[:20]), 20, axis=0)
    found = evaluator.evaluate(Copier(small_run, images))
    assert found["repeat_rate"].value == 1.0
    assert found["repeat_rate"].baseline < 0.2
    assert found["recall"].value < found["recall"].baseline / 2
    assert found["ms_ssim"].value > found["ms_ssim"].baseline


def test_features_are_taken_once(dataset, tmp_path, monkeypatch):
    monkeypatch.setenv("DCGAN_CACHE", str(tmp_path))
    extractor, rows = random_extractor(1, (16, 16)), chosen_order(1797)[:100]
    first = real_features(dataset, rows, extractor)
    batches = []
    extractor.network.register_forward_hook(lambda *_: batches.append(1))
    again = real_features(dataset, rows, extractor)
    assert not batches
    assert np.array_equal(first.values, again.values)
    assert again.probabilities is None
    real_features(dataset, rows[:99], extractor)
    assert batches, "other images have other features"


def test_features_are_read_from_a_cache_that_may_not_be_written(dataset, tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError

    monkeypatch.setenv("DCGAN_CACHE", str(tmp_path))
    extractor, rows = random_extractor(1, (16, 16)), chosen_order(1797)[:100]
    first = real_features(dataset, rows, extractor)
    monkeypatch.setattr(Path, "touch", refuse)
    extractor.network.register_forward_hook(lambda *_: pytest.fail("computed again"))
    np.testing.assert_array_equal(real_features(dataset, rows, extractor).values, first.values)


def test_damaged_features_are_taken_again(dataset, tmp_path, monkeypatch):
    monkeypatch.setenv("DCGAN_CACHE", str(tmp_path))
    extractor, rows = random_extractor(1, (16, 16)), chosen_order(1797)[:60]
    first = real_features(dataset, rows, extractor)
    (kept,) = (tmp_path / "features").iterdir()
    kept.write_bytes(kept.read_bytes()[:500])
    assert np.array_equal(real_features(dataset, rows, extractor).values, first.values)


def test_two_samples_are_disjoint_and_equal_in_number(dataset):
    *sets, split = two_samples(dataset, 10_000)
    a, b = (np.concatenate(list(parts)) for parts in sets)
    assert len(a) == len(b) == 898
    assert "898 of 1,797" in split
    order = chosen_order(1797)
    assert np.array_equal(a, take(dataset, np.sort(order[:898])))
    assert np.array_equal(b, take(dataset, np.sort(order[898:1796])))
    assert not set(order[:898]) & set(order[898:1796])


def test_images_are_read_in_parts_of_bounded_size(dataset, monkeypatch):
    asked = []
    plain = HeldDataset.take

    def take_(self, rows, *rest):
        asked.append(len(rows))
        return plain(self, rows, *rest)

    monkeypatch.setattr(HeldDataset, "take", take_)
    monkeypatch.setattr(real_images, "_PART_BYTES", 10 * 16 * 16 + 5)
    rows = np.arange(37)
    found = take(dataset, rows)
    assert asked == [10, 10, 10, 7]
    monkeypatch.undo()
    assert np.array_equal(found, take(dataset, rows))


def test_too_few_of_anything_is_refused(small_run, dataset):
    with pytest.raises(ConfigError, match="images` is 10"):
        small_run.evaluate(extractor="random", images=10)
    few = HeldDataset(take(dataset, np.arange(99)))
    with pytest.raises(DataError, match="99 real images: at least 100"):
        Evaluator(few, random_extractor(1, (16, 16)))


def test_held_out_images_are_of_no_use_beside_others(small_run):
    with pytest.raises(ConfigError, match=r"held_out` is 'digits': .*Leave out `data`"):
        small_run.evaluate("digits", held_out="digits", extractor="random", images=100)
    with pytest.raises(ConfigError, match="held_out"):
        evaluate([small_run], held_out="digits", extractor="random", images=100, brief=True)
    with pytest.raises(ConfigError, match="held_out"):  # before the images are looked for
        small_run.evaluate("no such images", held_out="digits", extractor="random", images=100)


def test_a_wrong_extractor_is_refused_before_anything_is_opened(small_run):
    with pytest.raises(ConfigError, match="did you mean 'random'"):
        small_run.evaluate("nowhere", extractor="randon")


def test_damaged_checkpoints_are_passed_over(small_run, tmp_path):
    path = shutil.copytree(small_run.path, tmp_path / "run")
    names = [one.name for one in list_checkpoints(path / "checkpoints")]
    assert len(names) >= 2
    (path / "checkpoints" / names[-1] / "ema.safetensors").write_bytes(b"damaged")
    notes = Notes()
    found = open_every_checkpoint(path, reporter=notes)
    assert [run.checkpoint.name for run in found] == names[:-1]
    assert len(notes) == 1
    assert names[-1] in notes[0]
    for name in names[:-1]:
        (path / "checkpoints" / name / "ema.safetensors").unlink()
    with pytest.raises(CheckpointError, match=names[-1]):
        open_every_checkpoint(path)
    with pytest.raises(RunError, match="no such run folder"):
        open_every_checkpoint(tmp_path / "nowhere")


def test_other_images_can_be_compared_with(small_run, tmp_path):
    np.save(tmp_path / "black.npy", np.zeros((200, 16, 16), np.uint8))
    found = small_run.evaluate(str(tmp_path / "black.npy"), extractor="random", images=100)
    assert "100 of 200 images" in found.scores[0].split
    assert found["frechet_distance"].baseline == pytest.approx(0, abs=1e-6)


def test_the_search_for_an_extractor_names_what_there_is(small_run, dataset):
    with pytest.raises(
        ConfigError, match=r"extractor` is 'clasifier': .*did you mean 'classifier'"
    ):
        open_extractor("clasifier", dataset)
    bare = HeldDataset(take(dataset, np.arange(200)))
    assert open_extractor("auto", bare).name == "pretrained"
    with pytest.raises(DataError, match="no labels"):
        open_extractor("classifier", bare)


def test_the_factor_called_label_comes_first(dataset):
    values = np.zeros(1797, np.int64)
    dataset.labels = {
        "size": Labels(values.astype(float)),
        "color": Labels(values, ("red", "blue")),
        "label": Labels(values, ("a", "b")),
    }
    assert classes_of(dataset)[0] == "label"
    assert classes_of(dataset, "color")[1].names == ("red", "blue")
    assert classes_of(dataset, "size") is None
    del dataset.labels["label"]
    assert classes_of(dataset)[0] == "color"


def test_images_from_python_must_be_given_again(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (200, 16, 16), dtype=np.uint8)
    run = dcgan.train(images, images=256, out=tmp_path / "run", **SMALL)
    with pytest.raises(DataError, match="came from Python"):
        run.evaluate()


def test_images_that_changed_are_said(small_run, tmp_path):
    np.save(tmp_path / "a.npy", open_source("digits").pixels()[:300, 0])
    run = dcgan.train(str(tmp_path / "a.npy"), images=256, out=tmp_path / "run", **SMALL)
    notes = Notes()
    open_dataset(run.folder, run.networks, reporter=notes)
    assert not any("have changed" in note for note in notes)
    np.save(tmp_path / "a.npy", open_source("digits").pixels()[300:600, 0])
    open_dataset(run.folder, run.networks, reporter=notes)
    assert any("have changed" in note for note in notes)


def test_an_evaluation_is_kept_with_its_images(found, small_run, tmp_path):
    copy = dcgan.open_run(shutil.copytree(small_run.path, tmp_path / "run"))
    path = keep_evaluation(copy.folder, found)
    stored = json.loads(path.read_text())
    assert [score["metric"] for score in stored["scores"]] == [s.metric for s in found.scores]
    assert path.with_name(f"{path.stem}-nearest.png").is_file()


def test_evaluations_that_search_for_copies_in_another_way_are_kept_apart(found, tmp_path):
    folder = RunFolder(tmp_path)
    other = replace(found.copying, held_out="compared with 40 of 90 held-out images (0123abcd)")
    paths = [
        keep_evaluation(folder, one)
        for one in (found, replace(found, copying=other), replace(found, copying=None))
    ]
    assert len(set(paths)) == 3
    assert [nearest_sheet(path).exists() for path in paths] == [True, True, False]
    assert keep_evaluation(folder, found) == paths[0]


def test_one_evaluation_does_not_take_the_place_of_another(small_run, tmp_path):
    copy = dcgan.open_run(shutil.copytree(small_run.path, tmp_path / "run"))
    np.save(tmp_path / "other.npy", open_source("digits").pixels()[:200, 0])
    plain = {"extractor": "random", "images": 60}
    other = str(tmp_path / "other.npy")
    kept = {
        keep_evaluation(copy.folder, evaluation)
        for evaluation in (
            copy.evaluate(**plain),
            copy.evaluate(**plain | {"images": 70}),
            copy.evaluate(**plain, seed=1),
            copy.evaluate(other, **plain),
        )
    }
    assert len(kept) == 4
    assert all(path.is_file() for path in kept)
    again = keep_evaluation(copy.folder, copy.evaluate(**plain))
    assert again in kept


@pytest.mark.figures
def test_all_checkpoints_name_the_best(small_run, tmp_path):
    settings = SMALL["settings"]["records"] | {"checkpoint_every": 512, "keep": 9}
    run = dcgan.train(
        "digits",
        images=1_536,
        out=tmp_path / "run",
        **{**SMALL, "settings": SMALL["settings"] | {"records": settings}},
    )
    names = [path.name for path in sorted((run.path / "checkpoints").iterdir())]
    assert len(names) >= 3
    runs = [dcgan.open_run(run.path, checkpoint=name) for name in names]
    found = evaluate(runs, extractor="random", images=200, brief=True)
    drawing = keep_all_evaluations(run.folder, found, is_own=True)
    assert drawing.read_bytes().startswith(b"\x89PNG")
    least = min(found, key=lambda one: one["frechet_distance"].value)
    assert dcgan.open_run(run.path).checkpoint.name == least.checkpoint
    assert json.loads((run.path / "best.json").read_text())["by"] == "evaluate --all"


def test_a_run_may_be_given_alone_or_by_its_path(small_run):
    alone = dcgan.evaluate(small_run, images=100, brief=True, extractor="random")
    path = dcgan.evaluate(str(small_run.path), images=100, brief=True, extractor="random")
    assert len(alone) == len(path) == 1
    assert alone[0].scores == path[0].scores
    with pytest.raises(KeyError, match="no metric 'fid'; choose one of frechet_distance"):
        alone[0]["fid"]
