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


async def test_market_and_book_skip_the_sync_per_message_and_money_does_not(bus: Bus) -> None:
    modes = {stream.name: (await config(bus, stream.name)).get("persist_mode") for stream in streams.ALL}
    assert modes["MARKET"] == modes["BOOK"] == "async"
    assert modes["SIGNALS"] is modes["EXEC"] is modes["OPS"] is modes["DLQ"] is None


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
