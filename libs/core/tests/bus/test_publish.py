from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

import msgspec
import pytest

from trading_core import streams
from trading_core.bus.connection import Bus, connect, is_permission_error
from trading_core.bus.durable import Durable
from trading_core.bus.ordered import OrderedPull, Start
from trading_core.bus.provision import provision
from trading_core.bus.publisher import WindowPublisher
from trading_core.embedded.nats import NatsServer
from trading_core.errors import ConfigError, MessageInvalid
from trading_core.messages import TradeMessage, decode
from trading_core.testing import eventually
from trading_core.testing_servers import OwnServer

SUBJECT = "market.hyperliquid.BTC.trade"
Trade = Callable[[int], TradeMessage]
Guarded = Callable[[str], Awaitable[tuple[Bus, list[Exception]]]]


async def stored(bus: Bus) -> int:
    return int((await bus.js.stream_info(streams.MARKET.name)).state.messages)


async def test_a_message_is_stored_once_with_its_headers(bus: Bus, a_trade: Trade) -> None:
    first = await bus.publish(SUBJECT, a_trade(1), headers={"X-Outbox-Id": "9"})
    assert await bus.publish(SUBJECT, a_trade(1)) == first
    message = await bus.js.get_msg("MARKET", first)
    assert message.headers == {
        "Nats-Msg-Id": "t:1", "X-Schema": "trade/1", "X-Src": "test", "X-Outbox-Id": "9",
    }  # fmt: skip
    assert await stored(bus) == 1


async def test_first_and_last_message_of_a_subject(bus: Bus, a_trade: Trade) -> None:
    assert await bus.last(streams.MARKET, SUBJECT) is None
    assert await bus.first(streams.MARKET, SUBJECT) is None
    for number in range(3):
        await bus.publish(SUBJECT, a_trade(number))
    first, last = await bus.first(streams.MARKET, "market.*.BTC.trade"), await bus.last(streams.MARKET, SUBJECT)
    assert first is not None
    assert last is not None
    assert (decode(first.data).id, decode(last.data).id) == ("t:0", "t:2")
    assert (first.sequence, last.sequence, last.subject) == (1, 3, SUBJECT)
    assert last.ingest_time_ns > first.ingest_time_ns > 1_600_000_000 * 10**9
    assert await bus.last(streams.MARKET, "market.*.ETH.>") is None


async def test_a_stream_without_direct_gets_is_asked_for_its_last_message_too(bus: Bus, a_trade: Trade) -> None:
    assert await bus.last(streams.OPS, "ops.test.error") is None
    await bus.publish("ops.test.error", a_trade(1))
    last = await bus.last(streams.OPS, "ops.test.error")
    assert last is not None
    assert decode(last.data) == a_trade(1)


async def test_a_message_that_is_too_large_is_refused_at_once(bus: Bus, a_trade: Trade) -> None:
    huge = msgspec.structs.replace(a_trade(1), trade_id="x" * 70_000)
    with pytest.raises(MessageInvalid, match=SUBJECT):
        await bus.publish(SUBJECT, huge)
    publisher = WindowPublisher(bus)
    refused = await publisher.send(SUBJECT, huge)
    good = await publisher.send(SUBJECT, a_trade(2))
    await good
    with pytest.raises(MessageInvalid):
        await refused
    await publisher.close()


async def test_live_messages_reach_who_listens_and_no_stream(bus: Bus) -> None:
    subscription = await bus.nc.subscribe("live.test")
    await bus.publish_live("live.test", b"now")
    assert (await subscription.next_msg(timeout=5)).data == b"now"


async def test_publishing_waits_for_a_server_that_is_away(own_bus: Bus, own_server: OwnServer, a_trade: Trade) -> None:
    own_server.kill()
    await eventually(lambda: not own_bus.connected.is_set())
    waiting = asyncio.create_task(own_bus.publish(SUBJECT, a_trade(1)))
    own_server.start()
    assert await asyncio.wait_for(waiting, 60) == 1
    assert await stored(own_bus) == 1


async def test_a_publish_without_an_answer_is_repeated_until_there_is_one_and_stored_once(
    own_bus: Bus, own_server: OwnServer, a_trade: Trade
) -> None:
    own_server.freeze()
    try:
        waiting = asyncio.create_task(own_bus.publish(SUBJECT, a_trade(1)))
        await asyncio.wait({waiting}, timeout=3)  # longer than one attempt may take
        assert not waiting.done()
    finally:
        own_server.thaw()
    assert await asyncio.wait_for(waiting, 60) == 1
    await own_bus.publish(SUBJECT, a_trade(2))
    assert await stored(own_bus) == 2


async def test_a_window_keeps_order_and_loses_nothing_when_the_server_is_killed_under_it(
    own_bus: Bus, own_server: OwnServer, a_trade: Trade
) -> None:
    count = 20_000
    publisher = WindowPublisher(own_bus)
    windows: list[int] = []

    async def send_all() -> None:
        for number in range(count):
            await publisher.send(SUBJECT, a_trade(number))
            windows.append(len(publisher.outstanding()))
        await publisher.barrier()

    sending = asyncio.create_task(send_all())
    await eventually(lambda: len(windows) > 2_000)
    for _ in range(3):
        before = len(windows)
        await eventually(lambda before=before: len(windows) > before + 3_000)  # type: ignore[misc]
        own_server.kill()
        await asyncio.to_thread(own_server.start)
    await asyncio.wait_for(sending, 60)
    assert publisher.outstanding() == []
    assert max(windows) == 256
    assert await ids_in_order(own_bus) == [f"t:{number}" for number in range(count)]
    await publisher.close()


async def ids_in_order(bus: Bus) -> list[str]:
    found: list[str] = []
    reader = OrderedPull(bus, streams.MARKET, ("market.>",), Start.all())
    async for batch in reader.batches():
        found += [decode(delivered.data).id for delivered in batch]
        if reader.caught_up:
            break
    return found


async def test_a_window_resends_what_a_frozen_server_did_not_acknowledge(
    own_bus: Bus, own_server: OwnServer, a_trade: Trade
) -> None:
    publisher = WindowPublisher(own_bus)
    await (await publisher.send(SUBJECT, a_trade(0)))
    own_server.freeze()
    try:
        futures = [await publisher.send(SUBJECT, a_trade(number)) for number in range(1, 50)]
        await asyncio.wait(futures, timeout=6)
        assert len(publisher.outstanding()) == 49
    finally:
        own_server.thaw()
    await asyncio.wait_for(publisher.barrier(), 60)
    assert await ids_in_order(own_bus) == [f"t:{number}" for number in range(50)]
    await publisher.close()


async def test_a_denied_publish_is_heard_and_raised(guarded: Guarded, a_trade: Trade) -> None:
    bus, heard = await guarded("exec.>")
    with pytest.raises(ConfigError, match=r"exec\.fill"):
        await bus.publish("exec.fill.x.y.z", a_trade(1))
    assert [is_permission_error(error) for error in heard] == [True]
    publisher = WindowPublisher(bus)
    with pytest.raises(ConfigError):
        await asyncio.wait_for(await publisher.send("exec.fill.x.y.z", a_trade(1)), 60)
    await publisher.close()


async def drained(batches: AsyncIterator[Sequence[object]]) -> None:
    async for _ in batches:
        pass


async def test_a_denied_pull_is_raised_by_both_readers(guarded: Guarded) -> None:
    bus, _ = await guarded("$JS.API.CONSUMER.MSG.NEXT.>")
    await provision(bus)
    readers = (
        OrderedPull(bus, streams.MARKET, ("market.>",), Start.all()).batches(),
        Durable(bus, streams.RECORDER[0]).batches(),
    )
    for batches in readers:
        with pytest.raises(ConfigError, match=r"MSG\.NEXT"):
            await asyncio.wait_for(drained(batches), 60)


async def test_a_refused_login_is_a_matter_of_settings(own_server: OwnServer, own_nats: NatsServer) -> None:
    with pytest.raises(ConfigError, match="TRADING_NATS__URL"):
        await asyncio.wait_for(connect(f"nats://trading:wrong@127.0.0.1:{own_nats.port}", name="x/1"), 60)
