from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from trading_core import streams
from trading_core.bus.connection import Bus, Delivered
from trading_core.bus.ordered import OrderedPull, Start
from trading_core.bus.provision import ensure_stream
from trading_core.bus.publisher import WindowPublisher
from trading_core.messages import TradeMessage, decode
from trading_core.testing import eventually
from trading_core.testing_servers import OwnServer

SUBJECT = "market.hyperliquid.BTC.trade"
Trade = Callable[[int], TradeMessage]


async def fill(bus: Bus, a_trade: Trade, numbers: range, subject: str = SUBJECT) -> None:
    publisher = WindowPublisher(bus)
    for number in numbers:
        await publisher.send(subject, a_trade(number))
    await publisher.barrier()
    await publisher.close()


async def read(reader: OrderedPull, count: int) -> list[str]:
    """Ids until `count` of them were read and the reader has been idle once: one too many would show."""
    found: list[str] = []
    async with asyncio.timeout(60):
        async for batch in reader.batches():
            found += [decode(delivered.data).id for delivered in batch]
            if len(found) >= count and not batch:
                break
    return found


def expected(numbers: range) -> list[str]:
    return [f"t:{number}" for number in numbers]


async def test_everything_in_the_stream_is_read_in_order(bus: Bus, a_trade: Trade) -> None:
    await fill(bus, a_trade, range(3_000))
    assert await read(OrderedPull(bus, streams.MARKET, ("market.>",), Start.all()), 3_000) == expected(range(3_000))


async def test_only_what_the_filters_name_is_read(bus: Bus, a_trade: Trade) -> None:
    for number, asset in enumerate(("BTC", "ETH", "SOL", "BTC")):
        await bus.publish(f"market.hyperliquid.{asset}.trade", a_trade(number))
    filters = ("market.hyperliquid.ETH.trade", "market.*.SOL.>")
    assert await read(OrderedPull(bus, streams.MARKET, filters, Start.all()), 2) == ["t:1", "t:2"]


async def test_a_start_by_time_leaves_nothing_out_when_one_of_its_filters_begins_later(
    bus: Bus, a_trade: Trade
) -> None:
    """As when a runner begins again around the first gap that its asset ever had."""
    await fill(bus, a_trade, range(10))
    from_ns = await _after_the_last(bus)
    await fill(bus, a_trade, range(10, 20))
    await fill(bus, a_trade, range(20, 30), "market.hyperliquid.BTC.gap")
    filters = (SUBJECT, "market.hyperliquid.BTC.gap", "market.hyperliquid.BTC.funding")
    before = await consumers(bus)
    reader = OrderedPull(bus, streams.MARKET, filters, Start.from_time(from_ns))
    assert await read(reader, 20) == expected(range(10, 30))
    await reader.close()
    assert await consumers(bus) == before


async def test_a_start_by_time_with_several_filters_may_lie_outside_of_the_stream(bus: Bus, a_trade: Trade) -> None:
    filters = (SUBJECT, "market.hyperliquid.ETH.trade")
    now = OrderedPull(bus, streams.MARKET, filters, Start.from_time(time.time_ns()))
    opened = asyncio.Event()

    async def after_the_end() -> list[str]:
        async for batch in now.batches():
            if batch:
                return [decode(delivered.data).id for delivered in batch]
            opened.set()
        return []

    reading = asyncio.create_task(after_the_end())
    await opened.wait()
    await fill(bus, a_trade, range(3))
    assert await reading == expected(range(3))
    await bus.js.purge_stream(streams.MARKET.name, seq=3)
    before = OrderedPull(bus, streams.MARKET, filters, Start.from_time(1))
    assert await read(before, 1) == expected(range(2, 3))


async def _after_the_last(bus: Bus) -> int:
    """An ingest time between the newest message and the next one."""
    last = await bus.last(streams.MARKET, SUBJECT)
    assert last is not None
    return last.ingest_time_ns + 1


async def consumers(bus: Bus) -> int:
    return (await bus.js.stream_info(streams.MARKET.name)).state.consumer_count


async def test_a_reader_knows_when_it_has_caught_up(bus: Bus, a_trade: Trade) -> None:
    await fill(bus, a_trade, range(1_200))
    reader = OrderedPull(bus, streams.MARKET, ("market.>",), Start.all(), batch=500)
    seen: list[tuple[int, bool]] = []
    async for batch in reader.batches():
        seen.append((len(batch), reader.caught_up))
        if not batch:
            break
    assert sum(count for count, _ in seen) == 1_200
    assert seen[0][1] is False
    assert seen[-1] == (0, True)
    assert max(count for count, _ in seen) <= 500


async def test_an_empty_stream_is_caught_up_with_at_once(bus: Bus) -> None:
    reader = OrderedPull(bus, streams.MARKET, ("market.>",), Start.all())
    async for batch in reader.batches():
        assert batch == []
        assert reader.caught_up
        break


async def test_a_read_starts_at_an_ingest_time(bus: Bus, a_trade: Trade) -> None:
    await fill(bus, a_trade, range(5))
    batches = OrderedPull(bus, streams.MARKET, ("market.>",), Start.all()).batches()
    delivered: list[Delivered] = []
    while len(delivered) < 5:
        delivered += await anext(batches)
    await batches.aclose()
    reader = OrderedPull(bus, streams.MARKET, ("market.>",), Start.from_time(delivered[2].ingest_time_ns))
    assert await read(reader, 3) == expected(range(2, 5))


async def test_a_new_reader_sees_only_what_comes_after_it(own_bus: Bus, own_server: OwnServer, a_trade: Trade) -> None:
    await fill(own_bus, a_trade, range(5))
    reader = OrderedPull(own_bus, streams.MARKET, ("market.>",), Start.new())
    found: list[str] = []

    async def follow() -> None:
        async for batch in reader.batches():
            found.extend(decode(delivered.data).id for delivered in batch)

    following = asyncio.create_task(follow())
    await eventually(lambda: reader.caught_up)
    # Nothing has been read yet: the new consumer must still start where the first one did.
    own_server.kill()
    await asyncio.to_thread(own_server.start)
    await own_bus.publish(SUBJECT, a_trade(5))
    await eventually(lambda: found == ["t:5"])
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)


async def test_a_read_of_forty_thousand_survives_three_kills_of_the_server(
    own_bus: Bus, own_server: OwnServer, a_trade: Trade
) -> None:
    count = 40_000
    await fill(own_bus, a_trade, range(count))
    reader = OrderedPull(own_bus, streams.MARKET, ("market.>",), Start.all(), batch=200)
    found: list[str] = []
    kills = [5_000, 15_000, 30_000]
    async with asyncio.timeout(60):
        async for batch in reader.batches():
            found += [decode(delivered.data).id for delivered in batch]
            if kills and len(found) >= kills[0]:
                kills.pop(0)
                own_server.kill()
                await asyncio.to_thread(own_server.start)
            if len(found) >= count and reader.caught_up and not batch:
                break
    assert found == expected(range(count))
    assert reader.restarts == 3


async def test_a_live_reader_misses_and_repeats_nothing_while_the_server_is_killed_under_a_publisher(
    own_bus: Bus, own_server: OwnServer, a_trade: Trade
) -> None:
    count = 20_000
    reader = OrderedPull(own_bus, streams.MARKET, ("market.>",), Start.all())
    found: list[str] = []

    async def follow() -> None:
        async for batch in reader.batches():
            found.extend(decode(delivered.data).id for delivered in batch)

    following = asyncio.create_task(follow())
    publishing = asyncio.create_task(fill(own_bus, a_trade, range(count)))
    for threshold in (3_000, 8_000, 13_000):
        await eventually(lambda threshold=threshold: len(found) > threshold)  # type: ignore[misc]
        # What this kill takes from memory had been acknowledged, and may have been read.
        own_server.kill()
        await asyncio.to_thread(own_server.start)
    await asyncio.wait_for(publishing, 60)
    await eventually(lambda: len(found) >= count)
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)
    assert found == expected(range(count))


async def test_a_consumer_that_is_deleted_under_the_reader_is_replaced(bus: Bus, a_trade: Trade) -> None:
    count = 40_000  # far more than is on its way at once
    await fill(bus, a_trade, range(count))
    reader = OrderedPull(bus, streams.MARKET, ("market.>",), Start.all(), batch=200)
    found: list[str] = []
    deletions = [1_000, 20_000]
    async with asyncio.timeout(60):
        async for batch in reader.batches():
            found += [decode(delivered.data).id for delivered in batch]
            if deletions and len(found) >= deletions[0]:
                deletions.pop(0)
                for consumer in await bus.js.consumers_info("MARKET"):
                    if consumer.name.startswith("ordered_"):
                        await bus.js.delete_consumer("MARKET", consumer.name)
            if len(found) >= count and not batch:
                break
    assert found == expected(range(count))
    assert reader.restarts == 2


async def test_a_cut_connection_loses_and_repeats_nothing(bus: Bus, a_trade: Trade) -> None:
    count = 10_000
    await fill(bus, a_trade, range(count))
    reader = OrderedPull(bus, streams.MARKET, ("market.>",), Start.all(), batch=200)
    found: list[str] = []
    cuts = [1_000, 4_000, 8_000]
    async with asyncio.timeout(60):
        async for batch in reader.batches():
            found += [decode(delivered.data).id for delivered in batch]
            if cuts and len(found) >= cuts[0]:
                cuts.pop(0)
                await bus.nc.force_reconnect()
            if len(found) >= count and not batch:
                break
    assert found == expected(range(count))


async def test_a_stream_that_lost_its_end_and_numbers_anew_is_read_on_without_repeats(bus: Bus, a_trade: Trade) -> None:
    await fill(bus, a_trade, range(10))
    reader = OrderedPull(bus, streams.MARKET, ("market.>",), Start.all())
    found: list[str] = []

    async def follow() -> None:
        async for batch in reader.batches():
            found.extend(decode(delivered.data).id for delivered in batch)

    following = asyncio.create_task(follow())
    await eventually(lambda: len(found) == 10)
    # What a power cut leaves: the newest messages are gone, their numbers are given to others.
    await bus.js.delete_stream("MARKET")
    await ensure_stream(bus, streams.MARKET)
    await fill(bus, a_trade, range(8, 14))
    await eventually(lambda: found == expected(range(14)))
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)


async def test_a_reader_takes_its_consumer_with_it(bus: Bus) -> None:
    reader = OrderedPull(bus, streams.MARKET, ("market.>",), Start.all())
    batches = reader.batches()
    await anext(batches)
    await batches.aclose()
    names = [consumer.name for consumer in await bus.js.consumers_info("MARKET")]
    assert names == ["rec"]
