"""Recorded history in a test's database, and what is asked about it."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Awaitable, Callable, Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any

import asyncpg

from trading_core import messages
from trading_core.archive import command
from trading_core.db.times import utc
from trading_core.messages import MarketData
from trading_core.model import DAY_MS, HOUR_MS, MINUTE_MS

T0 = 1_750_032_000_000
"""2025-06-16 00:00 UTC."""
PRICES = {"BTC": 80_000.0, "ETH": 2_500.0, "SOL": 150.0}
KINDS = {"candle": "candle_1m"}
CANDLE_COLUMNS = (
    "exchange", "asset", "interval", "open_time", "open", "high", "low", "close", "volume", "event_id", "visible_ms",
)  # fmt: skip
TICK_COLUMNS = ("ts", "event_id", "exchange", "asset", "kind", "visible_ms", "payload")


def on(url: str, work: Callable[[asyncpg.Connection], Awaitable[Any]]) -> Any:
    """What `work` returns, on a connection of its own."""

    async def connected() -> Any:
        connection = await asyncpg.connect(url)
        try:
            return await work(connection)
        finally:
            await connection.close()

    return asyncio.run(connected())


def value(url: str, query: str, *arguments: Any) -> Any:
    return on(url, lambda db: db.fetchval(query, *arguments))


def run(url: str, statement: str, *arguments: Any) -> None:
    on(url, lambda db: db.execute(statement, *arguments))


def digest(url: str, table: str, columns: str = "*", where: str = "TRUE") -> str:
    """Of every row's text, in an order that does not depend on how they were stored."""
    rows = f"SELECT {columns} FROM {table} WHERE {where}"  # noqa: S608 - names from the tests
    query = f"SELECT md5(string_agg(r::text, '' ORDER BY r::text COLLATE \"C\")) FROM ({rows}) r"  # noqa: S608
    return str(value(url, query))


def candles(days: int, *, missing: range = range(0), assets: Iterable[str] = PRICES) -> list[tuple[Any, ...]]:
    """Rows of `candles`: a price that moves enough to be traded, minutes of `missing` left out."""
    rows = []
    for asset in assets:
        for step in range(days * 1_440):
            if step in missing:
                continue
            close = round(PRICES[asset] * (1 + 0.02 * ((step % 97) / 97 - 0.5)), 4)
            opened = T0 + step * MINUTE_MS
            numbers = (close, close * 1.001, close * 0.999, close, 1 + step % 7)
            rows.append(
                (
                    "hyperliquid", asset, "1m", utc(opened), *(Decimal(repr(number)) for number in numbers),
                    f"c:hl:{asset}:1m:{opened}", opened + MINUTE_MS,
                )
            )  # fmt: skip
    return rows


def store_candles(url: str, rows: list[tuple[Any, ...]]) -> None:
    """Into `candles` and, as the recorder does, into their revisions."""

    async def store(db: asyncpg.Connection) -> None:
        for table in ("candles", "candle_revisions"):
            await db.copy_records_to_table(
                table, schema_name="trading_market_data", columns=CANDLE_COLUMNS, records=rows
            )

    on(url, store)


def store_rates(url: str, days: int) -> None:
    rows = [
        (
            "hyperliquid",
            asset,
            utc(hour),
            utc(hour + 7),
            Decimal("0.0001") * (1 + number % 3),
            f"f:{asset}:{hour}",
            hour,
        )
        for asset in PRICES
        for number, hour in enumerate(range(T0, T0 + days * DAY_MS, HOUR_MS))
    ]
    columns = ("exchange", "asset", "hour", "ts", "rate", "event_id", "visible_ms")
    on(
        url,
        lambda db: db.copy_records_to_table(
            "funding_rates", schema_name="trading_market_data", columns=columns, records=rows
        ),
    )


def store_ticks(url: str, market: Iterable[MarketData]) -> None:
    """As the recorder does, in partitions that reach back far enough."""
    rows = []
    for message in market:
        tag = str(type(message).__struct_config__.tag)
        rows.append(
            (
                utc(message.event_time_ms), message.id, message.exchange, message.asset, KINDS.get(tag, tag),
                message.visible_ms, messages.encode(message).decode(),
            )
        )  # fmt: skip

    async def store(db: asyncpg.Connection) -> None:
        await db.execute("SELECT trading_ops.ensure_partitions(36, 2)")
        await db.copy_records_to_table("ticks", schema_name="trading_market_data", columns=TICK_COLUMNS, records=rows)

    on(url, store)


def set_venue_time(url: str, now_ms: int) -> None:
    """Venue time is `now_ms` from here on, as far as retention can see."""
    run(url, "INSERT INTO trading_ops.watermarks VALUES ('hyperliquid', 'MARKET', $1, now())", now_ms)


def archive(*words: str | Path) -> int:
    """`python -m trading_core archive …`: its exit code."""
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    return command.run(parser.parse_args([*map(str, words)]))
