"""When a grid point is passed, in which order things are applied, and what a restart goes on with."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from message_builders import T0, a_grid, a_mark, a_signal, a_watermark

from trading_core.broker.inputs import DayChange, FundingHour, Mark, MarkToMarket, Place, Rank, SignalInput, Timeouts
from trading_core.model import DAY_MS, HOUR_MS, MINUTE_MS
from trading_core.sequence.grid import GridTracker
from trading_core.sequence.sequencer import Minute, Resume, Sequencer

SHARD = ("hyperliquid", "BTC")
T1 = T0 + MINUTE_MS
T2 = T1 + MINUTE_MS


def a_sequencer(start: int | Resume = T0, exchanges: tuple[str, ...] = ("hyperliquid",)) -> Sequencer:
    return Sequencer(exchanges=exchanges, shards=[SHARD], start=start)


def reach(sequencer: Sequencer, ts: int, exchange: str = "hyperliquid") -> None:
    for stream in ("MARKET", "BOOK"):
        sequencer.add_market(stream, a_watermark(ts, exchange))


def passed(sequencer: Sequencer) -> Minute:
    minute = sequencer.pass_minute()
    assert minute is not None
    for place, _ in minute.steps:
        sequencer.advance(place)
    return minute


def test_a_grid_point_waits_for_the_watermark_and_the_grid_message() -> None:
    sequencer = a_sequencer()
    assert sequencer.pass_minute() is None
    reach(sequencer, T1)
    assert sequencer.blockers().shards == (SHARD,)
    sequencer.add_complete_grid(SHARD, T1)
    assert sequencer.pass_minute() is not None
    assert sequencer.next_ms == T2


def test_a_minute_without_any_event_still_has_its_timeouts_and_its_valuation() -> None:
    sequencer = a_sequencer()
    reach(sequencer, T1)
    sequencer.add_complete_grid(SHARD, T1)
    assert [type(step) for _, step in passed(sequencer).steps] == [Timeouts, MarkToMarket]


def test_everything_of_a_minute_comes_in_the_order_of_the_rule_book() -> None:
    sequencer = a_sequencer(start=DAY_MS * 20_000 - MINUTE_MS)
    ts = DAY_MS * 20_000
    sequencer.add_market("MARKET", a_mark(ts, "102.0"))
    sequencer.add_market("MARKET", a_mark(ts - 30_000, "101.0"))
    sequencer.add_signal(a_signal(ts, strategy="b"))
    sequencer.add_signal(a_signal(ts, strategy="a"))
    reach(sequencer, ts)
    sequencer.add_complete_grid(SHARD, ts)
    steps = passed(sequencer).steps
    assert [type(step) for _, step in steps] == [
        Mark, Timeouts, DayChange, Mark, FundingHour, Timeouts, SignalInput, SignalInput, MarkToMarket,
    ]  # fmt: skip
    assert [step.signal.strategy for _, step in steps if isinstance(step, SignalInput)] == ["a", "b"]
    assert [place for place, _ in steps] == sorted(place for place, _ in steps)


def test_a_full_hour_has_its_funding_before_its_timeouts() -> None:
    hour = HOUR_MS * 480_001
    sequencer = a_sequencer(start=hour - MINUTE_MS)
    reach(sequencer, hour)
    sequencer.add_complete_grid(SHARD, hour)
    assert [type(step) for _, step in passed(sequencer).steps] == [FundingHour, Timeouts, MarkToMarket]


def test_a_signal_whose_grid_point_was_passed_is_late_and_says_after_what_it_was_applied() -> None:
    sequencer = a_sequencer()
    reach(sequencer, T1)
    sequencer.add_complete_grid(SHARD, T1)
    passed(sequencer)
    sequencer.add_signal(a_signal(T1))
    step = sequencer.take_late()
    assert step is not None
    place, signal = step
    assert place == Place(T1, Rank.EQUITY, "")
    assert isinstance(signal, SignalInput)
    assert signal.late


def test_a_skipped_exchange_keeps_the_place_of_what_its_watermark_covers_and_the_rest_is_held() -> None:
    sequencer = a_sequencer(exchanges=("hyperliquid", "polymarket"))
    other = a_mark(T0 + 10_000, "0.5", exchange="polymarket")
    beyond = a_mark(T0 + 40_000, "0.6", exchange="polymarket")
    sequencer.add_market("MARKET", other)
    sequencer.add_market("MARKET", beyond)
    reach(sequencer, T0 + 20_000, "polymarket")
    reach(sequencer, T1)
    sequencer.add_complete_grid(SHARD, T1)
    assert sequencer.blockers().exchanges == ("polymarket",)
    assert sequencer.blockers().proven
    sequencer.skip_exchange("polymarket")
    first = passed(sequencer)
    assert first.skipped == {"polymarket": T0 + 20_000}
    assert [step.price for _, step in first.steps if isinstance(step, Mark)] == [0.5]

    sequencer.add_market("MARKET", a_mark(T1 + 1_000, "0.7", exchange="polymarket"))
    reach(sequencer, T2, "polymarket")  # back: it is waited for again
    reach(sequencer, T2)
    sequencer.add_complete_grid(SHARD, T2)
    second = passed(sequencer)
    assert second.skipped == {}
    assert [step.price for _, step in second.steps if isinstance(step, Mark)] == [0.7, 0.6]
    held = next(place for place, step in second.steps if isinstance(step, Mark) and step.price == 0.6)
    assert held.visible_ms == T2


def test_a_skipped_shard_is_waited_for_again_once_its_grid_message_is_level() -> None:
    sequencer = a_sequencer()
    reach(sequencer, T2)
    sequencer.skip_shard(SHARD)
    assert passed(sequencer).skipped == {"hyperliquid/BTC": None}
    sequencer.add_complete_grid(SHARD, T1)
    assert sequencer.blockers().shards == (SHARD,)


def test_a_recorded_skip_is_the_same_skip_after_a_restart() -> None:
    sequencer = a_sequencer(exchanges=("hyperliquid", "polymarket"))
    sequencer.restore_skip("polymarket", T0 + 5)
    sequencer.restore_skip("hyperliquid/BTC", None)
    assert sequencer.skips.named() == {"polymarket": T0 + 5, "hyperliquid/BTC": None}


def test_a_sequencer_starts_at_a_full_minute() -> None:
    with pytest.raises(ValueError, match="full minute"):
        a_sequencer(start=T0 + 1)


def filled(start: int | Resume) -> Sequencer:
    """Three minutes of marks and signals, everything in."""
    sequencer = a_sequencer(start)
    for second in range(1, 180, 7):
        sequencer.add_market("MARKET", a_mark(T0 + second * 1000, f"{100 + second}.0"))
    reach(sequencer, T0 + 3 * MINUTE_MS)
    for ts in (T1, T2, T2 + MINUTE_MS):
        if ts > sequencer.passed_ms:
            sequencer.add_signal(a_signal(ts, strategy="a"))
            sequencer.add_signal(a_signal(ts, strategy="b"))
            sequencer.add_complete_grid(SHARD, ts)
    return sequencer


def drained(sequencer: Sequencer) -> list[Place]:
    places: list[Place] = []
    while (minute := sequencer.pass_minute()) is not None:
        for place, _ in minute.steps:
            places.append(place)
            sequencer.advance(place)
    return places


@given(st.integers(0, 40))
def test_a_restart_after_any_step_goes_on_with_exactly_the_next_one(crash_after: int) -> None:
    whole = drained(filled(T0))
    crash_after = min(crash_after, len(whole))
    first = filled(T0)
    done: list[Place] = []
    resume = first.resume()
    while len(done) < crash_after and (minute := first.pass_minute()) is not None:
        for place, _ in minute.steps:
            if len(done) == crash_after:
                break
            first.advance(place)
            done.append(place)
            resume = first.resume()
    assert done + drained(filled(resume)) == whole


def test_a_grid_point_is_complete_with_the_last_of_its_evaluations_in_any_order() -> None:
    tracker = GridTracker()
    assert not tracker.add(a_grid(T1, 2))
    assert not tracker.add(a_signal(T1, "PASS", strategy="a"))
    assert not tracker.add(a_signal(T1, "PASS", strategy="a")), "a redelivery counts once"
    assert tracker.add(a_signal(T1, strategy="b"))
    assert tracker.is_complete(SHARD, T1)
    tracker.forget([SHARD], T1)
    assert not tracker.is_complete(SHARD, T1)
