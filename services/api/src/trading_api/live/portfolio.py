"""The portfolio as Postgres knows it, valued at the newest marks.

The ledger is read again when the broker reports a change and whenever the copy is older than a second, so
positions and totals can never drift from it; only the marks between two reads come from the stream.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from trading_api.database import Database, maybe_ms
from trading_api.ledgers import Ledgers
from trading_api.live import valuation
from trading_api.live.marks import Key, Mark, Marks
from trading_api.live.prospects import funding_ahead, held_markets
from trading_api.live_messages import PositionMark, Totals
from trading_api.queries import ledger
from trading_api.schemas import HeldMarket, OpenPosition
from trading_core.broker.events import PositionState
from trading_core.broker.valuation import open_costs
from trading_core.db.times import millis
from trading_core.model import Exchange
from trading_core.money import ZERO, plain

FRESH_S = 1.0


@dataclass(frozen=True)
class OpenRow:
    """One open position: what the page shows of it that no mark changes, and what its value needs."""

    key: Key
    row: dict[str, Any]
    state: PositionState
    market: HeldMarket | None = None


@dataclass(frozen=True)
class Ledger:
    ids: tuple[int, ...]
    """Of the rows of `trading_paper.portfolio` that make it up; none before the broker has opened it."""
    initial_capital: Decimal
    realised_pnl: Decimal
    trades: int
    positions: tuple[OpenRow, ...]
    event_time_ms: int | None
    read_at_s: float


class Portfolio:
    def __init__(
        self,
        database: Database,
        marks: Marks,
        ledgers: Ledgers,
        initial_capital: Decimal,
        funding_interval_h: int = 1,
    ) -> None:
        self._database = database
        self._marks = marks
        self._ledgers = ledgers
        self.name = ledgers.portfolio
        self._default_capital = initial_capital
        self._funding_interval_h = funding_interval_h
        self._ledger: Ledger | None = None
        self._lock = asyncio.Lock()

    @property
    def held(self) -> Ledger | None:
        """The last ledger read, however old."""
        return self._ledger

    async def ledger(self, *, fresh: bool = False) -> Ledger:
        asked_at_s = time.monotonic()
        async with self._lock:
            held = self._ledger
            oldest = asked_at_s if fresh else asked_at_s - FRESH_S
            if held is None or held.read_at_s < oldest:
                held = self._ledger = await self._read()
            return held

    async def _read(self) -> Ledger:
        read_at_s = time.monotonic()
        ids = tuple(await self._ledgers.ids())
        async with self._database.snapshot() as connection:
            if not ids:
                clock = maybe_ms(await connection.fetchval(ledger.NEWEST_CLOSE))
                return Ledger((), self._default_capital, ZERO, 0, (), clock, read_at_s)
            head = await connection.fetchrow(ledger.PORTFOLIO, ids)
            rows = await connection.fetch(ledger.OPEN_POSITIONS, ids)
            clock = maybe_ms(await connection.fetchval(ledger.NEWEST_CLOSE))
            await self._seed_marks(connection, {(row["exchange"], row["instrument"]) for row in rows})
            opened = [_open_row(row) for row in rows]
            markets = await held_markets(connection, [row.state for row in opened])
        times = [moment for moment in (maybe_ms(head["newest"]), clock) if moment is not None]
        return Ledger(
            ids,
            head["initial_capital"],
            head["realised_pnl"],
            head["trades"],
            tuple(replace(row, market=markets.get(row.state.position_id)) for row in opened),
            max(times, default=None),
            read_at_s,
        )

    async def _seed_marks(self, connection: Any, keys: set[Key]) -> None:
        """A mark from the recorded stream for what the live one has not mentioned yet, as after a restart."""
        for key in keys - self._marks.newest.keys():
            exchange, instrument = key
            if exchange == Exchange.POLYMARKET:
                row = await connection.fetchrow(ledger.NEWEST_POLL, instrument)
            else:
                row = await connection.fetchrow(ledger.NEWEST_MARK, exchange, instrument)
            if row is not None:
                rate = row["funding_rate_1h"]
                mark = Mark(Decimal(row["price"]), millis(row["ts"]), None if rate is None else Decimal(rate))
                self._marks.offer(key, mark)

    def positions(self, held: Ledger) -> list[OpenPosition]:
        now_ms = self.event_time_ms(held)
        return [self._position(row, now_ms) for row in held.positions]

    def _position(self, open_row: OpenRow, now_ms: int | None) -> OpenPosition:
        mark = self._marks.newest.get(open_row.key)
        ahead = funding_ahead(open_row.state, mark, now_ms, self._funding_interval_h)
        if mark is None:
            return OpenPosition(**open_row.row, **ahead, market=open_row.market)
        return OpenPosition(
            **open_row.row,
            **ahead,
            market=open_row.market,
            mark_ms=mark.event_time_ms,
            **_valued(valuation.value(open_row.state, mark.price)),
        )

    def marked(self, held: Ledger, key: Key) -> list[PositionMark]:
        """What the newest mark of one instrument makes of the positions in it."""
        mark = self._marks.newest[key]
        return [
            PositionMark(id=row.row["id"], **_valued(valuation.value(row.state, mark.price)))
            for row in held.positions
            if row.key == key
        ]

    def totals(self, held: Ledger) -> Totals:
        """Rule book, section 1: equity = initial + realised + unrealised + funding less fees of what is open."""
        unrealised = ZERO
        costs = ZERO
        for row in held.positions:
            costs += open_costs(row.state)
            mark = self._marks.newest.get(row.key)
            if mark is not None:
                unrealised += valuation.value(row.state, mark.price).unrealised_pnl
        total = held.realised_pnl + unrealised + costs
        return Totals(
            equity=plain(held.initial_capital + total),
            total_pnl=plain(total),
            realised_pnl=plain(held.realised_pnl),
            unrealised_pnl=plain(unrealised),
            open_costs=plain(costs),
            return_fraction=float(total / held.initial_capital),
            open_positions=len(held.positions),
            trades=held.trades,
        )

    def event_time_ms(self, held: Ledger | None) -> int | None:
        known = [held.event_time_ms if held else None, self._marks.event_time_ms]
        return max((moment for moment in known if moment is not None), default=None)


def _valued(worth: valuation.Valuation) -> dict[str, Any]:
    return {
        "mark_price": plain(worth.mark),
        "unrealised_pnl": plain(worth.unrealised_pnl),
        "unrealised_fraction": worth.unrealised_fraction,
        "stop_distance": worth.stop_distance,
        "target_distance": worth.target_distance,
        "progress": worth.progress,
    }


def _text(amount: Decimal | None) -> str | None:
    return None if amount is None else plain(amount)


def _open_row(row: Any) -> OpenRow:
    shown = {
        "id": row["event_id"],
        "strategy": row["strategy"],
        "exchange": row["exchange"],
        "asset": row["asset"],
        "instrument": row["instrument"],
        "direction": row["direction"],
        "quantity": plain(row["quantity"]),
        "entry_price": plain(row["entry_price"]),
        "entry_ms": millis(row["entry_ts"]),
        "stake": plain(row["stake"]),
        "fees": plain(row["fees"]),
        "funding_pnl": plain(row["funding_pnl"]),
        "stop_price": _text(row["stop_price"]),
        "target_price": _text(row["target_price"]),
        "deadline_ms": maybe_ms(row["deadline_ts"]),
        "confidence": row["confidence"],
        "suspect": row["suspect"],
    }
    return OpenRow((row["exchange"], row["instrument"]), shown, _state(row))


def _state(row: Any) -> PositionState:
    """The core's own form of the row, so that its own arithmetic values it."""
    return PositionState(
        event_id=row["event_id"],
        portfolio="",
        ts_ms=millis(row["entry_ts"]),
        position_id=row["event_id"],
        version=row["version"],
        strategy=row["strategy"],
        asset=row["asset"],
        exchange=row["exchange"],
        instrument=row["instrument"],
        direction=row["direction"],
        status="OPEN",
        signal_id="",
        confidence=row["confidence"],
        quantity=row["quantity"],
        stake=row["stake"],
        entry_ms=millis(row["entry_ts"]),
        entry_ref=row["entry_ref"],
        entry_price=row["entry_price"],
        entry_notional=row["quantity"] * row["entry_price"],
        stop_price=row["stop_price"],
        target_price=row["target_price"],
        deadline_ms=maybe_ms(row["deadline_ts"]),
        fees=row["fees"],
        funding_pnl=row["funding_pnl"],
        slippage_cost=row["slippage_cost"],
        suspect=row["suspect"],
        late=row["late"],
    )
