"""One evaluation: its PASS reasons in their order, and that it follows from what was visible by T and nothing else."""

import math
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading_core.config import SnapshotConfig, StrategyRules
from trading_core.errors import StrategyFailed
from trading_core.market.samples import T0, a_candle, a_ctx, a_funding, a_gap, a_state, end_of, hour
from trading_core.market.state import MarketState
from trading_core.messages import MarketData, SignalMessage, decode, encode
from trading_core.model import INTERVALS_MS, MINUTE_MS
from trading_core.strategy import Direction, MarketSnapshot, MissingInput, Signal, Strategy
from trading_core.strategy.evaluate import Pass, decide, evaluate, is_due, pass_message
from trading_core.strategy.registry import LoadedStrategy

LIMITS = SnapshotConfig()
Rule = Callable[[Strategy, MarketSnapshot], Signal | None]


class Scripted(Strategy):
    """Does what the test says."""

    name = "scripted"

    def __init__(self, rule: Rule, interval: str, history: int) -> None:
        super().__init__(interval=interval)
        self.history = history
        self._rule = rule

    def evaluate(self, snapshot: MarketSnapshot) -> Signal | None:
        return self._rule(self, snapshot)


def buy(strategy: Strategy, snapshot: MarketSnapshot) -> Signal | None:
    return strategy.signal(snapshot, Direction.LONG, 0.75)


def buy_when_rising(strategy: Strategy, snapshot: MarketSnapshot) -> Signal | None:
    """Looks at all that a state holds: two intervals, funding, open interest, the mark."""
    closes, fives = snapshot.closes("1m", 3), snapshot.closes("5m", 2)
    oi = snapshot.open_interest_sample(5, at_least=1)
    inputs = {"closes": closes, "fives": fives, "oi": oi, "funding": snapshot.funding_rate_8h()}
    direction = Direction.LONG if closes[-1] >= closes[0] else Direction.SHORT
    return strategy.signal(snapshot, direction, 0.5 + 0.5 * math.tanh(abs(closes[-1] - fives[0])), **inputs)


def a_strategy(rule: Rule = buy, interval: str = "1m", history: int = 5_000) -> LoadedStrategy:
    return LoadedStrategy(
        name="scripted",
        class_name="Scripted",
        instance=Scripted(rule, interval, history),
        enabled=True,
        interval=interval,
        interval_ms=INTERVALS_MS[interval],
        assets=("BTC",),
        exchanges=("hyperliquid",),
        grid="hyperliquid",
        params={},
        rules=StrategyRules(),
        input_limits={},
        code_hash="c0de",
        params_hash="9a9a",
        docs="",
    )


def a_state_of(*messages: MarketData, history: int = 5_000) -> MarketState:
    state = MarketState("BTC", history=history)
    for message in messages:
        state.apply(message)
    return state


def raising(error: Exception) -> Rule:
    def rule(strategy: Strategy, snapshot: MarketSnapshot) -> Signal | None:
        raise error

    return rule


def test_a_signal_carries_the_mark_the_grid_point_and_what_decided() -> None:
    state = a_state_of(a_candle(T0, 100.0), a_ctx(T0 + MINUTE_MS - 5, 100.5, id="x:1"))
    message = evaluate(
        a_strategy(lambda s, snapshot: s.signal(snapshot, Direction.SHORT, 0.75, why="test")),
        state,
        T0 + MINUTE_MS,
        LIMITS,
    )
    assert message == SignalMessage(
        id=f"s:scripted:hl:BTC:{T0 + MINUTE_MS}",
        strategy="scripted",
        exchange="hyperliquid",
        asset="BTC",
        instrument="BTC",
        ts=T0 + MINUTE_MS,
        grid="hyperliquid",
        direction="SHORT",
        confidence=0.75,
        entry_price="100.5",
        metadata={
            "why": "test",
            "seen": {
                "candle_close_ms": T0 + MINUTE_MS,
                "mark_id": "x:1",
                "mark_ms": T0 + MINUTE_MS - 5,
                "funding_id": "",
                "funding_hour_ms": -1,
            },
        },
        code_hash="c0de",
        params_hash="9a9a",
    )


def test_a_pass_has_a_reason_and_neither_confidence_nor_price() -> None:
    state = a_state([100.0])
    message = evaluate(a_strategy(lambda s, snapshot: None), state, end_of(state), LIMITS)
    assert (message.direction, message.reason) == ("PASS", "no_signal")
    assert (message.confidence, message.entry_price) == (None, None)
    assert message.metadata["seen"]["candle_close_ms"] == end_of(state)


def test_a_gap_comes_before_the_missing_candle_and_the_missing_candle_before_the_strategy() -> None:
    strategy = a_strategy(raising(MissingInput("warming_up")))
    ts = T0 + MINUTE_MS
    assert decide(strategy, a_state_of(a_gap(T0)), ts, LIMITS) == Pass("gap")
    assert decide(strategy, a_state_of(), ts, LIMITS) == Pass("no_candle")
    assert decide(strategy, a_state_of(a_candle(T0)), ts, LIMITS) == Pass("warming_up")


def test_after_the_gap_is_closed_a_strategy_is_evaluated_again() -> None:
    gap, ts = a_gap(T0), T0 + 2 * MINUTE_MS
    closed = a_gap(T0, state="filled", to_ms=ts - 5, event_time_ms=ts - 5, visible_ms=ts - 5)
    backfilled = a_candle(T0, backfilled=True, visible_ms=ts - 6)
    state = a_state_of(gap, backfilled, closed, a_candle(T0 + MINUTE_MS), a_ctx(ts))
    assert isinstance(decide(a_strategy(), state, ts, LIMITS), Signal)


def test_a_candle_filled_in_at_t_itself_makes_no_signal() -> None:
    state = a_state_of(a_candle(T0, backfilled=True), a_ctx(T0 + MINUTE_MS))
    assert decide(a_strategy(), state, T0 + MINUTE_MS, LIMITS) == Pass("gap")


def test_a_five_minute_strategy_needs_all_five_candles() -> None:
    minutes = [a_candle(T0 + number * MINUTE_MS) for number in range(5)]
    strategy, mark, ts = a_strategy(interval="5m"), a_ctx(T0 + 4 * MINUTE_MS), T0 + 5 * MINUTE_MS
    assert isinstance(decide(strategy, a_state_of(*minutes, mark), ts, LIMITS), Signal)
    for missing in range(5):
        holed = minutes[:missing] + minutes[missing + 1 :]
        assert decide(strategy, a_state_of(*holed, mark), ts, LIMITS) == Pass("no_candle")


def test_a_signal_without_any_mark_is_a_pass() -> None:
    assert decide(a_strategy(), a_state_of(a_candle(T0)), T0 + MINUTE_MS, LIMITS) == Pass("no_price")


def test_a_strategy_may_return_a_pass_with_a_reason_of_its_own() -> None:
    state = a_state([100.0])
    strategy = a_strategy(lambda s, snapshot: s.signal(snapshot, Direction.PASS, 0.0, reason="too_quiet", x=1))
    message = evaluate(strategy, state, end_of(state), LIMITS)
    assert (message.reason, message.metadata["x"], message.confidence) == ("too_quiet", 1, None)


def test_a_strategy_is_due_at_multiples_of_its_interval_only() -> None:
    strategy = a_strategy(interval="5m")
    assert [is_due(strategy, T0 + number * MINUTE_MS) for number in (0, 1, 4, 5)] == [True, False, False, True]
    with pytest.raises(ValueError, match="multiples of 5m"):
        decide(strategy, a_state([1.0]), T0 + MINUTE_MS, LIMITS)


def test_a_strategy_that_raises_has_failed_and_its_traceback_is_told() -> None:
    state = a_state([100.0])
    with pytest.raises(StrategyFailed, match=r"scripted failed on BTC at (?s:.*)Traceback(?s:.*)ZeroDivisionError: oh"):
        decide(a_strategy(raising(ZeroDivisionError("oh"))), state, end_of(state), LIMITS)


@pytest.mark.parametrize(
    "change",
    [{"asset": "ETH"}, {"strategy": "another"}, {"ts": T0}, {"entry_price": 1.0}, {"exchange": "polymarket"}],
)
def test_a_signal_that_is_not_the_strategy_s_own_is_a_failure(change: dict[str, object]) -> None:
    state = a_state([100.0])

    def rule(strategy: Strategy, snapshot: MarketSnapshot) -> Signal:
        return msgspec.structs.replace(strategy.signal(snapshot, Direction.LONG, 0.5), **change)

    with pytest.raises(StrategyFailed, match=r"self\.signal"):
        decide(a_strategy(rule), state, end_of(state), LIMITS)


@pytest.mark.parametrize("returned", [1, "LONG", ("LONG", 0.5)])
def test_anything_but_a_signal_is_a_failure(returned: object) -> None:
    state = a_state([100.0])
    with pytest.raises(StrategyFailed, match="must return a Signal or None"):
        decide(a_strategy(lambda s, snapshot: returned), state, end_of(state), LIMITS)  # type: ignore[arg-type, return-value]


@pytest.mark.parametrize("confidence", [-0.1, 1.1, math.nan])
def test_a_confidence_outside_0_to_1_is_a_failure(confidence: float) -> None:
    state = a_state([100.0])
    with pytest.raises(StrategyFailed, match="confidence"):
        decide(a_strategy(lambda s, x: s.signal(x, Direction.LONG, confidence)), state, end_of(state), LIMITS)


def test_metadata_of_numpy_and_decimal_goes_on_the_wire_as_plain_json() -> None:
    state = a_state([100.0])
    inputs = {
        "rsi": np.float64(71.5), "n": np.int64(3), "closes": np.array([1.0, 2.0]), "rate": Decimal("0.00010"),
        "none": None, "nan": math.nan, "deep": {"a": (1, True)},
    }  # fmt: skip
    strategy = a_strategy(lambda s, snapshot: s.signal(snapshot, Direction.LONG, np.float64(0.5), **inputs))
    message = decode(encode(evaluate(strategy, state, end_of(state), LIMITS)))
    assert isinstance(message, SignalMessage)
    assert {key: value for key, value in message.metadata.items() if key != "seen"} == {
        "rsi": 71.5, "n": 3, "closes": [1.0, 2.0], "rate": "0.00010", "none": None, "nan": None,
        "deep": {"a": [1, True]},
    }  # fmt: skip


def test_metadata_that_is_no_json_is_a_failure_of_that_strategy() -> None:
    state = a_state([100.0])
    with pytest.raises(StrategyFailed, match="metadata must be JSON values, got object"):
        decide(a_strategy(lambda s, x: s.signal(x, Direction.LONG, 0.5, bad=object())), state, end_of(state), LIMITS)


def test_the_strategy_s_own_input_limits_win() -> None:
    state = a_state_of(a_funding(hour(0)), a_candle(hour(3) - MINUTE_MS), a_ctx(hour(3)))

    def rule(strategy: Strategy, snapshot: MarketSnapshot) -> Signal | None:
        snapshot.funding_rate_1h()
        return None

    assert decide(a_strategy(rule), state, hour(3), LIMITS) == Pass("no_funding")
    patient = replace(a_strategy(rule), input_limits={"funding_max_age_h": 3})
    assert decide(patient, state, hour(3), LIMITS) == Pass("no_signal")


def test_the_caller_can_record_a_pass_of_its_own() -> None:
    state = a_state([100.0])
    message = pass_message(a_strategy(), state, end_of(state), "failed")
    assert (message.direction, message.reason, message.id) == ("PASS", "failed", f"s:scripted:hl:BTC:{end_of(state)}")


def test_an_evaluation_at_t_is_refused_once_the_state_knows_more() -> None:
    state = a_state_of(a_candle(T0), a_ctx(T0 + MINUTE_MS), a_ctx(T0 + MINUTE_MS + 1, 99.0))
    with pytest.raises(ValueError, match="no snapshot at"):
        evaluate(a_strategy(), state, T0 + MINUTE_MS, LIMITS)


MINUTES = 40
events = st.lists(
    st.tuples(
        st.sampled_from(["hole", "candle", "ctx", "funding", "gap", "closed", "backfill"]),
        st.integers(0, MINUTES - 1),
        st.sampled_from([90.0, 100.0, 101.5, 110.0]),
        st.integers(0, 3 * MINUTE_MS),
    ),
    max_size=60,
)
Event = tuple[str, int, float, int]


def messages_of(drawn: list[Event]) -> list[MarketData]:
    """The drawn events as messages, each visible at its event time or later, in order of application."""
    holes = {number for kind, number, _, _ in drawn if kind == "hole"}
    whole = [number for number in range(MINUTES) if number not in holes]
    messages: list[MarketData] = [a_funding(T0, 0.0001), a_ctx(T0, open_interest="1")]
    messages += [a_candle(T0 + number * MINUTE_MS, 100.0 + number % 7) for number in whole]
    for kind, number, price, late_ms in drawn:
        ms = T0 + number * MINUTE_MS
        if kind in ("candle", "backfill"):
            backfilled = kind == "backfill"
            visible = ms + MINUTE_MS + (late_ms if backfilled else 0)
            messages.append(a_candle(ms, price, visible_ms=visible, backfilled=backfilled))
        elif kind == "ctx":
            messages.append(a_ctx(ms, price, visible_ms=ms + late_ms, open_interest=repr(price)))
        elif kind == "funding":
            messages.append(a_funding(ms, price / 1e6, visible_ms=ms + 11 + late_ms))
        elif kind == "gap":
            messages.append(a_gap(ms, visible_ms=ms + late_ms))
        elif kind == "closed":
            messages.append(a_gap(ms, state="lost", to_ms=ms + late_ms, visible_ms=ms + late_ms))
    return sorted(messages, key=lambda m: (m.visible_ms, m.asset, m.event_time_ms, m.id))


@given(drawn=events, interval=st.sampled_from(["1m", "5m"]))
def test_what_becomes_visible_after_t_cannot_change_the_evaluation_at_t(drawn: list[Event], interval: str) -> None:
    strategy, messages = a_strategy(buy_when_rising, interval), messages_of(drawn)
    running, applied = MarketState("BTC"), 0
    for ts in range(T0, T0 + MINUTES * MINUTE_MS, INTERVALS_MS[interval]):
        while applied < len(messages) and messages[applied].visible_ms <= ts:
            running.apply(messages[applied])
            applied += 1
        alone = a_state_of(*(message for message in messages if message.visible_ms <= ts))
        assert encode(evaluate(strategy, running, ts, LIMITS)) == encode(evaluate(strategy, alone, ts, LIMITS))


@given(
    missing=st.sets(st.integers(0, 199), max_size=80),
    closes=st.lists(st.sampled_from([90.0, 100.0, 101.5]), min_size=200, max_size=200),
    history=st.integers(12, 60),
)
def test_a_restart_with_the_last_candles_of_the_look_back_gives_the_same_signals(
    missing: set[int], closes: list[float], history: int
) -> None:
    strategy = a_strategy(buy_when_rising, history=history)
    candles = [a_candle(T0 + number * MINUTE_MS, closes[number]) for number in range(200) if number not in missing]
    others: list[MarketData] = [a_funding(T0, 0.0001)]
    others += (a_ctx(T0 + k * 30_000, 100.0 + k, open_interest=str(k)) for k in range(400))
    for ts in range(T0 + 60 * MINUTE_MS, T0 + 200 * MINUTE_MS, 7 * MINUTE_MS):
        known = [candle for candle in candles if candle.visible_ms <= ts]
        rest = [message for message in others if message.visible_ms <= ts]
        since_ever = a_state_of(*known, *rest, history=history)
        restarted = a_state_of(*known[-history:], *rest, history=history)
        expected = encode(evaluate(strategy, since_ever, ts, LIMITS))
        assert encode(evaluate(strategy, restarted, ts, LIMITS)) == expected
