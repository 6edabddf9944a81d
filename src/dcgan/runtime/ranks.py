"""Several processes of torchrun that train, sample or score one run together.

In training, all generate the same random numbers for the whole batch, and each computes its share;
the number of processes changes a run only by rounding. Sampling and scoring share out images; the
rest is the same in all processes.

P processes
"""

from __future__ import annotations

import os
import sys
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
"""The wait while the first process decodes a large dataset; the others notice its death at once."""


@dataclass(frozen=True)
class Ranks:
    """This process among the P that work on one run. Only the first, of rank 0, writes files."""

    rank: int = 0
    size: int = 1

    @property
    def is_first(self) -> bool:
        """Whether this process writes files."""
        return self.rank == 0

    def share(self, count: int) -> slice:
        """This process's share of ``count`` items, a multiple of P."""
        return slice(self.rank * count // self.size, (self.rank + 1) * count // self.size)

    @torch.no_grad()
    def average_(self, tensors: Sequence[Tensor]) -> None:
        """Replace each tensor by its mean over all processes, in one exchange.

        All are floats of one device and dtype, with the same shapes and memory format in all
        processes.
        """
        if self.size == 1 or not tensors:
            return
        stored = [_as_stored(tensor) for tensor in tensors]
        flat = torch.cat([tensor.reshape(-1) for tensor in stored])
        distributed.all_reduce(flat)
        flat /= self.size
        parts = torch.split(flat, [tensor.numel() for tensor in stored])
        shaped = [part.view(one.shape) for part, one in zip(parts, stored, strict=True)]
        torch._foreach_copy_(stored, shaped)  # one kernel for all if possible

    def sum(self, tensor: Tensor) -> Tensor:
        """The sum over all processes; its gradient is the sum of their gradients."""
        if self.size == 1:
            return tensor
        total: Tensor = _Sum.apply(tensor)  # type: ignore[no-untyped-call]
        return total

    def greatest(self, numbers: Sequence[float]) -> list[float]:
        """The maximum of each number over all processes."""
        if self.size == 1:
            return list(numbers)
        found = torch.tensor(numbers, dtype=torch.float64)
        distributed.all_reduce(found, distributed.ReduceOp.MAX)
        agreed: list[float] = found.tolist()
        return agreed

    def broadcast(self, value: Value) -> Value:
        """The value of the first process, in all processes."""
        if self.size == 1:
            return value
        box = [value]
        distributed.broadcast_object_list(box, src=0)
        return box[0]

    def all_gather(self, value: Value) -> list[Value]:
        """The values of all processes, in their order."""
        if self.size == 1:
            return [value]
        found: list[Value] = [value] * self.size
        distributed.all_gather_object(found, value)
        return found

    def agree(self, what: str, value: object) -> None:
        """Raise ConfigError, in all processes, unless a value is the same in all of them."""
        values = self.all_gather(value)
        if any(other != value for other in values):
            raise ConfigError(
                what,
                "; ".join(str(one) for one in values),
                "it must be the same in all processes. Let all read the same disk while no other"
                " process writes to it",
            )

    def deal(self, things: Sequence[Value]) -> Sequence[Value]:
        """This process's items, dealt out one by one."""
        return things[self.rank :: self.size]

    def collect(self, own: Iterable[Value], count: int) -> Iterator[Value]:
        """The results of all processes in the order of the ``count`` items that :meth:`deal` dealt.

        ``own`` are the results of this process.
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
        """The first process runs a block before the others, which find the files it stored."""
        if not self.is_first:
            self.broadcast(None)
        try:
            yield
        finally:  # if the first fails, the others try, too
            if self.is_first:
                self.broadcast(None)

    def reseed(self, seed: int, images_seen: int) -> None:
        """Give this process its own random numbers for one step.

        The first keeps the stream of a single process, which checkpoints store; those of the others
        depend only on the images seen, so that their resume is exact, too.
        """
        if not self.is_first:
            torch.manual_seed(derived_seed(seed, f"{images_seen} of rank {self.rank}"))


ALONE = Ranks()
"""The only process."""


def _as_stored(tensor: Tensor) -> Tensor:
    """A view of a tensor with its axes in memory order, which may be channels last."""
    is_last = tensor.dim() == 4 and tensor.is_contiguous(memory_format=torch.channels_last)
    return tensor.permute(0, 2, 3, 1) if is_last else tensor


class _Sum(torch.autograd.Function):
    """Sum over all processes. Each value affects the losses of all, so gradients add up too."""

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
    """The process group of torchrun within the block, else this process alone.

    Afterwards, the threads that exchange tensors have ended. A thread that still runs at the end of
    Python may abort the process, since it cannot take the interpreter's lock to free tensors.
    """
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1 or "MASTER_ADDR" not in os.environ:
        yield Ranks()
        return
    if not distributed.is_available():
        raise ConfigError("WORLD_SIZE", size, "this build of PyTorch supports one process only")
    # small values are exchanged on the CPU, without waiting for a GPU
    has_nccl = torch.cuda.is_available() and distributed.is_nccl_available()
    backend = "cpu:gloo,cuda:nccl" if has_nccl else "gloo"
    rank = int(os.environ["RANK"])
    # its functions take the process group as a default argument; imported while there is one, they
    # would keep it and its threads alive
    import_module("torch.distributed.nn.functional")
    distributed.init_process_group(
        backend, store=_store_of_this_start(), rank=rank, world_size=size, timeout=_PATIENCE
    )
    try:
        yield Ranks(rank, size)
    except BaseException as error:
        # destroying NCCL may wait for the others, which would then not notice this failure
        if not has_nccl or isinstance(error, Interrupted | Diverged):
            distributed.destroy_process_group()
            clear_frames(error.__traceback__)  # its variables refer to the group
        raise
    distributed.destroy_process_group()


def _store_of_this_start() -> Store:
    """The store by which processes find each other, without entries of an earlier start.

    torchrun keeps its store, with the addresses of dead processes, when it restarts processes
    (pytorch/pytorch#135712). On one machine its count of restarts separates them; on several,
    TORCH_DISABLE_SHARE_RDZV_TCP_STORE=1 makes a new store each time.
    """
    from torch.distributed import PrefixStore, TCPStore  # type: ignore[attr-defined]

    env = os.environ
    # PyTorch's builds for Windows have no libuv
    libuv = env.get("USE_LIBUV", "0" if sys.platform == "win32" else "1") == "1"
    is_kept = env.get("TORCHELASTIC_USE_AGENT_STORE") == "True"
    store = TCPStore(
        env["MASTER_ADDR"],
        int(env["MASTER_PORT"]),
        int(env["WORLD_SIZE"]),
        is_master=not is_kept and env["RANK"] == "0",
        timeout=_PATIENCE,
        multi_tenant=True,
        use_libuv=libuv,
    )
    if env["WORLD_SIZE"] != env.get("LOCAL_WORLD_SIZE"):
        return store
    return PrefixStore(env.get("TORCHELASTIC_RESTART_COUNT", "0"), store)
