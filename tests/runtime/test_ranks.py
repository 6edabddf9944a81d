"""What processes exchange, against the same computed by one."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from tests.processes import Program
from torch import distributed, nn

from dcgan.models.synchronized import synchronize_batch_norm
from dcgan.runtime.launch import speaks
from dcgan.runtime.ranks import Ranks, _store_of_this_start, joined


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """What each of two processes finds, see exchanges.py. They are started anew, since one of them
    looks at what PyTorch keeps where it is imported."""
    out = tmp_path_factory.mktemp("ranks")
    words = ["--standalone", "--nproc-per-node", 2, Path(__file__).with_name("exchanges.py"), out]
    code, said = Program("-m", "torch.distributed.run", *words).wait()
    assert code == 0, said
    return [torch.load(out / f"{rank}.pt") for rank in range(2)]


def test_tensors_become_their_mean_in_all_processes(found):
    for mine, scalar in (one["average"] for one in found):
        assert torch.equal(mine, torch.full((2, 3), 1.5))
        assert scalar == 5


def test_means_of_tensors_stay_in_their_places_whatever_their_order_in_memory(found):
    expected = 2 * torch.arange(2 * 3 * 4 * 5.0).view(2, 3, 4, 5)
    for last, narrow in (one["in any order of memory"] for one in found):
        assert torch.equal(last, expected)
        assert torch.equal(narrow, expected[:, :1])


def test_a_sum_passes_the_gradients_of_all_processes_on(found):
    # 1² + 2², weighted 1 in the first process's loss and 2 in the second's
    for rank, (total, gradient) in enumerate(one["sum"] for one in found):
        assert total == 5
        assert gradient == (1 + 2) * 2 * (1 + rank)


def test_all_agree_on_the_greatest_and_on_what_the_first_says(found):
    for one in found:
        assert one["greatest"] == [1, 0, 2.5]
        assert one["first"] == {"rank": 0}


def test_what_is_dealt_out_is_collected_in_order_by_all(found):
    assert [one["dealt"] for one in found] == [[0, 2, 4], [1, 3]]
    for one in found:
        assert one["collected"] == [0, 10, 20, 30, 40]
        assert one["all"] == ["rank 0", "rank 1"]


def test_what_is_not_the_same_is_refused_in_all_processes(found):
    for one in found:
        same, refused = one["agreed"]
        assert same == "all the same"
        assert refused.startswith(
            "`word` is 'rank 0; rank 1': it must be the same in all processes"
        )


def test_no_thread_of_an_exchange_outlives_it(found):
    """One that still gives up a tensor while Python shuts down aborts a process that has finished."""
    after_work, after_failure = zip(*(one["left"] for one in found), strict=True)
    assert after_work == (False, False)
    assert after_failure == (("KeyError", False), ("RuntimeError", False))


def test_the_others_follow_when_the_first_has_been_through(found):
    assert all(one["ahead"] for one in found)


def test_the_others_draw_numbers_of_their_own_that_depend_on_the_place_alone(found):
    torch.manual_seed(5)
    alone = torch.rand(2)
    first, second = (one["drawn"] for one in found)
    assert all(torch.equal(drawn, alone) for drawn in first)
    assert torch.equal(second[0], second[2])
    assert not torch.equal(second[0], second[1])
    assert not torch.equal(second[0], alone)


@pytest.mark.parametrize(
    ("name", "norm", "shape", "offset"),
    [("pictures", nn.BatchNorm2d, (6, 4, 3, 2), 3), ("vectors", nn.BatchNorm1d, (6, 5), 0)],
)
def test_batch_norm_of_shares_is_that_of_the_whole(found, name, norm, shape, offset):
    generator = torch.Generator().manual_seed(0)
    dataset = 3 + torch.randn(6, 4, 3, 2, dtype=torch.float64, generator=generator)
    vectors = torch.randn(6, 5, dtype=torch.float64, generator=generator)
    whole = (dataset if offset else vectors).requires_grad_()
    alone = norm(shape[1]).double()
    out = alone(whole)
    weight = torch.linspace(-1, 2, whole[0].numel(), dtype=whole.dtype).view(whole[0].shape)
    (out.pow(3) * weight).sum().backward()
    alone.eval()
    close = {"rtol": 1e-9, "atol": 1e-9}
    for rank, one in enumerate(found):
        mine = slice(3 * rank, 3 * rank + 3)
        got, to_input, to_weight, to_bias, mean, variance, evaluated = one[name]
        torch.testing.assert_close(got, out[mine].detach(), **close)
        torch.testing.assert_close(to_input, whole.grad[mine], **close)
        # gradients of weights are averaged, where the loss was summed
        torch.testing.assert_close(2 * to_weight, alone.weight.grad, **close)
        torch.testing.assert_close(2 * to_bias, alone.bias.grad, **close)
        torch.testing.assert_close(mean, alone.running_mean, **close)
        torch.testing.assert_close(variance, alone.running_var, **close)
        torch.testing.assert_close(evaluated, alone(whole), **close)


@pytest.mark.parametrize(("count", "size"), [(12, 1), (12, 3), (64, 64)])
def test_shares_are_equal_and_cover_everything(count, size):
    things = list(range(count))
    shares = [things[Ranks(rank, size).share(count)] for rank in range(size)]
    assert [thing for share in shares for thing in share] == things
    assert {len(share) for share in shares} == {count // size}


def test_one_process_alone_exchanges_nothing(monkeypatch):
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    with joined() as ranks:
        assert (ranks.rank, ranks.size, ranks.is_first) == (0, 1, True)
        assert ranks.greatest([1, 2]) == [1, 2]
        assert ranks.broadcast("it") == "it"
        assert ranks.all_gather("it") == ["it"]
        assert list(ranks.collect(iter(ranks.deal([3, 4])), 2)) == [3, 4]
        with ranks.first_ahead():
            pass
        tensor = torch.ones(2)
        ranks.average_([tensor])
        assert ranks.sum(tensor) is tensor
        assert not torch.distributed.is_initialized()
    norm = nn.Sequential(nn.BatchNorm2d(3))
    synchronize_batch_norm(norm, ranks)
    assert type(norm[0]) is nn.BatchNorm2d
    assert speaks()


@pytest.mark.parametrize(
    ("system", "wish", "expected"),
    [("linux", None, True), ("win32", None, False), ("win32", "1", True), ("linux", "0", False)],
)
def test_libuv_is_used_where_pytorch_has_it(monkeypatch, system, wish, expected):
    """As ``env://`` of PyTorch: its builds for Windows have none."""
    given = []

    def store(*place, use_libuv, **_):
        given.append(use_libuv)

    monkeypatch.setattr(distributed, "TCPStore", store)
    monkeypatch.setattr("sys.platform", system)
    environment = {"MASTER_ADDR": "::1", "MASTER_PORT": "1", "WORLD_SIZE": "2", "RANK": "0"}
    for name, value in {**environment, "USE_LIBUV": wish}.items():
        monkeypatch.setenv(name, value) if value else monkeypatch.delenv(name, raising=False)
    _store_of_this_start()
    assert given == [expected]
