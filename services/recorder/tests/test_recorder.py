"""The recorder against real servers, with its own role's rights."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from recorder import metrics
from trading_core import ids, streams
from trading_core.bus.connection import Bus
from trading_core.market.samples import A_MARKET, a_book, a_poll, a_result
from trading_core.messages import (
    CandleMessage,
    CtxMessage,
    DeadLetterMessage,
    ExecMessage,
    FundingMessage,
    GapMessage,
    GridMessage,
    HeartbeatMessage,
    OpsMessage,
    SignalMessage,
    TradeMessage,
    WatermarkMessage,
    encode,
)
from trading_core.runtime import Runtime
from trading_core.testing import eventually

pytestmark = pytest.mark.integration
MARKET: dict[str, Any] = {"exchange": "hyperliquid", "asset": "BTC"}
MINUTE = 60_000
BASE = 1_790_000_040_000  # a full minute in 2026


def a_candle(close: str = "105", **changes: Any) -> CandleMessage:
    ohlcv = {"open": "100", "high": "110", "low": "90", "close": close, "volume": "3.5"}
    values = {**MARKET, "event_time_ms": BASE, "visible_ms": BASE, "open_time_ms": BASE - MINUTE, **ohlcv, **changes}
    return CandleMessage(id=ids.candle("hyperliquid", "BTC", "1m", BASE - MINUTE, ohlcv), **values)


def a_gap(state: Any, to_ms: int | None = None, visible_ms: int = BASE) -> GapMessage:
    gap_id = ids.gap("hyperliquid", "BTC", "ctx", BASE, to_ms)
    values = {**MARKET, "event_time_ms": BASE, "visible_ms": visible_ms, "channel": "ctx", "from_ms": BASE}
    return GapMessage(id=gap_id, to_ms=to_ms, state=state, reason="silence" if to_ms is None else "", **values)


async def publish(bus: Bus, *found: Any) -> None:
    for message in found:
        await bus.publish(streams.market_subject(message), message)


async def count(database: Any, table: str) -> int:
    return int(await database.fetchval(f"SELECT count(*) FROM {table}"))  # noqa: S608 - names from this file


async def has(database: Any, table: str, rows: int) -> None:
    async def enough() -> bool:
        return await count(database, table) == rows

    await eventually(enough)


async def test_prediction_markets_become_ticks_polls_and_results(bus: Bus, recording: Runtime, database: Any) -> None:
    ends_ms = BASE + 5 * MINUTE
    poll = a_poll(BASE, bid="0.5", ask="0.52", mid="0.51", spread="0.02", liquidity="20328.3747", end_time_ms=ends_ms)
    blind = a_poll(BASE + MINUTE, end_time_ms=ends_ms)
    found = (poll, msgspec.structs.replace(blind, id="p:2"), a_book(BASE, "0.5", "0.52"), a_result(ends_ms, "0"))
    await publish(bus, *found)
    await publish(bus, *found)
    await has(database, "trading_market_data.ticks", 4)
    kinds = await database.fetch("SELECT kind, payload::text FROM trading_market_data.ticks ORDER BY kind, event_id")
    assert [row["kind"] for row in kinds] == ["book", "prob", "prob", "resolved"]
    assert kinds[0]["payload"] == encode(found[2]).decode()
    rows = await database.fetch("SELECT * FROM trading_market_data.polymarket_markets ORDER BY ts")
    assert [(row["yes_price"], row["no_price"]) for row in rows] == [(Decimal("0.51"), Decimal("0.49")), (None, None)]
    assert (rows[0]["market_id"], rows[0]["market_title"]) == (A_MARKET, "Bitcoin Up or Down")
    assert (rows[0]["liquidity"], rows[0]["volume_24h"]) == (Decimal("20328.3747"), None)
    [result] = await database.fetch("SELECT market_id, yes_payout FROM trading_market_data.polymarket_results")
    assert (result["market_id"], result["yes_payout"]) == (A_MARKET, 0)


async def test_market_data_becomes_ticks_and_projections(bus: Bus, recording: Runtime, database: Any) -> None:
    at: dict[str, Any] = {"event_time_ms": BASE, "visible_ms": BASE}
    trade = TradeMessage(id="t:1", price="100.5", size="0.25", side="buy", trade_id="1", **MARKET, **at)
    ctx = CtxMessage(
        id="x:1", mark_price="100.25", open_interest="7", funding_estimate_1h="0.0000125", polled=True, **MARKET, **at
    )
    funding = FundingMessage(id="f:1", hour_ms=BASE, rate="0.00001", premium="0.0004", **MARKET, **at)
    await publish(bus, trade, ctx, funding, a_candle())
    await has(database, "trading_market_data.ticks", 4)
    kinds = await database.fetch("SELECT kind, price::text, payload::text FROM trading_market_data.ticks ORDER BY kind")
    assert [row["kind"] for row in kinds] == ["candle_1m", "ctx", "funding", "trade"]
    assert kinds[3]["price"] == "100.5"
    assert kinds[3]["payload"] == encode(trade).decode()
    snapshot = await database.fetchrow("SELECT * FROM trading_market_data.funding_snapshots")
    assert (str(snapshot["funding_rate"]), str(snapshot["open_interest"])) == ("0.0000125", "7")
    rate = await database.fetchrow("SELECT * FROM trading_market_data.funding_rates")
    assert (str(rate["rate"]), str(rate["premium"]), rate["visible_ms"]) == ("0.00001", "0.0004", BASE)
    candle = await database.fetchrow("SELECT * FROM trading_market_data.candles")
    assert (str(candle["close"]), candle["open_time"].timestamp() * 1000) == ("105", BASE - MINUTE)


async def test_of_two_settled_rates_of_an_hour_the_one_with_the_later_stamp_stays(
    bus: Bus, recording: Runtime, database: Any
) -> None:
    rows = [
        FundingMessage(id=f"f:{n}", hour_ms=BASE, rate=rate, event_time_ms=BASE + n, visible_ms=BASE + n, **MARKET)
        for n, rate in ((10, "0.00001"), (30, "0.00003"), (20, "0.00002"))
    ]
    await publish(bus, *rows)
    await has(database, "trading_market_data.ticks", 3)
    await publish(bus, FundingMessage(
        id="f:5", hour_ms=BASE, rate="0.00005", event_time_ms=BASE + 5, visible_ms=BASE + 40, **MARKET
    ))  # fmt: skip
    await has(database, "trading_market_data.ticks", 4)
    [row] = await database.fetch("SELECT rate::text, event_id FROM trading_market_data.funding_rates")
    assert tuple(row) == ("0.00003", "f:30")


async def test_a_corrected_candle_is_a_new_revision_and_the_one_in_candles(
    bus: Bus, recording: Runtime, database: Any
) -> None:
    await publish(bus, a_candle("105"), a_candle("106", backfilled=True))
    await has(database, "trading_market_data.candle_revisions", 2)
    # The first revision once more, as after the deduplication window: it is old news.
    await bus.js.publish("market.hyperliquid.BTC.candle_1m", encode(a_candle("105")))
    await publish(bus, TradeMessage(
        id="t:1", price="1", size="1", side="buy", trade_id="1", event_time_ms=BASE, visible_ms=BASE, **MARKET
    ))  # fmt: skip
    await has(database, "trading_market_data.ticks", 3)
    row = await database.fetchrow("SELECT close::text, backfilled FROM trading_market_data.candles")
    assert tuple(row) == ("106", True)


@pytest.mark.parametrize("opening_first", [True, False])
async def test_a_gap_is_one_row_whichever_message_comes_first(
    bus: Bus, recording: Runtime, database: Any, opening_first: bool
) -> None:
    opened, closed = a_gap("open"), a_gap("lost", BASE + 5_000, visible_ms=BASE + 9_000)
    for number, message in enumerate((opened, closed) if opening_first else (closed, opened), start=1):
        await publish(bus, message)
        await has(database, "trading_market_data.ticks", number)
    [row] = await database.fetch("SELECT * FROM trading_ops.gaps")
    assert (row["event_id"], row["state"], row["reason"]) == (opened.id, "lost", "silence")
    assert (row["opened_visible_ms"], row["closed_visible_ms"]) == (BASE, BASE + 9_000)
    assert row["to_ts"].timestamp() * 1000 == BASE + 5_000


async def test_a_hole_that_grows_is_as_long_as_its_longest_message(bus: Bus, recording: Runtime, database: Any) -> None:
    for number, to_ms in enumerate((BASE + 5_000, BASE + 3_000), start=1):  # the shorter one is delivered again
        await publish(bus, a_gap("lost", to_ms, visible_ms=BASE + 9_000))
        await has(database, "trading_market_data.ticks", number)
    [row] = await database.fetch("SELECT * FROM trading_ops.gaps")
    assert row["to_ts"].timestamp() * 1000 == BASE + 5_000


async def test_watermarks_of_both_streams_are_kept_with_their_ingest_time_and_raise_visibility(
    bus: Bus, recording: Runtime, database: Any
) -> None:
    for stream in (streams.MARKET, streams.BOOK):
        mark = WatermarkMessage(
            id=ids.watermark("hyperliquid", BASE + 500, stream.name), exchange="hyperliquid", watermark_ms=BASE + 500
        )
        await bus.publish(streams.watermark_subject(stream, "hyperliquid"), mark)
    await publish(bus, a_candle())
    await has(database, "trading_market_data.ticks", 1)
    await has(database, "trading_ops.watermarks", 2)
    assert await database.fetchval("SELECT visible_ms FROM trading_market_data.ticks") == BASE + 501
    assert await database.fetchval("SELECT visible_ms FROM trading_market_data.candles") == BASE + 501
    stored = await bus.last(streams.MARKET, "market.hyperliquid._.watermark")
    assert stored is not None
    ingested = await database.fetchval("SELECT ingest_time FROM trading_ops.watermarks WHERE stream = 'MARKET'")
    assert int(ingested.timestamp() * 1000) == stored.ingest_time_ns // 1_000_000


async def test_a_signal_that_the_broker_stored_first_is_left_alone(bus: Bus, recording: Runtime, database: Any) -> None:
    signal = SignalMessage(
        id="s:1", strategy="rsi", exchange="hyperliquid", asset="BTC", instrument="BTC", ts=BASE, grid="hyperliquid",
        direction="LONG", confidence=0.75, entry_price="100.5", metadata={"rsi": 25.5},
    )  # fmt: skip
    await database.execute(
        "INSERT INTO trading_signals.signals (ts, strategy, asset, exchange, direction, event_id, instrument, payload,"
        " acted_on) VALUES (now(), 'rsi', 'BTC', 'hyperliquid', 'LONG', 's:1', 'BTC', '{}', TRUE)"
    )
    passed = msgspec.structs.replace(signal, id="s:2", direction="PASS", reason="gap", confidence=None)
    for message in (signal, passed):
        await bus.publish("signal.rsi.hyperliquid.BTC", message)
    grid = GridMessage(id="gd:1", exchanges="hyperliquid", asset="BTC", ts=BASE, evaluations=1)
    await bus.publish("grid.hyperliquid.BTC", grid)
    await has(database, "trading_ops.grids", 1)
    rows = await database.fetch("SELECT * FROM trading_signals.signals ORDER BY event_id")
    assert [(row["direction"], row["acted_on"], row["reason"]) for row in rows] == [
        ("LONG", True, None),
        (None, False, "gap"),
    ]
    assert json.loads(rows[1]["metadata"]) == {"rsi": 25.5}


async def test_the_other_streams_have_their_tables(bus: Bus, recording: Runtime, database: Any) -> None:
    execution = ExecMessage(
        id="fl:1", kind="fill", portfolio="default", strategy="rsi", asset="BTC", event_time_ms=BASE, outbox_id=4,
        body={"price": "1.50"},
    )  # fmt: skip
    await bus.publish("exec.fill.default.rsi.BTC", execution)
    await bus.publish("ops.test.reload", OpsMessage(id="op:1", service="test", event="reload", body={"x": 1}))
    await bus.publish("dlq.venue.hyperliquid", DeadLetterMessage(id="v:1", source="ws", reason="bad", payload="{"))
    for sent in (1_000, 2_000):
        beat = HeartbeatMessage(id=f"hb:{sent}", service="test", instance="1", sent_time_ms=sent, started_time_ms=1)
        await bus.publish("heartbeat.test.1", beat)
    await has(database, "trading_ops.exec_events", 1)
    await has(database, "trading_ops.events", 1)
    await has(database, "trading_ops.dead_letters", 1)

    async def newest() -> bool:
        sent_at = await database.fetchval("SELECT sent_at FROM trading_ops.heartbeats")
        return sent_at is not None and sent_at.timestamp() == 2

    await eventually(newest)
    assert await database.fetchval("SELECT payload::text FROM trading_ops.exec_events") == encode(execution).decode()
    assert await count(database, "trading_ops.heartbeats") == 1


async def test_a_message_that_cannot_be_stored_is_kept_and_nothing_else_disturbed(
    bus: Bus, recording: Runtime, database: Any
) -> None:
    before = metrics.dead_letters.labels("MARKET")._value.get()
    for number in range(5):
        trade = TradeMessage(
            id=f"t:{number}",
            price="1",
            size="1",
            side="buy",
            trade_id="1",
            event_time_ms=BASE,
            visible_ms=BASE,
            **MARKET,
        )
        await publish(bus, trade)
        await bus.js.publish("market.hyperliquid.BTC.trade", b"\x00 not a message")
        # Well formed, but Postgres stores no zero byte: one row refused must not take the batch with it.
        await publish(bus, msgspec.structs.replace(trade, id=f"t:{number}\x00"))
    await has(database, "trading_market_data.ticks", 5)

    async def letters() -> bool:
        return bool(
            await database.fetchval("SELECT count(*) = 10 FROM trading_ops.dead_letters WHERE subject LIKE 'dlq.%'")
        )

    await eventually(letters)
    assert metrics.dead_letters.labels("MARKET")._value.get() - before == 10
    info = await bus.js.consumer_info("MARKET", "rec")
    assert (info.num_pending, info.num_ack_pending) == (0, 0)


async def test_the_heartbeat_says_what_was_recorded_and_the_lag(bus: Bus, recording: Runtime, database: Any) -> None:
    await publish(bus, a_candle())
    await has(database, "trading_market_data.ticks", 1)
    await eventually(lambda: recording.health.detail.get("recorded", {}).get("MARKET") == 1)
    assert recording.health.detail["lag"] == dict.fromkeys(
        ("MARKET", "BOOK", "SIGNALS", "EXEC", "OPS", "HEALTH", "DLQ"), 0
    )
    assert recording.health.status == "ok"
