"""What a resuming runner reads from Postgres: the same open interest as if it had seen every context."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest
from msgspec.structs import replace

from trading_core import messages
from trading_core.config import SnapshotConfig
from trading_core.db.history import history_of
from trading_core.db.pool import connect_pool
from trading_core.market.samples import A_MARKET, a_book, a_ctx, a_poll, a_result, hour
from trading_core.market.snapshot import MarketSnapshot
from trading_core.market.state import MarketState
from trading_core.messages import CtxMessage, MarketData
from trading_core.model import HOUR_MS, MINUTE_MS
from trading_core.streams import kind_of, market_subject

pytestmark = pytest.mark.integration

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NOW = hour(200) + 30 * MINUTE_MS
INSERT = """
INSERT INTO trading_market_data.ticks (ts, event_id, exchange, asset, kind, visible_ms, payload)
VALUES ($1, $2, $3, $4, $5, $6, $7)
"""


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[asyncpg.Pool]:
    pool = await connect_pool(database_url, role_name="test", max=2)
    yield pool
    await pool.close()


async def store(database: asyncpg.Pool, told: Sequence[MarketData]) -> None:
    rows = [
        (
            EPOCH + timedelta(milliseconds=found.event_time_ms), found.id, found.exchange, found.asset,
            kind_of(market_subject(found)), found.visible_ms, messages.encode(found).decode(),
        )
        for found in told
    ]  # fmt: skip
    await database.executemany(INSERT, rows)


def contexts_of_a_week(seed: int) -> list[CtxMessage]:
    """Some of each hour, some hours without any; some late, some of one moment, some that lack a field."""
    chance = random.Random(seed)
    found = []
    for number in range(201):
        for _ in range(chance.randrange(4)):
            at = hour(number) - chance.choice([0, 1, HOUR_MS - 1, chance.randrange(HOUR_MS)])
            for _ in range(chance.choice([1, 1, 2])):
                price = 100 + chance.randrange(9)
                late = chance.choice([0, 0, 5 * HOUR_MS])
                value = repr(chance.uniform(1, 9)) if chance.random() < 0.9 else None
                estimate = repr(chance.gauss(0, 1e-5)) if chance.random() < 0.5 else None
                ctx = a_ctx(at, price, visible_ms=at + late, polled=chance.random() < 0.5)
                found.append(replace(ctx, open_interest=value, funding_estimate_1h=estimate))
    return list({ctx.id: ctx for ctx in found}.values())


def knowing(known: list[MarketData]) -> MarketSnapshot:
    state = MarketState("BTC")
    for message in known:
        state.apply(message)
    return state.snapshot("hyperliquid", NOW, SnapshotConfig())


@pytest.mark.parametrize("seed", range(5))
async def test_open_interest_is_that_of_a_runner_that_never_stopped(database: asyncpg.Pool, seed: int) -> None:
    # So that there is a current value whatever the chance.
    contexts = [*contexts_of_a_week(seed), a_ctx(NOW - 10 * MINUTE_MS, open_interest="5.5")]
    await store(database, contexts)
    seen = sorted(
        (ctx for ctx in contexts if ctx.visible_ms <= NOW), key=lambda ctx: (ctx.visible_ms, ctx.event_time_ms, ctx.id)
    )
    whole, resumed = knowing([*seen]), knowing(await history_of(database, "hyperliquid", "BTC", NOW))
    for window_h in (1, 24, 168, 1_000):
        expected = whole.open_interest_sample(window_h, 1).tolist()
        assert resumed.open_interest_sample(window_h, 1).tolist() == expected
    assert len(expected) > 100
    assert resumed.mark_price == whole.mark_price


async def test_one_context_of_each_hour_is_read_not_all(database: asyncpg.Pool) -> None:
    moments = range(NOW - 50 * HOUR_MS, NOW, 2 * MINUTE_MS)
    await store(database, [a_ctx(at, open_interest="1.0") for at in moments])
    assert len(await history_of(database, "hyperliquid", "BTC", NOW)) == 10 + 51


async def test_a_resuming_runner_sees_the_same_markets(database: asyncpg.Pool) -> None:
    """Of two markets one is decided and one open; an ended one, older polls and older books play no part."""
    other, ended = "0x" + "b2" * 32, "0x" + "c3" * 32
    ends = {"end_time_ms": NOW + 10 * MINUTE_MS}
    told: list[MarketData] = [
        a_poll(NOW - 70 * MINUTE_MS, volume_24h="1", **ends), a_poll(NOW - 2 * MINUTE_MS, volume_24h="2", **ends),
        a_poll(NOW - 3 * MINUTE_MS, market=other, end_time_ms=NOW + 5 * MINUTE_MS),
        a_poll(NOW - 9 * MINUTE_MS, market=ended, end_time_ms=NOW - MINUTE_MS),
        a_book(NOW - 40_000, "0.1", "0.2"), a_book(NOW - 20_000, "0.7", "0.8"), a_book(NOW - 1_000, market=other),
        a_result(NOW - 500, market=other),
    ]  # fmt: skip
    told = [replace(one, id=f"{number}", visible_ms=one.event_time_ms) for number, one in enumerate(told)]
    await store(database, told)
    told.sort(key=lambda one: (one.visible_ms, one.event_time_ms, one.id))
    resumed = await history_of(database, "polymarket", "BTC", NOW)
    assert {one.id for one in resumed} == {"1", "2", "5", "6", "7"}
    for known in (told, resumed):
        state = MarketState("BTC", ("polymarket",))
        for message in known:
            state.apply(message)
        market = state.snapshot("polymarket", NOW, SnapshotConfig()).nearest_market(60)
        assert (market.market, str(market.probability()), str(market.volume_24h())) == (A_MARKET, "0.75", "2")


async def test_other_assets_and_exchanges_are_left_alone(database: asyncpg.Pool) -> None:
    await store(database, [a_ctx(NOW - 1, open_interest="1.0")])
    assert await history_of(database, "hyperliquid", "ETH", NOW) == []
    assert await history_of(database, "polymarket", "BTC", NOW) == []
