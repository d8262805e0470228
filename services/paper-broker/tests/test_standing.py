"""Equity, drawdown and pauses as metrics."""

from __future__ import annotations

from decimal import Decimal

from broker_builders import a_rule_book
from prometheus_client import REGISTRY

from paper_broker.standing import Standing
from trading_core.broker.book import new_book
from trading_core.broker.events import EquityMark


def a_mark(total: str, own: str) -> EquityMark:
    return EquityMark(
        event_id="eq", portfolio="shown", ts_ms=0, total_equity=Decimal(total), unrealised=Decimal(0),
        realised=Decimal(0), open_costs=Decimal(0), open_positions=2, strategies={"rsi": Decimal(own)}, assets={},
    )  # fmt: skip


def shown(name: str, **labels: str) -> float | None:
    return REGISTRY.get_sample_value(name, {"portfolio": "shown", **labels})


def test_drawdown_is_the_fall_from_the_peak_over_the_peak() -> None:
    standing = Standing("shown", Decimal(1000), ["rsi", "quiet"])
    standing.mark(a_mark("1250", "250"))
    standing.mark(a_mark("1000", "125"))
    assert shown("trading_drawdown_fraction") == 0.2  # 250 of 1,250
    assert shown("trading_strategy_equity_usd", strategy="rsi") == 1125.0
    assert shown("trading_strategy_drawdown_fraction", strategy="rsi") == 0.1  # 125 of 1,250
    assert shown("trading_strategy_equity_usd", strategy="quiet") == 1000.0
    assert shown("trading_open_positions") == 2.0


def test_a_pause_is_shown_by_its_cause() -> None:
    standing = Standing("shown", Decimal(1000), ["rsi"])
    book = new_book(a_rule_book())
    book.paused_until["rsi"] = 1
    standing.pauses(book)
    assert shown("trading_strategy_paused", strategy="rsi", cause="max_daily_loss") == 1.0
    assert shown("trading_strategy_paused", strategy="rsi", cause="person") == 0.0
