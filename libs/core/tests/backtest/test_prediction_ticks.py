"""Contrarian strategies over recorded books: what live does with them, from signal to the venue's result."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal

from repository import ROOT
from trading_core.backtest.engine import Run
from trading_core.backtest.report import report
from trading_core.backtest.ticks import run_ticks
from trading_core.broker.rules import DEFAULT_SZ_DECIMALS, rule_book
from trading_core.config import load
from trading_core.market.samples import T0, a_book, a_poll, a_result
from trading_core.messages import MarketData
from trading_core.model import MINUTE_MS, Exchange
from trading_core.sequence.timeline import order_of
from trading_core.strategy.registry import load_strategies

NAMES = ("contrarian_pure", "contrarian_strength")
MINUTES = 7


def recorded(volume: str | None) -> list[MarketData]:
    """One market of five minutes that begins at T0, at 0.88 for Up all along; the venue says Down."""
    found: list[MarketData] = [a_result(T0 + 5 * MINUTE_MS + 16_000, "0")]
    for number in range(6):
        polled_ms = T0 + number * MINUTE_MS + 1_000
        found.append(
            a_poll(
                polled_ms, id=f"p:{number}", bid="0.87", ask="0.89", fee_rate="0.07", fee_exponent="1",
                volume_24h=volume, liquidity="900",
            )
        )  # fmt: skip
        # 16 s before each full minute: the books are 16 s old when a strategy looks and 6 s too old to be walked.
        found += [a_book(T0 + number * MINUTE_MS + seconds * 1_000, "0.87", "0.89") for seconds in (2, 44)]
    return sorted(found, key=order_of)


async def backtest(market: list[MarketData], exchanges: tuple[str, ...] = tuple(Exchange)) -> Run:
    async def served() -> AsyncIterator[MarketData]:
        for message in market:
            yield message

    settings = load(ROOT / "config.yaml")
    strategies = [loaded for loaded in load_strategies(ROOT / "strategies", settings) if loaded.name in NAMES]
    rules = rule_book(settings.broker, {s.name: s.rules for s in strategies}, DEFAULT_SZ_DECIMALS)
    return await run_ticks(
        served(), "memory", strategies, ("BTC",), rules, settings.snapshot, T0, T0 + MINUTES * MINUTE_MS,
        exchanges=exchanges,
    )  # fmt: skip


async def test_both_bet_against_the_consensus_and_are_paid_by_the_venue() -> None:
    run = await backtest(recorded("5000"))
    assert [(trade.strategy, trade.direction, trade.exit_reason) for trade in run.trades] == [
        (name, "SHORT", "resolved") for name in NAMES
    ]
    [pure, _] = run.trades
    # A stake of 200 at the fixed model: NO at 1 - 0.87 = 0.13, x 1.005 = 0.13065, up to 0.14; 200 / 0.14 = 1428.57.
    assert (pure.entry_price, pure.quantity, pure.exit_price) == (Decimal("0.14"), Decimal("1428.57"), Decimal(1))
    # Fee: 1428.57 x 0.07 x 0.14 x 0.86 = 12.0399879…, five places. Gross: 1428.57 x 0.86.
    assert pure.fees == Decimal("12.039990")
    assert pure.gross_pnl == Decimal("1228.570200")
    assert pure.realised_pnl == Decimal("1216.530210")
    assert pure.exit_ms == T0 + 5 * MINUTE_MS + 16_000
    assert run.equity[-1].total_equity == 10_000 + sum(trade.realised_pnl or 0 for trade in run.trades)


async def test_a_strategy_still_says_why_it_passes() -> None:
    run = await backtest(recorded(None))
    assert {trade.strategy for trade in run.trades} == {"contrarian_pure"}
    passes = report(run, 252)["summary"]["passes"]
    assert passes["contrarian_strength:no_volume"] > 0


async def test_without_recorded_books_they_are_said_to_be_left_out() -> None:
    run = await backtest(recorded("5000"), exchanges=("hyperliquid",))
    said = report(run, 252)["summary"]["strategies_not_evaluated"]
    assert said == dict.fromkeys(NAMES, "this source has no recorded messages of polymarket")
