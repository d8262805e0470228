"""What closed trades say: wins, losses, sums, holding time. Floats made from exact Decimals; sums stay Decimal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from decimal import Decimal

import msgspec

from trading_core.money import NOTHING_USD, exactly


class Trade(msgspec.Struct, frozen=True, kw_only=True):
    """One closed position, as far as statistics go. USD; times UTC ms; fees 0 or more."""

    strategy: str
    asset: str
    entry_ms: int
    exit_ms: int
    exit_reason: str
    gross_pnl: Decimal
    fees: Decimal
    funding_pnl: Decimal
    slippage_cost: Decimal
    realised_pnl: Decimal
    suspect: bool = False


class TradeMetrics(msgspec.Struct, frozen=True, kw_only=True):
    """`trades` is what everything here rests on. What is not defined is None.

    `avg_win` and `avg_loss` are both positive. A trade at exactly 0 is neither a win nor a loss.
    """

    trades: int
    wins: int
    losses: int
    exit_reasons: dict[str, int]
    win_rate: float | None
    loss_rate: float | None
    avg_win: float | None
    avg_loss: float | None
    profit_factor: float | None
    profit_factor_infinite: bool
    expectancy: float | None
    gross_pnl: Decimal
    fees: Decimal
    funding_pnl: Decimal
    slippage_cost: Decimal
    realised_pnl: Decimal
    avg_hold_s: float | None
    suspect: int


def trade_metrics(trades: Iterable[Trade]) -> TradeMetrics:
    """All metrics of a set of closed trades, forced closes included."""
    closed = list(trades)
    count = len(closed)
    won = [trade.realised_pnl for trade in closed if trade.realised_pnl > 0]
    lost = [-trade.realised_pnl for trade in closed if trade.realised_pnl < 0]
    with exactly():
        gains, losses = sum(won, Decimal(0)), sum(lost, Decimal(0))
        realised = sum((trade.realised_pnl for trade in closed), NOTHING_USD)
        return TradeMetrics(
            trades=count,
            wins=len(won),
            losses=len(lost),
            exit_reasons=dict(sorted(Counter(trade.exit_reason for trade in closed).items())),
            win_rate=len(won) / count if count else None,
            loss_rate=len(lost) / count if count else None,
            avg_win=float(gains / len(won)) if won else None,
            avg_loss=float(losses / len(lost)) if lost else None,
            profit_factor=float(gains / losses) if lost else None,
            profit_factor_infinite=bool(won) and not lost,
            # win_rate x avg_win - loss_rate x avg_loss is the mean P&L; this form rounds once.
            expectancy=float(realised / count) if count else None,
            gross_pnl=sum((trade.gross_pnl for trade in closed), NOTHING_USD),
            fees=sum((trade.fees for trade in closed), NOTHING_USD),
            funding_pnl=sum((trade.funding_pnl for trade in closed), NOTHING_USD),
            slippage_cost=sum((trade.slippage_cost for trade in closed), NOTHING_USD),
            realised_pnl=realised,
            avg_hold_s=sum(trade.exit_ms - trade.entry_ms for trade in closed) / count / 1000 if count else None,
            suspect=sum(trade.suspect for trade in closed),
        )
