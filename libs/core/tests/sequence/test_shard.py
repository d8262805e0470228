"""One asset on one grid: evaluated in order, whatever the order of arrival, and a failing strategy alone."""

from __future__ import annotations

from message_builders import T0, a_mark, a_watermark

from trading_core.config import SnapshotConfig, StrategyRules
from trading_core.market.snapshot import MarketSnapshot
from trading_core.messages import CandleMessage
from trading_core.model import MINUTE_MS, Direction, Signal
from trading_core.sequence.shard import GridShard, first_grid_point
from trading_core.strategy.base import Strategy
from trading_core.strategy.registry import LoadedStrategy

T1 = T0 + MINUTE_MS


class Flip(Strategy):
    """LONG on every candle that closed up."""

    name = "flip"
    interval = "1m"

    def evaluate(self, snapshot: MarketSnapshot) -> Signal | None:
        closes = snapshot.closes("1m", 1)
        return self.signal(snapshot, Direction.LONG, 0.9, close=float(closes[-1]))


class Broken(Strategy):
    """Raises, always."""

    name = "broken"
    interval = "1m"

    def evaluate(self, snapshot: MarketSnapshot) -> Signal | None:
        raise RuntimeError("boom")


def loaded(strategy: type[Strategy], interval_ms: int = MINUTE_MS) -> LoadedStrategy:
    return LoadedStrategy(
        name=strategy.name,
        class_name=strategy.__name__,
        instance=strategy(),
        interval="1m",
        interval_ms=interval_ms,
        assets=("BTC",),
        exchanges=("hyperliquid",),
        grid="hyperliquid",
        params={},
        rules=StrategyRules(),
        input_limits={},
        code_hash="c",
        params_hash="p",
        docs="",
        enabled=True,
    )


def a_candle(close_ms: int, close: str = "101.0") -> CandleMessage:
    return CandleMessage(
        id=f"c:hl:BTC:1m:{close_ms - MINUTE_MS}:x",
        exchange="hyperliquid",
        asset="BTC",
        event_time_ms=close_ms,
        visible_ms=close_ms,
        open_time_ms=close_ms - MINUTE_MS,
        open="100.0",
        high="102.0",
        low="99.0",
        close=close,
        volume="5.0",
    )


def a_shard(*strategies: LoadedStrategy) -> GridShard:
    return GridShard("hyperliquid", "BTC", strategies, T1, SnapshotConfig())


def fill(shard: GridShard, ts: int = T1) -> None:
    shard.add("MARKET", a_mark(ts - 20_000))
    shard.add("MARKET", a_candle(ts))
    for stream in ("MARKET", "BOOK"):
        shard.add(stream, a_watermark(ts))


def test_the_first_grid_point_is_the_full_minute_after_the_first_watermark() -> None:
    assert first_grid_point(T0) == T1
    assert first_grid_point(T0 + 1) == T1
    assert first_grid_point(T1 - 1) == T1


def test_a_grid_point_is_ready_only_when_both_streams_have_reached_it() -> None:
    shard = a_shard(loaded(Flip))
    shard.add("MARKET", a_watermark(T1))
    assert not shard.ready()
    shard.add("BOOK", a_watermark(T1))
    assert shard.ready()


def test_each_evaluation_is_counted_by_the_grid_message() -> None:
    shard = a_shard(loaded(Flip))
    fill(shard)
    result = shard.evaluate_next()
    assert result.grid.evaluations == len(result.signals) == 1
    assert result.signals[0].direction == "LONG"
    assert result.grid.ts == T1
    assert shard.next_ts == T1 + MINUTE_MS


def test_a_strategy_is_left_out_where_its_interval_does_not_divide() -> None:
    shard = a_shard(loaded(Flip, interval_ms=60 * MINUTE_MS))
    fill(shard)
    assert shard.evaluate_next().grid.evaluations == 0


def test_what_is_visible_later_does_not_change_the_signal() -> None:
    plain, with_future = a_shard(loaded(Flip)), a_shard(loaded(Flip))
    with_future.add("MARKET", a_candle(T1 + MINUTE_MS, "99.5"))
    with_future.add("MARKET", a_mark(T1 + 1, "55.0"))
    for shard in (plain, with_future):
        fill(shard)
    assert plain.evaluate_next() == with_future.evaluate_next()


def test_a_strategy_that_raises_is_paused_and_the_others_go_on() -> None:
    shard = a_shard(loaded(Broken), loaded(Flip))
    fill(shard)
    first = shard.evaluate_next()
    assert [(s.strategy, s.direction, s.reason) for s in first.signals] == [
        ("broken", "PASS", "failed"),
        ("flip", "LONG", None),
    ]
    assert "boom" in first.failures[0].traceback
    fill(shard, T1 + MINUTE_MS)
    second = shard.evaluate_next()
    assert second.failures == [], "reported once"
    assert second.signals[0].reason == "failed"


class Hangs(Strategy):
    """Would never come back."""

    name = "hangs"

    def evaluate(self, snapshot: MarketSnapshot) -> Signal | None:
        raise AssertionError("a replay is told that it failed: it does not try")


def test_what_is_known_to_have_failed_is_not_tried_and_gives_the_same_pass() -> None:
    live, replay = a_shard(loaded(Hangs), loaded(Flip)), a_shard(loaded(Hangs), loaded(Flip))
    live.failed["hangs"] = "it took longer than 250 ms"
    for shard in (live, replay):
        fill(shard)
    again = replay.evaluate_next(failed={"hangs"})
    assert again.signals == live.evaluate_next().signals
    assert again.signals[0].reason == "failed"
    assert again.failures == []


def test_a_shard_that_only_advances_knows_what_one_that_evaluates_knows() -> None:
    one, other = a_shard(loaded(Flip)), a_shard(loaded(Flip))
    for shard in (one, other):
        fill(shard)
    assert one.advance() == T1
    other.evaluate_next()
    for shard in (one, other):
        fill(shard, T1 + MINUTE_MS)
    assert one.evaluate_next() == other.evaluate_next()
