"""The tables that are filled, their columns, and rows on their way there."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import asyncpg

Record = tuple[Any, ...]

COLUMNS: dict[str, tuple[str, ...]] = {
    "trading_market_data.candles": (
        "exchange", "asset", "interval", "open_time", "open", "high", "low", "close", "volume", "event_id",
        "visible_ms", "backfilled",
    ),
    "trading_market_data.funding_rates": ("exchange", "asset", "hour", "ts", "rate", "event_id", "visible_ms"),
    "trading_market_data.funding_snapshots": (
        "exchange", "asset", "ts", "funding_rate", "open_interest", "mark_price", "event_id",
    ),
    "trading_market_data.ticks": (
        "ts", "event_id", "exchange", "asset", "kind", "visible_ms", "price", "payload",
    ),
    "trading_market_data.polymarket_markets": (
        "market_id", "market_title", "asset", "ts", "yes_price", "no_price", "volume_24h", "liquidity", "slug",
        "end_ts", "bid", "ask", "last", "spread", "event_id", "visible_ms", "start_ts",
    ),
    "trading_market_data.polymarket_results": ("market_id", "asset", "ts", "yes_payout", "event_id", "visible_ms"),
    "trading_signals.signals": (
        "ts", "strategy", "asset", "exchange", "direction", "confidence", "entry_price", "metadata", "event_id",
        "instrument", "reason", "payload", "id", "acted_on",
    ),
    "trading_paper.decisions": (),
    "trading_paper.commands": (),
    "trading_paper.positions": (),
    "trading_paper.fills": (),
    "trading_paper.funding_payments": (),
    "trading_paper.mark_to_market": (),
    "trading_paper.ledger_entries": (
        "portfolio_id", "valued_from", "event_id", "ts", "kind", "cause_id", "position_id",
    ),
    "trading_paper.ledger_lines": ("entry_id", "number", "account", "amount", "quantity"),
    "trading_ops.exec_events": (
        "event_id", "outbox_id", "kind", "portfolio", "strategy", "asset", "ts", "payload",
    ),
    "trading_ops.watermarks": ("exchange", "stream", "watermark_ms", "ingest_time"),
    "trading_ops.gaps": (
        "event_id", "exchange", "asset", "channel", "from_ts", "to_ts", "state", "reason", "opened_visible_ms",
        "closed_visible_ms",
    ),
    "trading_ops.grids": ("event_id", "exchanges", "asset", "eval_ms", "evaluations"),
    "trading_ops.events": ("event_id", "ts", "service", "event", "severity", "body"),
}  # fmt: skip
"""In the order in which they are written: what is referred to comes first. Without columns: those of its first row."""


class Rows:
    """Rows by table, until they are copied."""

    def __init__(self) -> None:
        self._records: dict[str, list[Record]] = {table: [] for table in COLUMNS}
        self._columns = dict(COLUMNS)

    def add(self, table: str, *values: Any) -> None:
        self._records[table].append(values)

    def add_row(self, table: str, row: dict[str, Any]) -> None:
        """A row with its names, the same ones and in the same order for each of its table."""
        self.name(table, row)
        self._records[table].append(tuple(row.values()))

    def name(self, table: str, row: dict[str, Any]) -> None:
        """The columns of a table whose rows come with their names."""
        if not self._columns[table]:
            self._columns[table] = tuple(row)

    def extend(self, table: str, records: Iterable[Record]) -> None:
        self._records[table].extend(records)

    async def copy(self, connection: asyncpg.Connection) -> int:
        """Everything in one transaction; how many rows."""
        count = 0
        async with connection.transaction():
            for table, records in self._records.items():
                if records:
                    schema, name = table.split(".")
                    await connection.copy_records_to_table(
                        name, schema_name=schema, columns=self._columns[table], records=records
                    )
                    count += len(records)
                    records.clear()
        return count
