"""The operations and bytes of a computation, counted and not timed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from inspect import unwrap
from typing import Any

from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import flop_registry


@dataclass(frozen=True)
class Work:
    """The cost of one call: additions and multiplications in matrix products and convolutions, and
    bytes that all operations read and write, without fusion and caches (an upper bound)."""

    flops: int
    bytes: int


class _Counting(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch's is untyped
    """Adds up the cost of every operation.

    torch's FlopCounterMode uses hooks on all modules of the process, which do not work with second
    derivatives, not even with those of another thread.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.flops = self.bytes = 0

    def __torch_dispatch__(
        self,
        func: Any,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        out = func(*args, **(kwargs or {}))
        if not func.is_view:
            leaves = tree_leaves((args, kwargs, out))
            self.bytes += sum(leaf.nbytes for leaf in leaves if isinstance(leaf, Tensor))
        formula = flop_registry.get(func.overloadpacket)
        if formula is not None:
            self.flops += formula(*args, **(kwargs or {}), out_val=out)
        return out


# PyTorch has wrapped it; the wrapper would import the compiler, which takes more than a second
_Counting.__torch_dispatch__ = unwrap(_Counting.__torch_dispatch__)  # type: ignore[method-assign]


def work_of(call: Callable[[], object]) -> Work:
    """Count the work of a call, including backward passes."""
    with _Counting() as counted:
        call()
    return Work(counted.flops, counted.bytes)
