"""Figures that rest on the whole history: curves read once and followed, statistics computed when they changed.

`mark_to_market` only ever grows, so each row is read once in the life of the process. The formulas are those
of `trading_core.metrics`; here is only what they are fed with.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import groupby
from typing import Any, TypeVar

import msgspec
import structlog

from trading_api.closed import EVERYTHING, ClosedPositions
from trading_api.comparison import Filter, closed_ratios, result_fields
from trading_api.curves import Breakdown, Curve, CurveBook, Standing
from trading_api.database import Database, DatabaseAway, QueryTooSlow, Row, maybe_ms
from trading_api.live.portfolio import Portfolio
from trading_api.live_messages import PartEquity
from trading_api.queries import curves, standing
from trading_api.schemas import PnlSplit, StrategyRow
from trading_api.statistics import ratios
from trading_core.db.times import EPOCH, millis
from trading_core.metrics.trades import Trade, TradeMetrics
from trading_core.money import ZERO, plain

log = structlog.get_logger()
PAGE_ROWS = 1_000
SHARE = 0.05
"""Of the time at most this part goes into statistics: an answer is kept for its cost divided by it."""
FRESHEST_S = 0.5
OLDEST_S = 60.0
WORKED_KEPT = 256
Made = TypeVar("Made")


@dataclass(frozen=True)
class Answer:
    strategies: list[StrategyRow]
    ratios: dict[str, Any]
    computed_at_s: float
    keep_s: float
    closed: Mapping[str, ClosedPositions]
    """By strategy."""
    first_ms: int | None
    last_ms: int | None
    capitals: dict[str, Decimal]
    annualisation_days: int
    _worked: dict[Hashable, asyncio.Task[Any]] = field(default_factory=dict)

    @property
    def is_due(self) -> bool:
        return time.monotonic() - self.computed_at_s > self.keep_s

    def trades(self, strategy: str, wanted: Filter = EVERYTHING) -> list[Trade]:
        """The strategy's closed positions that the filter takes, by exit; none of a name that is not known."""
        held = self.closed.get(strategy)
        return [] if held is None else list(held.trades(wanted))

    async def once(self, key: Hashable, work: Callable[[], Made]) -> Made:
        """What `work` makes of this answer: done once in its life, in a thread, whoever asks meanwhile."""
        if key not in self._worked:
            if len(self._worked) >= WORKED_KEPT:
                self._worked.clear()
            self._worked[key] = asyncio.create_task(asyncio.to_thread(work))
        made: Made = await asyncio.shield(self._worked[key])
        return made

    async def only(self, wanted: Filter, open_rows: Sequence[dict[str, Any]]) -> list[StrategyRow]:
        """The rows of the closed positions that the filter takes.

        `open_rows`: what is held now, of which the filter's asset and exchange are counted.
        """
        return await self.once(wanted, lambda: [self._narrowed(row, wanted, open_rows) for row in self.strategies])

    def _narrowed(self, row: StrategyRow, wanted: Filter, open_rows: Sequence[dict[str, Any]]) -> StrategyRow:
        trades = self.trades(row.name, wanted)
        found, fields = result_fields(trades)
        span = wanted.within(self.first_ms or 0, self.last_ms or 0)
        held = [each for each in open_rows if each["strategy"] == row.name and _taken(each, wanted)]
        changes = {
            **fields,
            **closed_ratios(trades, self.capitals[row.name], span, self.annualisation_days),
            "split": PnlSplit(**fields["split"]),
            "total_pnl": plain(found.realised_pnl),
            "realised_pnl": plain(found.realised_pnl),
            "fees": plain(found.fees),
            "funding_pnl": plain(found.funding_pnl),
            "open_positions": len(held),
            "basis": "closed",
        }
        return row.model_copy(update=changes)


class Figures:
    def __init__(self, database: Database, portfolio: Portfolio, annualisation_days: int) -> None:
        self._database = database
        self._portfolio = portfolio
        self._days = annualisation_days
        self._curves: CurveBook | None = None
        self._lock = asyncio.Lock()
        self._answer: Answer | None = None
        self._answer_lock = asyncio.Lock()
        self._renewal: asyncio.Task[None] | None = None

    async def book(self) -> CurveBook:
        """The curves with every row there is now."""
        async with self._lock:
            held = await self._portfolio.ledger()
            book = self._curves
            if book is None or book.ids != tuple(sorted(held.ids)):
                rows = await self._database.fetch(curves.CAPITALS, held.ids)
                capitals = {row["id"]: row["initial_capital"] for row in rows}
                book = self._curves = CurveBook(capitals, held.initial_capital)
            while True:
                after = book.newest or EPOCH
                rows = await self._database.fetch(curves.ROWS_AFTER, book.ids, after, PAGE_ROWS)
                if not _follow_page(book, rows):
                    return book
                await asyncio.sleep(0)  # a year of minutes must not hold up the other requests

    async def newest_equity(self) -> dict[str, Any] | None:
        """The fields of a LiveEquity but its number; None before the first row."""
        book = await self.book()
        if book.newest is None:
            return None
        return {
            "t": millis(book.newest),
            "equity": plain(book.portfolio.last),
            "drawdown": book.portfolio.drawdown,
            "max_drawdown": book.portfolio.max_drawdown,
            "strategies": {
                name: PartEquity(equity=plain(curve.last), drawdown=curve.drawdown)
                for name, curve in sorted(book.strategies.items())
            },
        }

    async def asset_curve(self, asset: str) -> Curve:
        return (await self.book()).of_asset(asset)

    async def drawdown(self) -> float:
        return (await self.book()).portfolio.drawdown

    async def answer(self) -> Answer:
        """Statistics from one moment of the database, a minute ago at most.

        They are worked out again when they are older than their cost allows. Where that takes long, nobody waits for
        it: meanwhile the old ones are told.
        """
        held = self._answer
        if held is not None and held.keep_s > FRESHEST_S and time.monotonic() - held.computed_at_s <= OLDEST_S:
            if held.is_due and (self._renewal is None or self._renewal.done()):
                self._renewal = asyncio.create_task(self._renewed_meanwhile())
            return held
        return await self._renewed()

    async def _renewed_meanwhile(self) -> None:
        """Without the database the old answer stands, and the next question tries again."""
        try:
            await self._renewed()
        except (DatabaseAway, QueryTooSlow) as error:
            log.warning("statistics_awaited", error=str(error))

    async def _renewed(self) -> Answer:
        async with self._answer_lock:
            if self._answer is None or self._answer.is_due:
                self._answer = await self._compute()
            return self._answer

    async def _compute(self) -> Answer:
        started_s = time.monotonic()
        book = await self.book()
        async with self._database.snapshot() as connection:
            known = await connection.fetch(standing.STRATEGIES)
            closed = await _closed(connection, book.ids)
            open_counts = await connection.fetch(standing.OPEN_COUNTS, book.ids)
            names = _names(known, closed, open_counts)
            said = await connection.fetch(standing.LAST_SIGNALS, names)
            failures = await connection.fetch(standing.FAILURES)
        closed = {name: closed.get(name, ClosedPositions(name)) for name in names}
        tables = _Tables(known, open_counts, said, failures)
        # In a thread: with tens of thousands of positions this takes long enough to hold up other requests.
        traded = await asyncio.to_thread(lambda: {name: result_fields(each) for name, each in closed.items()})
        rows = [self._strategy(name, tables, book, *traded[name]) for name in names]
        cost_s = time.monotonic() - started_s
        keep_s = min(OLDEST_S, max(FRESHEST_S, cost_s / SHARE))
        closing = book.portfolio.closing
        return Answer(
            strategies=rows,
            ratios=ratios(book.portfolio, self._days),
            computed_at_s=started_s,
            keep_s=keep_s,
            closed=closed,
            first_ms=book.first_ms,
            last_ms=max((ts_ms for ts_ms, _ in closing.values()), default=None),
            capitals={name: book.of(name).initial for name in names},
            annualisation_days=self._days,
        )

    def _strategy(
        self, name: str, tables: _Tables, book: CurveBook, closed: TradeMetrics, statistics: dict[str, Any]
    ) -> StrategyRow:
        known = tables.known.get(name)
        said = tables.said[name]
        open_now = tables.open_counts.get(name)
        failure = tables.failures.get(name)
        curve = book.of(name)
        return StrategyRow(
            name=name,
            class_name=known["class_name"] if known else name,
            status=_status(known, failure),
            status_reason=_reason(known, failure),
            failure=failure.traceback if failure else None,
            interval=known["interval"] if known else "",
            assets=known["assets"] if known else [],
            exchanges=known["exchanges"] if known else [],
            total_pnl=plain(curve.last - curve.initial),
            realised_pnl=plain(closed.realised_pnl),
            fees=plain(closed.fees + (open_now["fees"] if open_now else ZERO)),
            funding_pnl=plain(closed.funding_pnl + (open_now["funding_pnl"] if open_now else ZERO)),
            drawdown=curve.drawdown,
            basis="marked",
            open_positions=open_now["positions"] if open_now else 0,
            last_signal_ms=maybe_ms(said["said_ts"]),
            last_signal_direction=said["direction"],
            last_signal_asset=said["asset"],
            last_evaluation_ms=maybe_ms(said["evaluated_ts"]),
            **statistics,
            **ratios(curve, self._days),
        )


def _follow_page(book: CurveBook, rows: list[Row]) -> bool:
    """Adds the minutes that are whole; True when there may be more.

    A ledger with a full page may have rows beyond it: what the others have there is left for the next page.
    """
    counts = Counter(row["ledger"] for row in rows)
    last = {row["ledger"]: row["ts"] for row in rows}
    end = min((last[ledger] for ledger, count in counts.items() if count == PAGE_ROWS), default=None)
    for moment, group in groupby(rows, key=lambda row: row["ts"]):
        if end is not None and moment > end:
            break
        book.add(
            moment,
            {
                row["ledger"]: Standing(row["total_equity"], msgspec.json.decode(row["breakdown"], type=Breakdown))
                for row in group
            },
        )
    return end is not None


class Failure(msgspec.Struct, frozen=True):
    """The body of an `error` event of the runner."""

    strategy: str
    traceback: str = ""
    error: str = ""
    reason: str = ""
    asset: str | None = None

    @property
    def sentence(self) -> str:
        last_line = self.traceback.strip().rsplit("\n", 1)[-1]
        return self.error or self.reason or last_line or "raised an exception"


class _Tables:
    """The rows of one reading, by strategy."""

    def __init__(
        self,
        known: list[Row],
        open_counts: list[Row],
        said: list[Row],
        failures: list[Row],
    ) -> None:
        self.known = {row["name"]: row for row in known}
        self.open_counts = {row["strategy"]: row for row in open_counts}
        self.said = {row["name"]: row for row in said}
        self.failures = {row["strategy"]: msgspec.json.decode(row["body"], type=Failure) for row in failures}


async def _closed(connection: Any, ledgers: Sequence[int]) -> dict[str, ClosedPositions]:
    """By strategy. A page at a time: rows take more room than what is kept, and other requests come in between."""
    by_strategy: dict[str, ClosedPositions] = {}
    cursor = await connection.cursor(standing.CLOSED, ledgers)
    while rows := await cursor.fetch(PAGE_ROWS):
        for row in rows:
            name = row["strategy"]
            if name not in by_strategy:
                by_strategy[name] = ClosedPositions(name)
            by_strategy[name].append(row)
    return by_strategy


def _taken(open_row: dict[str, Any], wanted: Filter) -> bool:
    return wanted.asset in (None, open_row["asset"]) and wanted.exchange in (None, open_row["exchange"])


def _names(known: list[Row], closed: Iterable[str], open_counts: list[Row]) -> list[str]:
    """Also a strategy that was taken out of the configuration keeps its row as long as it has trades."""
    traded = {*closed, *(row["strategy"] for row in open_counts)}
    return sorted({row["name"] for row in known} | traded)


def _status(known: Row | None, failure: Failure | None) -> str:
    if failure is not None:
        return "failed"
    return "active" if known is not None and known["status"] == "active" else "paused"


def _reason(known: Row | None, failure: Failure | None) -> str | None:
    if failure is not None:
        return failure.sentence
    if known is None:
        return "No longer configured; its trades remain."
    return known["status_reason"] or None
