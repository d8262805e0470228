"""Equity, drawdown and pauses as metrics, after each full minute."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from paper_broker import metrics
from trading_core.broker.book import Book
from trading_core.broker.events import EquityMark


class Standing:
    """Of one ledger. Peaks begin with this process: the page and Grafana have those of all time from Postgres."""

    def __init__(self, portfolio: str, initial_capital: Decimal, strategies: Iterable[str]) -> None:
        self._portfolio = portfolio
        self._initial = float(initial_capital)
        self._strategies = tuple(strategies)
        self._peaks: dict[str | None, float] = {}

    def mark(self, event: EquityMark) -> None:
        equity = float(event.total_equity)
        metrics.EQUITY_USD.labels(self._portfolio).set(equity)
        metrics.DRAWDOWN_FRACTION.labels(self._portfolio).set(self._drawdown(None, equity))
        metrics.OPEN_POSITIONS.labels(self._portfolio).set(event.open_positions)
        for strategy in self._strategies:
            own = self._initial + float(event.strategies.get(strategy, 0))
            metrics.STRATEGY_EQUITY_USD.labels(self._portfolio, strategy).set(own)
            metrics.STRATEGY_DRAWDOWN_FRACTION.labels(self._portfolio, strategy).set(self._drawdown(strategy, own))

    def pauses(self, book: Book) -> None:
        for strategy in self._strategies:
            for cause, paused in (("max_daily_loss", book.paused_until), ("person", book.paused_by_person)):
                metrics.STRATEGY_PAUSED.labels(self._portfolio, strategy, cause).set(strategy in paused)

    def _drawdown(self, whose: str | None, equity: float) -> float:
        peak = self._peaks[whose] = max(self._peaks.get(whose, equity), equity)
        return (peak - equity) / peak if peak > 0 else 0.0
