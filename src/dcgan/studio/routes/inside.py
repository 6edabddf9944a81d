"""Inside: sessions of the teaching page."""

from __future__ import annotations

from dataclasses import asdict
from math import isfinite
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from dcgan.studio.context import InStudio
from dcgan.studio.inside.encoding import encode_state
from dcgan.studio.inside.session import RATE, Session
from dcgan.studio.inside.training_step import PlayerName
from dcgan.studio.problems import MOST_SEED, Problem

router = APIRouter(prefix="/inside")

_MOST_STEPS = 50
"""Steps of one request, so that an answer comes within seconds."""

Rate = Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)]


class AskedSession(BaseModel):
    """A new session."""

    model_config = ConfigDict(extra="forbid")

    seed: Annotated[int, Field(ge=0, le=MOST_SEED)] = 0


class Rates(BaseModel):
    """Learning rates."""

    model_config = ConfigDict(extra="forbid")

    generator: Rate = RATE
    discriminator: Rate = RATE


class AskedStep(BaseModel):
    """Some training steps."""

    model_config = ConfigDict(extra="forbid")

    count: Annotated[int, Field(ge=1, le=_MOST_STEPS)] = 1
    freeze: Annotated[list[PlayerName], Field(max_length=2)] = []
    rates: Rates = Rates()


@router.post("")
def start(studio: InStudio, asked: AskedSession) -> dict[str, Any]:
    """A new session, before its first step."""
    name, session = studio.inside.start(asked.seed)
    with session.lock:
        return {"id": name, "rate": RATE, **_state(session)}


@router.get("/{session}")
def state(studio: InStudio, session: str) -> dict[str, Any]:
    """All tensors of a session as it is."""
    found = studio.inside.find(session)
    with found.lock:
        return _state(found)


@router.post("/{session}/step")
def step(studio: InStudio, session: str, asked: AskedStep) -> dict[str, Any]:
    """Make steps: what each measured, and all tensors after the last."""
    found = studio.inside.find(session)
    rates: dict[PlayerName, float] = {
        "generator": asked.rates.generator,
        "discriminator": asked.rates.discriminator,
    }
    with found.lock:
        records = found.train(asked.count, frozen=asked.freeze, rates=rates)
        return {"records": [asdict(record) for record in records], **_state(found)}


@router.delete("/{session}")
def end(studio: InStudio, session: str) -> dict[str, str]:
    """Forget a session."""
    studio.inside.end(session)
    return {"ended": session}


def _state(session: Session) -> dict[str, Any]:
    tensors = session.tensors()
    losses = (tensors.loss_generator.item(), tensors.loss_discriminator.item())
    if not all(map(isfinite, losses)):
        raise Problem(
            409, "The losses are too large to compute with. Restart, with smaller learning rates"
        )
    return encode_state(session, tensors)
