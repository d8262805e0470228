"""From stored backtest runs to the rows of answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from trading_api.database import Row
from trading_api.research.curve import thinned
from trading_api.research.settings import side_by_side
from trading_api.schemas_research import (
    BacktestComparison,
    BacktestPart,
    BacktestPoint,
    BacktestRow,
    BacktestRun,
    BacktestSetting,
)
from trading_core.db.times import millis

STRETCHES = 400
"""Of a curve: a page shows a handful of them beside each other."""


def row(found: Row) -> BacktestRow:
    return BacktestRow.model_validate(_fields(found, msgspec.json.decode(found["summary"])))


def run(found: Row, equity: str) -> BacktestRun:
    summary = msgspec.json.decode(found["summary"])
    rows: Sequence[Sequence[object]] = msgspec.json.decode(equity)
    points = thinned(rows, float(summary["initial_capital"]), STRETCHES)
    return BacktestRun.model_validate(
        {
            **_fields(found, summary),
            "isolation": summary["config"].get("isolation", "shared"),
            "by_strategy": _parts(summary["by_strategy"]),
            "by_asset": _parts(summary["by_asset"]),
            "exit_reasons": summary["exit_reasons"],
            "notes": summary["notes"],
            "equity_rows": len(rows),
            "equity": [BacktestPoint(t=t, equity=amount, drawdown=drawdown) for t, amount, drawdown in points],
        }
    )


def comparison(found: Sequence[Row], runs: list[BacktestRun]) -> BacktestComparison:
    configs = [msgspec.json.decode(each["summary"])["config"] for each in found]
    settings = [
        BacktestSetting(part=each.part, name=each.name, values=list(each.values), differs=each.differs)
        for each in side_by_side(configs)
    ]
    spans = {(each.from_ms, each.to_ms) for each in runs}
    reasons = [
        words
        for words, differ in (
            ("different spans", len(spans) > 1),
            ("different assets", len({tuple(sorted(each.assets)) for each in runs}) > 1),
            ("different capital", len({float(each.initial_capital) for each in runs}) > 1),
            ("different fidelity", len({each.fidelity for each in runs}) > 1),
        )
        if differ
    ]
    return BacktestComparison(runs=runs, settings=settings, comparable=not reasons, why_not=", ".join(reasons))


def _fields(found: Row, summary: Mapping[str, Any]) -> dict[str, Any]:
    initial = float(summary["initial_capital"])
    return {
        **{name: summary[name] for name in BacktestRow.model_fields if name in summary},
        "return_fraction": (float(summary["final_equity"]) - initial) / initial if initial else 0.0,
        "id": found["id"],
        "created_ms": millis(found["created_at"]),
        "strategies": found["strategies"],
        "assets": found["assets"],
        "from_ms": millis(found["from_ts"]),
        "to_ms": millis(found["to_ts"]),
        "source": found["source"],
        "fidelity": found["fidelity"],
        "code_hash": found["code_hash"],
        "params_hash": found["params_hash"],
    }


def _parts(parts: Mapping[str, Mapping[str, Any]]) -> list[BacktestPart]:
    return [
        BacktestPart.model_validate(
            {"name": name, **{field: part[field] for field in BacktestPart.model_fields if field != "name"}}
        )
        for name, part in parts.items()
    ]
