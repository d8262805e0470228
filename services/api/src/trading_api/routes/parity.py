"""Reports of parity checks: does the record replay, and would a backtest have traded the same?"""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from typing import Any

import msgspec
from fastapi import APIRouter

from trading_api.context import Context, Ctx
from trading_api.database import Row
from trading_api.params import IdCursor, Limit, ParityOrder, ParityVerdict, RowId
from trading_api.problems import Refused, missing
from trading_api.queries import parity
from trading_api.schemas_research import (
    ChangedField,
    ParityCause,
    ParityDifference,
    ParityPage,
    ParityReport,
    ParityRow,
)
from trading_core.db.times import millis
from trading_core.parity import words
from trading_core.parity.results import UNEXCUSED, Result, Shown, changed_fields

router = APIRouter(prefix="/api", tags=["parity"])


@router.get("/parity")
async def parity_reports(
    context: Ctx,
    order: ParityOrder = None,
    verdict: ParityVerdict = None,
    cursor: IdCursor = None,
    limit: Limit = 50,
) -> ParityPage:
    """Checks of this portfolio, newest first, each with its differences by cause."""
    found = await context.database.fetch(parity.REPORTS, await _ledgers(context), order, verdict, cursor, limit + 1)
    more = str(found[limit - 1]["id"]) if len(found) > limit else None
    return ParityPage(reports=[ParityRow.model_validate(_fields(row)) for row in found[:limit]], next_cursor=more)


@router.get("/parity/{report_id}", responses=missing("There is no such report"))
async def parity_report(context: Ctx, report_id: RowId) -> ParityReport:
    """One check with its first differences, what was live and what was replayed."""
    found = await context.database.fetchrow(parity.REPORT, await _ledgers(context), report_id)
    if found is None:
        raise Refused(404, f"There is no parity report {report_id}. GET /api/parity lists them.")
    shown = msgspec.json.decode(found["differences"], type=list[Shown])
    return ParityReport.model_validate({**_fields(found), "differences": [_difference(each) for each in shown]})


async def _ledgers(context: Context) -> list[str]:
    return [context.ledgers.portfolio, *(await context.ledgers.names()).values()]


def _fields(row: Row) -> dict[str, Any]:
    result = _result(row)
    causes = sorted(result.causes.items(), key=lambda item: (item[0] not in UNEXCUSED, item[0] == "follows", -item[1]))
    return {
        "id": row["id"],
        "created_ms": millis(row["created_at"]),
        "ledger": result.portfolio,
        "order": result.order,
        "from_ms": result.first_ms,
        "to_ms": result.last_ms,
        "nightly": row["nightly"],
        "began": words.began(result),
        "verdict": result.verdict,
        "passed": result.passed,
        "sentence": words.sentence(result),
        "compared": dict(result.compared),
        "causes": [
            ParityCause(
                cause=cause, count=count, meaning=words.MEANING.get(cause, ""), advice=words.ADVICE.get(cause, "")
            )
            for cause, count in causes
            if count
        ],
        "difference_count": result.difference_count,
        "duration_ms": result.duration_ms,
        "code_version": result.code_version,
    }


def _result(row: Row) -> Result:
    return Result(
        portfolio=row["portfolio"],
        order=row["order"],
        first_ms=millis(row["from_ts"]),
        last_ms=millis(row["to_ts"]),
        from_checkpoint=row["from_checkpoint"],
        verdict=row["verdict"],
        compared=Counter(msgspec.json.decode(row["compared"])),
        causes=Counter(msgspec.json.decode(row["causes"])),
        differences=[],
        difference_count=row["difference_count"],
        duration_ms=row["duration_ms"],
        code_version=row["code_version"],
    )


def _difference(shown: Shown) -> ParityDifference:
    changed = changed_fields(shown.live, shown.replayed) if shown.live and shown.replayed else []
    fields = asdict(shown)
    return ParityDifference(
        t=fields.pop("ts"),
        root=shown.root,
        changed=[ChangedField(field=name, live=live, replayed=replayed) for name, live, replayed in changed],
        **fields,
    )
