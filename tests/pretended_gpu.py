"""A GPU without a GPU: tensors on ``cuda`` that the CPU computes.

Within :func:`pretended_gpu`, PyTorch has one CUDA device. A tensor on it is an :class:`OnGpu`, which
holds a tensor of the CPU and says that its device is ``cuda:0``. As with a real GPU, a calculation
with tensors of both devices, a generator of the other device, and ``numpy()`` of a GPU's tensor are
errors. Values are those of the CPU, so a program must give the same results with and without it.

:func:`pretended_mps` does the same with ``mps``, which has no float64.

They know nothing of streams, of memory, or of other kernels that a GPU does not have.
"""

from __future__ import annotations

import threading
from contextlib import ExitStack, contextmanager
from inspect import unwrap
from unittest.mock import patch

import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode, return_and_correct_aliasing
from torch.utils._pytree import tree_leaves, tree_map_only

aten = torch.ops.aten

CUDA, MPS = torch.device("cuda", 0), torch.device("mps")
CPU = torch.device("cpu")

_gpu = [CUDA]
"""The GPU of the moment."""

_CROSSING = {aten.copy_.default, aten._to_copy.default}
_INDEXING = {
    *(aten.index.Tensor, aten.index_put.default),
    *(aten.index_put_.default, aten._index_put_impl_.default),
}
# they make tensors of the device that PyTorch itself sees, which is the CPU
_IN_ONE_PIECE = {torch.nn.functional.one_hot}
_FROM_VALUES = {torch.tensor, torch.as_tensor, torch.asarray}


def is_gpu(device):
    """Whether a device, its name or its number is that of a GPU."""
    if device is None or isinstance(device, bool):
        return False
    return isinstance(device, int) or torch.device(device).type == _gpu[0].type


class OnGpu(torch.Tensor):
    """A tensor on the GPU."""

    @staticmethod
    def __new__(cls, held):
        if _gpu[0] == MPS and held.dtype == torch.float64:
            raise TypeError("MPS has no float64")
        made = torch.Tensor._make_wrapper_subclass(
            cls,
            held.shape,
            strides=held.stride(),
            storage_offset=held.storage_offset(),
            dtype=held.dtype,
            device=CPU,  # or PyTorch would look for a GPU at each backward pass
        )
        made.held = held
        return made

    device = property(lambda self: _gpu[0])
    is_cuda = property(lambda self: _gpu[0] == CUDA)
    is_mps = property(lambda self: _gpu[0] == MPS)
    is_cpu = property(lambda self: False)

    def __repr__(self, **_):
        return f"OnGpu({self.held})"

    def __tensor_flatten__(self):
        return ["held"], None

    @staticmethod
    def __tensor_unflatten__(inner, *_):
        return OnGpu(inner["held"])

    @classmethod
    def __torch_dispatch__(cls, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        compared = (args[:1], args[2:]) if func in _INDEXING else (args, kwargs)
        if func not in _CROSSING and any(
            isinstance(leaf, torch.Tensor) and not isinstance(leaf, OnGpu) and leaf.dim() > 0
            for leaf in tree_leaves(compared)
        ):
            raise RuntimeError(f"Expected all tensors to be on the same device, in {func}")
        inner_args, inner_kwargs = tree_map_only(OnGpu, lambda one: one.held, (args, kwargs))
        if func is aten.copy_.default and not isinstance(args[0], OnGpu):
            return args[0].copy_(inner_args[1])
        found = func(*inner_args, **inner_kwargs)
        found = tree_map_only(torch.Tensor, OnGpu, found)
        return return_and_correct_aliasing(func, args, kwargs, found)


class _Moved(torch.autograd.Function):
    """To the other device."""

    @staticmethod
    def forward(ctx, tensor):
        if isinstance(tensor, OnGpu):
            return tensor.held.detach().clone()
        return OnGpu(tensor.detach().clone())

    @staticmethod
    def backward(ctx, grad):
        return _Moved.apply(grad)


def _to(tensor, device):
    if torch.device(device).type == "meta":
        return None
    return tensor if is_gpu(device) == isinstance(tensor, OnGpu) else _Moved.apply(tensor)


class _Generator(torch.Generator):
    def __new__(cls, device="cpu"):
        made = super().__new__(cls, CPU)
        made.is_of_gpu = is_gpu(device)
        return made

    device = property(lambda self: _gpu[0] if self.is_of_gpu else CPU)


class _Functions(TorchFunctionMode):
    """What PyTorch decides by the device that it sees, before it computes."""

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = dict(kwargs or {})
        first = args[0] if args else None
        if "generator" in kwargs:
            self._check(kwargs["generator"], (args, kwargs), func)
        if func is torch.Tensor.to:
            return self._to(*args, **kwargs)
        if func in (torch.Tensor.cpu, torch.Tensor.cuda):
            return _to(first, "cpu" if func is torch.Tensor.cpu else "cuda")
        if func is torch.Tensor.pin_memory:
            assert not isinstance(first, OnGpu), "only tensors of the CPU can be pinned"
            return first.clone()
        if func in _FROM_VALUES and is_gpu(kwargs.get("device")):
            return _to(func(*args, **{**kwargs, "device": CPU}), _gpu[0])
        if not isinstance(first, OnGpu):
            return func(*args, **kwargs)
        if func is torch.Tensor.tolist:
            return first.held.tolist()
        if func is torch.Tensor.numpy:
            raise TypeError(f"can't convert {_gpu[0]} device type tensor to numpy")
        if func in _IN_ONE_PIECE:
            return OnGpu(func(first.held, *args[1:], **kwargs))
        found = func(*args, **kwargs)
        if func == torch.Tensor.data.__set__:
            first.held = args[1].held
        return found

    @staticmethod
    def _check(generator, words, func):
        if generator is None:
            return
        leaves = tree_leaves(words)
        device = words[1].get("device")
        is_of_gpu = getattr(generator, "is_of_gpu", False)
        if is_of_gpu != (is_gpu(device) or any(isinstance(leaf, OnGpu) for leaf in leaves)):
            raise RuntimeError(f"Expected a generator of the other device, in {func}")

    @staticmethod
    def _to(
        tensor, *args, device=None, dtype=None, other=None, non_blocking=False, copy=False, **more
    ):
        for word in args:
            if isinstance(word, torch.Tensor):
                other = word
            elif isinstance(word, torch.dtype):
                dtype = word
            elif isinstance(word, str | torch.device) or type(word) is int:
                device = word
        if other is not None:
            device, dtype = other.device, other.dtype
        if device is not None and torch.device(device).type == "meta":
            return torch.empty_like(tensor, device="meta", dtype=dtype or tensor.dtype)
        moved = tensor if device is None else _to(tensor, device)
        return moved.to(moved.dtype if dtype is None else dtype, copy=copy, **more)


class _Factories(TorchDispatchMode):
    """Tensors that are made on the GPU."""

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if not is_gpu(kwargs.get("device")):
            return func(*args, **kwargs)
        found = func(*args, **{**kwargs, "device": CPU})
        return OnGpu(found) if type(found) is torch.Tensor else found


# the wrapper would import the compiler
_Factories.__torch_dispatch__ = unwrap(_Factories.__torch_dispatch__)


class _Current:
    """``torch.cuda.device``."""

    def __init__(self, device):
        assert is_gpu(device)

    def __enter__(self): ...

    def __exit__(self, *_): ...


def _set_device(device):
    if not isinstance(device, int) and torch.device(device).index is None:
        raise ValueError("Expected a torch.device with a specified index or an integer")


_CUDA = {
    "_lazy_init": lambda: None,
    "is_available": lambda: True,
    "is_initialized": lambda: True,
    "device_count": lambda: 1,
    "current_device": lambda: 0,
    "set_device": _set_device,
    "device": _Current,
    "synchronize": lambda device=None: None,
    "memory_reserved": lambda device=None: 0,
    "memory_allocated": lambda device=None: 0,
    "max_memory_allocated": lambda device=None: 0,
    "reset_peak_memory_stats": lambda device=None: None,
    "get_device_name": lambda device=None: "Pretended GPU",
    "get_device_capability": lambda device=None: (7, 5),
    "get_arch_list": lambda: ["sm_75", "sm_90"],
    "get_rng_state": lambda device=None: torch.get_rng_state(),
    "set_rng_state": lambda state, device=None: None,
    "get_rng_state_all": list,
    "set_rng_state_all": lambda states: None,
    "manual_seed_all": lambda seed: None,
}


@contextmanager
def pretended_gpu(free=8 << 30):
    """Within, PyTorch has one CUDA device with so many free bytes."""
    patches = [(torch.cuda, name, value) for name, value in _CUDA.items()]
    patches.append((torch.cuda, "mem_get_info", lambda device=None: (free, 16 << 30)))
    with _pretended(CUDA, patches):
        yield


@contextmanager
def pretended_mps():
    """Within, PyTorch has an Apple GPU."""
    patches = [
        (torch.backends.mps, "is_available", lambda: True),
        (torch.mps, "synchronize", lambda: None),
        (torch.mps, "get_rng_state", torch.get_rng_state),
        (torch.mps, "set_rng_state", lambda state: None),
    ]
    with _pretended(MPS, patches):
        yield


@contextmanager
def _pretended(device, patches):
    begin, autocast, inference = threading.Thread.run, torch.autocast, torch.inference_mode
    swapped = torch.__future__.set_swap_module_params_on_conversion
    enter, leave = inference.__enter__, inference.__exit__

    def run(thread):
        with _Functions(), _Factories():
            begin(thread)

    def enter_inference(mode):
        # its tensors cannot be subclasses that are viewed
        if mode.mode:
            mode.no_grad = torch.no_grad()
            mode.no_grad.__enter__()
        else:
            enter(mode)

    def leave_inference(mode, *error):
        if mode.mode:
            mode.no_grad.__exit__(*error)
        else:
            leave(mode, *error)

    patches += [
        (torch, "Generator", _Generator),
        (inference, "__enter__", enter_inference),
        (inference, "__exit__", leave_inference),
        (torch, "autocast", lambda kind, *words, **more: autocast("cpu", *words, **more)),
        (threading.Thread, "run", run),  # modes are those of a thread
    ]
    with ExitStack() as stack:
        stack.callback(_gpu.__setitem__, 0, _gpu[0])
        _gpu[0] = device
        for patched in patches:
            stack.enter_context(patch.object(*patched))
        # or a module would keep the class of its weights when it moves
        stack.callback(swapped, torch.__future__.get_swap_module_params_on_conversion())
        swapped(True)
        stack.enter_context(_Functions())
        stack.enter_context(_Factories())
        yield
