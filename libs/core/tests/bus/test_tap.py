"""A tap shows the past and what follows, each message once, for people and for programs."""

from __future__ import annotations

import argparse
import asyncio
import json

import pytest
from message_builders import a_grid, a_signal, a_watermark

from trading_core.bus.connection import Bus
from trading_core.db.times import utc
from trading_core.errors import ConfigError
from trading_core.model import MINUTE_MS
from trading_core.streams import MARKET, SIGNALS, grid_subject, signal_subject, streams_of, watermark_subject
from trading_core.tap import command, show

T0 = 1_790_000_040_000 // MINUTE_MS * MINUTE_MS


def arguments(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    return parser.parse_args(words)


async def tapped(nats_url: str, capsys: pytest.CaptureFixture[str], *words: str) -> list[str]:
    args = arguments(*words)
    past = args.since or args.from_ or args.all or args.last
    await command._tap(nats_url, args, command._stream(args.subject) if past else None)
    return capsys.readouterr().out.splitlines()


@pytest.mark.integration
async def test_a_tap_shows_the_past_and_goes_on(
    bus: Bus, nats_url: str, capsys: pytest.CaptureFixture[str]
) -> None:  # fmt: skip
    subject = signal_subject("s", "hyperliquid", "BTC")
    for number in range(1, 6):
        ts = T0 + number * MINUTE_MS
        await bus.publish(watermark_subject(MARKET, "hyperliquid"), a_watermark(ts, stream="MARKET"))
        await bus.publish(subject, a_signal(ts))
        await bus.publish(grid_subject("hyperliquid", "BTC"), a_grid(ts, 1))
    everything = await tapped(nats_url, capsys, "signal.>", "--all", "--no-follow", "--json")
    times = [json.loads(line)["message"]["ts"] for line in everything]
    assert times == [T0 + number * MINUTE_MS for number in range(1, 6)]
    assert await tapped(nats_url, capsys, "signal.>", "--since", "1h", "--no-follow", "--json") == everything
    moment = f"{utc(T0 + 4 * MINUTE_MS):%Y-%m-%dT%H:%M}"
    assert await tapped(nats_url, capsys, "signal.>", "--from", moment, "--no-follow", "--json") == everything[3:]
    assert await tapped(nats_url, capsys, "signal.>", "--last", "--no-follow", "--json") == everything[4:]
    [first] = await tapped(nats_url, capsys, "grid.>", "--all", "--count", "1")
    assert first.startswith(f"{utc(T0 + MINUTE_MS):%Y-%m-%d %H:%M:%S}.000 grid.hyperliquid.BTC  ")
    following = asyncio.create_task(tapped(nats_url, capsys, "signal.>", "--all", "--count", "6", "--json"))
    await bus.publish(subject, a_signal(T0 + 9 * MINUTE_MS))
    assert json.loads((await following)[5])["message"]["ts"] == T0 + 9 * MINUTE_MS


@pytest.mark.integration
async def test_a_live_tap_hears_what_no_stream_keeps(
    bus: Bus, nats_url: str, capsys: pytest.CaptureFixture[str]
) -> None:  # fmt: skip
    listening = asyncio.create_task(tapped(nats_url, capsys, "live.>", "--count", "1"))
    while not listening.done():
        await bus.publish_live("live.x", b"not json")
        await asyncio.sleep(0.02)
    assert await listening == ["-                       live.x  not json"]


def test_the_past_of_a_subject_is_in_one_stream() -> None:
    assert streams_of("grid.*.BTC") == [SIGNALS]
    assert streams_of("market.hyperliquid._.watermark") == [MARKET]
    assert streams_of("live.>") == []
    assert streams_of("market") == []
    assert len(streams_of("*.hyperliquid.>")) > 2
    for words in (("live.>", "--all"), (">", "--all"), ("a b",), ("signal.>", "--no-follow"), ("x", "--count", "0")):
        with pytest.raises(ConfigError):
            command.run(arguments(*words))


def test_a_duration_is_a_number_and_a_unit() -> None:
    assert [show.duration_s(text) for text in ("90s", "10m", "2h", "1d")] == [90, 600, 7_200, 86_400]
    for text in ("", "5", "0m", "1w", "-1m"):
        with pytest.raises(ValueError, match="is no duration"):
            show.duration_s(text)
