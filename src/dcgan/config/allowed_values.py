"""What a setting may be, in words, from the type it is declared with."""

from __future__ import annotations

from collections.abc import Sequence
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, BeforeValidator
from pydantic.fields import FieldInfo

_LISTED = 8
"""Whole numbers that are listed one by one rather than by their bounds."""

_COUNTABLE = 2**32
"""Larger bounds are those of a data type, not of people."""


def allowed(field: FieldInfo) -> list[str]:
    """What a setting takes, such as ``["1", "2", "3", "4", "auto"]``; empty where nobody said."""
    return _parts(field.annotation, field.metadata)


def either(parts: Sequence[str]) -> str:
    """``a``, ``a or b``, ``a, b or c``."""
    *most, last = parts
    return f"{', '.join(most)} or {last}" if most else last


def _parts(kind: Any, bounds: Sequence[Any]) -> list[str]:
    """What each branch of a type takes; empty for a type that is not described."""
    origin, parts = get_origin(kind), list[str]()
    if any(isinstance(one, BeforeValidator) for one in bounds):
        # only pairs are read from several forms
        parts = [f"{either(_parts(get_args(kind)[0], []))}, or two as HEIGHTxWIDTH"]
    elif origin is Annotated:
        inner, *more = get_args(kind)
        # pydantic's Field(ge=…) keeps its bounds in metadata of its own
        found = [one for extra in more for one in getattr(extra, "metadata", [extra])]
        parts = _parts(inner, [*bounds, *found])
    elif origin in (Union, UnionType):
        branches = [_parts(one, []) for one in get_args(kind) if one is not NoneType]
        parts = [part for branch in branches for part in branch] if all(branches) else []
    elif origin is Literal:
        parts = [str(one) for one in get_args(kind)]
    elif origin is tuple:
        parts = _of_tuple(get_args(kind))
    elif kind is bool:
        parts = ["true", "false"]
    elif kind in (int, float):
        parts = _numbers(kind, bounds)
    elif kind is str:
        parts = ["text"]
    elif isinstance(kind, type) and issubclass(kind, BaseModel):
        parts = ["settings below it, in lines KEY: VALUE"]
    return parts


def _of_tuple(kinds: tuple[Any, ...]) -> list[str]:
    if kinds[1:] == (Ellipsis,) and hasattr(kinds[0], "model_fields"):
        return ["a list of rows, such as {conv: 64, kernel: 4}"]
    each = either(_parts(kinds[0], []))
    if kinds[1:] == (Ellipsis,):
        return [f"a list, each {each}"]
    return [f"{len(kinds)} values, each {each}"]


def _numbers(kind: type, bounds: Sequence[Any]) -> list[str]:
    least, above, most, below = (_bound(bounds, name) for name in ("ge", "gt", "le", "lt"))
    if kind is int and least is not None and most is not None and most - least < _LISTED:
        return [str(number) for number in range(int(least), int(most) + 1)]
    if kind is int and below is not None:
        most, below = int(below) - 1, None
    low = f"above {above}" if above is not None else f"from {least}"
    high = f"to {_in_figures(most)}" if most is not None else f"to below {below}"
    if most is None and below is None:
        low, high = low.replace("from", "of at least"), ""
    noun = "a whole number" if kind is int else "a number"
    return [f"{noun} {low} {high}".rstrip() if (least, above) != (None, None) else noun]


def _in_figures(number: float) -> str:
    """A power of two beyond all counting as a power: 2^63 - 1."""
    whole = int(number) + 1
    is_power = whole > _COUNTABLE and whole & (whole - 1) == 0
    return f"2^{whole.bit_length() - 1} - 1" if is_power else str(number)


def _bound(bounds: Sequence[Any], name: str) -> float | None:
    return next((getattr(one, name) for one in bounds if hasattr(one, name)), None)
