"""Results of parity checks in `trading_ops.parity_reports`, and which days still want one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict

import asyncpg
import msgspec

from trading_core.db.times import millis, utc
from trading_core.parity.results import Result, Shown

STORED_DIFFERENCES = 200
LISTED = 60
CATCH_UP_DAYS = 30

_INSERT = """
INSERT INTO trading_ops.parity_reports (portfolio, "order", from_ts, to_ts, nightly, from_checkpoint, verdict, compared,
    causes, differences, difference_count, duration_ms, code_version)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
"""
_LIST = "SELECT * FROM trading_ops.parity_reports WHERE portfolio = ANY($1) ORDER BY from_ts DESC, id DESC LIMIT $2"
# A day is over with the checkpoint of the next one. It can be replayed from its own, or as the portfolio's first.
_UNCHECKED = """
WITH ends AS (
    SELECT c.day, c.portfolio_id FROM trading_paper.day_checkpoints c
    JOIN trading_paper.portfolio p ON p.id = c.portfolio_id
    WHERE p.name = $1 AND c.day > (SELECT max(day) FROM trading_paper.day_checkpoints) - $2::integer
)
SELECT (day - 1)::timestamp AT TIME ZONE 'UTC' AS begins FROM ends
WHERE (EXISTS (SELECT FROM trading_paper.day_checkpoints b
               WHERE b.portfolio_id = ends.portfolio_id AND b.day = ends.day - 1)
       OR NOT EXISTS (SELECT FROM trading_paper.mark_to_market m WHERE m.portfolio_id = ends.portfolio_id
                      AND m.ts < (ends.day - 1)::timestamp AT TIME ZONE 'UTC'))
  AND (SELECT count(DISTINCT "order") FROM trading_ops.parity_reports r
       WHERE r.portfolio = $1 AND r.nightly
         AND r.to_ts = day::timestamp AT TIME ZONE 'UTC' - interval '1 minute') < 2
ORDER BY day
"""


async def unchecked_days(db: asyncpg.Connection, portfolio: str) -> list[int]:
    """UTC days that are over, can be replayed by themselves and have no nightly report; the last 30, oldest first."""
    return [millis(row["begins"]) for row in await db.fetch(_UNCHECKED, portfolio, CATCH_UP_DAYS)]


async def store(db: asyncpg.Connection, result: Result, *, nightly: bool) -> None:
    """One row, with the first of its differences."""
    first = [asdict(difference) for difference in result.differences[:STORED_DIFFERENCES]]
    texts = [_json(value) for value in (result.compared, result.causes, first)]
    await db.execute(
        _INSERT, result.portfolio, result.order, utc(result.first_ms), utc(result.last_ms), nightly,
        result.from_checkpoint, result.verdict, *texts, result.difference_count, result.duration_ms,
        result.code_version,
    )  # fmt: skip


async def stored(db: asyncpg.Connection, ledgers: Sequence[str], limit: int = LISTED) -> list[Result]:
    """The newest reports of these, newest first."""
    return [_result(row) for row in await db.fetch(_LIST, list(ledgers), limit)]


def _result(row: asyncpg.Record) -> Result:
    return Result(
        portfolio=row["portfolio"],
        order=row["order"],
        first_ms=millis(row["from_ts"]),
        last_ms=millis(row["to_ts"]),
        from_checkpoint=row["from_checkpoint"],
        verdict=row["verdict"],
        compared=Counter(msgspec.json.decode(row["compared"])),
        causes=Counter(msgspec.json.decode(row["causes"])),
        differences=msgspec.json.decode(row["differences"], type=list[Shown]),
        difference_count=row["difference_count"],
        duration_ms=row["duration_ms"],
        code_version=row["code_version"],
    )


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
