"""What the state of one asset takes from messages, and that it cannot be looked at from before its newest one."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading_core.config import SnapshotConfig
from trading_core.market.samples import T0, a_candle, a_ctx, a_funding, a_gap, hour
from trading_core.market.snapshot import MarketSnapshot, MissingInput
from trading_core.market.state import MarketState
from trading_core.messages import BboMessage, MarketData, TradeMessage
from trading_core.model import HOUR_MS, MINUTE_MS, Candle

LIMITS = SnapshotConfig()
LATER = T0 + HOUR_MS


def a_state_of(*messages: MarketData) -> MarketState:
    state = MarketState("BTC")
    for message in messages:
        state.apply(message)
    return state


def at(state: MarketState, ts: int = LATER) -> MarketSnapshot:
    return state.snapshot("hyperliquid", ts, LIMITS)


def minute(number: int) -> int:
    return T0 + number * MINUTE_MS


def test_the_mark_is_the_newest_context() -> None:
    assert at(a_state_of(a_ctx(T0, 100.0), a_ctx(T0 + 5, 101.0))).mark_price == 101.0


def test_an_older_context_never_replaces_a_newer_mark() -> None:
    assert at(a_state_of(a_ctx(T0 + 5, 101.0), a_ctx(T0, 100.0))).mark_price == 101.0


def test_of_two_contexts_of_the_same_moment_the_one_applied_last_is_the_mark() -> None:
    assert at(a_state_of(a_ctx(T0, 100.0), a_ctx(T0, 101.0))).mark_price == 101.0


def test_a_polled_context_is_never_a_mark_but_gives_open_interest() -> None:
    state = a_state_of(a_ctx(LATER - 9, 100.0), a_ctx(LATER - 5, 200.0, polled=True, open_interest="30.5"))
    assert at(state).mark_price == 100.0
    assert at(state).open_interest() == 30.5


def test_a_candle_message_is_no_mark() -> None:
    with pytest.raises(MissingInput, match="no_price"):
        _ = at(a_state_of(a_candle())).mark_price


def test_in_a_candle_backtest_the_close_is_the_mark() -> None:
    state = MarketState("BTC")
    state.apply_candle(
        Candle(asset="BTC", open_time_ms=T0, interval_ms=MINUTE_MS, open=1.0, high=3.0, low=0.5, close=2.0, volume=7.0)
    )
    snapshot = at(state, T0 + MINUTE_MS)
    assert (snapshot.mark_price, snapshot.mark_age_ms) == (2.0, 0)
    assert snapshot.candles("1m", 1).high.tolist() == [3.0]


def test_trades_and_best_bids_and_offers_leave_no_trace() -> None:
    common: dict[str, Any] = {
        "id": "any", "exchange": "hyperliquid", "asset": "BTC", "event_time_ms": T0, "visible_ms": T0,
    }  # fmt: skip
    state = a_state_of(
        TradeMessage(**common, price="1", size="1", side="buy", trade_id="1"), BboMessage(**common, bid_price="1")
    )
    assert state.newest_visible_ms == -1


def test_the_newest_settled_funding_is_the_one_stamped_last() -> None:
    state = a_state_of(a_funding(hour(2), 0.0003), a_funding(hour(1), 0.0001))
    assert at(state, hour(3)).funding_rate_1h() == Decimal("0.0003")


def test_of_two_rows_of_one_hour_the_later_one_counts_whichever_came_first() -> None:
    first, second = a_funding(hour(0), 0.0001), a_funding(hour(0), 0.0002, event_time_ms=hour(0) + 50)
    for rows in ((first, second), (second, first)):
        assert at(a_state_of(*rows)).funding_rate_1h() == Decimal("0.0002")


def test_the_running_estimate_is_not_the_settled_rate() -> None:
    snapshot = at(a_state_of(a_ctx(LATER, funding_estimate_1h="0.0009")))
    assert snapshot.funding_estimate_1h() == Decimal("0.0009")
    with pytest.raises(MissingInput, match="no_funding"):
        snapshot.funding_rate_1h()


@pytest.mark.parametrize(
    ("ts", "inside"), [(minute(5) - 1, False), (minute(5), True), (minute(6), True), (minute(500), True)]
)
def test_a_gap_begins_at_its_from_and_lasts_while_nothing_closes_it(ts: int, inside: bool) -> None:
    assert a_state_of(a_gap(minute(5))).in_gap("hyperliquid", ts) is inside


def test_a_gap_with_an_end_covers_its_end_and_nothing_after() -> None:
    state = a_state_of(a_gap(minute(5), to_ms=minute(7)))
    assert [state.in_gap("hyperliquid", minute(number)) for number in (5, 7, 8)] == [True, True, False]


@pytest.mark.parametrize("closing", ["filled", "lost"])
def test_filled_and_lost_both_close_a_gap(closing: str) -> None:
    opened = a_gap(minute(5))
    closed = a_gap(minute(5), state=closing, to_ms=minute(9), event_time_ms=minute(9), visible_ms=minute(9))
    assert not a_state_of(opened, closed).in_gap("hyperliquid", minute(9))


def test_the_opening_of_a_closed_gap_read_again_does_not_open_it_again() -> None:
    opened, closed = a_gap(minute(5)), a_gap(minute(5), state="filled", to_ms=minute(9))
    assert not a_state_of(opened, closed, opened).in_gap("hyperliquid", minute(9))
    assert not a_state_of(closed, opened).in_gap("hyperliquid", minute(9))


@pytest.mark.parametrize("channel", ["trade", "bbo", "book", "ctx"])
def test_a_hole_in_any_channel_is_a_gap_of_the_exchange(channel: str) -> None:
    opened = a_gap(minute(5), channel=channel)
    closed = a_gap(minute(5), channel=channel, state="lost", to_ms=minute(7), visible_ms=minute(7))
    assert a_state_of(opened).in_gap("hyperliquid", minute(8))
    assert not a_state_of(opened, closed).in_gap("hyperliquid", minute(8))


def test_closing_one_gap_leaves_another_channel_s_open() -> None:
    state = a_state_of(
        a_gap(minute(5)), a_gap(minute(5), channel="funding"), a_gap(minute(5), state="filled", to_ms=minute(6))
    )
    assert state.in_gap("hyperliquid", minute(8))


def test_a_minute_whose_candle_was_filled_in_counts_as_a_gap() -> None:
    state = a_state_of(a_candle(minute(0)), a_candle(minute(1), backfilled=True))
    assert state.in_gap("hyperliquid", minute(2))
    state.apply(a_candle(minute(2)))
    assert not state.in_gap("hyperliquid", minute(3))


def test_a_backfill_that_repeats_a_live_candle_makes_no_gap() -> None:
    state = a_state_of(a_candle(minute(0)), a_candle(minute(0), backfilled=True))
    assert not state.in_gap("hyperliquid", minute(1))


def test_open_interest_keeps_the_last_value_of_each_hour_and_the_current_one() -> None:
    values = [(hour(1), "1"), (hour(1) + 1, "2"), (hour(2), "3"), (hour(2) + 1, "4"), (hour(4) + 7, "5")]
    state = a_state_of(*(a_ctx(time_ms, open_interest=value, polled=True) for time_ms, value in values))
    snapshot = at(state, hour(4) + MINUTE_MS)
    assert snapshot.open_interest_sample(168, at_least=4).tolist() == [1.0, 3.0, 4.0, 5.0]
    assert snapshot.open_interest_sample(2, at_least=1).tolist() == [4.0, 5.0]
    with pytest.raises(MissingInput, match="warming_up"):
        snapshot.open_interest_sample(168, at_least=5)


def test_open_interest_older_than_an_hour_is_none() -> None:
    state = a_state_of(a_ctx(T0, open_interest="1"))
    assert at(state, hour(1) - 1).open_interest() == 1.0
    with pytest.raises(MissingInput, match="no_oi"):
        at(state, hour(1)).open_interest()


def test_the_state_of_one_asset_refuses_another_s_messages() -> None:
    with pytest.raises(ValueError, match="is of ETH"):
        MarketState("BTC").apply(a_ctx(asset="ETH"))
    with pytest.raises(ValueError, match="polymarket"):
        MarketState("BTC").apply(a_ctx(exchange="polymarket"))


def test_wider_candles_are_never_read() -> None:
    with pytest.raises(ValueError, match="built, never read"):
        MarketState("BTC").apply(a_candle(interval="5m"))


@pytest.mark.parametrize(
    "future",
    [
        a_candle(minute(5), 999.0),
        a_candle(minute(1), 999.0, visible_ms=minute(5) + 1),
        a_ctx(minute(5) + 1, 999.0),
        a_funding(minute(5), 0.9),
        a_gap(minute(5) + 1),
    ],
)
def test_once_something_past_t_is_known_there_is_no_way_back_to_t(future: MarketData) -> None:
    state = a_state_of(a_candle(minute(4)), a_ctx(minute(5)))
    at(state, minute(5))
    state.apply(future)
    with pytest.raises(ValueError, match="no snapshot at"):
        at(state, minute(5))


def test_a_look_back_beyond_what_is_kept_is_refused_and_not_cut_short() -> None:
    with pytest.raises(ValueError, match="only 5000 are kept"):
        MarketState("BTC").snapshot("hyperliquid", T0, LIMITS, history=5_001)


@dataclass(frozen=True)
class Seen:
    """Everything of a state that a strategy could ask for."""

    candles: list[tuple[float, ...]]
    wider: list[tuple[float, ...]]
    seen: dict[str, Any]
    gap: bool
    funding: Decimal | None


def everything(state: MarketState, ts: int) -> Seen:
    snapshot = at(state, ts)

    def rows(interval: str) -> list[tuple[float, ...]]:
        length = 0
        while True:
            try:
                window = snapshot.candles(interval, length + 1)
            except MissingInput:
                break
            length += 1
        return list(zip(*(column.tolist() for column in window), strict=True)) if length else []

    funding = snapshot.funding_rate_1h() if state.seen("hyperliquid")["funding_hour_ms"] > 0 else None
    return Seen(rows("1m"), rows("5m"), state.seen("hyperliquid"), state.in_gap("hyperliquid", ts), funding)


candle_sets = st.dictionaries(st.integers(0, 40), st.sampled_from([90.0, 100.0, 110.0]), min_size=1, max_size=40)


@given(closes=candle_sets, data=st.data())
def test_a_backfill_in_any_order_gives_the_state_of_candles_in_order(
    closes: dict[int, float], data: st.DataObject
) -> None:
    messages = [a_candle(minute(number), close) for number, close in sorted(closes.items())]
    shuffled = data.draw(st.permutations(messages + messages[::3]))
    assert everything(a_state_of(*shuffled), LATER) == everything(a_state_of(*messages), LATER)


@given(closes=candle_sets, times=st.lists(st.integers(0, 40), max_size=20), data=st.data())
def test_messages_and_direct_application_give_the_same_candles(
    closes: dict[int, float], times: list[int], data: st.DataObject
) -> None:
    by_message, direct = MarketState("BTC"), MarketState("BTC")
    for number, close in sorted(closes.items()):
        by_message.apply(a_candle(minute(number), close))
        by_message.apply(a_ctx(minute(number + 1), close, id=""))
        direct.apply_row(minute(number), close, close, close, close, 1.0)
    for number in sorted(set(times)):
        by_message.apply(a_funding(hour(0), 0.0001 * number, event_time_ms=hour(0) + number + 11, id=""))
        direct.apply_funding(hour(0), hour(0) + number + 11, Decimal(repr(0.0001 * number)))
    assert everything(by_message, LATER) == everything(direct, LATER)


@given(closes=candle_sets)
def test_applying_everything_twice_changes_nothing(closes: dict[int, float]) -> None:
    messages: list[MarketData] = []
    for number, close in sorted(closes.items()):
        messages += [a_candle(minute(number), close), a_ctx(minute(number + 1), close), a_gap(minute(number))]
        if close > 95:
            messages.append(a_gap(minute(number), state="lost", to_ms=minute(number + 1)))
    assert everything(a_state_of(*messages, *messages), LATER) == everything(a_state_of(*messages), LATER)
