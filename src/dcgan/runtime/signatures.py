"""Wrong arguments of the public Python functions: one line instead of a TypeError from inside."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import cache, wraps
from numbers import Integral, Number, Real
from os import PathLike
from types import NoneType, UnionType
from typing import Any, ParamSpec, TypeVar, Union, get_args, get_origin

from dcgan.errors import ConfigError, did_you_mean
from dcgan.runtime.reporting import Reporter

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")

_KINDS: dict[Any, tuple[type, str]] = {
    str: (str, "text"),
    PathLike: (PathLike, "a path"),
    int: (Integral, "a whole number"),
    float: (Real, "a number"),
    bool: (bool, "True or False"),
    Mapping: (Mapping, "a dictionary"),
    Reporter: (Reporter, "a dcgan.Reporter"),
    NoneType: (NoneType, "None"),
}
"""Annotations that are checked, each with the class a value must have, and in words."""


_SETTINGS = "Settings of a recipe go into `settings`, such as settings={'data': {'flip': True}}"

_ARRAYS = {"ndarray": "a NumPy array", "Tensor": "a torch.Tensor"}

_PLAIN = (str, bytes, PathLike, Number, NoneType, list, tuple, set, dict)
"""Values that are never taken for an object of a class of ours."""


def checked(function: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """Refuse unknown arguments and values of a wrong kind with ``ConfigError``.

    Checked are annotations in ``_KINDS``, arrays and tensors. For other classes, only plain values
    such as a string are refused; other annotations are left to the function. A float without a
    fraction, such as 1e6, is accepted as a whole number.

    >>> @checked
    ... def train(data: object = None, *, minutes: float | None = None): ...
    >>> train(minuts=5)
    Traceback (most recent call last):
    dcgan.errors.ConfigError: `minuts` is 5: train has no such argument; did you mean 'minutes'?
    >>> train(minutes="five")
    Traceback (most recent call last):
    dcgan.errors.ConfigError: `minutes` is 'five': use a number or None
    """

    @wraps(function)
    def call(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        signature = _signature(function)
        known = [name for name in signature.parameters if name != "self"]
        kinds = [parameter.kind for parameter in signature.parameters.values()]
        for name, value in kwargs.items():
            if name not in known and inspect.Parameter.VAR_KEYWORD not in kinds:
                problem = f"{function.__name__} has no such argument; {did_you_mean(name, known)}"
                if "settings" in known:
                    end = " " if problem.endswith("?") else ". "
                    problem += f"{end}{_SETTINGS}"
                raise ConfigError(name, value, problem)
        try:
            bound = signature.bind(*args, **kwargs)
        except TypeError as error:
            problem = f"{function.__name__}: {error}. Its arguments are {', '.join(known)}"
            raise ConfigError("", None, problem) from None
        bound.arguments = {
            name: _of_kind(name, value, signature.parameters[name].annotation)
            for name, value in bound.arguments.items()
        }
        return function(*bound.args, **bound.kwargs)

    return call


@cache
def _signature(function: Callable[..., Any]) -> inspect.Signature:
    try:
        return inspect.signature(function, eval_str=True)
    except NameError:  # a name that only type checkers import
        return inspect.signature(function)


def _of_kind(name: str, value: object, annotation: Any) -> object:
    """A value if it is of a kind that its annotation names; raises ConfigError otherwise."""
    is_union = get_origin(annotation) in (Union, UnionType)
    choices = get_args(annotation) if is_union else (annotation,)
    kinds = [get_origin(choice) or choice for choice in choices]
    known = [_KINDS.get(kind) or _of_class(kind) for kind in kinds]
    if not all(known):
        return value
    classes = [one[0] for one in known if one is not None]
    is_bool_for_number = isinstance(value, bool) and not {bool, object} & set(kinds)
    if not is_bool_for_number and isinstance(value, tuple(classes)):
        return value
    is_object = not isinstance(value, _PLAIN) and not hasattr(value, "dtype")
    if is_object and not all(kind in _KINDS or kind.__name__ in _ARRAYS for kind in kinds):
        return value  # it may have what the function needs of the class
    if int in kinds and isinstance(value, float) and value.is_integer():
        return int(value)
    *most, last = dict.fromkeys(one[1] for one in known if one is not None)
    raise ConfigError(name, _described(value), f"use {', '.join(most)}{' or ' * bool(most)}{last}")


def _of_class(kind: object) -> tuple[type, str] | None:
    """How a class is checked, and what it is called; None for protocols and other annotations."""
    is_free = kind is inspect.Parameter.empty or getattr(kind, "_is_protocol", False)
    if not isinstance(kind, type) or is_free:
        return None
    if kind.__module__ in ("builtins", "collections.abc", "typing"):
        return None
    return kind, _ARRAYS.get(kind.__name__, f"a {kind.__name__}")


def _described(value: object) -> object:
    """A value for a message; an array by its shape."""
    shape = getattr(value, "shape", None)
    return value if shape is None else _Array(type(value).__name__, tuple(shape))


class _Array:
    """Stands for an array in a message."""

    def __init__(self, name: str, shape: tuple[int, ...]) -> None:
        self._text = f"{name} of shape {shape}"

    def __repr__(self) -> str:
        return self._text
