"""Run by torchrun in several processes: what each finds goes into OUT/RANK.pt."""

import os
import sys
import time
import weakref
from importlib import import_module
from pathlib import Path

import torch
from torch import distributed, nn

from dcgan.errors import ConfigError
from dcgan.models.synchronized import synchronize_batch_norm
from dcgan.runtime.ranks import joined


def normalized(ranks, norm, whole):
    """This share's outputs, gradients of a loss over all, and running statistics."""
    network = nn.Sequential(norm).double()
    synchronize_batch_norm(network, ranks)
    share = whole[ranks.share(len(whole))].clone().requires_grad_()
    out = network(share)
    weight = torch.linspace(-1, 2, whole[0].numel(), dtype=whole.dtype).view(whole[0].shape)
    (out.pow(3) * weight).sum().backward()
    gradients = [norm.weight.grad, norm.bias.grad]
    ranks.average_(gradients)
    network.eval()
    return [
        out.detach(),
        share.grad,
        *gradients,
        norm.running_mean,
        norm.running_var,
        network(whole),
    ]


def went_ahead(ranks, out):
    """Whether the first had been through when this process was, though it takes its time."""
    done = out / "done"
    with ranks.first_ahead():
        if ranks.is_first:
            time.sleep(0.5)
            done.touch()
        return done.exists()


def agreed(ranks, value):
    """What is said of a value."""
    try:
        ranks.agree("word", value)
    except ConfigError as error:
        return str(error)
    return "all the same"


def left_after_work():
    """Whether the process group, whose threads end with it, is there after ``joined``.

    PyTorch has modules that keep a group if they are imported while there is one.
    """
    with joined() as ranks:
        group = weakref.ref(distributed.group.WORLD)
        for name in ("torch._dynamo", "torch.distributed.nn.functional"):
            import_module(name)
        ranks.greatest([1.0])
    return group() is not None


def left_after_failure():
    """The same where the first process fails, and the others wait for it."""
    caught = None
    try:
        with joined() as ranks:
            group = weakref.ref(distributed.group.WORLD)
            if ranks.is_first:
                raise KeyError
            ranks.greatest([1.0])
    except (KeyError, RuntimeError) as error:
        caught = error  # as Python keeps the last one that nobody caught
    return type(caught).__name__, group() is not None


def main():
    out = Path(sys.argv[1])
    left = []
    for start, way_out in enumerate((left_after_work, left_after_failure), start=1):
        # several groups in a process find each other as after a restart
        os.environ["TORCHELASTIC_RESTART_COUNT"] = str(start)
        left.append(way_out())
    os.environ["TORCHELASTIC_RESTART_COUNT"] = "0"
    with joined() as ranks:
        mine = torch.full((2, 3), float(ranks.rank + 1))
        scalar = torch.tensor(10.0 * ranks.rank)
        counted = torch.arange(2 * 3 * 4 * 5.0).view(2, 3, 4, 5) * (1 + 2 * ranks.rank)
        last, narrow = counted.to(memory_format=torch.channels_last), counted[:, :1].clone()
        ranks.average_([mine, last, scalar, narrow])
        value = torch.tensor([1.0 + ranks.rank], requires_grad=True)
        total = ranks.sum(value * value)
        ((ranks.rank + 1) * total).backward()
        drawn = []
        for images_seen in (0, 64, 0):
            torch.manual_seed(5)
            ranks.reseed(3, images_seen)
            drawn.append(torch.rand(2))
        generator = torch.Generator().manual_seed(0)
        dataset = 3 + torch.randn(6, 4, 3, 2, dtype=torch.float64, generator=generator)
        vectors = torch.randn(6, 5, dtype=torch.float64, generator=generator)
        found = {
            "average": (mine, scalar),
            "in any order of memory": (last, narrow),
            "sum": (total.detach(), value.grad),
            "greatest": ranks.greatest([ranks.rank, -ranks.rank, 2.5]),
            "first": ranks.broadcast({"rank": ranks.rank}),
            "all": ranks.all_gather(f"rank {ranks.rank}"),
            "dealt": list(ranks.deal(range(5))),
            "collected": list(ranks.collect((10 * k for k in ranks.deal(range(5))), 5)),
            "ahead": went_ahead(ranks, out),
            "agreed": [agreed(ranks, value) for value in ("one", f"rank {ranks.rank}")],
            "drawn": drawn,
            "left": left,
            "pictures": normalized(ranks, nn.BatchNorm2d(4), dataset),
            "vectors": normalized(ranks, nn.BatchNorm1d(5), vectors),
        }
        torch.save(found, out / f"{ranks.rank}.pt")


if __name__ == "__main__":
    main()
