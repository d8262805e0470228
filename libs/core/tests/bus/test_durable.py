from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from trading_core import streams
from trading_core.bus.connection import Bus
from trading_core.bus.durable import Durable, DurableMessage
from trading_core.bus.provision import ensure_durable
from trading_core.bus.publisher import WindowPublisher
from trading_core.messages import DeadLetterMessage, TradeMessage, decode
from trading_core.streams import DurableSpec
from trading_core.testing import eventually
from trading_core.testing_servers import OwnServer

SUBJECT = "market.hyperliquid.BTC.trade"
RECORDER = streams.RECORDER[0]
Trade = Callable[[int], TradeMessage]


async def fill(bus: Bus, a_trade: Trade, numbers: range) -> None:
    publisher = WindowPublisher(bus)
    for number in numbers:
        await publisher.send(SUBJECT, a_trade(number))
    await publisher.barrier()
    await publisher.close()


async def take(durable: Durable, count: int, limit: int = 500) -> list[DurableMessage]:
    """The next `count` messages, none acknowledged; the reader is closed afterwards."""
    found: list[DurableMessage] = []
    batches = durable.batches(max=limit)
    async with asyncio.timeout(60):
        while len(found) < count:
            found += await anext(batches)
    await batches.aclose()
    return found


def ids(messages: list[DurableMessage]) -> list[str]:
    return [decode(message.data).id for message in messages]


def expected(numbers: range) -> list[str]:
    return [f"t:{number}" for number in numbers]


async def settled(bus: Bus, name: str = "rec") -> bool:
    info = await bus.js.consumer_info("MARKET", name)
    return bool(info.num_ack_pending == 0 and info.num_pending == 0)


async def test_what_was_not_acknowledged_comes_again_before_anything_newer(bus: Bus, a_trade: Trade) -> None:
    await fill(bus, a_trade, range(1_000))
    first = Durable(bus, RECORDER)
    taken = await take(first, 1_000)
    assert ids(taken) == expected(range(1_000))
    await first.ack(taken[:400])
    await eventually(lambda: floor_at(bus, 400))
    await fill(bus, a_trade, range(1_000, 1_100))
    again = await take(Durable(bus, RECORDER), 700)
    assert ids(again) == expected(range(400, 1_100))


async def floor_at(bus: Bus, sequence: int, name: str = "rec") -> bool:
    return bool((await bus.js.consumer_info("MARKET", name)).ack_floor.stream_seq == sequence)


async def test_what_was_acknowledged_never_comes_again(bus: Bus, a_trade: Trade) -> None:
    await fill(bus, a_trade, range(1_000))
    durable = Durable(bus, RECORDER)
    await durable.ack(await take(durable, 1_000))
    await eventually(lambda: settled(bus))
    batches = Durable(bus, RECORDER).batches(wait_s=0.5)
    assert await anext(batches) == []
    await batches.aclose()


async def test_one_acknowledgement_stands_for_a_batch_and_for_each_alone_on_an_older_durable(
    bus: Bus, a_trade: Trade
) -> None:
    await fill(bus, a_trade, range(1_000))
    older = DurableSpec(streams.MARKET, "older")
    await ensure_durable(bus, older)
    await ensure_durable(bus, replace(older, acknowledges_all_before=True))
    for spec, policy in ((RECORDER, "all"), (older, "explicit")):
        durable = Durable(bus, spec)
        taken = await take(durable, 1_000)
        await durable.ack(taken[500:])
        info = await bus.js.consumer_info("MARKET", spec.name)
        assert info.config.ack_policy == policy
        await durable.ack(taken[:500])
        await eventually(lambda name=spec.name: settled(bus, name))  # type: ignore[misc]


async def test_what_a_reader_that_was_replaced_acknowledges_late_stops_nobody(bus: Bus, a_trade: Trade) -> None:
    """Its delivery numbers lie ahead of those that begin anew: the server takes no acknowledgement below them."""
    spec = DurableSpec(streams.MARKET, "two", (), timedelta(seconds=3), 10_000, acknowledges_all_before=True)
    await ensure_durable(bus, spec)
    await fill(bus, a_trade, range(10_000))
    first, second = Durable(bus, spec), Durable(bus, spec)
    taken = await take(first, 9_500)
    await first.ack(taken[:9_400])
    await eventually(lambda: floor_at(bus, 9_400, "two"))
    batches = second.batches(wait_s=0.2)
    async with asyncio.timeout(60):
        held = await anext(batches)
        while len(held) < 600:
            held += await anext(batches)
        await first.ack(taken[:9_500])
        await second.ack(held[:300])
        while not await settled(bus, "two"):
            await second.ack(await anext(batches))
    await batches.aclose()
    assert second.resets >= 2


async def test_a_delivery_of_before_a_reset_is_not_acknowledged_after_it(bus: Bus, a_trade: Trade) -> None:
    await fill(bus, a_trade, range(1_500))
    durable = Durable(bus, RECORDER)
    taken = await take(durable, 1_500)
    await durable.ack(taken[:1_400])
    await eventually(lambda: floor_at(bus, 1_400))
    batches = durable.batches(wait_s=0.2)
    async with asyncio.timeout(60):
        again = await anext(batches)
        while len(again) < 100:
            again += await anext(batches)
        await durable.ack(taken)
        assert ids(again) == expected(range(1_400, 1_500))
        await durable.ack(again[:50])
        await eventually(lambda: floor_at(bus, 1_450))
        await durable.ack(again)
        await eventually(lambda: settled(bus))
    await batches.aclose()


async def test_a_second_reader_takes_over_and_the_first_goes_on_afterwards(bus: Bus, a_trade: Trade) -> None:
    """As when a broker stood still, was replaced, and wakes up: what comes to it first is not its next message."""
    await fill(bus, a_trade, range(10))
    first, second = Durable(bus, RECORDER), Durable(bus, RECORDER)
    batches = first.batches(wait_s=0.1)
    async with asyncio.timeout(60):
        await first.ack(await anext(batches))
        others = second.batches(wait_s=0.1)
        await anext(others)
        found: set[str] = set()
        number = 10
        while len(found) < 40:  # both ask for more, so each gets some that the other one misses
            await fill(bus, a_trade, range(number, number + 4))
            number += 4
            for reader, read in ((first, batches), (second, others)):
                batch = await anext(read)
                await reader.ack(batch)
                found |= set(ids(batch))
    await batches.aclose()
    await others.aclose()


async def test_a_message_held_too_long_is_delivered_again_unless_it_is_in_progress(bus: Bus, a_trade: Trade) -> None:
    spec = DurableSpec(streams.MARKET, "short", ack_wait=timedelta(seconds=1))
    await ensure_durable(bus, spec)
    await fill(bus, a_trade, range(2))
    durable = Durable(bus, spec)
    batches = durable.batches(wait_s=0.4)
    [lost, held] = await anext(batches)
    arrived: list[DurableMessage] = []
    for _ in range(6):
        await durable.in_progress([held])
        arrived += await anext(batches)
        if arrived:
            break
    assert ids(arrived) == ids([lost])
    assert arrived[0].redelivered
    await durable.ack([held, *arrived])
    await eventually(lambda: settled(bus, "short"))
    await batches.aclose()


async def test_nothing_is_lost_when_the_server_is_killed_under_a_durable_read(
    own_bus: Bus, own_server: OwnServer, a_trade: Trade
) -> None:
    count = 20_000
    await fill(own_bus, a_trade, range(count))
    durable = Durable(own_bus, RECORDER)
    found: dict[str, None] = {}
    kills = [3_000, 11_000]
    async with asyncio.timeout(60):
        async for batch in durable.batches(max=500):
            found.update(dict.fromkeys(ids(batch)))
            await durable.ack(batch)
            if kills and len(found) >= kills[0]:
                kills.pop(0)
                own_server.kill()
                await asyncio.to_thread(own_server.start)
            if len(found) == count and not batch:
                break
    assert list(found) == expected(range(count))
    assert durable.resets == 3


async def test_a_batch_may_wait_for_more(bus: Bus, a_trade: Trade) -> None:
    batches = Durable(bus, RECORDER).batches(max=3, wait_s=200, linger_s=200)
    waiting = asyncio.ensure_future(anext(batches))
    for number in range(3):
        await bus.publish(SUBJECT, a_trade(number))
    assert ids(await asyncio.wait_for(waiting, 60)) == expected(range(3))
    await batches.aclose()


async def test_a_dead_letter_is_kept_with_its_reason_and_not_delivered_again(bus: Bus, a_trade: Trade) -> None:
    await bus.js.publish(SUBJECT, b'{"t":"unknown"}\xff')
    await bus.publish(SUBJECT, a_trade(1))
    durable = Durable(bus, RECORDER)
    [bad, good] = await take(durable, 2)
    await durable.dead_letter(bad, "unknown kind")
    await durable.ack([bad, good])
    await eventually(lambda: settled(bus))
    letter = await bus.last(streams.DLQ, "dlq.MARKET.rec")
    assert letter is not None
    content = decode(letter.data)
    assert isinstance(content, DeadLetterMessage)
    assert (content.source, content.reason) == (SUBJECT, "unknown kind")
    assert content.payload == '{"t":"unknown"}\ufffd'


async def test_a_dead_letter_of_the_largest_message_fits_the_server(bus: Bus) -> None:
    await bus.js.publish("book.hyperliquid.BTC", b"\x01" * 120_000)
    durable = Durable(bus, streams.RECORDER[1])
    [bad] = await take(durable, 1)
    await asyncio.wait_for(durable.dead_letter(bad, "x" * 5_000), 60)
    assert await bus.last(streams.DLQ, "dlq.BOOK.rec") is not None


async def test_a_durable_waits_until_it_is_provisioned(bus: Bus, a_trade: Trade) -> None:
    spec = DurableSpec(streams.MARKET, "later")
    await fill(bus, a_trade, range(1))
    durable = Durable(bus, spec)
    reading = asyncio.create_task(take(durable, 1))
    await eventually(lambda: not reading.done())
    await ensure_durable(bus, spec)
    assert ids(await asyncio.wait_for(reading, 60)) == ["t:0"]
