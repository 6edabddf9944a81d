"""Answers as JSON that every browser can read, whatever the files of a run hold."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from math import isfinite
from typing import Any

from starlette.responses import JSONResponse

_SURROGATE = re.compile("[\ud800-\udfff]")
_LARGEST = 2**63


class Answer(JSONResponse):
    """An answer of :func:`to_json`."""

    def render(self, content: Any) -> bytes:
        """The body, in UTF-8."""
        return to_json(content).encode()


def to_json(content: Any) -> str:
    """A JSON text in one line, of :func:`plain` content."""
    return json.dumps(plain(content), ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def plain(content: Any) -> Any:
    """Content that JSON and UTF-8 can express.

    Numbers that are infinite, NaN or of 2⁶³ and more become None. Surrogates, which stand in names
    of files that are not UTF-8, become U+FFFD. Keys and values of other types become text.

    >>> plain({1: [float("nan"), "caf\\udce9"]})
    {'1': [None, 'caf\ufffd']}
    """
    if content is None or isinstance(content, bool):
        return content
    if isinstance(content, int):
        return content if abs(content) < _LARGEST else None
    if isinstance(content, float):
        return content if isfinite(content) else None
    if isinstance(content, Mapping):
        return {_text(key): plain(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [plain(value) for value in content]
    return _text(content)


def is_text(text: str) -> bool:
    """Whether a text, such as the name of a file, is without surrogates."""
    return _SURROGATE.search(text) is None


def _text(content: Any) -> str:
    return _SURROGATE.sub("\ufffd", str(content))
