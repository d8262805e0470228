"""R20: a backup taken under load, restored into an empty database and an empty NATS, and taken up by a broker."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from chaos.judge import command
from chaos.platform import PATIENCE_S, PORTFOLIO, RULES, Platform
from chaos.run import Context
from repository import ROOT
from trading_core import messages, streams
from trading_core.bus.connection import connect
from trading_core.bus.ordered import OrderedPull, Start
from trading_core.db.roles import LOGIN_ROLES, set_passwords
from trading_core.embedded import launch
from trading_core.embedded.nats import NatsServer, new_password
from trading_core.testing import eventually
from trading_core.testing_servers import OwnPostgres, OwnServer, ServiceProcess

_FILLS = "SELECT event_id AS id FROM trading_paper.fills"
_ROWS = """
SELECT 'fill ' || event_id AS id, md5(t::text) AS text FROM trading_paper.fills t
UNION ALL SELECT 'decision ' || event_id, md5(t::text) FROM trading_paper.decisions t
UNION ALL SELECT 'tick ' || event_id, md5(t::text) FROM trading_market_data.ticks t
UNION ALL SELECT 'exec ' || event_id, md5(t::text) FROM trading_ops.exec_events t
"""
"""Tables of which no row ever changes."""
_COPY = "SELECT event_id AS id FROM trading_ops.exec_events WHERE kind = 'fill'"
_UNSENT = "SELECT count(*) FROM trading_paper.outbox WHERE sent_at IS NULL"
_BROKEN = "SELECT count(*) FROM trading_paper.identity_violations"


async def restored(platform: Platform, context: Context) -> None:
    found, backup = context.found["R20"], platform.folder / "backup"
    context.step("R20 backup under load")
    before = await _rows(platform.postgres.url)
    began_s = time.monotonic()
    failed = await command(platform, "backup", "--to", str(backup))
    saved_s = time.monotonic() - began_s
    async with _empty() as empty:
        context.step("R20 restore into empty servers")
        began_s = time.monotonic()
        failed += await command(platform, "restore", "--from", str(backup), **empty.settings)
        found.measure("restored_s", time.monotonic() - began_s)
        there, now = await _rows(empty.postgres.url), await _rows(platform.postgres.url)
        found.measure("fills_lost", sum(1 for name in before if name.startswith("fill ") and name not in there))
        found.measure("rows_differ", sum(1 for name, text in there.items() if now.get(name) != text))
        found.measure("rows_lost", len(before.keys() - there.keys()))
        failed += await _taken_up(platform, empty, context)
    found.measure("broken", len(failed))
    for one in failed[:5]:
        found.say(one)
    size = sum(file.stat().st_size for file in backup.rglob("*") if file.is_file())
    found.say(f"{size / 2**20:.1f} MiB saved in {saved_s:.1f} s beside the running platform; {len(there):,} rows back")


@dataclass(frozen=True)
class _Empty:
    folder: Path
    postgres: OwnPostgres
    nats: NatsServer
    password: str

    @property
    def settings(self) -> dict[str, str]:
        return {
            "TRADING_DATABASE__URL": self.postgres.url, "TRADING_NATS__URL": self.nats.url,
            "TRADING_ARCHIVE__DIR": str(self.folder / "archive"),
        }  # fmt: skip


@contextlib.asynccontextmanager
async def _empty() -> AsyncIterator[_Empty]:
    """Servers that have never held anything."""
    with launch.temporary_folder() as folder:
        password = new_password()
        postgres = OwnPostgres(folder, password)
        nats = NatsServer(folder / "nats", launch.free_port(), launch.free_port(), new_password())
        server = OwnServer(nats, folder / "nats.log")
        try:
            await asyncio.to_thread(postgres.process.start)
            await asyncio.to_thread(server.start)
            yield _Empty(folder, postgres, nats, password)
        finally:
            server.kill()
            postgres.process.stop()
            postgres.server.remove()


async def _rows(url: str) -> dict[str, str]:
    db = await asyncpg.connect(url, timeout=10)
    try:
        return {row["id"]: row["text"] for row in await db.fetch(_ROWS)}
    finally:
        await db.close()


async def _taken_up(platform: Platform, empty: _Empty, context: Context) -> list[str]:
    """What does not hold when a broker and a recorder have gone on from the restored data: I3–I5."""
    context.step("R20 broker and recorder on what was restored")
    await set_passwords(empty.postgres.url, dict.fromkeys(LOGIN_ROLES, empty.password))
    services = [
        ServiceProcess(
            module,
            {
                **RULES, **empty.settings, "TRADING_DATABASE__URL": empty.postgres.role_url(role),
                "TRADING_CONFIG": str(ROOT / "config.yaml"), "TRADING_INSTANCE": f"{role}-restored",
                "TRADING_RUNNER__STRATEGIES_DIR": str(platform.strategies),
            },
            platform.folder / f"{module}-restored.log",
        )
        for module, role in (("paper_broker", "broker"), ("recorder", "recorder"))
    ]  # fmt: skip
    db = await asyncpg.connect(empty.postgres.url, timeout=10)
    bus = await connect(empty.nats.url, name="chaos/3", on_error=lambda _error: None)
    try:
        for service in services:
            service.start()

        async def at_rest() -> bool:
            if await db.fetchval(_UNSENT):
                return False
            infos = [await bus.js.consumer_info("EXEC", "rec"), await bus.js.consumer_info("SIGNALS", "broker")]
            return all(info.num_pending == 0 and info.num_ack_pending == 0 for info in infos)

        await eventually(at_rest, PATIENCE_S)
        ledger = {row["id"] for row in await db.fetch(_FILLS)}
        copy = {row["id"] for row in await db.fetch(_COPY)}
        sent: set[str] = set()
        reader = OrderedPull(bus, streams.EXEC, [streams.exec_subjects("fill", PORTFOLIO)], Start.all())
        async for batch in reader.batches():
            sent |= {messages.decode(delivered.data).id for delivered in batch}
            if reader.caught_up:
                break
        await reader.close()
        failed = [
            f"I3: {len(ledger - ids)} restored fills missing in {name}, {len(ids - ledger)} too many"
            for name, ids in (("EXEC", sent), ("the recorder's copy", copy))
            if ids != ledger
        ]
        if broken := await db.fetchval(_BROKEN):
            failed.append(f"I4, I5: {broken} identities violated after the restore")
        return failed + [f"audit: {line}" for line in await command(platform, "audit", **empty.settings)]
    finally:
        for service in services:
            service.kill()
        await bus.close()
        await db.close()
