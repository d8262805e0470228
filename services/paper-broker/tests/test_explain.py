"""`explain`: every position of an hour traced from the ledger and the recorder's copy back to its market messages."""

import asyncio
import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from a_run import START, an_hour, publish

from api_lab import running
from trading_api.schemas import TradeDetail
from trading_core.__main__ import main
from trading_core.archive import retention
from trading_core.archive.files import writing
from trading_core.archive.folder import Archive
from trading_core.archive.store import identity
from trading_core.bus.connection import Bus
from trading_core.config import RetentionConfig, load
from trading_core.model import DAY_MS
from trading_core.testing import eventually
from trading_core.testing_servers import ServiceAt

pytestmark = pytest.mark.integration


async def test_every_position_is_traced_back_to_its_market_messages(
    bus: Bus,
    database_url: str,
    role_url: Callable[[str], str],
    service_at: ServiceAt,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hour = an_hour(seed=3)
    for name, role in (("paper_broker", "broker"), ("recorder", "recorder")):
        service_at(name, role).start()
    await publish(bus, hour, range(1, hour.minutes + 1))
    db = await asyncpg.connect(database_url)
    whole = "SELECT max(ts) FROM trading_ops.exec_events WHERE kind = 'equity'"
    await eventually(lambda: _reached(db, whole, hour.grids[-1].ts), timeout=60)
    published = {mark.id for mark in hour.marks if mark.event_time_ms > START}
    marks = "SELECT count(*) FROM trading_market_data.ticks WHERE kind = 'ctx'"
    await eventually(lambda: _counted(db, marks, len(published)), timeout=60)
    rows = await db.fetch("SELECT id, realised_pnl FROM trading_paper.positions ORDER BY id DESC")
    await db.close()
    closed = {row["id"]: row["realised_pnl"] for row in rows if row["realised_pnl"] is not None}
    assert len(closed) > 10

    monkeypatch.setenv("TRADING_DATABASE__URL", database_url)
    monkeypatch.setenv("TRADING_ARCHIVE__DIR", str(tmp_path / "archive"))
    file = tmp_path / "why.json"
    assert await _run("explain", "--last", str(len(rows)), "--json", str(file)) == 0
    told = {one["position"]: one for one in json.loads(file.read_text())}
    assert told.keys() == {row["id"] for row in rows}
    for number, realised in closed.items():
        steps = {step["title"].split(" by ")[0]: step for step in told[number]["steps"]}
        assert list(steps)[:5] == [
            "Market events",
            "Signal",
            "Checks: opened",
            "Entry",
            "Levels, fixed at the entry",
        ] or ("Checks: reversed" in steps)
        assert steps["P&L"]["lines"][1].endswith(f"= {realised:f} USD")
        assert not any("THE LEDGER SAYS" in line for line in steps["P&L"]["lines"])
        for step in ("Entry", "Exit"):
            raw = {event["id"]: event["raw"] for event in steps[step]["events"]}
            assert any(id in published and json.loads(text)["id"] == id for id, text in raw.items() if text)

    await _same_on_the_page(role_url("api_ro"), told, closed)
    before = file.read_bytes()
    await _prune(database_url, hour.grids[-1].ts + 20 * DAY_MS)
    assert await _run("explain", "--last", str(len(rows)), "--json", str(file)) == 0
    assert file.read_bytes() == before, "also after the messages left for the archive"


async def _same_on_the_page(url: str, told: dict[int, Any], closed: dict[int, Decimal]) -> None:
    """The API tells each position as the command does, with the figures that make up its result."""
    async with running(url) as api:
        for number, realised in list(closed.items())[:4]:
            one = told[number]
            lineage = await api.get(f"/api/trades/{one['event_id']}/lineage")
            assert (lineage["missing"], lineage["steps"]) == ("", one["steps"])
            detail = TradeDetail.model_validate(await api.get(f"/api/trades/{one['event_id']}"))
            trade = detail.trade
            assert trade.gross_pnl is not None
            fees = sum(Decimal(fill.fee) for fill in detail.fills)
            funding = sum((Decimal(hour.amount) for hour in detail.funding), Decimal(0))
            assert Decimal(trade.gross_pnl) - fees + funding == realised
            assert detail.opened_by is not None
        [ledger] = (await api.get("/api/risk"))["ledgers"]
        assert ledger["ledger"] == "default"
        open_now = {row["id"]: row for row in await api.get("/api/positions/open")}
        assert sum(strategy["open_positions"] for strategy in ledger["strategies"]) == len(open_now)
        own = sum(Decimal(strategy["exposure_usd"]) for strategy in ledger["strategies"])
        assert own == Decimal(ledger["exposure_usd"])
        day = sum(Decimal(strategy["day_realised"]) for strategy in ledger["strategies"])
        assert day == sum(closed.values()), "all of the hour's day"


async def test_an_unknown_position_is_one_line(
    database_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TRADING_DATABASE__URL", database_url)
    assert await _run("explain", "999") == 2
    assert "there is no position 999 among the 0 there are" in capsys.readouterr().err
    assert await _run("explain") == 2
    assert "name one position" in capsys.readouterr().err
    assert await _run("explain", "--last", "0") == 2
    assert "--last 0 is not 1 or more" in capsys.readouterr().err


async def _run(*words: str) -> int:
    """The command has a loop of its own."""
    return await asyncio.to_thread(main, words)


async def _prune(url: str, now_ms: int) -> None:
    """As the daily round does at that venue time."""
    db = await asyncpg.connect(url)
    await db.execute("INSERT INTO trading_ops.watermarks VALUES ('hyperliquid', 'MARKET', $1, now())", now_ms)
    await db.execute("SET ROLE maintenance")
    archive, today_ms = Archive(load().archive.folder), await retention.today(db)
    assert today_ms is not None
    with writing(archive, await identity(db)):
        kept = await retention.prune(db, archive, RetentionConfig(), today_ms, lambda _: None)
    assert kept.pruned > 0
    assert not kept.problems
    assert not await db.fetchval("SELECT count(*) FROM trading_market_data.ticks WHERE kind <> 'gap'")
    await db.close()


async def _reached(db: asyncpg.Connection, query: str, ts: int) -> bool:
    found = await db.fetchval(query)
    return found is not None and found.timestamp() * 1000 >= ts


async def _counted(db: asyncpg.Connection, query: str, count: int) -> bool:
    return bool(await db.fetchval(query) >= count)
