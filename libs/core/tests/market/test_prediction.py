"""What the state of one asset keeps of its prediction markets."""

from __future__ import annotations

from decimal import Decimal

import pytest

from trading_core.config import SnapshotConfig
from trading_core.market.samples import A_MARKET, T0, a_book, a_poll, a_result
from trading_core.market.snapshot import MarketSnapshot, MissingInput
from trading_core.market.state import MarketState
from trading_core.messages import MarketData
from trading_core.model import MINUTE_MS

T = T0 + MINUTE_MS


def at(ts: int, *messages: MarketData) -> MarketSnapshot:
    state = MarketState("BTC", ("polymarket",))
    for message in messages:
        state.apply(message)
    return state.snapshot("polymarket", ts, SnapshotConfig())


def test_a_market_is_seen_with_its_ages() -> None:
    market = at(T, a_poll(T - 40_000, last="0.47"), a_book(T - 3_000, "0.505", "0.52")).nearest_market(60)
    assert (market.probability(), market.spread()) == (Decimal("0.5125"), Decimal("0.015"))
    assert (market.book_age_ms, market.stats_age_ms, market.time_left_s) == (3_000, 40_000, 240.0)
    assert market.last() == Decimal("0.47")


def test_of_two_books_the_newer_one_counts_and_of_equal_times_the_one_applied_last() -> None:
    newer, older = a_book(T - 1_000, "0.7", "0.8"), a_book(T - 2_000, "0.1", "0.2")
    assert at(T, a_poll(), newer, older).nearest_market(0).best_bid() == Decimal("0.7")
    again = a_book(T - 1_000, "0.3", "0.8")
    assert at(T, a_poll(), newer, again).nearest_market(0).best_bid() == Decimal("0.3")


def test_the_time_left_counts_to_the_millisecond() -> None:
    assert at(T, a_poll(end_time_ms=T + 60_000)).nearest_market(60).market == A_MARKET
    with pytest.raises(MissingInput, match="no_market"):
        at(T, a_poll(end_time_ms=T + 59_999)).nearest_market(60)


def test_ended_and_decided_markets_are_forgotten() -> None:
    state = MarketState("BTC", ("polymarket",))
    for number in range(1_000):
        name, opens = f"0x{number:064x}", T0 + number * 5 * MINUTE_MS
        ends = {"end_time_ms": opens + 5 * MINUTE_MS}
        state.apply(a_poll(opens, market=name, **ends))
        state.apply(a_book(opens + 1_000, market=name))
        state.apply(a_result(opens + 5 * MINUTE_MS + 16_000, market=name))
    snapshot = state.snapshot("polymarket", T0 + 10_000 * MINUTE_MS, SnapshotConfig())
    known = [number for number in range(1_000) if _known(snapshot, f"0x{number:064x}")]
    assert len(known) <= 2


def _known(snapshot: MarketSnapshot, market: str) -> bool:
    try:
        return snapshot.market(market) is not None
    except MissingInput:
        return False


def test_a_market_s_price_is_its_probability_and_the_asset_has_none() -> None:
    snapshot = at(T, a_poll(), a_book(T - 1_000, "0.5", "0.6"))
    assert snapshot.price_of(A_MARKET) == 0.55
    with pytest.raises(MissingInput, match="no_price"):
        snapshot.price_of("")
