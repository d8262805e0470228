"""What a person may ask of the running broker. Needs the token; each request says who asks and why."""

from __future__ import annotations

import secrets
from typing import Annotated

from fastapi import APIRouter, Depends, Header
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel, ConfigDict, Field

from trading_api.context import Ctx
from trading_api.problems import Refused
from trading_api.schemas import Problem
from trading_core.broker.inputs import Verb
from trading_core.bus.connection import Bus
from trading_core.control.client import BrokerAway, ask
from trading_core.control.requests import LONGEST_TEXT, CommandRefused, Request, checked_limits

PROBLEM = {"model": Problem, "description": "Problem document (RFC 9457)"}
router = APIRouter(prefix="/api/control", tags=["control"], responses={400: PROBLEM, 403: PROBLEM, 409: PROBLEM})
_bearer = HTTPBearer(auto_error=False, description="The value of TRADING_API__CONTROL_TOKEN")
LIMIT_S = 10.0


async def allowed(context: Ctx, _given: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]) -> Bus:
    """The bus. The token was checked at the gate, with that of every other request that changes something."""
    if context.bus is None:
        raise Refused(503, "The message bus is not connected. Try again in a moment.")
    return context.bus


Allowed = Annotated[Bus, Depends(allowed)]
IdempotencyKey = Annotated[
    str | None, Header(pattern=r"^[A-Za-z0-9_-]{1,64}$", description="Sent again with the same key, it is applied once")
]
Text = Annotated[str, Field(min_length=1, max_length=LONGEST_TEXT)]


class ControlRequest(BaseModel):
    """Whom it is about: one strategy, or all."""

    model_config = ConfigDict(extra="forbid")
    who: Text
    why: Text
    strategy: str | None = None
    all: bool = False

    def named(self) -> list[str]:
        return [name for name, given in (("strategy", self.strategy is not None), ("all", self.all)) if given]


class CloseRequest(ControlRequest):
    """Which positions: one, those of a strategy, or all."""

    position: str | None = Field(None, description="Event id, po:…")

    def named(self) -> list[str]:
        return [*super().named(), *(["position"] if self.position is not None else [])]


class LimitsRequest(ControlRequest):
    """`limits` are laid over what is in force; none: as configured again."""

    limits: dict[str, str | int | float | None]


class ControlAnswer(BaseModel):
    """When it was applied, in event time, and the ids of what it caused."""

    request_id: str
    event_time_ms: int
    events: list[str]


@router.post("/pause")
async def pause(bus: Allowed, body: ControlRequest, idempotency_key: IdempotencyKey = None) -> ControlAnswer:
    """No entries any more until it is resumed; exits go on."""
    return await _ask(bus, "pause", body, idempotency_key)


@router.post("/resume")
async def resume(bus: Allowed, body: ControlRequest, idempotency_key: IdempotencyKey = None) -> ControlAnswer:
    """Ends a person's pause; that of a day's loss goes on."""
    return await _ask(bus, "resume", body, idempotency_key)


@router.post("/close")
async def close(bus: Allowed, body: CloseRequest, idempotency_key: IdempotencyKey = None) -> ControlAnswer:
    """Closes positions at the mark of the moment, reason `manual`."""
    return await _ask(bus, "close", body, idempotency_key, position=body.position)


@router.post("/limits")
async def limits(bus: Allowed, body: LimitsRequest, idempotency_key: IdempotencyKey = None) -> ControlAnswer:
    """Changes limits of a strategy, or of all, while the broker runs."""
    return await _ask(bus, "limits", body, idempotency_key, given=body.limits)


async def _ask(
    bus: Bus, verb: Verb, body: ControlRequest, key: str | None, *, position: str | None = None,
    given: dict[str, str | int | float | None] | None = None,
) -> ControlAnswer:  # fmt: skip
    if len(body.named()) != 1:
        raise Refused(422, "Say one of strategy, position (close only) or all: true.")
    try:
        request = Request(
            request_id=key or secrets.token_hex(8), who=body.who, why=body.why, strategy=body.strategy,
            position=position, limits=checked_limits(given or {}),
        )  # fmt: skip
        request.check()
    except CommandRefused as error:
        raise Refused(422, str(error)) from error
    try:
        answer = await ask(bus, verb, request, LIMIT_S)
    except BrokerAway as error:
        raise Refused(503, str(error)) from error
    if answer.status == "refused" or answer.event_time_ms is None:
        raise Refused(409, answer.reason)
    return ControlAnswer(request_id=answer.request_id, event_time_ms=answer.event_time_ms, events=list(answer.events))
