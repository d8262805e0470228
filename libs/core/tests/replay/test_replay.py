"""A past span on the bus once more: complete, in order, byte for byte, and beside the live subjects."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from market_recording import START, a_recording
from message_builders import a_grid, a_signal, a_watermark
from msgspec.structs import replace

from trading_core.__main__ import main
from trading_core.backtest.postgres import reading
from trading_core.bus.connection import Bus, connect
from trading_core.bus.ordered import OrderedPull, Start
from trading_core.bus.provision import provision
from trading_core.bus.publisher import WindowPublisher
from trading_core.db.times import utc
from trading_core.embedded import launch
from trading_core.embedded.nats import NatsServer, new_password
from trading_core.errors import ConfigError
from trading_core.messages import ExecMessage, Message, encode
from trading_core.model import MINUTE_MS
from trading_core.replay import stream
from trading_core.replay.publish import clear, publish
from trading_core.streams import (
    BOOK,
    EXEC,
    MARKET,
    REPLAY,
    SIGNALS,
    StreamSpec,
    exec_subject,
    grid_subject,
    market_subject,
    signal_subject,
    watermark_subject,
)
from trading_core.testing import eventually
from trading_core.testing_servers import OwnServer

pytestmark = pytest.mark.integration

MINUTES = 12
SPAN = (START + 3 * MINUTE_MS, START + 8 * MINUTE_MS)


def an_equity(ts: int) -> ExecMessage:
    return ExecMessage(
        id=f"eq:default:{ts}", kind="equity", portfolio="default", event_time_ms=ts, outbox_id=ts, body={}
    )


async def live(bus: Bus) -> None:
    """Twelve minutes as the services publish them: market data, watermarks, a signal, a grid message, equity."""
    publisher = WindowPublisher(bus)

    async def send(subject: str, message: Message) -> None:
        await publisher.send(subject, message)

    for number, minute in enumerate(a_recording(3).minutes[:MINUTES], start=1):
        ts = START + number * MINUTE_MS
        for message in sorted(minute, key=lambda message: message.visible_ms):
            await send(market_subject(message), message)
        for spec in (MARKET, BOOK):
            await send(watermark_subject(spec, "hyperliquid"), a_watermark(ts, stream=spec.name))
        await send(signal_subject("s", "hyperliquid", "BTC"), a_signal(ts))
        await send(grid_subject("hyperliquid", "BTC"), a_grid(ts, 1))
        await send(exec_subject("equity", "default", None, None), an_equity(ts))
    await publisher.barrier()
    await publisher.close()


async def content(bus: Bus, spec: StreamSpec) -> list[tuple[str, bytes]]:
    found: list[tuple[str, bytes]] = []
    reader = OrderedPull(bus, spec, (), Start.all())
    async for batch in reader.batches():
        found += [(delivered.subject, delivered.data) for delivered in batch]
        if reader.caught_up:
            break
    return found


async def replay(bus: Bus, prefix: str = "replay.", speed: float | None = None) -> dict[str, int]:
    await clear(bus, prefix)
    return dict(await publish(bus, await stream.originals(bus, *SPAN), prefix, speed, lambda _at, _sent: None))


async def test_each_stream_comes_again_in_its_order_with_its_bytes(bus: Bus) -> None:
    await live(bus)
    # Five minutes: 3 candles and 9 contexts each, and the settled rates at minute 5; one of everything else.
    assert await replay(bus) == {"market": 5 * 13 + 3, "book": 5, "signal": 5, "grid": 5, "exec": 5}
    again = await content(bus, REPLAY)
    for spec, kinds in ((MARKET, ["market"]), (BOOK, ["book"]), (SIGNALS, ["signal", "grid"]), (EXEC, ["exec"])):
        recorded = [(f"replay.{subject}", data) for subject, data in await content(bus, spec)]
        mine = [one for one in again if one[0].split(".")[1] in kinds]
        first = recorded.index(mine[0])
        assert mine == recorded[first : first + len(mine)]
    assert again[0][1].count(str(SPAN[0]).encode()) > 0


async def test_a_second_replay_takes_the_place_of_the_first_under_its_prefix(bus: Bus) -> None:
    await live(bus)
    before = await content(bus, MARKET)
    first = await replay(bus)
    other = await replay(bus, "replay.other.")
    assert await replay(bus) == first == other
    again = await content(bus, REPLAY)
    assert len(again) == 2 * sum(first.values())
    assert sum(subject.startswith("replay.other.") for subject, _ in again) == sum(first.values())
    assert await content(bus, MARKET) == before


async def test_a_span_is_paced_by_event_time(bus: Bus) -> None:
    await live(bus)
    told: list[int] = []
    originals = await stream.originals(bus, *SPAN)
    # Under five minutes at 1,200 times the speed: the last message is due after some 0.25 s.
    await publish(bus, originals, "replay.", 1_200.0, lambda at_ms, _sent: told.append(at_ms))
    assert told == sorted(told)
    assert len(told) > 10, "told before each wait"


async def test_a_message_that_cannot_be_decoded_is_left_out(bus: Bus) -> None:
    await live(bus)
    await bus.nc.request("market.hyperliquid.BTC.ctx", b"{", timeout=2)
    assert (await replay(bus))["market"] == 5 * 13 + 3


async def test_what_came_after_everybody_had_passed_the_end_is_not_of_the_span(bus: Bus) -> None:
    await live(bus)
    late = replace(a_signal(SPAN[0] + MINUTE_MS), id="s:late")
    await bus.publish(signal_subject("s", "hyperliquid", "BTC"), late)
    await replay(bus)
    assert encode(late) not in [data for _, data in await content(bus, REPLAY)]


def command(*words: str) -> int:
    return main(["replay", "--from", "2026-11-20T12:00", "--to", "2026-11-20T13:00", *words])


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["--to", "2026-11-20T11:00"], "the span is empty"),
        (["--from", "noon"], "--from 'noon' is no time"),
        (["--speed", "fast"], "--speed 'fast' is no speed"),
        (["--prefix", "market."], "--prefix 'market.' must begin with 'replay.'"),
        ([], "nats.url: 127.0.0.1:1 cannot be reached"),
    ],
)
def test_what_must_change_is_one_line_and_exit_code_2(
    words: list[str], line: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TRADING_NATS__URL", "nats://127.0.0.1:1")
    monkeypatch.setattr("trading_core.bus.connection.REACH_S", 0.3)
    assert command(*words) == 2
    said = capsys.readouterr().err
    assert line in said
    assert said.strip().count("\n") == 0


async def test_a_server_that_goes_away_in_the_middle_ends_the_replay_with_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = NatsServer(tmp_path / "nats", launch.free_port(), launch.free_port(), new_password())
    server = OwnServer(plan, tmp_path / "nats.log")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TRADING_NATS__URL", plan.url)
    monkeypatch.setattr("trading_core.bus.connection.GONE_S", 1.0)
    server.start()
    try:
        bus = await connect(plan.url, name="test/1", on_error=lambda _error: None)
        await provision(bus)
        await live(bus)
        span = [f"{utc(ms):%Y-%m-%dT%H:%M}" for ms in SPAN]
        words = ["replay", "--from", span[0], "--to", span[1], "--speed", "1x"]
        replaying = asyncio.create_task(asyncio.to_thread(main, words))
        await eventually(lambda: bus.first(REPLAY, ">"))
        server.kill()
        assert await replaying == 2
        await bus.close()
    finally:
        server.kill()
    said = capsys.readouterr().err
    assert f"trading_core: nats.url: 127.0.0.1:{plan.port} went away and was not back within 1 s." in said
    assert said.strip().count("\n") == 0


async def test_a_database_that_goes_away_in_the_middle_is_one_line(database_url: str) -> None:
    with pytest.raises(ConfigError, match="went away: connection was closed in the middle"):
        async with reading(database_url) as db:
            await db.execute("SELECT pg_terminate_backend(pg_backend_pid())")


async def test_a_server_without_the_streams_says_what_makes_them(bus: Bus, nats_url: str) -> None:
    await bus.js.delete_stream(REPLAY.name)
    with pytest.raises(ConfigError, match=r"has no stream REPLAY\. `python -m trading_core provision` makes it"):
        await stream.check(bus, nats_url, REPLAY)
