"""Batches: an order that depends only on (seed, epoch, index), and can be entered anywhere."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, islice

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from dcgan.data import Batches, HeldDataset, PixelScale
from dcgan.data.loader import WINDOW, epoch_order


def numbered(count: int) -> np.ndarray:
    """Pictures of one pixel that says which picture it is."""
    return np.arange(count, dtype=np.uint8).reshape(count, 1, 1, 1)


def shown(batches: Iterator[torch.Tensor], steps: int) -> list[list[int]]:
    """Which pictures the next batches hold."""
    return [
        PixelScale().denormalize(batch_BCHW).flatten().tolist()
        for batch_BCHW in islice(batches, steps)
    ]


def test_the_order_is_this_one_for_good():
    """Runs of earlier versions go on where they were only as long as these numbers hold."""
    assert epoch_order(seed=1, epoch=0, count=8).tolist() == [3, 5, 2, 7, 0, 6, 1, 4]
    assert epoch_order(seed=1, epoch=1, count=8).tolist() == [0, 6, 5, 3, 4, 7, 2, 1]


def test_draws_with_replacement_are_these_for_good():
    batches = Batches(numbered(5), 8, seed=1)
    assert batches.indices(0).tolist() == [2, 0, 3, 1, 4, 3, 3, 0]


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**63), st.integers(0, 10_000), st.integers(1, 300))
def test_an_order_holds_every_image_once(seed, epoch, count):
    assert sorted(epoch_order(seed, epoch, count)) == list(range(count))


def test_the_order_does_not_depend_on_other_random_numbers():
    before = epoch_order(3, 4, 50)
    np.random.seed(7)
    torch.manual_seed(7)
    np.testing.assert_array_equal(epoch_order(3, 4, 50), before)


def test_seeds_and_epochs_have_orders_of_their_own():
    orders = {tuple(epoch_order(seed, epoch, 50)) for seed in range(10) for epoch in range(10)}
    assert len(orders) == 100


@pytest.mark.parametrize("image", [0, 19])
def test_every_place_of_an_epoch_is_as_likely_for_a_image(image):
    places = [epoch_order(0, epoch, 20).tolist().index(image) for epoch in range(2000)]
    counts = np.bincount(places, minlength=20)
    assert abs(counts - 100).max() < 5 * 10  # five standard deviations


@pytest.mark.parametrize("batch", [1, 4, 6, 24])
def test_each_epoch_shows_every_image_once_when_the_batch_divides(batch):
    batches = Batches(numbered(24), batch, seed=0)
    assert batches.epoch_images == 24
    stream = batches.starting_at(0)
    for _ in range(3):
        epoch = list(chain(*shown(stream, 24 // batch)))
        assert sorted(epoch) == list(range(24))


def test_the_incomplete_last_batch_of_an_epoch_is_dropped():
    batches = Batches(numbered(23), 6, seed=0)
    assert batches.epoch_images == 18
    stream = batches.starting_at(0)
    dropped = set()
    for epoch in range(20):
        seen = shown(stream, 3)
        assert [len(batch) for batch in seen] == [6, 6, 6]
        dataset = list(chain(*seen))
        assert dataset == epoch_order(0, epoch, 23)[:18].tolist()
        assert dataset == batches.indices(epoch).tolist()
        dropped |= set(range(23)) - set(dataset)
    assert dropped == set(range(23))  # other ones each time


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 40), st.integers(1, 12), st.integers(0, 60), st.integers(0, 2**32))
def test_a_resumed_stream_goes_on_as_the_uninterrupted_one(count, batch, done, seed):
    whole = shown(Batches(numbered(count), batch, seed=seed).starting_at(0), done + 6)
    resumed = Batches(numbered(count), batch, seed=seed).starting_at(done * batch)
    assert shown(resumed, 6) == whole[done:]


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 12), st.integers(1, 30))
def test_fewer_images_than_a_batch_are_drawn_with_replacement(count, batch):
    assume(count < batch)
    batches = Batches(numbered(count), batch, seed=0)
    assert batches.with_replacement
    assert batches.epoch_images == batch
    drawn = shown(batches.starting_at(0), 5)
    assert {len(indices) for indices in drawn} == {batch}
    assert set(chain(*drawn)) <= set(range(count))


def test_draws_with_replacement_reach_every_image_and_change():
    drawn = shown(Batches(numbered(10), 16, seed=0).starting_at(0), 50)
    counts = np.bincount(list(chain(*drawn)), minlength=10)
    assert abs(counts - 80).max() < 5 * 80**0.5
    assert len({tuple(batch) for batch in drawn}) == 50


@pytest.mark.parametrize(("count", "replaced"), [(7, True), (8, False), (9, False)])
def test_replacement_is_flagged_only_when_it_happens(count, replaced):
    assert Batches(numbered(count), 8, seed=0).with_replacement is replaced


def test_batches_hold_the_images_themselves_at_the_scale_asked_for():
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (6, 3, 4, 5), dtype=np.uint8)
    scale = PixelScale.standardizing(images)
    batches = Batches(images, 3, seed=5, scale=scale)
    batch_BCHW = next(batches.starting_at(0))
    assert batch_BCHW.shape == (3, 3, 4, 5)
    assert batch_BCHW.dtype == torch.float32
    wanted = scale.normalize(torch.from_numpy(images[batches.indices(0)[:3]]))
    assert torch.equal(batch_BCHW, wanted)


def test_batches_are_in_the_range_of_tanh_by_default():
    batch_BCHW = next(Batches(np.array([[[[0, 255]]]], np.uint8), 1, seed=0).starting_at(0))
    assert batch_BCHW.flatten().tolist() == [-1, 1]


def test_orders_in_runs_are_these_for_good():
    assert epoch_order(seed=1, epoch=0, count=10, run=4).tolist() == [8, 0, 4, 2, 5, 3, 7, 1, 6, 9]


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**63), st.integers(1, 2000), st.integers(2, 100))
def test_an_order_in_runs_holds_every_image_once(seed, count, run):
    assert sorted(epoch_order(seed, 0, count, run)) == list(range(count))


def test_images_are_shuffled_only_within_a_window_of_whole_runs():
    run, windows = 4, 5
    order = epoch_order(0, 0, run * WINDOW * windows, run)
    for part in order.reshape(windows, -1):
        runs, shown_of_each = np.unique(part // run, return_counts=True)
        assert len(runs) == WINDOW
        assert set(shown_of_each) == {run}
        assert (np.diff(part) != 1).mean() > 0.9, "within a window, runs do not stay together"
    assert len(np.unique(order[: run * WINDOW] // (run * WINDOW))) > 1, "runs come from all over"


class Recording(HeldDataset):
    """Pictures that remember where they were asked to be cut."""

    def __init__(self, count: int) -> None:
        super().__init__(numbered(count))
        self.places: list[np.ndarray] = []

    def take(self, index_B, place_B):
        self.places.append(place_B)
        return super().take(index_B, place_B)


def test_places_are_uniform_and_depend_only_on_seed_epoch_and_position():
    dataset = Recording(250)
    whole = Batches(dataset, 50, seed=3)
    list(islice(whole.starting_at(0), 20))
    places = np.concatenate(dataset.places)
    assert 0 <= places.min() < 0.01 < 0.99 < places.max() < 1
    assert np.histogram(places, bins=10, range=(0, 1))[0].min() > 60  # of 100
    assert len(np.unique(places)) == len(places), "every epoch cuts elsewhere"
    later = Recording(250)
    list(islice(Batches(later, 50, seed=3).starting_at(600), 8))
    np.testing.assert_array_equal(np.concatenate(later.places), places[600:])


def arrows(count: int) -> np.ndarray:
    """Pictures of two pixels, that say their number and on which side of it they are."""
    dataset = np.full((count, 1, 1, 2), 255, dtype=np.uint8)
    dataset[:, 0, 0, 0] = np.arange(count)
    return dataset


def test_about_every_other_image_is_mirrored_and_always_the_same_ones():
    def mirrored(start: int, steps: int) -> list[bool]:
        batches = islice(Batches(arrows(200), 40, seed=5, flip=True).starting_at(start), steps)
        pixels = torch.cat([PixelScale().denormalize(batch) for batch in batches])
        assert sorted(pixels[:200].amin((1, 2, 3)).tolist()) == list(range(200))
        return [bool(left == 255) for left in pixels[:, 0, 0, 0]]

    whole = mirrored(0, 10)
    assert 0.4 < np.mean(whole) < 0.6
    assert mirrored(200, 5) == whole[200:]
    assert whole[:200] != whole[200:], "each epoch mirrors others"


def test_nothing_is_mirrored_unless_asked_for():
    batch = next(Batches(arrows(40), 40, seed=5).starting_at(0))
    assert (batch[:, 0, 0, 1] == 1).all()


def test_mirroring_leaves_the_images_themselves_alone():
    images = arrows(40)
    before = images.copy()
    next(Batches(images, 40, seed=5, flip=True).starting_at(0))
    np.testing.assert_array_equal(images, before)


def test_dequantized_images_leave_the_grid_and_round_back_to_themselves():
    images = np.repeat(np.arange(250, dtype=np.uint8), 16).reshape(250, 1, 4, 4)
    plain = Batches(images, 50, seed=2)
    noisy = Batches(images, 50, seed=2, dequantize=True)
    noise = []
    for exact, batch in islice(zip(plain.starting_at(0), noisy.starting_at(0), strict=True), 5):
        torch.testing.assert_close(PixelScale().denormalize(batch), PixelScale().denormalize(exact))
        noise.append((batch - exact) * 127.5)
    spread = torch.cat(noise)
    assert spread.min() >= -0.501
    assert spread.max() <= 0.501
    assert spread.std() == pytest.approx(12**-0.5, rel=0.03)  # of a uniform density of width 1
    assert spread.mean() == pytest.approx(0, abs=0.02)


def test_the_noise_depends_only_on_the_position():
    images = numbered(100)
    whole = list(islice(Batches(images, 10, seed=2, dequantize=True).starting_at(0), 12))
    later = list(islice(Batches(images, 10, seed=2, dequantize=True).starting_at(70), 5))
    torch.manual_seed(0)
    torch.testing.assert_close(later, whole[7:], rtol=0, atol=0)
    alike = np.full((100, 1, 2, 2), 9, dtype=np.uint8)
    first, second = islice(Batches(alike, 10, seed=2, dequantize=True).starting_at(0), 2)
    assert not torch.equal(first, second)


def test_images_on_a_device_are_shown_as_those_in_memory():
    images = np.random.default_rng(0).integers(0, 256, (40, 3, 8, 8), dtype=np.uint8)
    held = HeldDataset(images, kept=np.arange(0, 80, 2), positions=80)  # every other is unreadable
    near = held.placed(torch.device("cpu"))
    far, close = (
        list(islice(Batches(dataset, 16, seed=3, flip=True).starting_at(32), 12))
        for dataset in (held, near)
    )
    torch.testing.assert_close(close, far, rtol=0, atol=0)
    images[:] = 0
    place = np.zeros(4)
    assert not held.take(np.arange(4), place).any()
    assert near.take(np.arange(4), place).any(), "what is taken comes from the copy"


@pytest.mark.parametrize("ranks", [1, 2, 4])
def test_ranks_share_each_batch_without_overlap(ranks):
    alone = shown(Batches(numbered(100), 20, seed=6).starting_at(40), 7)
    shares = [
        shown(Batches(numbered(100), 20, seed=6, rank=rank, ranks=ranks).starting_at(40), 7)
        for rank in range(ranks)
    ]
    joined = [list(chain.from_iterable(parts)) for parts in zip(*shares, strict=True)]
    assert joined == alone
    assert {len(part) for share in shares for part in share} == {20 // ranks}


def test_a_batch_that_ranks_cannot_share_is_refused():
    with pytest.raises(ValueError, match="batch 10 is not a multiple of 4"):
        Batches(numbered(100), 10, seed=0, ranks=4)
