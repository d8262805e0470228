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
    """All metrics of a set of closed trades, forced closes included. One look at each: none of them is kept."""
    count = wins = losses = suspect = held_ms = 0
    won = lost = Decimal(0)
    gross = fees = funding = slippage = realised = NOTHING_USD
    reasons: Counter[str] = Counter()
    with exactly():
        for trade in trades:
            count += 1
            if trade.realised_pnl > 0:
                wins += 1
                won += trade.realised_pnl
            elif trade.realised_pnl < 0:
                losses += 1
                lost -= trade.realised_pnl
            gross += trade.gross_pnl
            fees += trade.fees
            funding += trade.funding_pnl
            slippage += trade.slippage_cost
            realised += trade.realised_pnl
            reasons[trade.exit_reason] += 1
            held_ms += trade.exit_ms - trade.entry_ms
            suspect += trade.suspect
        return TradeMetrics(
            trades=count,
            wins=wins,
            losses=losses,
            exit_reasons=dict(sorted(reasons.items())),
            win_rate=wins / count if count else None,
            loss_rate=losses / count if count else None,
            avg_win=float(won / wins) if wins else None,
            avg_loss=float(lost / losses) if losses else None,
            profit_factor=float(won / lost) if losses else None,
            profit_factor_infinite=bool(wins) and not losses,
            # win_rate x avg_win - loss_rate x avg_loss is the mean P&L; this form rounds once.
            expectancy=float(realised / count) if count else None,
            gross_pnl=gross,
            fees=fees,
            funding_pnl=funding,
            slippage_cost=slippage,
            realised_pnl=realised,
            avg_hold_s=held_ms / count / 1000 if count else None,
            suspect=suspect,
        )
