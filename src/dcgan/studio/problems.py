"""Errors of the studio's interface: a status and one line in plain words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi.exceptions import RequestValidationError
from starlette.requests import Request
from starlette.responses import Response

from dcgan.errors import DcganError, shown
from dcgan.studio.answers import Answer

MOST_SEED = 2**63 - 1
MOST_IMAGES = 10**12
MOST_MINUTES = 100_000

_NAMES = {"images": "Images seen"}
"""Fields whose name on the page is another one than in the request."""

_ALLOWED = {
    "seed": f"use a whole number from 0 to {MOST_SEED:,}",
    "images": f"use a whole number from 1 to {MOST_IMAGES:,}",
    "minutes": f"use a number above 0, at most {MOST_MINUTES:,}",
    "size": "use 16 to 4096, such as 64, or 48x64 for height and width",
}
"""What is allowed in the fields of a training, whatever is wrong."""

_WORDS = {
    "less_than_equal": "at most {le:,}",
    "greater_than_equal": "at least {ge:,}",
    "greater_than": "more than {gt:,}",
    "string_too_long": "at most {max_length:,} characters",
    "missing": "it is missing",
}
"""What is allowed, by the kind of an error of Pydantic."""

_KINDS = {"int": "use a whole number", "float": "use a number", "finite": "use a number"}
"""The same, by the beginning of the kind."""


class Problem(Exception):
    """A request that cannot be answered.

    Parameters
    ----------
    status : int
        Of HTTP.
    line : str
        What is wrong, for the page to show.
    field : str, optional
        The field of the request that is wrong: the page shows the line there.
    """

    def __init__(self, status: int, line: str, field: str = "") -> None:
        super().__init__(line)
        self.status, self.line, self.field = status, line, field


def not_found(what: str) -> Problem:
    """Something that is not, or no longer, there."""
    return Problem(404, f"{what[0].upper()}{what[1:]} is not there any more. Reload the page")


def no_run() -> Problem:
    """The same of a run, which does not come back when the page is reloaded."""
    return Problem(404, "This run is not there any more")


async def answer_problem(_: Request, error: Exception) -> Response:
    """The answer to a request that raised an error; the server prints the unexpected ones."""
    if isinstance(error, Problem):
        return Answer({"problem": error.line, "field": error.field}, error.status)
    if isinstance(error, RequestValidationError):
        first = error.errors()[0]
        field = ".".join(map(str, first["loc"][1:]))
        return Answer({"problem": _in_words(field, first), "field": field}, 422)
    if isinstance(error, DcganError):
        return Answer({"problem": str(error)}, 400)
    line = f"an error of the studio: {shown(error)}. The terminal it was started in shows more"
    return Answer({"problem": line}, 500)


def _in_words(field: str, error: Mapping[str, Any]) -> str:
    """What is wrong with a field; without its value, which may be anything."""
    name = _NAMES.get(field, field.capitalize())
    if field in _ALLOWED:
        return f"{name}: {_ALLOWED[field]}"
    words = _WORDS.get(error["type"]) or _KINDS.get(error["type"].partition("_")[0])
    bounds = error.get("ctx", {})
    whole = {
        key: int(one) for key, one in bounds.items() if isinstance(one, float) and one % 1 == 0
    }
    return f"{name}: {words.format(**bounds | whole) if words else 'this value is not allowed'}"
