"""Positions that were or are held, in pages of any order. What is put into the texts are constants of this module."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from trading_api.queries.conditions import Conditions, Statement
from trading_core.db.times import utc

SortKey = Literal["entry", "exit", "pnl", "hold", "fees", "funding", "slippage"]
Result = Literal["win", "loss", "flat"]

# The fields of a `TradeRow` as they are told, but for its market: thousands of rows are written out as they come.
SHOWN = """event_id AS id, strategy, exchange, asset, instrument, direction, status, quantity::text, stake::text,
       (extract(epoch FROM entry_ts) * 1000)::bigint AS entry_ms, entry_price::text,
       (extract(epoch FROM exit_ts) * 1000)::bigint AS exit_ms, exit_price::text, exit_reason, realised_pnl::text,
       gross_pnl::text, fees::text, funding_pnl::text, slippage_cost::text, confidence, suspect, late"""

# What an open position does not have yet sorts at one end: its exit and its hold are still to come, its result is not
# above any other. Row id last, so that every order is total. Indexed: entry, exit and pnl (migration 0008).
_SORTS: dict[SortKey, tuple[str, str]] = {
    "entry": ("entry_ts", "timestamptz"),
    "exit": ("coalesce(exit_ts, 'infinity'::timestamptz)", "timestamptz"),
    "pnl": ("coalesce(positions.realised_pnl, '-Infinity'::numeric)", "numeric"),
    "hold": ("coalesce(extract(epoch FROM exit_ts - entry_ts), 'Infinity'::numeric)", "numeric"),
    "fees": ("positions.fees", "numeric"),
    "funding": ("positions.funding_pnl", "numeric"),
    "slippage": ("positions.slippage_cost", "numeric"),
}
_RESULTS: dict[Result, str] = {"win": "realised_pnl > 0", "loss": "realised_pnl < 0", "flat": "realised_pnl = 0"}


@dataclass(frozen=True)
class TradeFilters:
    """None does not filter. `from_ms` and `to_ms`: held at any time in [from, to)."""

    strategy: str | None = None
    asset: str | None = None
    exchange: str | None = None
    instrument: str | None = None
    direction: str | None = None
    status: str | None = None
    exit_reason: str | None = None
    result: Result | None = None
    suspect: bool | None = None
    from_ms: int | None = None
    to_ms: int | None = None


@dataclass(frozen=True)
class Place:
    """Where a page ended: the sorted value as a number (a time in seconds), `Infinity` and `-Infinity` too; row id."""

    value: str
    row_id: int

    def of(self, kind: str) -> str:
        """The value as text that Postgres reads as `kind`."""
        if kind == "numeric" or self.value.endswith("Infinity"):
            return self.value
        return utc(int(Decimal(self.value) * 1_000)).isoformat()


def _matching(ledger_ids: Sequence[int], filters: TradeFilters) -> Conditions:
    found = Conditions()
    found.add("portfolio_id = ANY({}::integer[])", list(ledger_ids))
    for column in ("strategy", "asset", "exchange", "instrument", "direction", "status", "exit_reason", "suspect"):
        if (wanted := getattr(filters, column)) is not None:
            found.add(f"{column} = {{}}", wanted)
    if filters.result is not None:
        found.add(_RESULTS[filters.result])
    if filters.from_ms is not None:
        found.add("coalesce(exit_ts, 'infinity'::timestamptz) >= {}::timestamptz", utc(filters.from_ms))
    if filters.to_ms is not None:
        found.add("entry_ts < {}::timestamptz", utc(filters.to_ms))
    return found


def page(
    ledger_ids: Sequence[int],
    filters: TradeFilters,
    sort: SortKey,
    *,
    descending: bool,
    after: Place | None,
    limit: int,
) -> Statement:
    """`limit` positions beyond `after`, as they are told; `place` and `row_id` are what a cursor needs of each."""
    value, kind = _SORTS[sort]
    order = "DESC" if descending else "ASC"
    conditions = _matching(ledger_ids, filters)
    if after is not None:
        step = "<" if descending else ">"
        conditions.add(
            f"({value}, positions.id) {step} ({{}}::text::{kind}, {{}}::bigint)", after.of(kind), after.row_id
        )
    number = f"extract(epoch FROM {value})" if kind == "timestamptz" else value
    return conditions.statement(
        f"SELECT ({number})::text AS place, positions.id AS row_id, {SHOWN} FROM trading_paper.positions",  # noqa: S608
        f"ORDER BY {value} {order}, positions.id {order} LIMIT {int(limit)}",
    )


def totals(ledger_ids: Sequence[int], filters: TradeFilters) -> Statement:
    """Counts of all positions that match; sums of the closed ones, so that they add up to the realised P&L."""
    conditions = _matching(ledger_ids, filters)
    sums = ", ".join(
        f"coalesce(sum({name}) FILTER (WHERE status = 'CLOSED'), 0) AS {name}"
        for name in ("realised_pnl", "gross_pnl", "fees", "funding_pnl", "slippage_cost")
    )
    select = f"""
SELECT count(*) AS trades, count(*) FILTER (WHERE status = 'OPEN') AS open,
       count(*) FILTER (WHERE realised_pnl > 0) AS wins, count(*) FILTER (WHERE realised_pnl < 0) AS losses, {sums}
FROM trading_paper.positions"""  # noqa: S608
    return conditions.statement(select)


# The newest poll of each prediction market that is named, and the venue's report of its result.
MARKETS = """
SELECT named.id AS market_id, newest.market_title, newest.end_ts, result.ts AS resolved_ts, result.yes_payout
FROM unnest($1::text[]) AS named (id)
LEFT JOIN LATERAL (
    SELECT market_title, end_ts FROM trading_market_data.polymarket_markets p
    WHERE p.market_id = named.id ORDER BY p.ts DESC LIMIT 1) newest ON true
LEFT JOIN trading_market_data.polymarket_results result ON result.market_id = named.id
"""

TRADE = f"""
SELECT portfolio_id, entry_ref::text, exit_ref::text, stop_price::text, target_price::text, deadline_ts,
       (gross_pnl + slippage_cost)::text AS reference_pnl, {SHOWN}
FROM trading_paper.positions WHERE event_id = $1 AND portfolio_id = ANY($2::integer[])
"""  # noqa: S608
FILLS = """
SELECT event_id, ts, side, purpose, quantity, price, reference_price, fee, late
FROM trading_paper.fills WHERE position_id = $1 ORDER BY ts, event_id COLLATE "C"
"""
FUNDING = """
SELECT event_id, hour, booked_ts, rate, quantity, mark_price, amount
FROM trading_paper.funding_payments WHERE position_id = $1 ORDER BY hour
"""
SIGNALS = """
SELECT s.event_id, s.ts, s.strategy, s.exchange, s.asset, s.direction, s.confidence, s.entry_price,
       s.metadata::text AS metadata, d.decision, d.reason, d.position_id = $1 AS opened
FROM trading_paper.decisions d JOIN trading_signals.signals s ON s.event_id = d.signal_event_id
WHERE d.portfolio_id = $2 AND (d.position_id = $1 OR d.closed_position = $1)
ORDER BY s.ts, s.id
"""
