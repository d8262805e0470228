"""ContrarianPure on hand-made books around its threshold."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading_core.config import Settings, SnapshotConfig
from trading_core.errors import ConfigError
from trading_core.market.samples import A_MARKET, T0, a_book, a_gap, a_poll, a_result
from trading_core.market.state import MarketState
from trading_core.messages import MarketData, SignalMessage, encode
from trading_core.model import MINUTE_MS
from trading_core.strategy.evaluate import evaluate
from trading_core.strategy.registry import LoadedStrategy, load_strategy

FOLDER = Path(__file__).parents[1]
T = T0 + MINUTE_MS


def the_strategy(**params: Any) -> LoadedStrategy:
    return load_strategy(FOLDER, Settings.model_validate({"strategies": {"contrarian_pure": {"params": params}}}))


def at(ts: int, *messages: MarketData, **params: Any) -> SignalMessage:
    state = MarketState("BTC", ("polymarket",))
    for message in messages:
        state.apply(message)
    return evaluate(the_strategy(**params), state, ts, SnapshotConfig())


def of_book(bid: str | None, ask: str | None, **params: Any) -> SignalMessage:
    return at(T, a_poll(), a_book(T - 1_000, bid, ask), **params)


def test_a_likely_up_is_bet_against() -> None:
    # p = (0.79 + 0.81) / 2 = 0.80; confidence 0.5 + 0.5 × 0.08 / 0.28 = 0.642857…
    message = of_book("0.79", "0.81")
    assert (message.direction, message.entry_price, message.instrument) == ("SHORT", "0.8", A_MARKET)
    assert message.confidence == pytest.approx(0.5 + 0.5 * 0.08 / 0.28, rel=1e-12)
    assert message.metadata["probability"] == "0.80"
    assert message.metadata["book_id"] == a_book(T - 1_000, "0.79", "0.81").id
    assert message.id == f"s:contrarian_pure:pm:{A_MARKET}:{T}"


def test_a_likely_down_is_bet_against() -> None:
    message = of_book("0.19", "0.21")
    assert (message.direction, message.entry_price) == ("LONG", "0.2")
    assert message.confidence == pytest.approx(0.5 + 0.5 * 0.08 / 0.28, rel=1e-12)


@pytest.mark.parametrize(("bid", "ask", "direction"), [("0.71", "0.73", "SHORT"), ("0.27", "0.29", "LONG")])
def test_the_threshold_itself_is_a_signal(bid: str, ask: str, direction: str) -> None:
    message = of_book(bid, ask)
    assert (message.direction, message.confidence) == (direction, 0.5)


@pytest.mark.parametrize(("bid", "ask"), [("0.71", "0.729"), ("0.271", "0.29"), ("0.49", "0.51")])
def test_the_smallest_step_before_the_threshold_is_none(bid: str, ask: str) -> None:
    assert of_book(bid, ask).reason == "no_signal"


def test_eighty_and_twenty_are_mirror_images_at_a_threshold_of_eighty() -> None:
    short, long = of_book("0.79", "0.81", threshold=0.8), of_book("0.19", "0.21", threshold=0.8)
    assert (short.direction, long.direction) == ("SHORT", "LONG")
    assert short.confidence == long.confidence == 0.5


@pytest.mark.parametrize(
    ("messages", "reason"),
    [
        ([], "no_market"),
        ([a_book(T - 1_000)], "no_market"),
        ([a_poll(end_time_ms=T + 59_999), a_book(T - 1_000)], "no_market"),
        ([a_poll(), a_book(T - 1_000), a_result(T - 500)], "no_market"),
        ([a_poll()], "stale_book"),
        ([a_poll(), a_book(T - 30_001)], "stale_book"),
        ([a_poll(), a_book(T - 1_000, bid=None)], "one_sided"),
        ([a_poll(), a_book(T - 1_000, ask=None)], "one_sided"),
    ],
)
def test_what_is_missing_is_named_in_its_order(messages: list[MarketData], reason: str) -> None:
    message = at(T, *messages)
    assert (message.direction, message.reason, message.instrument) == ("PASS", reason, "BTC")


def test_a_gap_of_the_exchange_comes_first() -> None:
    gap = a_gap(T - 5_000, exchange="polymarket", channel="book")
    assert at(T, a_poll(), a_book(T - 1_000, "0.9", "0.92"), gap).reason == "gap"


def test_a_book_of_thirty_seconds_is_fresh_and_a_poll_that_found_the_same_confirms_it() -> None:
    assert at(T, a_poll(), a_book(T - 30_000, "0.79", "0.81")).direction == "SHORT"
    confirmed = [a_book(T0, "0.79", "0.81"), a_poll(T - 2_000, bid="0.79", ask="0.81")]
    assert at(T, *confirmed).direction == "SHORT"
    differing = [a_book(T0, "0.79", "0.81"), a_poll(T - 2_000, bid="0.78", ask="0.81")]
    assert at(T, *differing).reason == "stale_book"


def test_the_market_that_ends_first_is_chosen_before_its_book_is_looked_at() -> None:
    later = "0x" + "b2" * 32
    messages = [
        a_poll(), a_poll(market=later, end_time_ms=T0 + 10 * MINUTE_MS),
        a_book(T - 1_000, "0.9", "0.92", market=later),
    ]  # fmt: skip
    assert at(T, *messages).reason == "stale_book"
    # Four minutes later the first has less than a minute left.
    ts = T0 + 4 * MINUTE_MS + MINUTE_MS
    fresh = a_book(ts - 1_000, "0.9", "0.92", market=later)
    assert at(ts, *messages, fresh).instrument == later


def test_of_two_that_end_together_the_bytewise_first_is_chosen() -> None:
    other = "0x" + "00" * 32
    books = [a_book(T - 1_000, "0.9", "0.92"), a_book(T - 1_000, "0.8", "0.82", market=other)]
    assert at(T, a_poll(), a_poll(market=other), *books).instrument == other


def test_it_sets_no_stop_no_target_and_no_timeout() -> None:
    assert the_strategy().rules.given() == {"stop_loss": None, "take_profit": None, "timeout_m": None}


@pytest.mark.parametrize("threshold", [0.5, 1.0, -1])
def test_a_threshold_that_cannot_be_meant_is_refused(threshold: float) -> None:
    with pytest.raises(ConfigError, match="threshold"):
        the_strategy(threshold=threshold)


@given(bid=st.integers(1, 998), width=st.integers(1, 900))
def test_the_answer_is_mirrored_with_the_book(bid: int, width: int) -> None:
    """LONG at p is SHORT at 1 − p with the same confidence, whatever the book."""
    ask = min(bid + width, 999)
    if bid == ask:
        return
    one = of_book(f"{bid / 1000:.3f}", f"{ask / 1000:.3f}")
    other = of_book(f"{1 - ask / 1000:.3f}", f"{1 - bid / 1000:.3f}")
    assert {"LONG": "SHORT", "SHORT": "LONG"}.get(one.direction, one.direction) == other.direction
    assert one.confidence == other.confidence
    assert encode(one) == encode(of_book(f"{bid / 1000:.3f}", f"{ask / 1000:.3f}"))
