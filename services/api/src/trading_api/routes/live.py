"""`/api/ws`: a snapshot, then what changes, numbered; or what was missed since a number, then what changes."""

from __future__ import annotations

import asyncio
import contextlib

import msgspec
import structlog
from fastapi import APIRouter
from starlette.datastructures import QueryParams
from starlette.websockets import WebSocket, WebSocketDisconnect

from trading_api import context as contexts
from trading_api import metrics
from trading_api.access import Access
from trading_api.database import DatabaseAway, QueryTooSlow
from trading_api.live.hub import Heard, Subscriber
from trading_api.live_messages import LiveResumed, Snapshot
from trading_api.queries import fills, rows, signals
from trading_api.queries.signals import SignalFilters
from trading_api.routes import health
from trading_api.routes.summary import summarise
from trading_api.security import known_origin

log = structlog.get_logger()
router = APIRouter(prefix="/api")
POLICY_VIOLATION = 1008
SERVICE_RESTART = 1012
TRY_AGAIN_LATER = 1013
RECENT = 100
TOKEN_S = 5.0
WORDS = 10
"""What a client may say after its token; a browser says nothing."""


class Hello(msgspec.Struct, frozen=True):
    """The first message of a client that needs a token."""

    token: str


@router.websocket("/ws")
async def live(socket: WebSocket) -> None:
    context = contexts.of(socket)
    if not known_origin(socket.headers, context.settings.api.origins):
        await socket.close(POLICY_VIOLATION, "this page may not listen here")
        return
    await socket.accept()
    hub = context.hub
    if hub.connections >= context.settings.api.sockets:
        await _close(socket, "too many connections: try again later")
        return
    hub.connections += 1
    try:
        if await admitted(socket):
            await attend(socket)
        else:
            await _close(socket, "send a token first", POLICY_VIOLATION)
    finally:
        hub.connections -= 1


async def admitted(socket: WebSocket) -> bool:
    """Whether it may read: openly, or with a token in its first message. Browsers cannot send it in a header."""
    access: Access = socket.app.state.access
    if access.open_read:
        return True
    try:
        async with asyncio.timeout(TOKEN_S):
            message = await socket.receive()
            hello = msgspec.json.decode(message.get("text") or "", type=Hello)
    except (TimeoutError, msgspec.DecodeError):
        return False
    return access.scope_of(hello.token) is not None


def heard(query: QueryParams) -> Heard | None:
    """What the client says it heard last; None where it says nothing that could be meant."""
    since, instance = query.get("since", ""), query.get("instance", "")
    if not (instance and since.isascii() and since.isdigit() and len(since) <= 18):
        return None
    return Heard(instance, int(since))


async def attend(socket: WebSocket) -> None:
    """One browser from its first message to its end."""
    hub = contexts.of(socket).hub
    subscriber = hub.join(heard(socket.query_params))
    try:
        await serve(socket, subscriber)
    except WebSocketDisconnect:
        pass
    except (DatabaseAway, QueryTooSlow):
        await _close(socket, "the database does not answer")
    finally:
        hub.leave(subscriber)


async def snapshot(context: contexts.Context, subscriber: Subscriber) -> Snapshot:
    """What is true no earlier than message number `since`: what follows repeats at worst, and never leaves out."""
    instance = context.hub.instance
    held = await context.portfolio.ledger()
    ids = await context.ledgers.ids()
    said = await context.database.rows(signals.page(ids, SignalFilters(), limit=RECENT))
    filled = await context.database.rows(fills.newest(ids, limit=RECENT))
    return Snapshot(
        seq=subscriber.since,
        instance=instance,
        summary=await summarise(context),
        positions=context.portfolio.positions(held),
        signals=[rows.signal(row) for row in said],
        fills=[rows.fill(row) for row in filled],
        health=await health.report(context),
    )


async def serve(socket: WebSocket, subscriber: Subscriber) -> None:
    context = contexts.of(socket)
    if subscriber.missed is None:
        first = await snapshot(context, subscriber)
        await socket.send_text(first.model_dump_json())
    else:
        resumed = LiveResumed(seq=subscriber.since, instance=context.hub.instance)
        await socket.send_text(resumed.model_dump_json())
    sending = asyncio.create_task(_send(socket, subscriber))
    listening = asyncio.create_task(_listen(socket))
    ends = {sending, listening, asyncio.create_task(subscriber.dismissed.wait())}
    try:
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in ends:
            task.cancel()
        await asyncio.gather(*ends, return_exceptions=True)
    if subscriber.outdated:
        await _close(socket, "begin again", SERVICE_RESTART)
    elif subscriber.dismissed.is_set():
        metrics.BROWSERS_SENT_AWAY.inc()
        log.info("browser_sent_away", reason="its queue was full")
        await _close(socket, "too slow: connect again")
    elif not listening.cancelled():
        await _close(socket, "nothing that is said here is heard", POLICY_VIOLATION)


async def _send(socket: WebSocket, subscriber: Subscriber) -> None:
    for text in subscriber.missed or ():
        await socket.send_text(text)
    while True:
        await socket.send_text(await subscriber.queue.get())


async def _listen(socket: WebSocket) -> None:
    """Returns when the connection is closed, or its other end talks too much: browsers say nothing here."""
    for _ in range(WORDS):
        if (await socket.receive())["type"] == "websocket.disconnect":
            return


async def _close(socket: WebSocket, reason: str, code: int = TRY_AGAIN_LATER) -> None:
    with contextlib.suppress(RuntimeError, WebSocketDisconnect):
        await socket.close(code, reason)
