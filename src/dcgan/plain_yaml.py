"""Read untrusted YAML of recipes and run folders in bounded time and memory."""

from __future__ import annotations

import re
import stat
from copy import deepcopy
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

MOST_BYTES = 250_000
"""The maximum size of a text; the largest recipe has 5,000."""

_MOST_NODES = 20_000
"""The maximum number of values and keys with aliases expanded."""

_DEEPEST = 50


_NO_NUMBER = re.compile(r"[-+]?([0-9_]+:.*|0[0-9_b].*)")
"""Numbers to the base of 60 or 8 in YAML 1.1: ``-1:1`` would be -61, and ``010`` would be 8."""

_TEXT = yaml.resolver.BaseResolver.DEFAULT_SCALAR_TAG


class _Loader(yaml.SafeLoader):
    """YAML 1.2: only true and false are booleans; off, dates and ranges such as 1:20 are text."""

    def resolve(self, kind: Any, value: Any, implicit: Any) -> Any:
        if kind is yaml.ScalarNode and implicit[0] and _NO_NUMBER.fullmatch(value):
            return _TEXT
        return super().resolve(kind, value, implicit)  # type: ignore[no-untyped-call]


_DROPPED = {"tag:yaml.org,2002:timestamp"}
_Loader.yaml_implicit_resolvers = {
    first: [
        one
        for one in resolvers
        if one[0] not in _DROPPED and (one[0] != "tag:yaml.org,2002:bool" or first in "tTfF")
    ]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def load_yaml(text: str) -> Any:
    """The content of a YAML text; raises ``yaml.YAMLError`` if it is invalid or too large.

    >>> load_yaml("{measure: off, tensorboard: false, day: 2026-11-28}")
    {'measure': 'off', 'tensorboard': False, 'day': '2026-11-28'}
    """
    if len(text) > MOST_BYTES:
        raise yaml.YAMLError(f"longer than {MOST_BYTES:,} letters")
    return deepcopy(_content(text))  # the caller may change it


# a command reads the settings of a run several times, and parsing takes 10 milliseconds
@lru_cache(maxsize=32)
def _content(text: str) -> Any:
    try:
        loader = _Loader(text)
        try:
            node = loader.get_single_node()
            if node is None:
                return None
            _refuse_odd(node)
            return loader.construct_document(node)
        finally:
            loader.dispose()
    except RecursionError:
        raise yaml.YAMLError("nested too deeply") from None
    except (ValueError, TypeError, OverflowError) as error:  # a number of 5,000 digits
        raise yaml.YAMLError(str(error).partition(";")[0]) from error


def read_yaml_file(path: Path) -> Any:
    """The content of a YAML file; raises ``yaml.YAMLError``, or ``OSError`` if it is unreadable."""
    if not stat.S_ISREG(path.stat().st_mode):
        raise yaml.YAMLError("not a regular file")
    with path.open("rb") as file:
        content = file.read(MOST_BYTES + 1)
    try:
        return load_yaml(content.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise yaml.YAMLError(str(error)) from error


_HINTS = {
    "found character '\\t'": "a tab. Indent with spaces",
    "mapping values are not allowed": "a second `: ` in one value, or a line that is indented too"
    " far. Put a text with `: ` in quotes, and indent the keys of a section alike",
    "expected <block end>": "lines that are not indented alike, or `- ` before a key. Indent the"
    " keys of a section alike",
}
"""What is wrong and what to do, by the beginning of the parser's words."""


def yaml_problem(error: yaml.YAMLError) -> str:
    """Why a text is no YAML, in one line, with the number of its line if that is known."""
    if not isinstance(error, yaml.MarkedYAMLError) or error.problem_mark is None:
        return " ".join(str(error).split())
    problem = error.problem or "unreadable"
    found = (hint for words, hint in _HINTS.items() if problem.startswith(words))
    return f"line {error.problem_mark.line + 1}: {next(found, problem)}"


def _refuse_odd(node: yaml.Node) -> None:
    """Raise ``YAMLError`` if aliases expand to too many values or contain themselves, or if a
    section has a key twice."""
    sizes: dict[int, int] = {}
    above: set[int] = set()

    def size(one: yaml.Node) -> int:
        if id(one) in above:
            raise yaml.YAMLError("an alias contains itself")
        if len(above) > _DEEPEST:
            raise yaml.YAMLError(f"nested more than {_DEEPEST} deep")
        if id(one) not in sizes:
            above.add(id(one))
            if isinstance(one, yaml.MappingNode):
                _refuse_repeated(one)
            inside = one.value if isinstance(one, yaml.CollectionNode) else []
            parts = [part for pair in inside for part in (pair if type(pair) is tuple else (pair,))]
            sizes[id(one)] = 1 + sum(size(part) for part in parts)
            above.discard(id(one))
        return sizes[id(one)]

    if size(node) > _MOST_NODES:
        raise yaml.YAMLError(f"its aliases expand to more than {_MOST_NODES:,} values")


def _refuse_repeated(section: yaml.MappingNode) -> None:
    """PyYAML would keep the last value and drop the others without a word."""
    known = set()
    for key, _ in section.value:
        name = (key.tag, key.value) if isinstance(key, yaml.ScalarNode) else None
        if name in known:
            line = key.start_mark.line + 1
            raise yaml.YAMLError(f"{key.value!r} is there twice, again in line {line}. Keep one")
        if name is not None:
            known.add(name)
