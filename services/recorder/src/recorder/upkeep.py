"""Beside the recording, each minute: partitions ahead of need, coverage noted, rows compared with their messages."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Mapping
from contextlib import aclosing
from datetime import timedelta

import asyncpg
from nats import errors

from recorder import audit, metrics, stored, streamed
from recorder.audit import Comparison, Finding, Span
from recorder.sink import STORAGE_ERRORS
from recorder.stored import Source
from recorder.stream import StreamRecorder
from trading_core.db.coverage import coverage, note_days
from trading_core.db.partitions import make_partitions
from trading_core.messages import OpsMessage
from trading_core.runtime import Runtime
from trading_core.streams import EXEC, ops_subject

EVERY_S = 60.0
FIRST_S = 5.0
"""Until there is anything: whoever has just started the platform is waiting for it."""
LIMIT_S = 45.0
"""A round that takes longer has met a server that is away: it is given up."""
HOURLY = 60
SOURCES = stored.sources()
CONFIRM_S = 1.0
CONFIRMATIONS = 3
"""A dead letter is stored a moment after its message was acknowledged: what is missing is looked for again."""
SEARCH_NS = 15 * 60 * 10**9
"""So much further back, in ingest time, a message is looked for before it is called lost."""


class Upkeep:
    """One round a minute. Whatever fails is said and tried again; the recording never waits for it."""

    def __init__(self, runtime: Runtime, pool: asyncpg.Pool, recorders: Mapping[str, StreamRecorder]) -> None:
        self.findings: list[Finding] = []
        self._runtime = runtime
        self._pool = pool
        self._recorders = recorders
        self._equal: dict[Source, Span] = {}
        self._rounds = 0
        self._any_data = False

    async def run(self) -> None:
        """Never ends."""
        while True:
            try:
                async with asyncio.timeout(LIMIT_S):
                    await self.round()
            except (errors.Error, *STORAGE_ERRORS) as error:
                metrics.audit_failures.inc()
                self._runtime.log.warning("audit_failed", error=str(error) or type(error).__name__)
            await asyncio.sleep(EVERY_S if self._any_data else FIRST_S)

    async def round(self) -> None:
        """Everything once; what is new in the findings is told on OPS."""
        began = time.perf_counter()
        hourly = self._rounds % HOURLY == 0
        async with self._pool.acquire() as db:
            if hourly:
                await make_partitions(db)
            await note_days(db, every_day=hourly)
            await _report_coverage(db)
            found = [finding for source in SOURCES for finding in await self._compare(db, source)]
            found = _by_name(found) + await self._figures(db)
        self._rounds += 1
        metrics.audit_seconds.set(time.perf_counter() - began)
        await self._tell(found)

    async def _compare(self, db: asyncpg.Connection, source: Source) -> list[Finding]:
        now_ms = await stored.now_ms(db, source)
        if now_ms is None or self._equal.get(source) == audit.span(now_ms):
            return []
        # In this order: what is acknowledged by now is stored by then, and what is stored by then is in the stream.
        state = await streamed.state(self._runtime.bus, source)
        span, ids = await stored.ids_of(db, source, audit.span(now_ms))
        ends = await streamed.state(self._runtime.bus, source)
        from_ns = await stored.ingested_ns(db, source, span.after_ms)
        comparison = Comparison(ids, state.floor)
        async for batch in streamed.messages(self._runtime.bus, source, from_ns, ends.last_sequence, span):
            comparison.read(batch)
        rows = await self._still_missing(db, source, span, comparison.missing_rows)
        messages = await self._lost(source, span, comparison.missing_messages, from_ns)
        if not rows and not messages:
            self._equal[source] = audit.span(now_ms)
        name = source.stream.name
        metrics.audit_compared.labels(name).set(comparison.messages)
        return [
            *([audit.missing_rows(name, sorted(rows))] if rows else []),
            *([audit.missing_messages(name, sorted(messages))] if messages else []),
        ]

    async def _lost(self, source: Source, span: Span, unseen: set[str], from_ns: int) -> set[str]:
        """Of `unseen` what a second look, from long before `from_ns` to the end, does not find either.

        Nothing when the stream no longer reaches back so far: what is older may have gone by age or size.
        """
        if not unseen:
            return unseen
        ends = await streamed.state(self._runtime.bus, source)
        earlier_ns = max(0, from_ns - SEARCH_NS)
        if not ends.reaches_back_to(earlier_ns):
            return set()
        again = Comparison(unseen, floor=0)
        messages = streamed.messages(self._runtime.bus, source, earlier_ns, ends.last_sequence, span)
        async with aclosing(messages) as batches:
            async for batch in batches:
                again.read(batch)
                if not again.missing_messages:
                    break
        return again.missing_messages

    async def _still_missing(self, db: asyncpg.Connection, source: Source, span: Span, missing: set[str]) -> set[str]:
        for attempt in range(CONFIRMATIONS):
            if not missing:
                break
            if attempt:
                await asyncio.sleep(CONFIRM_S)
            missing = missing - await stored.dead_letter_ids(db) - set((await stored.ids_of(db, source, span))[1])
        return missing

    async def _figures(self, db: asyncpg.Connection) -> list[Finding]:
        now_ms = await stored.now_ms(db, SOURCES[-1])
        self._any_data = now_ms is not None
        if now_ms is None:
            return []
        behind = EXEC.name not in self._recorders or self._recorders[EXEC.name].lag > 0
        figures = await stored.figures(db, audit.span(now_ms).after_ms, exec_is_behind=behind)
        metrics.audit_default_rows.set(figures.default_partition_rows)
        metrics.audit_outbox.set(figures.outbox_unsent_s)
        for identity, rows in figures.ledger.items():
            metrics.audit_ledger.labels(identity).set(rows)
        return audit.of_figures(figures)

    async def _tell(self, found: list[Finding]) -> None:
        """What is not told because NATS is away is new the next time as well."""
        new, gone = audit.news(self.findings, found)
        for gauge, prefix in (
            (metrics.audit_missing_rows, "missing_rows."),
            (metrics.audit_missing_messages, "missing_messages."),
        ):
            values = {finding.name.removeprefix(prefix): finding.value for finding in found}
            for source in SOURCES:
                gauge.labels(source.stream.name).set(values.get(source.stream.name, 0))
        metrics.audit_findings.set(len(found))
        for finding in new:
            self._runtime.log.error("audit_differs", finding=finding.name, value=finding.value, says=finding.says)
            await self._say(finding.name, "error", {"value": finding.value, "says": finding.says})
        for name in gone:
            await self._say(name, "info", {"value": 0, "says": "It is as it must be again."})
        self.findings = found

    async def _say(self, name: str, severity: str, body: dict[str, object]) -> None:
        now_ns = time.time_ns()
        message = OpsMessage(
            id=f"au:{name}:{now_ns}",
            service="recorder",
            event="audit",
            severity="error" if severity == "error" else "info",
            body={"finding": name, **body},
        )
        await self._runtime.bus.publish(ops_subject("recorder", "audit"), message)


async def _report_coverage(db: asyncpg.Connection) -> None:
    """Of the last two days that have data; what is no longer recorded is no longer reported."""
    newest = await db.fetchval("SELECT max(day) FROM trading_ops.recorded_days")
    metrics.coverage.clear()
    if newest is None:
        return
    for row in await coverage(db, newest - timedelta(days=1), newest):
        day = "today" if row["day"] == newest else "yesterday"
        metrics.coverage.labels(row["exchange"], row["asset"], row["channel"], day).set(row["fraction"])


def _by_name(found: Iterable[Finding]) -> list[Finding]:
    """The findings of one stream's exchanges as one: the larger speaks, the numbers add up."""
    joined: dict[str, Finding] = {}
    for finding in found:
        other = joined.get(finding.name)
        if other is None:
            joined[finding.name] = finding
        else:
            larger = max(finding, other, key=lambda each: each.value)
            joined[finding.name] = larger._replace(value=finding.value + other.value)
    return list(joined.values())
