"""Types for the JSON of a run folder, with errors of one line."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, InstanceOf, Strict, ValidationError

from dcgan.errors import shown
from dcgan.runtime.reading import NotJson

Natural = Annotated[int, Strict(), Field(ge=0, lt=2**63)]
Positive = Annotated[int, Strict(), Field(ge=1, lt=2**63)]
Number = Annotated[float, Strict()]
"""A finite number: see :class:`Stored`."""

Share = Annotated[float, Strict(), Field(ge=0, le=1)]
Flag = Annotated[bool, Strict()]
Text = InstanceOf[str]
"""Names of files and classes need not be valid UTF-8, which pydantic's own text requires."""


class Stored(BaseModel):
    """A JSON object without unknown keys and infinite numbers."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, frozen=True)

    @classmethod
    def read(cls, content: dict[str, Any]) -> Self:
        """Raises ``NotJson`` with the first problem."""
        try:
            return cls.model_validate(content)
        except ValidationError as error:
            raise NotJson(_first_problem(error)) from None


def _first_problem(error: ValidationError) -> str:
    finding = error.errors(include_url=False, include_context=False)[0]
    place = ""
    for part in finding["loc"]:
        place += f"[{part}]" if isinstance(part, int) else f".{part}" if place else str(part)
    if finding["type"] == "missing":
        return f"{place} is missing"
    if finding["type"] == "extra_forbidden":
        return f"{place} is unknown"
    return f"{place} = {shown(finding['input'])}: {finding['msg']}"
