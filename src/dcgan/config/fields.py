"""Field types that the sections of the configuration share, such as sizes and ranges."""

from __future__ import annotations

import re
from collections.abc import Callable
from math import isfinite
from typing import Annotated, Any, Literal, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
)

from dcgan.old_names import policy_of_today
from dcgan.vocabulary import DEVICE, NO_DEVICE, Augmentation, Operation

SMALLEST_SIDE, LARGEST_SIDE = 16, 4096

MOST_THREADS = 1024

OPERATIONS = get_args(Operation)

Auto = Literal["auto"]


_A_PAIR = "use a number or HEIGHTxWIDTH, such as 64 or 157x128"


class Section(BaseModel):
    """A part of the configuration: immutable, without unknown keys."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False
    )


def _read_pair(value: Any) -> Any:
    """Read ``64``, ``"64"``, ``"157x128"`` or ``[157, 128]`` as (height, width)."""
    if isinstance(value, bool):
        raise ValueError(_A_PAIR)
    if isinstance(value, int):
        return (value, value)
    if isinstance(value, str):
        if not re.fullmatch(r"\s*\d+(\s*[x×]\s*\d+)?\s*", value):
            raise ValueError(_A_PAIR)
        sides = [int(side) for side in re.split(r"[x×]", value)]
        return (sides[0], sides[-1])
    return value


def _write_pair(pair: tuple[int, int]) -> int | list[int]:
    """``4`` for (4, 4), which is how people write a square."""
    return pair[0] if pair[0] == pair[1] else list(pair)


def _write_size(pair: tuple[int, int] | str) -> str:
    # pydantic also asks this branch of a union to write the other's "auto"
    return pair if isinstance(pair, str) else f"{pair[0]}x{pair[1]}"


def read_range(value: Any) -> Any:
    """Read ``"0:4095"`` or ``[0, 4095]`` as (low, high).

    Raises
    ------
    ValueError
        Not two finite numbers, the lower first.
    """
    parts = value.split(":") if isinstance(value, str) else value
    allowed = "use LOW:HIGH, two numbers with the lower first, such as 0:4095"
    try:
        low, high = (float(part) for part in parts)
    except (TypeError, ValueError):
        raise ValueError(allowed) from None
    if not (isfinite(low) and isfinite(high) and low < high):
        raise ValueError(allowed)
    return low, high


def _write_range(pair: tuple[float, float] | str) -> str:
    return pair if isinstance(pair, str) else ":".join(repr(n).removesuffix(".0") for n in pair)


def _refuse_extreme_sizes(size: tuple[int, int]) -> tuple[int, int]:
    if not all(SMALLEST_SIDE <= side <= LARGEST_SIDE for side in size):
        raise ValueError(
            f"each side must be {SMALLEST_SIDE} to {LARGEST_SIDE}. Use a number such as 64"
        )
    return size


def _read_threads(value: Any) -> int | str:
    """Read ``2``, ``"2"``, ``"auto"``, or ``"2,1@12288"``: two, and one from 12,288 images on."""
    text = "" if isinstance(value, bool) else str(value).replace(" ", "")
    if text == "auto":
        return text
    allowed = f"use a number from 1 to {MOST_THREADS:,} or auto"
    if "@" in text:
        allowed += ", or such as 2,1@12288: 2 threads, and 1 from 12,288 images on"
    if not re.fullmatch(r"[1-9]\d{0,5}(,[1-9]\d{0,5}@[1-9]\d{0,14})*", text):
        raise ValueError(allowed)
    changes = thread_changes(text)
    images = [start for start, _ in changes]
    if max(number for _, number in changes) > MOST_THREADS or images != sorted(set(images)):
        raise ValueError(allowed)
    return int(text) if text.isdigit() else text


def thread_changes(threads: int | str) -> tuple[tuple[int, int], ...]:
    """The setting ``threads`` as (images seen, number from there on), in order.

    >>> thread_changes(2), thread_changes("2,1@12288")
    (((0, 2),), ((0, 2), (12288, 1)))
    """
    first, *later = str(threads).split(",")
    pairs = (change.split("@") for change in later)
    return ((0, int(first)), *((int(images), int(number)) for number, images in pairs))


def _matching(pattern: str, allowed: str) -> Callable[[str], str]:
    """A validator that refuses other texts and says what is allowed."""

    def validate(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise ValueError(allowed)
        return text

    return validate


Natural = Annotated[int, Field(ge=0)]
Positive = Annotated[int, Field(ge=1)]
Pair = Annotated[tuple[Natural, Natural], BeforeValidator(_read_pair), PlainSerializer(_write_pair)]
PositivePair = Annotated[
    tuple[Positive, Positive], BeforeValidator(_read_pair), PlainSerializer(_write_pair)
]
Size = Annotated[
    tuple[int, int],
    BeforeValidator(_read_pair),
    AfterValidator(_refuse_extreme_sizes),
    PlainSerializer(_write_size),
]
Threads = Annotated[int | str, BeforeValidator(_read_threads)]
Range = Annotated[tuple[float, float], BeforeValidator(read_range), PlainSerializer(_write_range)]
Color = Annotated[
    str, AfterValidator(_matching(r"#[0-9a-fA-F]{6}", "use #rrggbb, such as #ffffff"))
]
Device = Annotated[
    str,
    AfterValidator(_matching(DEVICE, NO_DEVICE)),
]


_AUGMENTATIONS = "|".join(get_args(Augmentation))

*_MOST, _LAST = get_args(Augmentation)

Policy = Annotated[
    str,
    AfterValidator(policy_of_today),
    AfterValidator(
        _matching(
            rf"none|({_AUGMENTATIONS})(\+({_AUGMENTATIONS}))*",
            f"use none, or {', '.join(_MOST)} and {_LAST} joined by +",
        )
    ),
]
