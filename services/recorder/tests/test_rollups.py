"""Wider candles beside those of 1m: complete ones only, and as their minutes are now."""

from __future__ import annotations

from typing import Any

import pytest

from trading_core import ids, streams
from trading_core.bus.connection import Bus
from trading_core.messages import CandleMessage
from trading_core.model import DAY_MS, HOUR_MS, MINUTE_MS
from trading_core.runtime import Runtime
from trading_core.testing import eventually

pytestmark = pytest.mark.integration
MIDNIGHT = 20_700 * DAY_MS
WIDER = """
SELECT (extract(epoch FROM open_time) * 1000)::bigint AS opened, open::text, high::text, low::text, close::text,
       volume::text, visible_ms, backfilled
FROM trading_market_data.candles WHERE interval = $1 AND asset = 'BTC' ORDER BY open_time
"""


def a_minute(number: int, close: int | None = None, *, backfilled: bool = False) -> CandleMessage:
    """The candle of that minute after midnight: from 100 + number, 3 up, 2 down, to `close` (one above the open)."""
    opened, ends = 100 + number, 101 + number if close is None else close
    high, low = max(opened, ends) + 2, min(opened, ends) - 2
    numbers = [f"{number}" for number in (opened, high, low, ends, 0.1)]
    open_ms = MIDNIGHT + number * MINUTE_MS
    return CandleMessage(
        id=ids.candle("hyperliquid", "BTC", "1m", open_ms, numbers), exchange="hyperliquid", asset="BTC",
        event_time_ms=open_ms + MINUTE_MS, visible_ms=open_ms + MINUTE_MS, open_time_ms=open_ms,
        backfilled=backfilled, open=numbers[0], high=numbers[1], low=numbers[2], close=numbers[3], volume=numbers[4],
    )  # fmt: skip


async def publish(bus: Bus, *found: CandleMessage) -> None:
    for message in found:
        await bus.publish(streams.market_subject(message), message)


async def revisions(database: Any, rows: int) -> None:
    async def enough() -> bool:
        return bool(await database.fetchval("SELECT count(*) FROM trading_market_data.candle_revisions") >= rows)

    await eventually(enough)


async def test_five_minutes_make_a_candle_and_four_do_not(bus: Bus, recording: Runtime, database: Any) -> None:
    await publish(bus, *map(a_minute, range(9)))
    await revisions(database, 9)
    [row] = await database.fetch(WIDER, "5m")
    # Minutes 0 to 4: from 100, up to 105 + 2, down to 100 - 2, to 105, five tenths, seen as the last one closed.
    assert tuple(row) == (MIDNIGHT, "100", "107", "98", "105", "0.5", MIDNIGHT + 5 * MINUTE_MS, False)
    assert await database.fetch(WIDER, "1h") == []


async def test_a_minute_that_comes_late_completes_its_hour_and_one_that_is_corrected_corrects_it(
    bus: Bus, recording: Runtime, database: Any
) -> None:
    await publish(bus, *(a_minute(number) for number in range(60) if number != 31))
    await revisions(database, 59)
    assert len(await database.fetch(WIDER, "5m")) == 11
    assert await database.fetch(WIDER, "1h") == []
    await publish(bus, a_minute(31, backfilled=True))
    await revisions(database, 60)
    [hour] = await database.fetch(WIDER, "1h")
    # From 100, up to 160 + 2, down to 98, to 160, sixty tenths; one minute was read over REST afterwards.
    assert tuple(hour) == (MIDNIGHT, "100", "162", "98", "160", "6.0", MIDNIGHT + HOUR_MS, True)
    await publish(bus, a_minute(59, close=50))
    await revisions(database, 61)
    [hour] = await database.fetch(WIDER, "1h")
    # Minute 59 fell from 159 to 50: low 48, and its high is 161, which minute 58 reached as well.
    assert tuple(hour)[1:5] == ("100", "161", "48", "50")
    assert len(await database.fetch(WIDER, "5m")) == 12
