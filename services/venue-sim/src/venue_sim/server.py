"""HTTP and WebSocket of the venue on loopback."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import msgspec
from aiohttp import WSMsgType, web

from venue_sim import frames, info
from venue_sim.client import Client
from venue_sim.faults import Fault
from venue_sim.polymarket import server as polymarket
from venue_sim.polymarket.exchange import NAME
from venue_sim.polymarket.faults import Fault as PolymarketFault
from venue_sim.subscriptions import Fatal, Unparsable, dumps, parse
from venue_sim.venue import Venue


class _Addressed(msgspec.Struct, frozen=True):
    """Whose fault it is; Hyperliquid's when nobody is named."""

    exchange: str = ""


def application(venue: Venue) -> web.Application:
    app = web.Application(client_max_size=64 * 1024)

    async def post_info(request: web.Request) -> web.Response:
        if request.content_type != info.JSON_TYPE:
            return _response(info.BAD_TYPE)
        body = await request.read()
        kind = info.kind_of(body)
        await asyncio.sleep(venue.faults.rest_delay_s(kind))
        answer = info.answer(venue.market, venue.now(), body)
        return _response(venue.faults.rest(kind, answer.body) or answer)

    async def get_info(_request: web.Request) -> web.Response:
        return web.Response(status=405)

    async def websocket(request: web.Request) -> web.StreamResponse:
        if venue.faults.any("refuse"):
            return web.Response(status=503)
        socket = web.WebSocketResponse(compress=False, autoping=True, max_msg_size=64 * 1024)
        await socket.prepare(request)
        client = Client(socket, request.transport, venue.faults)
        venue.clients.add(client)
        try:
            async for message in socket:
                client.heard_s = time.monotonic()
                if message.type is WSMsgType.TEXT:
                    await _on_frame(venue, client, message.data)
        except Fatal:
            client.cut()
        finally:
            venue.clients.discard(client)
        return socket

    async def post_fault(request: web.Request) -> web.Response:
        body = await request.read()
        try:
            if msgspec.json.decode(body, type=_Addressed).exchange == NAME:
                if venue.polymarket is None:
                    return _response(polymarket.ABSENT)
                await venue.polymarket.fault(msgspec.json.decode(body, type=PolymarketFault), venue.now().time_ms)
            else:
                await venue.fault(msgspec.json.decode(body, type=Fault))
        except msgspec.MsgspecError as error:
            return web.Response(status=422, text=f"no such fault: {error}\n")
        return web.json_response(active())

    def active() -> list[Any]:
        ours = [] if venue.polymarket is None else venue.polymarket.faults.active()
        return [msgspec.to_builtins(fault) for fault in (*venue.faults.active(), *ours)]

    async def get_faults(_request: web.Request) -> web.Response:
        return web.json_response(active())

    async def delete_faults(_request: web.Request) -> web.Response:
        venue.heal()
        return web.json_response([])

    app.router.add_post("/control/faults", post_fault)
    app.router.add_get("/control/faults", get_faults)
    app.router.add_delete("/control/faults", delete_faults)
    app.router.add_post("/info", post_info)
    app.router.add_get("/info", get_info)
    app.router.add_get("/ws", websocket)
    polymarket.add_routes(app, venue)
    return app


def _response(answer: info.Answer) -> web.Response:
    return web.Response(status=answer.status, text=answer.body, content_type=answer.content_type)


async def _on_frame(venue: Venue, client: Client, text: str) -> None:
    """One frame of the client. Fatal when the venue would cut the socket."""
    try:
        frame = json.loads(text)
        match frame:
            case {"method": "ping"}:
                await client.send('{"channel":"pong"}')
            case {"method": "subscribe" | "unsubscribe" as method, "subscription": subscription}:
                await _subscribe(venue, client, method, subscription)
            case {"method": "post", "id": int(number), "request": {"type": "info", "payload": payload}}:
                await client.send(dumps(_posted(venue, number, payload)))
            case _:
                raise Unparsable
    except (ValueError, Unparsable):
        await client.send(frames.error(f"Error parsing JSON into valid websocket request: {text}"))


async def _subscribe(venue: Venue, client: Client, method: str, wanted: Any) -> None:
    subscription = parse(
        wanted, tuple(coin for coin in venue.market.coins if coin not in venue.faults.delisted_coins())
    )
    async with venue.turn:
        if method == "unsubscribe":
            if client.remove(subscription):
                await client.send(frames.acknowledged(method, subscription))
            else:
                await client.send(frames.error(f"Already unsubscribed: {subscription.text}"))
            return
        if not client.add(subscription):
            await client.send(frames.error(f"Already subscribed: {subscription.text}"))
            return
        await client.send(frames.acknowledged(method, subscription))
        time_ms = venue.now().time_ms
        if subscription.channel == "clock":
            await client.send(venue.clock_frame(time_ms))
        else:
            if client.has_clock and subscription.channel == "activeAssetCtx":
                # The context carries no time of its own; the client stamps it with this one.
                await client.send(venue.clock_frame(time_ms))
            venue.note_snapshot(subscription.channel, subscription.coin, time_ms)
            await client.send_of(subscription, venue.first_frame(subscription))


def _posted(venue: Venue, number: int, payload: Any) -> dict[str, Any]:
    answer = info.ask(venue.market, venue.now(), payload)
    if answer.status == 200:
        kind = payload["type"]
        response = {"type": "info", "payload": {"type": kind, "data": json.loads(answer.body)}}
    else:
        response = {"type": "error", "payload": answer.body}
    return {"channel": "post", "data": {"id": number, "response": response}}
