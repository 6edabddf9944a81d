"""Several processes that train, sample or measure one run together, as torchrun starts them.

In training all draw the same random numbers for the whole batch and each works on its own share of
it, so that what a run becomes depends on how many there are by rounding only. Sampling and
measuring deal out what takes long, images to draw and to look at; the rest is the same on all.

P processes
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from importlib import import_module
from itertools import islice
from traceback import clear_frames
from typing import TYPE_CHECKING, TypeVar

import torch
from torch import Tensor, distributed
from torch.autograd.function import FunctionCtx

from dcgan.errors import ConfigError, Diverged, Interrupted
from dcgan.runtime.rng import derived_seed

if TYPE_CHECKING:
    from torch._C._distributed_c10d import Store

Value = TypeVar("Value")

_PATIENCE = timedelta(hours=24)
"""The others wait while the first decodes a large collection; of a process that died they hear at
once."""


@dataclass(frozen=True)
class Ranks:
    """This process among those that work on one run; by default the only one.

    Parameters
    ----------
    rank : int
        From 0, which alone writes anything.
    size : int
        P.
    """

    rank: int = 0
    size: int = 1

    @property
    def is_first(self) -> bool:
        """Whether this is the one that writes."""
        return self.rank == 0

    def share(self, count: int) -> slice:
        """Which of ``count`` things, a multiple of P, are this process's."""
        return slice(self.rank * count // self.size, (self.rank + 1) * count // self.size)

    @torch.no_grad()
    def average_(self, tensors: Sequence[Tensor]) -> None:
        """Replace each tensor by its mean over all processes, in one exchange.

        All are floats of one device and dtype, and have the same shapes, and the same order in
        memory, in all processes.
        """
        if self.size == 1 or not tensors:
            return
        stored = [_as_stored(tensor) for tensor in tensors]
        flat = torch.cat([tensor.reshape(-1) for tensor in stored])
        distributed.all_reduce(flat)
        flat /= self.size
        parts = torch.split(flat, [tensor.numel() for tensor in stored])
        shaped = [part.view(one.shape) for part, one in zip(parts, stored, strict=True)]
        torch._foreach_copy_(stored, shaped)  # one kernel for all, where none is out of order

    def sum(self, tensor: Tensor) -> Tensor:
        """The sum over all processes; its gradient is the sum of theirs."""
        if self.size == 1:
            return tensor
        total: Tensor = _Sum.apply(tensor)  # type: ignore[no-untyped-call]
        return total

    def greatest(self, numbers: Sequence[float]) -> list[float]:
        """Each number's greatest value over all processes."""
        if self.size == 1:
            return list(numbers)
        found = torch.tensor(numbers, dtype=torch.float64)
        distributed.all_reduce(found, distributed.ReduceOp.MAX)
        agreed: list[float] = found.tolist()
        return agreed

    def broadcast(self, value: Value) -> Value:
        """What the first process gives, on all of them."""
        if self.size == 1:
            return value
        box = [value]
        distributed.broadcast_object_list(box, src=0)
        return box[0]

    def all_gather(self, value: Value) -> list[Value]:
        """What each process gives, in their order, on all of them."""
        if self.size == 1:
            return [value]
        found: list[Value] = [value] * self.size
        distributed.all_gather_object(found, value)
        return found

    def agree(self, what: str, value: object) -> None:
        """Raise ConfigError, in all processes, unless a value is the same in all of them."""
        said = self.all_gather(value)
        if any(other != value for other in said):
            raise ConfigError(
                what,
                "; ".join(str(one) for one in said),
                "processes do not see the same; let all read one disk, while nothing writes there",
            )

    def deal(self, things: Sequence[Value]) -> Sequence[Value]:
        """Of things that take equally long this process's: dealt out one by one."""
        return things[self.rank :: self.size]

    def collect(self, own: Iterable[Value], count: int) -> Iterator[Value]:
        """All that processes make of what they were dealt, on all of them, in its order.

        Parameters
        ----------
        own : iterable
            What this process makes, taken as the others' comes.
        count : int
            Of things that were dealt.
        """
        if self.size == 1:
            yield from own
            return
        mine = iter(own)
        for start in range(0, count, self.size):
            for made in self.all_gather(list(islice(mine, 1)))[: count - start]:
                yield from made

    @contextmanager
    def first_ahead(self) -> Iterator[None]:
        """The first process goes through a block before the others: what it keeps, they find."""
        if not self.is_first:
            self.broadcast(None)
        try:
            yield
        finally:  # if the first fails, each finds out for itself
            if self.is_first:
                self.broadcast(None)

    def reseed(self, seed: int, images_seen: int) -> None:
        """Give this process random numbers of its own for one step.

        The first keeps the stream that it would have alone, and a checkpoint holds; the others'
        depend on nothing but where the run is, so that going on is exact for them as well.
        """
        if not self.is_first:
            torch.manual_seed(derived_seed(seed, f"{images_seen} of rank {self.rank}"))


ALONE = Ranks()
"""This process by itself."""


def _as_stored(tensor: Tensor) -> Tensor:
    """A view whose axes are in the order of memory, of one that may have its channels last."""
    is_last = tensor.dim() == 4 and tensor.is_contiguous(memory_format=torch.channels_last)
    return tensor.permute(0, 2, 3, 1) if is_last else tensor


class _Sum(torch.autograd.Function):
    """Over all processes. What each adds counts in the losses of all, so gradients add up too."""

    @staticmethod
    def forward(context: FunctionCtx, tensor: Tensor) -> Tensor:
        del context
        total = tensor.clone()
        distributed.all_reduce(total)
        return total

    @staticmethod
    def backward(context: FunctionCtx, gradient: Tensor) -> Tensor:
        del context
        total: Tensor = _Sum.apply(gradient)  # type: ignore[no-untyped-call]
        return total


@contextmanager
def joined() -> Iterator[Ranks]:
    """The processes that torchrun started together, as long as they work; else this one alone.

    When this returns, the threads that exchange tensors have ended. One that still runs while
    Python shuts down may abort the process: it cannot take the interpreter's lock any more, to give
    up the tensors of the last exchange.

    Raises
    ------
    ConfigError
        This build of PyTorch cannot do it.
    """
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1 or "MASTER_ADDR" not in os.environ:
        yield Ranks()
        return
    if not distributed.is_available():
        raise ConfigError("WORLD_SIZE", size, "this build of PyTorch works in one process only")
    # numbers that all agree on are exchanged on the CPU, without waiting for a GPU
    has_nccl = torch.cuda.is_available() and distributed.is_nccl_available()
    backend = "cpu:gloo,cuda:nccl" if has_nccl else "gloo"
    rank = int(os.environ["RANK"])
    # PyTorch imports this module sooner or later. Its functions have the process group as a default
    # argument: imported while there is one, they would keep it, and its threads, to the end.
    import_module("torch.distributed.nn.functional")
    distributed.init_process_group(
        backend, store=_store_of_this_start(), rank=rank, world_size=size, timeout=_PATIENCE
    )
    try:
        yield Ranks(rank, size)
    except BaseException as error:
        # NCCL may wait for the others, which would then never hear of a failure of this one alone
        if not has_nccl or isinstance(error, Interrupted | Diverged):
            distributed.destroy_process_group()
            clear_frames(error.__traceback__)  # a failed exchange has the group among its variables
        raise
    distributed.destroy_process_group()


def _store_of_this_start() -> Store:
    """Where processes find each other: what an earlier start left there must not be found.

    torchrun keeps its store when it starts processes again, with the addresses of those that died
    (pytorch/pytorch#135712). On one machine its count of restarts tells them apart; on several,
    which count on their own, TORCH_DISABLE_SHARE_RDZV_TCP_STORE=1 makes a new store each time.
    """
    from torch.distributed import PrefixStore, TCPStore  # type: ignore[attr-defined]

    env = os.environ
    is_kept = env.get("TORCHELASTIC_USE_AGENT_STORE") == "True"
    store = TCPStore(
        env["MASTER_ADDR"],
        int(env["MASTER_PORT"]),
        int(env["WORLD_SIZE"]),
        is_master=not is_kept and env["RANK"] == "0",
        timeout=_PATIENCE,
        multi_tenant=True,
    )
    if env["WORLD_SIZE"] != env.get("LOCAL_WORLD_SIZE"):
        return store
    return PrefixStore(env.get("TORCHELASTIC_RESTART_COUNT", "0"), store)
