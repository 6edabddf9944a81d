"""Wrong arguments of the public Python functions: one line instead of a TypeError from inside."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import cache, wraps
from numbers import Real
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
    int: (Real, "a number"),
    float: (Real, "a number"),
    bool: (int, "True or False"),
    Mapping: (Mapping, "a dictionary"),
    Reporter: (Reporter, "a dcgan.Reporter"),
    NoneType: (NoneType, "None"),
}
"""Annotations that are checked, each with the class a value must have, and in words."""


def checked(function: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """Refuse unknown arguments and values of a wrong kind with ``ConfigError``.

    Values of annotations other than those in ``_KINDS`` are left to the function.

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
        for name, value in kwargs.items():
            if name not in known:
                problem = f"{function.__name__} has no such argument; {did_you_mean(name, known)}"
                if "settings" in known:
                    problem += ". Settings of a recipe go into `settings`"
                raise ConfigError(name, value, problem)
        try:
            given = signature.bind(*args, **kwargs).arguments
        except TypeError as error:
            problem = f"{function.__name__}: {error}. Its arguments are {', '.join(known)}"
            raise ConfigError("", None, problem) from None
        for name, value in given.items():
            _refuse_other_kinds(name, value, signature.parameters[name].annotation)
        return function(*args, **kwargs)

    return call


@cache
def _signature(function: Callable[..., Any]) -> inspect.Signature:
    try:
        return inspect.signature(function, eval_str=True)
    except NameError:  # a name that only type checkers import
        return inspect.signature(function)


def _refuse_other_kinds(name: str, value: object, annotation: Any) -> None:
    is_union = get_origin(annotation) in (Union, UnionType)
    choices = get_args(annotation) if is_union else (annotation,)
    kinds = [get_origin(choice) or choice for choice in choices]
    if not all(kind in _KINDS for kind in kinds):
        return
    is_bool_for_number = isinstance(value, bool) and bool not in kinds
    if is_bool_for_number or not any(isinstance(value, _KINDS[kind][0]) for kind in kinds):
        *most, last = dict.fromkeys(_KINDS[kind][1] for kind in kinds)
        raise ConfigError(name, value, f"use {', '.join(most)}{' or ' * bool(most)}{last}")
