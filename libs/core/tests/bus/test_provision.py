from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from trading_core import streams
from trading_core.bus.connection import Bus
from trading_core.bus.provision import ensure_stream, provision
from trading_core.errors import ConfigError
from trading_core.messages import TradeMessage
from trading_core.streams import StreamSpec
from trading_core.testing import eventually


async def config(bus: Bus, name: str) -> dict[str, object]:
    reply = await bus.nc.request(f"$JS.API.STREAM.INFO.{name}", b"", timeout=2)
    made: dict[str, object] = json.loads(reply.data)["config"]
    return made


async def test_every_stream_and_durable_exists_with_its_settings(bus: Bus) -> None:
    for stream in streams.ALL:
        made = await config(bus, stream.name)
        assert made["subjects"] == list(stream.subjects)
        assert made["max_bytes"] == stream.max_bytes
        assert made.get("persist_mode") == ("async" if stream.asynchronous else None)
    for durable in streams.DURABLES:
        info = await bus.js.consumer_info(durable.stream.name, durable.name)
        assert (info.config.max_deliver, info.config.max_ack_pending) == (-1, 5_000)
        assert info.config.ack_wait == durable.ack_wait.total_seconds()
        assert info.config.ack_policy == ("all" if durable.stream in (streams.MARKET, streams.BOOK) else "explicit")


async def test_what_exists_elsewhere_skips_the_sync_per_message_and_nothing_else_does(bus: Bus) -> None:
    """Market data can be fetched again, EXEC is the ledger's outbox; a signal is on its stream or nowhere."""
    modes = {stream.name: (await config(bus, stream.name)).get("persist_mode") for stream in streams.ALL}
    assert modes["MARKET"] == modes["BOOK"] == modes["EXEC"] == "async"
    assert modes["SIGNALS"] is modes["OPS"] is modes["DLQ"] is None


async def test_an_older_versions_exec_keeps_its_sync_per_message(bus: Bus) -> None:
    await bus.js.delete_stream("EXEC")
    await ensure_stream(bus, replace(streams.EXEC, asynchronous=False, max_age=timedelta(days=3)))
    await provision(bus)
    made = await config(bus, "EXEC")
    assert (made.get("persist_mode"), made["max_age"]) == (None, 365 * 24 * 3_600 * 10**9)


async def test_provisioning_again_keeps_messages_and_positions(
    bus: Bus, a_trade: Callable[[int], TradeMessage]
) -> None:
    await bus.publish("market.hyperliquid.BTC.trade", a_trade(1))
    before = {stream.name: await config(bus, stream.name) for stream in streams.ALL}
    await provision(bus)
    assert {stream.name: await config(bus, stream.name) for stream in streams.ALL} == before
    assert (await bus.js.stream_info("MARKET")).state.messages == 1


async def test_a_changed_setting_is_updated_in_place(bus: Bus) -> None:
    await ensure_stream(bus, replace(streams.OPS, max_age=timedelta(days=3)))
    assert (await config(bus, "OPS"))["max_age"] == 3 * 24 * 3_600 * 10**9
    await provision(bus)
    assert (await config(bus, "OPS"))["max_age"] == 30 * 24 * 3_600 * 10**9


async def test_what_cannot_be_changed_is_said_in_a_sentence(bus: Bus) -> None:
    with pytest.raises(ConfigError, match="stream MARKET: the server refuses its configuration"):
        await ensure_stream(bus, replace(streams.MARKET, asynchronous=False))


async def test_a_heartbeat_that_made_room_before_it_was_stored_is_no_dead_letter(bus: Bus) -> None:
    """Sixty of a component are kept: while PostgreSQL is away, older ones go without anybody having stored them."""
    room = streams.HEALTH.per_subject
    await _take_one_without_acknowledging(bus, streams.HEALTH, "heartbeat.api.one", room)
    for number in range(room):
        await bus.js.publish("heartbeat.api.one", b"later", headers={"Nats-Msg-Id": f"later:{number}"})
    assert (await bus.js.stream_info("HEALTH")).state.first_seq == room + 1
    gone = await _take_one_without_acknowledging(bus, streams.OPS, "ops.log.one", 1)
    await bus.js.delete_msg("OPS", gone)
    await eventually(lambda: _dead_letters(bus))
    [letter] = [await bus.js.get_msg("DLQ", seq) for seq in range(1, await _dead_letters(bus) + 1)]
    assert letter.subject == "$JS.EVENT.ADVISORY.CONSUMER.MSG_TERMINATED.OPS.rec"


async def _take_one_without_acknowledging(bus: Bus, stream: StreamSpec, subject: str, count: int) -> int:
    """Publishes `count` messages and has the oldest delivered to the recorder's durable; its sequence."""
    for number in range(count):
        await bus.js.publish(subject, b"first", headers={"Nats-Msg-Id": f"first:{number}"})
    reader = await bus.js.pull_subscribe_bind("rec", stream.name)
    [message] = await reader.fetch(1, timeout=10)
    return message.metadata.sequence.stream


async def _dead_letters(bus: Bus) -> int:
    return (await bus.js.stream_info("DLQ")).state.messages
