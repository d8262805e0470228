"""The round of each minute against real servers, with the recorder's own rights."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import asyncpg
import msgspec
import pytest
from nats import errors

from recorder import metrics
from recorder.upkeep import Upkeep
from trading_core import ids, streams
from trading_core.bus.connection import Bus
from trading_core.bus.provision import provision
from trading_core.db.times import utc
from trading_core.messages import (
    BookMessage,
    CtxMessage,
    ExecMessage,
    GridMessage,
    SignalMessage,
    WatermarkMessage,
    encode,
)
from trading_core.model import MINUTE_MS
from trading_core.runtime import Runtime
from trading_core.testing import eventually

pytestmark = pytest.mark.integration
BASE = 1_790_000_040_000  # a full minute in 2026
VENUE: dict[str, Any] = {"exchange": "hyperliquid", "asset": "BTC"}


def a_context(number: int) -> CtxMessage:
    """One each second from BASE on."""
    at = BASE + number * 1_000
    return CtxMessage(id=f"x:{number}", event_time_ms=at, visible_ms=at, mark_price="100", **VENUE)


async def publish(bus: Bus, message: Any) -> None:
    await bus.publish(streams.market_subject(message), message)


async def watermark(bus: Bus, watermark_ms: int) -> None:
    for stream in (streams.MARKET, streams.BOOK):
        mark = WatermarkMessage(
            id=ids.watermark("hyperliquid", watermark_ms, stream.name),
            exchange="hyperliquid",
            watermark_ms=watermark_ms,
        )
        await bus.publish(streams.watermark_subject(stream, "hyperliquid"), mark)


async def five_minutes(bus: Bus) -> None:
    """Six minutes of contexts, a book, a signal with its grid message, a fill; venue time stands at BASE + 6 min."""
    await watermark(bus, BASE - 60_000)
    for number in range(0, 360, 10):
        await publish(bus, a_context(number))
    at = BASE + 2 * MINUTE_MS
    await publish(bus, BookMessage(
        id="bk:1", event_time_ms=at, visible_ms=at, book_time_ms=at, bids=(("1", "1"),), asks=(), **VENUE
    ))  # fmt: skip
    signal = SignalMessage(
        id="s:1", strategy="rsi", exchange="hyperliquid", asset="BTC", instrument="BTC", ts=at, grid="hyperliquid",
        direction="PASS", reason="gap",
    )  # fmt: skip
    await bus.publish("signal.rsi.hyperliquid.BTC", signal)
    grid = GridMessage(id="gd:1", exchanges="hyperliquid", asset="BTC", ts=at, evaluations=1)
    await bus.publish("grid.hyperliquid.BTC", grid)
    order = ExecMessage(id="o:1", kind="order", portfolio="default", event_time_ms=at, outbox_id=1, body={})
    await bus.publish("exec.order.default._._", order)
    await watermark(bus, BASE + 6 * MINUTE_MS)


@pytest.fixture
async def upkeep(recording: Runtime) -> AsyncIterator[Upkeep]:
    """A second one beside that of the running recorder, which sleeps after its first round."""
    pool = await asyncpg.create_pool(recording.settings.database.url, min_size=1, max_size=1)
    yield Upkeep(recording, pool, {})
    await pool.close()


async def recorded(database: Any) -> None:
    """Everything of `five_minutes` is committed and acknowledged: 36 contexts and the book, the others one each."""
    counts = """SELECT (SELECT count(*) FROM trading_market_data.ticks), (SELECT count(*) FROM trading_signals.signals),
        (SELECT count(*) FROM trading_ops.grids), (SELECT count(*) FROM trading_ops.exec_events),
        (SELECT count(*) FROM trading_ops.watermarks)"""

    async def enough() -> bool:
        return tuple(await database.fetchrow(counts)) == (37, 1, 1, 1, 4)

    await eventually(enough)


async def acknowledged(bus: Bus) -> None:
    async def all_of_it() -> bool:
        info = await bus.js.consumer_info("MARKET", "rec")
        return (info.num_pending, info.num_ack_pending) == (0, 0)

    await eventually(all_of_it)


def compared(stream: streams.StreamSpec) -> float:
    return float(metrics.audit_compared.labels(stream.name)._value.get())


async def test_what_was_recorded_is_compared_by_id_and_nothing_is_found(
    bus: Bus, upkeep: Upkeep, recording: Runtime, database: Any
) -> None:
    await five_minutes(bus)
    # One message again, as after the deduplication window; and a well-formed one that Postgres cannot store.
    await bus.nc.publish("market.hyperliquid.BTC.ctx", encode(a_context(100)))
    await publish(bus, msgspec.structs.replace(a_context(101), id="x:\x00"))
    await recorded(database)

    async def letter() -> bool:
        return bool(await database.fetchval("SELECT count(*) FROM trading_ops.dead_letters WHERE source <> ''"))

    await eventually(letter)
    await acknowledged(bus)
    await upkeep.round()
    assert upkeep.findings == []
    # Of contexts at 0, 10, … 350 s those in (60 s, 300 s], from 70 to 300; the second 100 and the dead one.
    read = (streams.MARKET, streams.BOOK, streams.SIGNALS, streams.EXEC)
    assert [compared(stream) for stream in read] == [26, 1, 2, 1]
    assert metrics.audit_findings._value.get() == 0
    # The minutes 0 to 4 are over, and no gap touches them.
    assert metrics.coverage.labels("hyperliquid", "BTC", "ctx", "today")._value.get() == 1
    months = await database.fetchval(
        "SELECT count(*) FROM pg_inherits WHERE inhparent = 'trading_market_data.ticks'::regclass"
    )
    assert months == 3 + 1 + 2 + 1  # back, this one, ahead, DEFAULT
    assert await eventually(lambda: recording.health.detail.get("trouble") == [])
    assert recording.health.status == "ok"


async def test_what_is_wrong_is_found_told_once_and_told_again_when_it_is_over(
    bus: Bus, upkeep: Upkeep, database: Any
) -> None:
    await five_minutes(bus)
    await recorded(database)
    await acknowledged(bus)
    # A row that is gone, a row whose message is gone, an announcement that waits, an equity that does not add up.
    [row] = await database.fetch("SELECT * FROM trading_market_data.ticks WHERE event_id = 'x:100'")
    await database.execute("ALTER TABLE trading_market_data.ticks DISABLE TRIGGER guard")
    await database.execute("DELETE FROM trading_market_data.ticks WHERE event_id = 'x:100'")
    at_ms = BASE + 3 * MINUTE_MS
    await database.execute(
        "INSERT INTO trading_ops.exec_events (event_id, outbox_id, kind, portfolio, ts, payload)"
        " VALUES ('o:gone', 2, 'order', 'default', $1, '{}')",
        utc(at_ms),
    )
    await database.execute("INSERT INTO trading_paper.portfolio (id, name) VALUES (1, 'default')")
    await database.execute(
        "INSERT INTO trading_paper.outbox (portfolio_id, event_id, subject, payload, created_at)"
        " VALUES (1, 'o:9', 'exec.order.default._._', '{}', now() - interval '90 seconds')"
    )
    await database.execute(
        "INSERT INTO trading_paper.mark_to_market (portfolio_id, ts, total_equity, unrealised_pnl, realised_pnl,"
        " open_costs, open_positions, breakdown) VALUES (1, $1, 10003.01, 2, 1, 0, 0, '{}')",
        utc(at_ms),
    )
    await upkeep.round()
    wrong = ["missing_rows.MARKET", "missing_messages.EXEC", "outbox_unsent_s", "ledger.equity_sums"]
    assert [finding.name for finding in upkeep.findings] == wrong
    assert "x:100" in upkeep.findings[0].says
    assert metrics.audit_missing_rows.labels("MARKET")._value.get() == 1
    assert metrics.audit_missing_messages.labels("EXEC")._value.get() == 1
    await database.execute("UPDATE trading_paper.outbox SET sent_at = now()")
    await database.execute(
        "INSERT INTO trading_market_data.ticks VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)", *row.values()
    )
    await upkeep.round()
    assert [finding.name for finding in upkeep.findings] == ["missing_messages.EXEC", "ledger.equity_sums"]
    assert metrics.audit_missing_rows.labels("MARKET")._value.get() == 0

    async def told() -> list[Any]:
        rows = await database.fetch("SELECT severity, body FROM trading_ops.events WHERE event = 'audit'")
        found = [(row["severity"], json.loads(row["body"])["finding"]) for row in rows]
        return sorted(found) if len(found) == 6 else []

    assert await eventually(told) == sorted(
        [*(("error", name) for name in wrong), ("info", "missing_rows.MARKET"), ("info", "outbox_unsent_s")]
    )


async def test_a_stream_that_is_gone_is_said_with_what_to_do(bus: Bus, upkeep: Upkeep, database: Any) -> None:
    await five_minutes(bus)
    await recorded(database)
    await bus.js.delete_stream("SIGNALS")
    try:
        with pytest.raises(errors.Error, match=r"SIGNALS.*not found. Run `python -m trading_core provision`"):
            await upkeep.round()
    finally:
        await provision(bus)


@pytest.mark.parametrize("late_s", [0, 60])
async def test_messages_long_before_their_watermark_are_not_called_lost(
    bus: Bus, upkeep: Upkeep, database: Any, late_s: int
) -> None:
    # Backfill after a restart, or a fast replay under load: six minutes of messages, and only then the watermarks.
    await watermark(bus, BASE - 60_000)
    for number in range(0, 360, 10):
        await publish(bus, a_context(number))
    await watermark(bus, BASE + 45_000)
    await watermark(bus, BASE + 6 * MINUTE_MS)

    async def stored() -> bool:
        counts = (
            "SELECT (SELECT count(*) FROM trading_market_data.ticks), (SELECT count(*) FROM trading_ops.watermarks)"
        )
        return tuple(await database.fetchrow(counts)) == (36, 6)

    await eventually(stored)
    await acknowledged(bus)
    await database.execute("ALTER TABLE trading_ops.watermarks DISABLE TRIGGER guard")
    await database.execute(
        "UPDATE trading_ops.watermarks SET ingest_time = ingest_time + $1 WHERE watermark_ms > $2",
        timedelta(seconds=late_s),
        BASE,
    )
    await upkeep.round()
    assert upkeep.findings == []
