from __future__ import annotations

import asyncio
from collections.abc import Callable

import msgspec
import pytest

from trading_core import streams
from trading_core.bus.chain import ChainPublisher, Outgoing
from trading_core.bus.connection import Bus, connect
from trading_core.bus.ordered import OrderedPull, Start
from trading_core.bus.provision import ensure_stream
from trading_core.errors import MessageInvalid
from trading_core.messages import TradeMessage, decode
from trading_core.streams import StreamSpec
from trading_core.testing import eventually
from trading_core.testing_servers import OwnServer

SUBJECT = "exec.default.fill.anyone.BTC"
Trade = Callable[[int], TradeMessage]


async def stored(bus: Bus, stream: StreamSpec = streams.EXEC) -> list[str]:
    """Ids on the stream, in its order."""
    reader = OrderedPull(bus, stream, stream.subjects, Start.all())
    found: list[str] = []
    async for batch in reader.batches():
        found += [decode(delivered.data).id for delivered in batch]
        if reader.caught_up:
            break
    await reader.close()
    return found


async def publish_all(chain: ChainPublisher, run: list[Outgoing]) -> None:
    while run:
        run = run[await chain.publish(run, await chain.look()) :]


def ids(*numbers: int) -> list[str]:
    return [f"t:{number}" for number in numbers]


async def test_a_run_is_stored_once_in_its_order(bus: Bus, a_trade: Trade) -> None:
    chain = ChainPublisher(bus, streams.EXEC)
    seen = await chain.look()
    run = [Outgoing(SUBJECT, a_trade(number), {"X-Outbox-Id": str(number)}) for number in range(20)]
    assert await chain.publish(run, seen) == 20
    assert await chain.publish(run, seen) == 20  # a repetition, all acknowledged and none stored
    assert await stored(bus) == ids(*range(20))
    message = await bus.js.get_msg(streams.EXEC.name, 7)
    assert message.headers is not None
    assert (message.headers["X-Outbox-Id"], message.headers["X-Schema"]) == ("6", "trade/1")


async def test_nothing_is_stored_behind_a_message_that_is_not(bus: Bus, a_trade: Trade) -> None:
    chain = ChainPublisher(bus, streams.MARKET)
    too_large = msgspec.structs.replace(a_trade(3), trade_id="1" * streams.MARKET.max_message_bytes)
    run = [
        Outgoing("market.hyperliquid.BTC.trade", message)
        for message in (a_trade(1), a_trade(2), too_large, a_trade(4), a_trade(5))
    ]
    assert await chain.publish(run, await chain.look()) == 2
    with pytest.raises(MessageInvalid):
        await chain.publish(run[2:], await chain.look())
    assert await stored(bus, streams.MARKET) == ids(1, 2)


async def test_two_writers_break_each_others_chains_and_lose_nothing(bus: Bus, nats_url: str, a_trade: Trade) -> None:
    other = await connect(nats_url, name="other")
    try:
        runs = [[Outgoing(SUBJECT, a_trade(number)) for number in range(first, 200, 2)] for first in (0, 1)]
        chains = ChainPublisher(bus, streams.EXEC), ChainPublisher(other, streams.EXEC)
        await asyncio.gather(*(publish_all(chain, run) for chain, run in zip(chains, runs, strict=True)))
        found = await stored(bus)
    finally:
        await other.close()
    assert sorted(found) == sorted(ids(*range(200)))
    for first in (0, 1):
        assert [id for id in found if int(id[2:]) % 2 == first] == ids(*range(first, 200, 2))


async def test_a_run_behind_a_lost_end_is_refused_until_somebody_looks(bus: Bus, a_trade: Trade) -> None:
    chain = ChainPublisher(bus, streams.EXEC)
    seen = await chain.look()
    run = [Outgoing(SUBJECT, a_trade(number)) for number in range(4)]
    assert await chain.publish(run[:2], seen) == 2
    await bus.js.delete_stream(streams.EXEC.name)
    await ensure_stream(bus, streams.EXEC)
    assert await chain.publish(run[2:], seen) == 0
    assert not chain.is_current(seen)
    assert await stored(bus) == []
    assert await chain.publish(run, await chain.look()) == 4
    assert await stored(bus) == ids(*range(4))


async def test_no_hole_when_the_server_is_killed_in_the_middle(
    own_bus: Bus, own_server: OwnServer, a_trade: Trade
) -> None:
    """What it acknowledged and had not written is lost; whoever publishes looks how far the stream is."""
    run = [Outgoing(SUBJECT, a_trade(number)) for number in range(3_000)]
    done = [0]

    async def publish() -> None:
        chain = ChainPublisher(own_bus, streams.EXEC)
        while done[-1] < len(run):
            seen = await chain.look()
            done.append(len(await stored(own_bus)))
            while chain.is_current(seen) and done[-1] < len(run):
                done.append(done[-1] + await chain.publish(run[done[-1] : done[-1] + 100], seen))

    publishing = asyncio.create_task(publish())
    for _ in range(3):
        before = done[-1]
        await eventually(lambda before=before: done[-1] >= before + 200)  # type: ignore[misc]
        own_server.kill()
        await asyncio.to_thread(own_server.start)
    await asyncio.wait_for(publishing, 60)
    assert await stored(own_bus) == ids(*range(3_000))
