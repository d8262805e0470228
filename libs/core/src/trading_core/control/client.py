"""Asks the running broker over NATS: request and reply, the same request until it is answered."""

from __future__ import annotations

import asyncio

import msgspec
from nats import errors

from trading_core.broker.inputs import Verb
from trading_core.bus.connection import Bus
from trading_core.control.requests import Answer, Request, decode_answer
from trading_core.errors import TradingError
from trading_core.streams import control_subject

LIMIT_S = 15.0
ATTEMPT_S = 5.0
SERVICE = "paper-broker"


class BrokerAway(TradingError):
    """No broker answered: it does not run, or cannot reach its database."""


async def ask(bus: Bus, verb: Verb, request: Request, limit_s: float = LIMIT_S) -> Answer:
    """The broker's answer. Asked again while none comes, which repeats nothing: it knows the request by its id.

    BrokerAway after `limit_s`: whether it was applied is then unknown; the same request id finds out.
    """
    payload = msgspec.json.encode(request)
    subject = control_subject(SERVICE, verb)
    try:
        async with asyncio.timeout(limit_s):
            while True:
                try:
                    reply = await bus.nc.request(subject, payload, timeout=min(ATTEMPT_S, limit_s))
                    return decode_answer(reply.data)
                except errors.NoRespondersError:
                    await asyncio.sleep(0.2)
                except (errors.TimeoutError, errors.ConnectionReconnectingError, errors.OutboundBufferLimitError):
                    await bus.pause(0)
    except TimeoutError:
        raise BrokerAway(
            f"the broker did not answer within {limit_s:g} s. See whether it runs, then ask again with the request id "
            f"{request.request_id}: what was applied is not applied twice."
        ) from None
