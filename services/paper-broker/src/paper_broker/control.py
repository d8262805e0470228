"""Requests of people: heard over NATS, applied by the broker between two grid points, answered once they are kept."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from typing import get_args

import msgspec
import structlog
from nats import errors
from nats.aio.msg import Msg

from trading_core.broker.inputs import Verb
from trading_core.bus.connection import Bus
from trading_core.control.client import SERVICE
from trading_core.control.requests import Answer, CommandRefused, Request, decode_request
from trading_core.messages import OpsMessage
from trading_core.streams import control_subjects, ops_subject

log = structlog.get_logger()
HELD_AT_MOST = 100


@dataclass(frozen=True)
class Asked:
    """A request and whoever waits for its answer."""

    verb: Verb
    request: Request
    message: Msg


class Control:
    """Holds requests until the broker takes them. Only the one broker at work listens."""

    def __init__(self, bus: Bus, portfolio: str, arrived: asyncio.Event) -> None:
        self._bus = bus
        self._portfolio = portfolio
        self._arrived = arrived
        self._waiting: deque[Asked] = deque()

    async def listen(self) -> None:
        """Never ends."""
        subscription = await self._bus.nc.subscribe(control_subjects(SERVICE), cb=self._hear)
        try:
            await asyncio.Event().wait()
        finally:
            if not self._bus.nc.is_closed:
                await subscription.unsubscribe()

    def take(self) -> Asked | None:
        return self._waiting.popleft() if self._waiting else None

    async def answer(self, asked: Asked, answer: Answer) -> None:
        """Record it for operators, then tell who asked: an answer that is lost is asked for again."""
        request = asked.request
        message = OpsMessage(
            id=f"op:{SERVICE}:command:{self._portfolio}:{request.request_id}:{answer.status}",
            service=SERVICE,
            event="command",
            event_time_ms=answer.event_time_ms,
            severity="info" if answer.status == "applied" else "warning",
            body={"portfolio": self._portfolio, "verb": asked.verb, **msgspec.to_builtins(request),
                  "status": answer.status, "reason": answer.reason},
        )  # fmt: skip
        await self._bus.publish(ops_subject(SERVICE, "command"), message)
        log.info("command_answered", verb=asked.verb, who=request.who, why=request.why, status=answer.status)
        await self._reply(asked.message, answer)

    async def _hear(self, message: Msg) -> None:
        verb = message.subject.rpartition(".")[2]
        try:
            if verb not in get_args(Verb):
                raise CommandRefused(f"there is no command {verb}. Commands are: {', '.join(get_args(Verb))}.")
            if len(self._waiting) >= HELD_AT_MOST:
                raise CommandRefused("too many requests are waiting already. Ask again later.")
            request = decode_request(message.data)
        except CommandRefused as error:
            await self._reply(message, Answer(request_id="", status="refused", reason=str(error)))
            return
        self._waiting.append(Asked(verb, request, message))  # type: ignore[arg-type]  # it is one of them
        self._arrived.set()

    async def _reply(self, message: Msg, answer: Answer) -> None:
        try:
            await message.respond(msgspec.json.encode(answer))
        except errors.Error as error:
            log.warning("answer_lost", request_id=answer.request_id, error=str(error) or type(error).__name__)
