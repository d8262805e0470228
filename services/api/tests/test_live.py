"""The WebSocket over a real server, a real bus and a real ledger."""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import suppress
from typing import Any

import pytest
import websockets
from websockets.asyncio.client import ClientConnection, connect

from api_lab import LiveApi
from api_seed import START, Seeded, ms
from trading_api.live.hub import QUEUE_SIZE, Hub
from trading_api.live_messages import LiveHealth
from trading_api.metrics import LIVE_MESSAGES
from trading_api.routes.health import DOWN_AFTER_S, _component
from trading_api.routes.health import Beat as HealthBeat
from trading_api.schemas import Health
from trading_core import ids, streams
from trading_core.bus.connection import Bus
from trading_core.messages import (
    CandleMessage,
    CtxMessage,
    ExecMessage,
    HeartbeatMessage,
    Message,
    SignalMessage,
)
from trading_core.testing import eventually


async def browser(api: LiveApi, query: str = "", **options: Any) -> ClientConnection:
    return await connect(f"ws://127.0.0.1:{api.port}/api/ws{query}", max_queue=None, **options)


async def hear(socket: ClientConnection, kind: str, **fields: Any) -> dict[str, Any]:
    """The next message of `kind` with these fields; others are passed over."""
    async with asyncio.timeout(60):
        while True:
            message: dict[str, Any] = json.loads(await socket.recv())
            if message["kind"] == kind and all(message.get(name) == value for name, value in fields.items()):
                return message


def a_ctx(price: str, *, asset: str = "BTC", t: int = 1, **changes: Any) -> CtxMessage:
    return CtxMessage(
        id=ids.ctx("hyperliquid", asset, t, [price]),
        exchange="hyperliquid",
        asset=asset,
        event_time_ms=t,
        visible_ms=t,
        mark_price=price,
        **changes,
    )


def an_exec(kind: Any, event_id: str, body: dict[str, Any] | None = None) -> ExecMessage:
    return ExecMessage(
        id=event_id,
        kind=kind,
        portfolio="default",
        strategy="funding_arb",
        asset="BTC",
        event_time_ms=1,
        outbox_id=1,
        body=body or {},
    )


async def tell(bus: Bus, message: Message) -> None:
    match message:
        case CtxMessage() | CandleMessage():
            await bus.publish(streams.market_subject(message), message)
        case ExecMessage():
            await bus.publish(streams.exec_subject(message.kind, "default", "funding_arb", "BTC"), message)
        case SignalMessage():
            await bus.publish(streams.signal_subject(message.strategy, "hyperliquid", message.asset), message)
        case HeartbeatMessage():
            await bus.publish(streams.heartbeat_subject(message.service, message.instance), message)


async def following(api: LiveApi, bus: Bus) -> None:
    """Returns once every reader of the feed is there: readers of what is new do not hear what came before them."""
    number = 0

    async def heard() -> bool:
        nonlocal number
        number += 1
        await tell(bus, a_ctx("1", asset="PROBE", t=number))
        await tell(bus, an_exec("skip", f"sk:{number}"))
        quiet = SignalMessage(
            id=f"s:{number}", strategy="probe", exchange="hyperliquid", asset="PROBE", instrument="PROBE", ts=number,
            grid="hyperliquid", direction="PASS",
        )  # fmt: skip
        await tell(bus, quiet)
        counts = {name: streams_read(name) for name in ("MARKET", "EXEC", "SIGNALS")}
        return all(counts[name] > before[name] for name in counts)

    before = {name: streams_read(name) for name in ("MARKET", "EXEC", "SIGNALS")}
    await eventually(heard)


def streams_read(name: str) -> float:
    value: float = LIVE_MESSAGES.labels(name)._value.get()
    return value


async def test_a_browser_first_gets_a_snapshot_and_then_numbers_without_a_hole(live_api: LiveApi, bus: Bus) -> None:
    await following(live_api, bus)
    async with await browser(live_api) as socket:
        first = json.loads(await socket.recv())
        assert first["kind"] == "snapshot"
        assert first["summary"]["equity"] == (await live_api.get("/api/summary"))["equity"]
        assert first["positions"]
        numbers = [first["seq"]]
        for t in range(10, 13):
            await tell(bus, a_ctx(f"{80_000 + t}.5", t=t))
            numbers.append((await hear(socket, "mark", event_time_ms=t))["seq"])
        assert numbers == sorted(numbers)
        assert live_api.context.hub.sequence >= numbers[-1]


async def test_a_mark_carries_what_it_makes_of_the_open_positions(live_api: LiveApi, bus: Bus, seeded: Seeded) -> None:
    await following(live_api, bus)
    async with await browser(live_api) as socket:
        first = await hear(socket, "snapshot")
        position = first["positions"][0]
        t = ms(START) + 10**9
        price = f"{float(position['entry_price']) * 1.003:.2f}"
        await tell(bus, a_ctx(price, asset=position["asset"], t=t))
        mark = await hear(socket, "mark", event_time_ms=t)
        [worth] = [row for row in mark["positions"] if row["id"] == position["id"]]
        told = next(row for row in await live_api.get("/api/positions/open") if row["id"] == position["id"])
        assert worth["unrealised_pnl"] == told["unrealised_pnl"]
        assert float(worth["unrealised_pnl"]) * (1 if position["direction"] == "LONG" else -1) > 0
        assert mark["totals"]["equity"] == (await live_api.get("/api/summary"))["equity"]


async def test_marks_come_at_most_four_times_a_second_and_the_newest_wins(live_api: LiveApi, bus: Bus) -> None:
    await following(live_api, bus)
    async with await browser(live_api) as socket:
        await hear(socket, "snapshot")
        for t in range(100, 300):
            await tell(bus, a_ctx(f"{80_000 + t}.1", t=t))
        seen = 1
        while (await hear(socket, "mark", asset="BTC"))["event_time_ms"] != 299:
            seen += 1
        assert seen < 40


async def test_a_poll_is_no_mark(live_api: LiveApi, bus: Bus) -> None:
    await following(live_api, bus)
    await tell(bus, a_ctx("1.5", asset="ETH", t=5, polled=True))
    await tell(bus, a_ctx("2.5", asset="ETH", t=4))
    await eventually(lambda: ("hyperliquid", "ETH") in live_api.context.marks.newest)
    assert str(live_api.context.marks.newest["hyperliquid", "ETH"].price) == "2.5"


async def test_a_signal_comes_at_once_and_again_with_its_decision(live_api: LiveApi, bus: Bus, seeded: Seeded) -> None:
    await following(live_api, bus)
    signal_id = (await live_api.get("/api/signals", limit=1))[0]["id"]
    said = SignalMessage(
        id=signal_id, strategy="funding_arb", exchange="hyperliquid", asset="BTC", instrument="BTC", ts=7,
        grid="hyperliquid", direction="LONG", confidence=0.7, entry_price="80000.5",
    )  # fmt: skip
    async with await browser(live_api) as socket:
        await hear(socket, "snapshot")
        await tell(bus, said)
        assert (await hear(socket, "signal"))["signal"]["decision"] is None
        await tell(bus, an_exec("decision", f"d:default:{signal_id}", {"signal_id": signal_id}))
        decided = (await hear(socket, "signal"))["signal"]
        assert (decided["id"], decided["decision"] is not None) == (signal_id, True)


async def test_a_fill_on_exec_brings_the_row_of_the_ledger_and_the_positions(live_api: LiveApi, bus: Bus) -> None:
    await following(live_api, bus)
    fill = (await live_api.get("/api/fills", limit=1))[0]
    async with await browser(live_api) as socket:
        await hear(socket, "snapshot")
        await tell(bus, an_exec("fill", fill["id"]))
        assert (await hear(socket, "fill"))["fill"] == fill
        assert len((await hear(socket, "position"))["positions"]) == len(await live_api.get("/api/positions/open"))


async def test_an_equity_event_brings_the_newest_row_with_each_strategy(
    live_api: LiveApi, bus: Bus, seeded: Seeded
) -> None:
    await following(live_api, bus)
    async with await browser(live_api) as socket:
        await hear(socket, "snapshot")
        await tell(bus, an_exec("equity", "eq:default:1"))
        message = await hear(socket, "equity")
        assert float(message["equity"]) == float(seeded.equity[-1])
        assert set(message["strategies"]) == {"rsi_mean_reversion", "funding_arb", "momentum_breakout"}


async def test_a_closed_candle_is_passed_on(live_api: LiveApi, bus: Bus) -> None:
    await following(live_api, bus)
    candle = CandleMessage(
        id="c:1", exchange="hyperliquid", asset="SOL", event_time_ms=120_000, visible_ms=120_000, open_time_ms=60_000,
        open="1.5", high="2", low="1", close="1.75", volume="10",
    )  # fmt: skip
    async with await browser(live_api) as socket:
        await hear(socket, "snapshot")
        await tell(bus, candle)
        assert (await hear(socket, "candle"))["candle"] == {"t": 60_000, "o": 1.5, "h": 2, "l": 1, "c": 1.75, "v": 10}


async def test_an_undecodable_message_disturbs_nothing(live_api: LiveApi, bus: Bus) -> None:
    await following(live_api, bus)
    async with await browser(live_api) as socket:
        await hear(socket, "snapshot")
        await bus.js.publish("market.hyperliquid.BTC.ctx", b"{not json")
        await tell(bus, a_ctx("not a number", t=50))
        await tell(bus, a_ctx("80000.5", t=51))
        assert (await hear(socket, "mark", asset="BTC"))["price"] == "80000.5"


async def test_a_heartbeat_on_the_bus_counts_without_the_recorder(live_api: LiveApi, bus: Bus) -> None:
    now = time.time_ns() // 1_000_000
    beat = HeartbeatMessage(
        id="hb:1", service="paper-broker", instance="9", sent_time_ms=now, started_time_ms=now, status="degraded"
    )
    await tell(bus, beat)

    async def told() -> bool:
        parts = (await live_api.get("/api/health"))["components"]
        return any(part["instance"] == "9" and part["state"] == "degraded" for part in parts)

    await eventually(told)


def test_a_service_is_down_after_fifteen_seconds_without_a_heartbeat() -> None:
    beat = HealthBeat("recorder", "1", sent_ms=0, started_ms=0, status="ok", event_time_ms=None)
    assert _component(beat, DOWN_AFTER_S * 1000, True).state == "ok"
    late = _component(beat, DOWN_AFTER_S * 1000 + 1, True)
    assert (late.state, "No heartbeat for 15 s" in late.note) == ("down", True)


async def test_a_page_of_another_origin_may_not_listen(live_api: LiveApi) -> None:
    with pytest.raises(websockets.InvalidStatus):
        await browser(live_api, origin="https://elsewhere.example")
    async with await browser(live_api, origin=f"http://127.0.0.1:{live_api.port}") as socket:
        await hear(socket, "snapshot")


async def test_a_browser_that_cannot_keep_up_is_sent_away_with_1013(live_api: LiveApi) -> None:
    socket = await browser(live_api)
    await hear(socket, "snapshot")
    hub: Hub = live_api.context.hub
    [subscriber] = hub.subscribers
    empty = Health(status="ok", down_after_s=15, components=[], open_gaps=[])
    for _ in range(QUEUE_SIZE + 1):
        # Nothing awaits here, so nothing is sent meanwhile: to the server this is a browser that does not read.
        hub.publish(LiveHealth(seq=hub.next_sequence, health=empty))
    assert subscriber.dismissed.is_set()
    with suppress(websockets.ConnectionClosed):
        async with asyncio.timeout(60):
            while True:
                await socket.recv()
    assert socket.close_code == 1013
    await eventually(lambda: not hub.subscribers)
