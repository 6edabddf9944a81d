"""PyTorch's optimizers, whose first step does not import PyTorch's compiler.

PyTorch wraps their methods, so that its compiler leaves them alone. The first call of such a method
imports the compiler, which takes more than a second. These classes have the methods within. They
compute the same; with ``torch.compile``, use those of PyTorch.
"""

from __future__ import annotations

from inspect import unwrap
from typing import TypeVar

import torch

_T = TypeVar("_T", bound=torch.optim.Optimizer)

_WRAPPED = ("add_param_group", "zero_grad", "state_dict", "load_state_dict")


def _without_compiler(optimizer: type[_T]) -> type[_T]:
    methods = {name: unwrap(getattr(optimizer, name)) for name in _WRAPPED}
    # what else the wrapper of ``step`` does
    methods["step"] = torch.no_grad()(unwrap(optimizer.step))
    found: type[_T] = type(optimizer.__name__, (optimizer,), methods)
    return found


Adam = _without_compiler(torch.optim.Adam)
AdamW = _without_compiler(torch.optim.AdamW)
SGD = _without_compiler(torch.optim.SGD)
