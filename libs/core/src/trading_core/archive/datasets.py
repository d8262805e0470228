"""What is archived, and how a row stands in Postgres and in a file.

A file holds the rows of one dataset, exchange, asset and UTC day. Times are UTC milliseconds (those of storage
microseconds), and what is NUMERIC or JSON in Postgres is the text of it, so that every digit comes back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple


class Kind(NamedTuple):
    """`read`: SQL of a file's value from a column; `array`: its type there; `write`: SQL of the column's value."""

    read: str
    array: str
    write: str


TIME = Kind("(extract(epoch FROM {0}) * 1000)::bigint", "bigint", "to_timestamp({0} / 1000::numeric)")
MOMENT = Kind("(extract(epoch FROM {0}) * 1000000)::bigint", "bigint", "to_timestamp({0} / 1000000::numeric)")
NUMBER = Kind("{0}::text", "text", "{0}::numeric")
JSON = Kind("{0}::text", "text", "{0}::json")
TEXT = Kind("{0}", "text", "{0}")
COUNT = Kind("{0}", "bigint", "{0}")
FLAG = Kind("{0}", "boolean", "{0}")


class Column(NamedTuple):
    """`name` in the file, `column` in Postgres."""

    name: str
    column: str
    kind: Kind


@dataclass(frozen=True, eq=False)
class Dataset:
    """Rows of `table`. `time` is the column whose UTC day decides the file, and `order` sorts a file's rows.

    `key`: what tells two rows of a file apart. `fixed`: columns that hold one value in all rows.
    `stays`: a condition for rows that are archived but never leave Postgres.
    """

    name: str
    folder: str
    table: str
    time: str
    columns: Sequence[Column]
    order: Sequence[str]
    key: Sequence[str]
    fixed: Mapping[str, str]
    stays: str | None = None

    @property
    def names(self) -> list[str]:
        return [column.name for column in self.columns]

    @cached_property
    def select(self) -> str:
        """The rows of (exchange, asset, from, to) as they stand in a file, in its order."""
        values = ", ".join(f"{kind.read.format(column)} AS {name}" for name, column, kind in self.columns)
        by_name = {column.name: column for column in self.columns}
        order = ", ".join(
            by_name[name].column + (' COLLATE "C"' if by_name[name].kind is TEXT else "") for name in self.order
        )
        return f"SELECT {values} FROM {self.table} WHERE {self._span} ORDER BY {order}"  # noqa: S608 - constants

    @cached_property
    def bounds(self) -> str:
        """The times of the first and the last row in Postgres, NULL without any."""
        where = self._conditions.replace(" AND", " WHERE", 1)
        return f"SELECT min({self.time}) AS first, max({self.time}) AS last FROM {self.table}{where}"  # noqa: S608

    @cached_property
    def days(self) -> str:
        """(exchange, asset, day, rows) of what Postgres has in [$1, $2), oldest day first."""
        return (
            f"SELECT exchange, asset, ({self.time} AT TIME ZONE 'UTC')::date AS day, count(*) AS rows "  # noqa: S608
            f"FROM {self.table} WHERE {self.time} >= $1 AND {self.time} < $2{self._conditions} "
            "GROUP BY 1, 2, 3 ORDER BY 3, 1, 2"
        )

    def days_to_leave(self, only: str | None = None) -> str:
        """As `days`, without rows that stay; `only`: a condition of ours for those that are to go."""
        return self.days.replace(" GROUP BY", f"{self._leaving(only)} GROUP BY")

    def delete(self, only: str | None = None) -> str:
        """The rows of (exchange, asset, from, to) but those that stay; `only` as above."""
        return f"DELETE FROM {self.table} WHERE {self._span}{self._leaving(only)}"  # noqa: S608 - constants

    @cached_property
    def insert(self) -> str:
        """Takes exchange, asset and one array per column; a row that is there already stays as it is."""
        columns = ", ".join([*self.fixed, *(column.column for column in self.columns)])
        fixed = "".join(f"'{value}', " for value in self.fixed.values())
        values = ", ".join(kind.write.format(f"r.{name}") for name, _, kind in self.columns)
        arrays = ", ".join(f"${number}::{kind.array}[]" for number, (_, _, kind) in enumerate(self.columns, start=3))
        return (
            f"INSERT INTO {self.table} (exchange, asset, {columns}) SELECT $1, $2, {fixed}{values} "  # noqa: S608
            f"FROM unnest({arrays}) AS r({', '.join(self.names)}) ON CONFLICT DO NOTHING"
        )

    def _leaving(self, only: str | None) -> str:
        return (f" AND NOT ({self.stays})" if self.stays else "") + (f" AND {only}" if only else "")

    @property
    def _span(self) -> str:
        span = f"exchange = $1 AND asset = $2 AND {self.time} >= $3 AND {self.time} < $4"
        return span + self._conditions

    @property
    def _conditions(self) -> str:
        return "".join(f" AND {column} = '{value}'" for column, value in self.fixed.items())


_OHLCV = [Column(name, name, NUMBER) for name in ("open", "high", "low", "close", "volume")]
CANDLES = Dataset(
    name="candles",
    folder="candles_1m",
    table="trading_market_data.candles",
    time="open_time",
    columns=[
        Column("open_time", "open_time", TIME), *_OHLCV, Column("event_id", "event_id", TEXT),
        Column("visible_ms", "visible_ms", COUNT), Column("backfilled", "backfilled", FLAG),
    ],
    order=["open_time"],
    key=["open_time"],
    fixed={"interval": "1m"},
)  # fmt: skip
REVISIONS = Dataset(
    name="revisions",
    folder="candle_revisions",
    table="trading_market_data.candle_revisions",
    time="open_time",
    columns=[
        Column("open_time", "open_time", TIME), *_OHLCV, Column("event_id", "event_id", TEXT),
        Column("visible_ms", "visible_ms", COUNT), Column("stored_us", "stored_at", MOMENT),
    ],
    order=["open_time", "event_id"],
    key=["event_id"],
    fixed={"interval": "1m"},
)  # fmt: skip
FUNDING = Dataset(
    name="funding",
    folder="funding",
    table="trading_market_data.funding_rates",
    time="hour",
    columns=[
        Column("hour", "hour", TIME), Column("time", "ts", TIME), Column("funding_rate", "rate", NUMBER),
        Column("premium", "premium", NUMBER), Column("event_id", "event_id", TEXT),
        Column("visible_ms", "visible_ms", COUNT),
    ],
    order=["hour"],
    key=["hour"],
    fixed={},
)  # fmt: skip
TICKS = Dataset(
    name="ticks",
    folder="ticks",
    table="trading_market_data.ticks",
    time="ts",
    columns=[
        Column("visible_ms", "visible_ms", COUNT), Column("ts", "ts", TIME), Column("event_id", "event_id", TEXT),
        Column("kind", "kind", TEXT), Column("price", "price", NUMBER), Column("size", "size", NUMBER),
        Column("side", "side", TEXT), Column("payload", "payload", JSON), Column("stored_us", "stored_at", MOMENT),
    ],
    order=["visible_ms", "ts", "event_id"],
    key=["ts", "event_id"],
    fixed={},
    # A runner that starts reads every gap there ever was, since an old one may be open still. They are rare.
    stays="kind = 'gap'",
)  # fmt: skip

BOOKS = "kind = 'book'"
"""Of `ticks`: by far the most of them where books are recorded, and the least read."""
ALL = (CANDLES, REVISIONS, FUNDING, TICKS)
BY_NAME = {dataset.name: dataset for dataset in ALL}
BY_FOLDER = {dataset.folder: dataset for dataset in ALL}
