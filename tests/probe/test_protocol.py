"""The experiment as a whole, on pictures small enough to know what should come out."""

from __future__ import annotations

import json

import numpy as np
import pytest
from tests.conftest import SMALL

import dcgan
from dcgan.config import merge
from dcgan.errors import ConfigError, DataError
from dcgan.probe import MethodResult, ProbeResult, probe
from dcgan.probe.labeled import held_out
from dcgan.probe.sets import load_sets
from dcgan.probe.svm import fits


@pytest.fixture(scope="module")
def sets(small_run):
    return load_sets(small_run, "digits", limit=420)


@pytest.fixture(scope="module")
def whole(small_run, sets) -> ProbeResult:
    methods = ["discriminator", "pixels", "untrained"]
    return probe(small_run, *sets, methods=methods)


def test_all_labels_give_what_digits_are_known_to_give(whole):
    """Linear classifiers of these pixels are right in about 95 of 100, with more to learn from."""
    assert [row.method for row in whole.methods] == ["discriminator", "pixels", "untrained"]
    assert (whole.train, whole.validation, whole.test) == (350, 70, 300)
    for row in whole.methods:
        assert 0.85 < row.test[0] < 1, row.method
        assert 0.85 < row.validation[0] <= 1
        assert len(row.C) == 1
        assert row.converged
    assert whole["discriminator"].features == 4 * 16 + 8 * 16
    assert whole["pixels"].features == 256


def test_a_discriminator_that_has_seen_labels_is_named(whole, unlabeled_run, sets):
    assert whole.notes()[0].startswith("discriminator: trained with the labels of its images")
    without = probe(unlabeled_run, *sets, methods=["discriminator"])
    assert not any("labels" in note for note in without.notes())


def test_a_discriminator_that_has_seen_clusters_has_not_seen_labels(sets, tmp_path):
    settings = merge(SMALL["settings"], {"model": {"condition": "clusters"}})
    run = dcgan.train("digits", images=32, out=tmp_path / "run", **SMALL | {"settings": settings})
    assert run.classes
    model = dcgan.export(run, "weights", tmp_path / "model", part="both").path
    for one in (run, dcgan.open_run(model)):
        found = probe(one, *sets, methods=["discriminator"])
        assert not any("labels" in note for note in found.notes())


def test_the_same_again_is_the_same(whole, small_run, sets):
    again = probe(small_run, *sets, methods=["untrained"])
    np.testing.assert_array_equal(again["untrained"].predicted, whole["untrained"].predicted)


def test_the_last_fit_learns_from_the_validation_part_too(whole, sets):
    train, validation = held_out(sets[0], 0, most=10_000, purpose="validation")
    label_N = np.concatenate([train.label, validation.label])
    features = [
        images.dataset.take(images.index, np.zeros(len(images))).numpy().reshape(-1, 256) / 255
        for images in (train, validation, sets[1])
    ]
    features = [part.astype(np.float32) for part in features]
    (C,) = whole["pixels"].C
    svm = next(fits(np.concatenate(features[:2]), label_N, 10, [C]))
    np.testing.assert_array_equal(whole["pixels"].predicted[0], svm.predict(features[2]))
    other = next(fits(features[0], train.label, 10, [C]))
    assert not np.array_equal(other.predict(features[2]), svm.predict(features[2]))


def test_few_labels_have_several_subsets(small_run, sets):
    result = probe(small_run, *sets, methods=["pixels"], labels=50, repeats=3)
    row = result["pixels"]
    assert len(row.test) == len(row.C) == len(row.validation) == 3
    assert len(set(row.test)) > 1
    assert 0.6 < np.mean(row.test) < 0.95  # fifty labels are worth less than all
    assert "50 labels of 10 classes, 3 random subsets of 350 images" in result.protocol()


def test_too_many_features_are_projected_and_it_is_said(small_run, sets):
    result = probe(small_run, *sets, methods=["pixels"], max_features=100)
    assert (result["pixels"].features, result["pixels"].projected_to) == (256, 100)
    assert result["pixels"].test[0] > 0.8
    assert "256 → 100" in result.table()
    assert "reduced 256 features to 100" in result.notes()[0]


def test_memory_is_asked_before_features_are_collected(small_run, sets, monkeypatch):
    monkeypatch.setattr("dcgan.runtime.memory.available_memory", lambda: 10**6)
    monkeypatch.setattr("dcgan.probe.protocol.extract", lambda *_, **__: pytest.fail("collected"))
    with pytest.raises(DataError, match="`max_features` or `limit`"):
        probe(small_run, *sets, methods=["pixels"])


def test_every_method_learns_the_stripes(small_run, stripes):
    """Pixels cannot: a row may be bright anywhere."""
    train, test = held_out(stripes, 0, purpose="test")
    result = probe(small_run, train, test, budget=12_800)
    found = {row.method: row.test[0] for row in result.methods}
    assert set(found) == {"discriminator", "pixels", "untrained", "k-means", "supervised"}
    for method in ("discriminator", "untrained", "k-means", "supervised"):
        assert found[method] > 0.8, method
    assert found["pixels"] < found["k-means"] - 0.1
    assert result["supervised"].C == ()


@pytest.mark.parametrize("wrong", [{"repeats": 0}, {"max_features": 0}, {"labels": 5}])
def test_numbers_out_of_range_are_refused(small_run, sets, wrong):
    with pytest.raises(ConfigError, match=r"at least 1"):
        probe(small_run, *sets, **wrong)


def row(method: str, predicted, truth, **more) -> MethodResult:
    common = {"about": "", "features": 4, "C": (1.0,) * len(predicted), "seconds": 1.0}
    common |= {"validation": (0.5,) * len(predicted)}
    return MethodResult(
        method=method, predicted=np.array(predicted), truth=np.array(truth), **(common | more)
    )


def test_confusions_are_counted_over_all_draws():
    found = row("pixels", [[0, 1, 1, 0], [0, 0, 1, 0]], [0, 0, 1, 1]).confusion(3)
    assert found.tolist() == [[3, 1, 0], [2, 2, 0], [0, 0, 0]]


def test_differences_are_taken_image_by_image():
    truth = np.zeros(100, int)
    own = np.zeros((1, 100), int)
    own[0, :10] = 1
    other = np.zeros((1, 100), int)
    other[0, :30] = 1  # wrong where the first is wrong, and twenty times more
    ahead, error = row("discriminator", own, truth).ahead_of(row("pixels", other, truth))
    assert ahead == pytest.approx(0.2)
    assert error == pytest.approx(np.sqrt(0.2 * 0.8 / 100))
    assert row("a", other, truth).ahead_of(row("b", own, truth))[0] == pytest.approx(-0.2)


def result_of(*methods: MethodResult) -> ProbeResult:
    return ProbeResult(
        methods=methods,
        names=("a", "b"),
        train=10,
        validation=2,
        test=100,
        labels=None,
        repeats=1,
        seed=0,
        test_set="there",
    )


def test_the_verdict_says_what_is_no_clear_difference():
    truth = np.zeros(100, int)
    wrong = np.zeros((3, 1, 100), int)
    wrong[0, 0, :10] = wrong[1, 0, 5:16] = wrong[2, 0, :60] = 1
    result = result_of(
        row("discriminator", wrong[0], truth),
        row("untrained", wrong[1], truth),
        row("pixels", wrong[2], truth),
    )
    near, far = result.verdict()
    assert "1.00 ±" in near and near.endswith("above untrained (no clear difference)")
    assert "50.00 ± 5.00 points above pixels" in far
    assert result_of(row("pixels", wrong[0], truth)).verdict() == []


def test_spread_and_doubts_stand_in_table_notes_and_json():
    truth = np.zeros(4, int)
    draws = row(
        "pixels",
        [[0, 0, 0, 1], [0, 0, 1, 1]],
        truth,
        C=(0.25, 4096.0),
        is_at_edge=True,
        converged=False,
    )
    result = result_of(draws)
    assert "62.50 ± 17.68%" in result.table()
    assert "0.25 to 4096" in result.table()
    assert len({len(line) for line in result.table().splitlines()}) == 1
    assert [note.split(": ")[1][:12] for note in result.notes()] == ["the best C i", "a fit reache"]
    stored = json.loads(json.dumps(result.to_json()))
    assert stored["methods"][0]["test"] == [0.75, 0.5]
    assert stored["methods"][0]["test_deviation"] == pytest.approx(0.1768, abs=1e-4)
