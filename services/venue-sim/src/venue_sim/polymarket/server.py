"""Polymarket's addresses on loopback: `/gamma`, `/clob` and the market socket at `/clob/ws/market`."""

from __future__ import annotations

import asyncio
import time

from aiohttp import WSMsgType, web

from venue_sim.info import Answer
from venue_sim.polymarket import clob, gamma
from venue_sim.polymarket.exchange import Subscriber
from venue_sim.venue import Venue

ABSENT = Answer(404, '{"error":"no recorded books: the sample has none"}')


def add_routes(app: web.Application, venue: Venue) -> None:
    async def get(request: web.Request) -> web.Response:
        answer = _asked(request, venue, await request.read())
        if venue.polymarket is None:
            return _response(answer)
        path, faults = request.path.lstrip("/"), venue.polymarket.faults
        await asyncio.sleep(faults.rest_delay_s(path))
        return _response(faults.rest(path, answer.body) or answer)

    async def control(request: web.Request) -> web.Response:
        """`POST /control/polymarket {"is_silent": true}` switches faults; the answer is what is switched on."""
        if venue.polymarket is None:
            return _response(ABSENT)
        try:
            return web.json_response(venue.polymarket.faults.switch(**(await request.json())))
        except (ValueError, TypeError) as error:
            return web.Response(status=400, text=f"no such fault: {error}")

    async def drop(_request: web.Request) -> web.Response:
        """Every socket of Polymarket ends without a word."""
        clients = list(venue.polymarket.clients) if venue.polymarket is not None else []
        for client in clients:
            client.cut()
        return web.json_response({"dropped": len(clients)})

    async def websocket(request: web.Request) -> web.StreamResponse:
        assert venue.polymarket is not None
        if venue.polymarket.faults.has("refuse"):
            return web.Response(status=503)
        socket = web.WebSocketResponse(compress=False, autoping=True, max_msg_size=1024 * 1024)
        await socket.prepare(request)
        client = Subscriber(socket, request.transport, venue.polymarket.faults)
        venue.polymarket.clients.add(client)
        try:
            async for message in socket:
                client.heard_s = time.monotonic()
                if message.type is WSMsgType.TEXT:
                    async with venue.turn:
                        now_ms, speed = venue.now().time_ms, venue.options.speed
                        await venue.polymarket.on_frame(client, message.data, now_ms, speed)
        finally:
            venue.polymarket.clients.discard(client)
        return socket

    app.router.add_get("/gamma/{path:.*}", get)
    if venue.polymarket is not None:
        app.router.add_get("/clob/ws/market", websocket)
    app.router.add_get("/clob/{path:.*}", get)
    app.router.add_post("/clob/{path:.*}", get)
    app.router.add_post("/control/polymarket", control)
    app.router.add_post("/control/polymarket/drop", drop)


def _asked(request: web.Request, venue: Venue, body: bytes) -> Answer:
    if venue.polymarket is None:
        return ABSENT
    board, now_ms = venue.polymarket.board, venue.now().time_ms
    path, query = request.match_info["path"], {key: request.query.getall(key) for key in request.query}
    if request.path.startswith("/gamma/"):
        return gamma.answer(board, now_ms, path, query)
    if request.method == "POST":
        return clob.post(board, now_ms, path, body)
    return clob.get(board, now_ms, path, query)


def _response(answer: Answer) -> web.Response:
    return web.Response(status=answer.status, text=answer.body, content_type=answer.content_type)
