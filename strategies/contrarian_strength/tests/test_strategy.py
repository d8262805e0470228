"""ContrarianStrength: the consensus of ContrarianPure, and the money behind it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from trading_core.config import Settings, SnapshotConfig
from trading_core.market.samples import A_MARKET, T0, a_book, a_poll
from trading_core.market.state import MarketState
from trading_core.messages import MarketData, SignalMessage
from trading_core.model import MINUTE_MS
from trading_core.strategy.evaluate import evaluate
from trading_core.strategy.registry import LoadedStrategy, load_strategy

FOLDER = Path(__file__).parents[1]
T = T0 + MINUTE_MS
LATER = T0 + 30 * MINUTE_MS
MONEY: dict[str, Any] = {"volume_24h": "1000", "liquidity": "500"}


def the_strategy(**params: Any) -> LoadedStrategy:
    return load_strategy(FOLDER, Settings.model_validate({"strategies": {"contrarian_strength": {"params": params}}}))


def at(ts: int, *messages: MarketData, **params: Any) -> SignalMessage:
    state = MarketState("BTC", ("polymarket",))
    for message in messages:
        state.apply(message)
    return evaluate(the_strategy(**params), state, ts, SnapshotConfig())


def backed(bid: str, ask: str, **stats: Any) -> SignalMessage:
    return at(T, a_poll(**{**MONEY, **stats}), a_book(T - 1_000, bid, ask))


def test_a_consensus_with_money_behind_it_is_bet_against() -> None:
    # p = 0.90; confidence 0.5 + 0.5 × 0.10 / 0.20 = 0.75
    message = backed("0.89", "0.91")
    assert (message.direction, message.entry_price, message.instrument) == ("SHORT", "0.9", A_MARKET)
    assert message.confidence == pytest.approx(0.75, rel=1e-12)
    assert message.metadata["volume_24h"] == "1000"
    assert backed("0.09", "0.11").direction == "LONG"


@pytest.mark.parametrize(
    "stats", [{"volume_24h": "999.99"}, {"liquidity": "499.99"}, {"volume_24h": "0", "liquidity": "0"}]
)
def test_without_enough_money_there_is_no_signal(stats: dict[str, str]) -> None:
    assert backed("0.89", "0.91", **stats).reason == "no_signal"


def test_the_widest_spread_that_is_allowed_is_the_limit_itself() -> None:
    assert backed("0.87", "0.92").direction == "SHORT"
    assert backed("0.87", "0.921").reason == "no_signal"


@pytest.mark.parametrize("stats", [{"volume_24h": None}, {"liquidity": None}])
def test_an_unknown_figure_is_no_volume_even_without_a_consensus(stats: dict[str, None]) -> None:
    assert backed("0.49", "0.51", **stats).reason == "no_volume"


def test_figures_of_ten_minutes_ago_are_too_old() -> None:
    ends = {"end_time_ms": LATER + 5 * MINUTE_MS}
    book = a_book(LATER - 1_000, "0.89", "0.91")
    assert at(LATER, a_poll(LATER - 600_000, **ends, **MONEY), book).reason == "no_volume"
    assert at(LATER, a_poll(LATER - 599_999, **ends, **MONEY), book).direction == "SHORT"


def test_the_book_is_judged_before_the_figures() -> None:
    assert at(T, a_poll()).reason == "stale_book"
    assert at(T, a_poll(), a_book(T - 1_000, bid=None)).reason == "one_sided"
    assert at(T).reason == "no_market"
