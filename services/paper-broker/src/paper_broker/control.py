"""Requests of people: heard over NATS, applied by each ledger that they concern, answered once they are kept."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import msgspec
import structlog
from nats import errors
from nats.aio.msg import Msg

from paper_broker.broker import Broker
from trading_core.broker.inputs import Verb
from trading_core.bus.connection import Bus
from trading_core.control.client import SERVICE
from trading_core.control.requests import Answer, CommandRefused, Request, decode_request, verb_of
from trading_core.messages import OpsMessage
from trading_core.streams import control_subjects, ops_subject

log = structlog.get_logger()
LIMIT_S = 30.0
"""Who asked has given up by then; if it is applied later, the same request finds that out."""


class Control:
    """Hears requests one after the other. Only the one broker at work listens."""

    def __init__(self, bus: Bus, brokers: Sequence[Broker]) -> None:
        self._bus = bus
        self._brokers = brokers

    async def listen(self) -> None:
        """Never ends."""
        subscription = await self._bus.nc.subscribe(control_subjects(SERVICE), cb=self._hear)
        try:
            await asyncio.Event().wait()
        finally:
            if not self._bus.nc.is_closed:
                await subscription.unsubscribe()

    async def _hear(self, message: Msg) -> None:
        try:
            verb = verb_of(message.subject.rpartition(".")[2])
            request = decode_request(message.data)
        except CommandRefused as error:
            await self._reply(message, Answer(request_id="", status="refused", reason=str(error)))
            return
        try:
            async with asyncio.timeout(LIMIT_S):
                answer = together(await asyncio.gather(*(broker.ask(verb, request) for broker in self._brokers)))
                await self._record(verb, request, answer)
        except TimeoutError:
            log.warning("command_unanswered", verb=verb, request_id=request.request_id)
            return
        log.info("command_answered", verb=verb, who=request.who, why=request.why, status=answer.status)
        await self._reply(message, answer)

    async def _record(self, verb: Verb, request: Request, answer: Answer) -> None:
        """For operators, before who asked is told: an answer that is lost is asked for again."""
        message = OpsMessage(
            id=f"op:{SERVICE}:command:{self._brokers[0].ledger}:{request.request_id}:{answer.status}",
            service=SERVICE,
            event="command",
            event_time_ms=answer.event_time_ms,
            severity="info" if answer.status == "applied" else "warning",
            body={"verb": verb, **msgspec.to_builtins(request), "status": answer.status, "reason": answer.reason},
        )
        await self._bus.publish(ops_subject(SERVICE, "command"), message)

    async def _reply(self, message: Msg, answer: Answer) -> None:
        try:
            await message.respond(msgspec.json.encode(answer))
        except errors.Error as error:
            log.warning("answer_lost", request_id=answer.request_id, error=str(error) or type(error).__name__)


def together(answers: Sequence[Answer]) -> Answer:
    """Of several ledgers: refused only when none could do it, since a strategy or a position may be in one alone."""
    applied = [answer for answer in answers if answer.status == "applied"]
    if not applied:
        return answers[0]
    return Answer(
        request_id=applied[0].request_id,
        status="applied",
        event_time_ms=max(answer.event_time_ms or 0 for answer in applied),
        events=tuple(event for answer in applied for event in answer.events),
    )
