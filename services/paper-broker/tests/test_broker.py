"""The broker as a process between a real nats-server and a real PostgreSQL: what reaches the ledger and EXEC."""

from __future__ import annotations

import asyncio
import random

import asyncpg
import httpx
import msgspec
import pytest
from a_run import PORTFOLIO, START, STRATEGIES, Hour, an_hour, publish, said_by_the_core

from trading_core import messages, streams
from trading_core.broker import book as books
from trading_core.bus.connection import Bus
from trading_core.bus.ordered import OrderedPull, Start
from trading_core.db.times import utc
from trading_core.embedded import launch
from trading_core.messages import ExecMessage
from trading_core.model import DAY_MS, MINUTE_MS
from trading_core.sequence.checkpoint import load_day
from trading_core.testing import eventually
from trading_core.testing_servers import OwnPostgres, ServiceAt, ServiceProcess

pytestmark = pytest.mark.integration


@pytest.fixture
def broker(bus: Bus, service_at: ServiceAt) -> ServiceProcess:
    return service_at("paper_broker", "broker")


async def on_exec(bus: Bus) -> list[ExecMessage]:
    """All that is on EXEC now, in stream order."""
    found: list[ExecMessage] = []
    reader = OrderedPull(bus, streams.EXEC, ["exec.>"], Start.all())
    async for batch in reader.batches():
        for delivered in batch:
            message = messages.decode(delivered.data)
            assert isinstance(message, ExecMessage)
            found.append(message)
        if not batch or reader.caught_up:
            break
    await reader.close()
    return found


async def all_of(bus: Bus, hour: Hour) -> list[ExecMessage]:
    """EXEC once the valuation of the last minute is on it."""
    last = hour.grids[-1].ts

    async def whole() -> list[ExecMessage] | None:
        found = await on_exec(bus)
        return found if found and found[-1].kind == "equity" and found[-1].event_time_ms == last else None

    return await eventually(whole, timeout=60)


def without_outbox_id(message: ExecMessage) -> str:
    return messages.encode(msgspec.structs.replace(message, outbox_id=0)).decode()


_UNBALANCED = """
SELECT p.event_id FROM trading_paper.positions p JOIN trading_paper.fills f ON f.position_id = p.event_id
GROUP BY p.event_id, p.direction, p.status, p.quantity
HAVING sum(CASE f.side WHEN 'BUY' THEN f.quantity ELSE -f.quantity END) <> CASE
    WHEN p.status = 'CLOSED' THEN 0 WHEN p.direction = 'LONG' THEN p.quantity ELSE -p.quantity END
"""
_UNEQUAL = """
SELECT ts FROM trading_paper.mark_to_market
WHERE total_equity <> 10000 + realised_pnl + unrealised_pnl + open_costs
"""


async def check_ledger(database_url: str, said: list[ExecMessage], hour: Hour) -> None:
    """Identities that must hold after any run: ids as sets, quantities, equity to the last digit."""
    db = await asyncpg.connect(database_url)
    try:
        tradable = {s.id for s in hour.signals if s.direction != "PASS"}
        decided = await db.fetch("SELECT signal_event_id FROM trading_paper.decisions")
        assert len(decided) == len(tradable)
        assert {row[0] for row in decided} == tradable
        fills = {row[0] for row in await db.fetch("SELECT event_id FROM trading_paper.fills")}
        assert fills == {message.id for message in said if message.kind == "fill"}
        unsent = "SELECT count(*) = 0 FROM trading_paper.outbox WHERE sent_at IS NULL"
        await eventually(lambda: db.fetchval(unsent))
        assert await db.fetch(_UNBALANCED) == []
        assert await db.fetch(_UNEQUAL) == []
        assert [dict(row) for row in await db.fetch("SELECT * FROM trading_paper.identity_violations")] == []
        acted = await db.fetch("SELECT event_id FROM trading_signals.signals WHERE acted_on")
        assert {r[0] for r in acted} == {
            m.body["signal_id"] for m in said if m.kind == "decision" and m.body["acted_on"]
        }
    finally:
        await db.close()


async def test_what_the_broker_says_is_what_the_core_says_byte_for_byte(
    bus: Bus, broker: ServiceProcess, database_url: str
) -> None:
    hour = an_hour(seed=1)
    broker.start()
    await publish(bus, hour, range(1, hour.minutes + 1))
    said = await all_of(bus, hour)
    assert [without_outbox_id(message) for message in said] == said_by_the_core(hour)
    await check_ledger(database_url, said, hour)
    assert broker.terminate() == 0


async def test_kill_9_at_random_moments_loses_nothing_and_doubles_nothing(
    bus: Bus, broker: ServiceProcess, database_url: str
) -> None:
    hour = an_hour(seed=2)
    chance = random.Random(7)
    broker.start()
    for part in range(6):
        publishing = asyncio.create_task(publish(bus, hour, range(part * 10 + 1, part * 10 + 11)))
        await asyncio.sleep(chance.uniform(0.3, 1.2))  # a random moment, also while it starts: that is the test
        broker.kill()
        broker.start()
        await publishing
    said = await all_of(bus, hour)
    assert [without_outbox_id(message) for message in said] == said_by_the_core(hour)
    assert [message.outbox_id for message in said] == sorted({message.outbox_id for message in said})
    await check_ledger(database_url, said, hour)


async def test_every_strategy_has_a_ledger_of_its_own_when_portfolios_are_isolated(
    bus: Bus, service_at: ServiceAt, database_url: str
) -> None:
    hour = an_hour(seed=6, minutes=20)
    broker = service_at("paper_broker", "broker", TRADING_BROKER__ISOLATION="per_strategy")
    broker.start()
    await publish(bus, hour, range(1, 11))
    broker.kill()
    broker.start()
    await publish(bus, hour, range(11, 21))
    valued = [f"eq:{PORTFOLIO}-{strategy}:{hour.grids[-1].ts}" for strategy in STRATEGIES]

    async def whole() -> list[ExecMessage] | None:
        found = await on_exec(bus)
        return found if {message.id for message in found}.issuperset(valued) else None

    said = await eventually(whole, timeout=60)
    for strategy in STRATEGIES:
        own = [without_outbox_id(message) for message in said if message.portfolio == f"{PORTFOLIO}-{strategy}"]
        assert own == said_by_the_core(hour, strategy)
        assert any('"kind":"fill"' in message for message in own)
    db = await asyncpg.connect(database_url)
    assert [dict(row) for row in await db.fetch("SELECT * FROM trading_paper.identity_violations")] == []
    await db.close()
    assert broker.terminate() == 0


async def test_the_end_of_a_day_is_kept_as_the_core_has_it_then(
    bus: Bus, broker: ServiceProcess, database_url: str
) -> None:
    midnight = START + DAY_MS
    hour = an_hour(seed=5, minutes=12, start=midnight - 6 * MINUTE_MS)
    core = hour.core()
    for _ in range(5):  # 23:55 to 23:59; what comes at 00:00 is the new day's
        core.pass_minute()
    broker.start()
    await publish(bus, hour, range(1, 7))
    broker.kill()
    broker.start()
    await publish(bus, hour, range(7, 13))
    await all_of(bus, hour)
    db = await asyncpg.connect(database_url)
    try:
        [row] = await db.fetch("SELECT day, state FROM trading_paper.day_checkpoints")
    finally:
        await db.close()
    kept = load_day(midnight, row["state"])
    assert row["day"] == utc(midnight).date()
    assert kept.resume == core.sequencer.resume()
    assert books.dump(kept.book) == books.dump(core.book)
    assert core.book.positions, "a day's end with open positions"


async def test_a_signal_published_twice_is_decided_once(bus: Bus, broker: ServiceProcess, database_url: str) -> None:
    hour = an_hour(seed=3, minutes=5)
    broker.start()
    await publish(bus, hour, range(1, 6))
    await all_of(bus, hour)
    await _publish_without_ids(bus, hour)
    # A day later the inbox has forgotten what was decided.
    db = await asyncpg.connect(database_url)
    assert await db.execute("DELETE FROM trading_paper.signal_inbox WHERE state = 'applied'") != "DELETE 0"
    await db.close()
    await _publish_without_ids(bus, hour)
    await check_ledger(database_url, await on_exec(bus), hour)
    assert broker.terminate() == 0, "it is still the process that was started"


async def _publish_without_ids(bus: Bus, hour: Hour) -> None:
    """Every decided signal once more: what a second runner does once the dedupe window is over."""
    for signal_message in hour.signals:
        if signal_message.direction != "PASS":
            subject = streams.signal_subject(signal_message.strategy, signal_message.exchange, signal_message.asset)
            await bus.js.publish(subject, messages.encode(signal_message))
    info = await bus.js.stream_info("SIGNALS")
    await eventually(lambda: _acknowledged(bus, info.state.last_seq))


async def _acknowledged(bus: Bus, sequence: int) -> bool:
    info = await bus.js.consumer_info("SIGNALS", streams.BROKER.name)
    return info.ack_floor is not None and info.ack_floor.stream_seq >= sequence


async def test_a_stopped_broker_is_replaced_and_writes_nothing_when_it_is_woken(
    bus: Bus, service_at: ServiceAt, database_url: str
) -> None:
    hour = an_hour(seed=4, minutes=20)
    await _end_idle_sessions_sooner(database_url)
    ports = [launch.free_port() for _ in range(2)]
    first, second = (
        service_at("paper_broker", "broker", TRADING_INSTANCE=str(n), TRADING_METRICS_PORT=str(port))
        for n, port in enumerate(ports, start=1)
    )
    first.start()
    await publish(bus, hour, range(1, 11))
    await eventually(lambda: _has_checkpoint(database_url))
    second.start()
    await eventually(lambda: _ready(ports[1]) == (200, "standby"))
    assert _ready(ports[0]) == (200, "ok")

    first.freeze()
    await publish(bus, hour, range(11, 16))
    await eventually(lambda: _ready(ports[1]) == (200, "ok"))
    await publish(bus, hour, range(16, 21))
    said = await all_of(bus, hour)
    assert [without_outbox_id(message) for message in said] == said_by_the_core(hour)
    await check_ledger(database_url, said, hour)

    before = await _written(database_url)
    first.thaw()
    await eventually(lambda: _ready(ports[0]) == (200, "standby"))
    assert await _written(database_url) == before
    assert first.terminate() == 0
    counted = _metrics(ports[1])
    assert counted['trading_identity_violations_total{kind="equity"}'] == 0
    assert counted['trading_outbox_age_seconds{portfolio="default"}'] == 0
    assert counted['trading_broker_lag_seconds{portfolio="default"}'] == 0
    assert second.terminate() == 0


async def _end_idle_sessions_sooner(database_url: str) -> None:
    """Eight seconds instead of fifteen: still more than a broker at work is ever silent."""
    db = await asyncpg.connect(database_url)
    name = await db.fetchval("SELECT current_database()")
    for setting in ("idle_session_timeout", "idle_in_transaction_session_timeout"):
        await db.execute(f"ALTER ROLE broker IN DATABASE {name} SET {setting} = '8s'")
    await db.close()


def _ready(port: int) -> tuple[int, str] | None:
    try:
        answer = httpx.get(f"http://127.0.0.1:{port}/readyz", timeout=1)
    except httpx.HTTPError:
        return None
    return answer.status_code, answer.json()["status"]


def _metrics(port: int) -> dict[str, float]:
    lines = httpx.get(f"http://127.0.0.1:{port}/metrics", timeout=5).text.splitlines()
    samples = (line.rpartition(" ") for line in lines if not line.startswith("#"))
    return {name: float(value) for name, _, value in samples}


async def _written(database_url: str) -> list[asyncpg.Record]:
    """Newest transaction of each table that a broker writes; takeovers alone touch `portfolio`."""
    db = await asyncpg.connect(database_url)
    tables = await db.fetch(
        "SELECT tablename FROM pg_tables WHERE schemaname = 'trading_paper' AND tablename NOT IN ('portfolio')"
    )
    counts = "SELECT count(*), max(xmin::text::bigint) FROM trading_paper."
    found = [await db.fetchrow(counts + row["tablename"]) for row in tables]
    await db.close()
    return found


async def _has_checkpoint(database_url: str) -> bool:
    db = await asyncpg.connect(database_url)
    try:
        found = await db.fetchval(
            "SELECT count(*) FROM trading_paper.checkpoints c JOIN trading_paper.portfolio p ON p.id = c.portfolio_id "
            "WHERE p.name = $1",
            PORTFOLIO,
        )
        return bool(found)
    finally:
        await db.close()


async def said_more_often(service: ServiceProcess, words: str, times: int) -> None:
    await eventually(lambda: service.times_said(words) > times)


async def test_a_postgres_that_goes_away_is_waited_for_without_a_restart(
    bus: Bus, own_postgres: OwnPostgres, service_at: ServiceAt
) -> None:
    hour = an_hour(seed=5, minutes=30)
    broker = service_at("paper_broker", own_postgres.role_url("broker"))
    broker.start()
    ways = (own_postgres.process.stop, own_postgres.process.kill) * 3  # how a goodbye arrives is a matter of moments
    for number, end in enumerate(ways):
        first = number * 5 + 1
        await publish(bus, hour, range(first, first + 3))
        await said_more_often(broker, "broker_restored", number)
        await asyncio.to_thread(end)
        await publish(bus, hour, range(first + 3, first + 5))
        await said_more_often(broker, "database_lost", number)
        await asyncio.to_thread(own_postgres.process.start)
    said = await all_of(bus, hour)
    assert [without_outbox_id(message) for message in said] == said_by_the_core(hour)
    await check_ledger(own_postgres.url, said, hour)
    assert broker.terminate() == 0


_FULL = """
CREATE FUNCTION full() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = 'disk_full';
END $$;
CREATE TRIGGER is_full BEFORE INSERT ON trading_paper.decisions FOR EACH STATEMENT EXECUTE FUNCTION full();
"""


async def test_a_full_disk_of_postgres_is_waited_for_without_a_restart(
    bus: Bus, broker: ServiceProcess, database_url: str
) -> None:
    hour = an_hour(seed=3, minutes=5)
    db = await asyncpg.connect(database_url)
    await db.execute(_FULL)
    broker.start()
    await publish(bus, hour, range(1, 6))
    await said_more_often(broker, "No space left on device", 2)
    await db.execute("DROP TRIGGER is_full ON trading_paper.decisions")
    said = await all_of(bus, hour)
    assert [without_outbox_id(message) for message in said] == said_by_the_core(hour)
    await check_ledger(database_url, said, hour)
    await db.close()
    assert broker.terminate() == 0
