"""The platform as the system view asks for it, and the probability of one prediction market."""

from __future__ import annotations

from typing import Any

from api_lab import Api, LiveApi
from trading_api.schemas_system import System
from trading_api.streams_seen import UNREACHABLE
from trading_core.bus.connection import Bus
from trading_core.bus.provision import provision
from trading_core.db.times import utc
from trading_core.messages import GridMessage
from trading_core.model import DAY_MS, MINUTE_MS

T0 = 20_700 * DAY_MS


async def test_services_say_how_far_they_are_behind(empty_api: Api, ledger: Any) -> None:
    await ledger.execute(
        "INSERT INTO trading_ops.watermarks VALUES ('hyperliquid', 'MARKET', $1, now()),"
        " ('hyperliquid', 'MARKET', $2, now())",
        T0, T0 + MINUTE_MS,
    )  # fmt: skip
    await ledger.execute(
        "INSERT INTO trading_ops.heartbeats VALUES ('paper-broker', '1', now(), now(), 'ok', $1, $2)",
        utc(T0), '{"trouble": ["said in the note"], "published": 1234, "lag": {"MARKET": 2}}',
    )  # fmt: skip
    found = System.model_validate(await empty_api.get("/api/system"))
    [broker] = [service for service in found.services if service.service == "paper-broker"]
    assert (broker.state, broker.behind_s) == ("ok", 60.0)
    assert broker.detail == {"published": "1,234", "lag": "MARKET 2"}
    assert [(mark.exchange, mark.stream, mark.watermark_ms) for mark in found.watermarks] == [
        ("hyperliquid", "MARKET", T0 + MINUTE_MS)
    ]
    assert (found.streams, found.streams_note, found.versions.nats) == ([], UNREACHABLE, None)
    assert found.dead_letters == 0
    assert found.database_bytes is not None
    assert found.database_bytes > 1_000_000
    assert found.versions.postgres


async def test_streams_show_their_readers_and_what_waits_for_them(live_api: LiveApi, bus: Bus) -> None:
    live_api.context.bus = bus
    await provision(bus)
    await bus.publish(
        "grid.hyperliquid.BTC", GridMessage(id="gd:1", exchanges="hyperliquid", asset="BTC", ts=T0, evaluations=1)
    )
    found = System.model_validate(await live_api.get("/api/system"))
    assert found.streams_note == ""
    [signals] = [stream for stream in found.streams if stream.name == "SIGNALS"]
    assert signals.messages >= 1
    assert signals.last_ms is not None
    assert {reader.name for reader in signals.consumers} == {"rec", "broker"}
    assert all(reader.pending >= 1 for reader in signals.consumers)
    assert found.versions.nats is not None


async def test_a_markets_probability_is_thinned_evenly_and_ends_with_the_newest_poll(
    empty_api: Api, ledger: Any
) -> None:
    for number in range(10):
        await ledger.execute(
            "INSERT INTO trading_market_data.polymarket_markets (market_id, market_title, asset, ts, yes_price, end_ts,"
            " bid, ask, event_id, visible_ms) VALUES ('0xa1', 'Up or Down', 'BTC', $1, $2::text::numeric, $3, 0.4, 0.6,"
            " $4, 0)",
            utc(T0 + number), None if number == 9 else f"0.{number}", utc(T0 + MINUTE_MS), f"p:{number}",
        )  # fmt: skip
    path = "/api/polymarket/markets/0xa1/probability"
    whole = await empty_api.get(path)
    assert [point["t"] - T0 for point in whole["points"]] == list(range(10))
    assert (whole["points"][8]["probability"], whole["points"][9]["probability"]) == (0.8, None)
    assert (whole["polls"], whole["resolved_ms"], whole["title"]) == (10, None, "Up or Down")
    # Every third poll, counted from the newest one.
    thin = await empty_api.get(path, points=4)
    assert [point["t"] - T0 for point in thin["points"]] == [0, 3, 6, 9]
    assert (await empty_api.http.get("/api/polymarket/markets/0xff/probability")).status_code == 404
