"""Messages leave the timeline in one order only, whatever order they came in."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st
from message_builders import T0, a_mark, a_watermark

from trading_core.sequence.timeline import NOTHING, Timeline


def a_timeline() -> Timeline:
    return Timeline(["hyperliquid"])


def test_a_watermark_counts_once_both_streams_say_so() -> None:
    timeline = a_timeline()
    timeline.add("MARKET", a_watermark(T0))
    assert timeline.watermark("hyperliquid") == NOTHING
    timeline.add("BOOK", a_watermark(T0 - 500))
    assert timeline.watermark("hyperliquid") == T0 - 500


def test_a_watermark_never_goes_back() -> None:
    timeline = a_timeline()
    for at_ms in (T0, T0 - 1):
        timeline.add("MARKET", a_watermark(at_ms))
        timeline.add("BOOK", a_watermark(at_ms))
    assert timeline.watermark("hyperliquid") == T0


def test_a_message_behind_a_watermark_of_its_stream_becomes_visible_after_it() -> None:
    timeline = a_timeline()
    timeline.add("MARKET", a_watermark(T0))
    timeline.add("MARKET", a_mark(T0 - 5_000))
    [message] = timeline.take("hyperliquid", T0 + 1)
    assert message.visible_ms == T0 + 1
    assert message.event_time_ms == T0 - 5_000


def test_what_becomes_visible_later_stays() -> None:
    timeline = a_timeline()
    timeline.add("MARKET", a_mark(T0, visible_ms=T0 + 1))
    assert timeline.take("hyperliquid", T0) == []
    assert timeline.pending() == 1


def test_another_exchange_is_ignored() -> None:
    timeline = a_timeline()
    timeline.add("MARKET", a_mark(T0, exchange="polymarket"))
    assert timeline.pending() == 0


@given(
    st.lists(
        st.tuples(st.integers(0, 50), st.integers(0, 3), st.sampled_from(["BTC", "ETH", "SOL"]), st.integers(1, 4)),
        max_size=30,
    ),
    st.randoms(use_true_random=False),
)
def test_the_order_of_arrival_does_not_matter(marks: list[tuple[int, int, str, int]], shuffled: random.Random) -> None:
    messages = [
        a_mark(T0 + event, f"{price}.0", visible_ms=T0 + event + delay, asset=asset)
        for event, delay, asset, price in marks
    ]
    other = list(messages)
    shuffled.shuffle(other)
    one, two = a_timeline(), a_timeline()
    for message in messages:
        one.add("MARKET", message)
    for message in other:
        two.add("MARKET", message)
    assert [m.id for m in one.take("hyperliquid", T0 + 100)] == [m.id for m in two.take("hyperliquid", T0 + 100)]
