"""What is replayed, in which order and when."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable

import pytest
from message_builders import T0, a_grid, a_mark, a_signal, a_watermark

from trading_core.messages import HeartbeatMessage
from trading_core.replay.span import Original, delay_s, merged, moment_of, speed_of
from trading_core.streams import replay_prefix


async def a_stream(name: str, times: Iterable[int]) -> AsyncIterator[Original]:
    for number, at_ms in enumerate(times):
        yield Original(at_ms, f"{name}.{number}", b"", a_mark(at_ms))


async def test_streams_are_merged_by_time_and_each_keeps_its_order() -> None:
    streams = [a_stream("market", [1, 5, 5, 9]), a_stream("signal", [5, 7]), a_stream("exec", [])]
    found = [original.subject async for original in merged(streams)]
    assert found == ["market.0", "market.1", "market.2", "signal.0", "signal.1", "market.3"]


def test_a_message_belongs_where_it_became_visible_or_was_decided() -> None:
    assert moment_of(a_mark(T0, visible_ms=T0 + 7)) == T0 + 7
    assert moment_of(a_watermark(T0)) == moment_of(a_signal(T0)) == moment_of(a_grid(T0, 1)) == T0
    heartbeat = HeartbeatMessage(id="hb", service="s", instance="1", sent_time_ms=T0, started_time_ms=T0)
    assert moment_of(heartbeat) is None


@pytest.mark.parametrize(("text", "speed"), [("10x", 10.0), ("1x", 1.0), ("0.5x", 0.5), ("300", 300.0), ("max", None)])
def test_a_speed_is_so_many_times_the_original_or_max(text: str, speed: float | None) -> None:
    assert speed_of(text) == speed


@pytest.mark.parametrize("text", ["", "fast", "0x", "-1x", "x", "10xx", "1e3x"])
def test_another_word_is_no_speed(text: str) -> None:
    with pytest.raises(ValueError, match=r"is no speed\. Write 1x, 10x or max"):
        speed_of(text)


def test_a_minute_at_ten_times_the_speed_takes_six_seconds() -> None:
    assert delay_s(T0 + 60_000, T0, 10.0) == 6.0
    assert delay_s(T0 + 60_000, T0, None) == 0.0


@pytest.mark.parametrize("prefix", ["replay.", "replay.monday.", "replay.a.b-2."])
def test_a_prefix_leads_into_the_stream_of_replays(prefix: str) -> None:
    assert replay_prefix(prefix) == prefix


@pytest.mark.parametrize(
    "prefix", ["", ".", "replay", "market.", "replays.", "replay..", "replay.*.", "replay.>", "x.replay."]
)
def test_any_other_prefix_is_refused(prefix: str) -> None:
    with pytest.raises(ValueError, match=r"must begin with 'replay.' and end with a dot"):
        replay_prefix(prefix)
