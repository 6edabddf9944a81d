"""Errors of the studio's interface: a status and one line in plain words."""

from __future__ import annotations

from fastapi.exceptions import RequestValidationError
from starlette.requests import Request
from starlette.responses import Response

from dcgan.errors import DcganError, shown
from dcgan.studio.answers import Answer

_SHOWN = 3


class Problem(Exception):
    """A request that cannot be answered.

    Parameters
    ----------
    status : int
        Of HTTP.
    line : str
        What is wrong, for the page to show.
    """

    def __init__(self, status: int, line: str) -> None:
        super().__init__(line)
        self.status, self.line = status, line


def not_found(what: str) -> Problem:
    """Something that is not, or no longer, there."""
    return Problem(404, f"{what} is not there any more. Reload the page")


async def answer_problem(_: Request, error: Exception) -> Response:
    """The answer to a request that raised an error; the server prints the unexpected ones."""
    if isinstance(error, Problem):
        return Answer({"problem": error.line}, error.status)
    if isinstance(error, RequestValidationError):  # without the values: they may be anything
        lines = [f"{'.'.join(map(str, one['loc'][1:]))}: {one['msg']}" for one in error.errors()]
        return Answer({"problem": "; ".join(lines[:_SHOWN])}, 422)
    if isinstance(error, DcganError):
        return Answer({"problem": str(error)}, 400)
    line = f"an error of the studio: {shown(error)}. The terminal it was started in shows more"
    return Answer({"problem": line}, 500)
