"""What a search found, as JSON values: the study, the verdict, and every candidate in and out of sample."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from trading_core.optimise.figures import Figures, Outcome, mean_shown
from trading_core.optimise.study import Study
from trading_core.optimise.verdict import Judgement, ranked


def result(study: Study, outcomes: Sequence[Outcome], judgement: Judgement | None) -> dict[str, Any]:
    """Candidates best in sample first. Times UTC ms, USD, fractions; a figure that is not defined is null."""
    order = ranked(outcomes, study.metric)
    refused = [outcome for outcome in outcomes if outcome.refused is not None]
    failed = [outcome for outcome in outcomes if outcome.failed is not None]
    return {
        "study": {
            **msgspec.to_builtins(study),
            "folds": [dict(fold._asdict()) for fold in study.folds],
        },
        "counts": {
            "tried": len(outcomes),
            "ran": len(order),
            "traded": sum(traded(outcome) for outcome in order),
            "refused": len(refused),
            "failed": len(failed),
        },
        "judgement": None if judgement is None else msgspec.to_builtins(judgement),
        "candidates": [_candidate(rank, outcome, study.metric) for rank, outcome in enumerate(order, start=1)],
        "refused": [{"params": outcome.params, "why": outcome.refused} for outcome in refused],
        "failed": [{"params": outcome.params, "why": outcome.failed} for outcome in failed],
    }


def traded(outcome: Outcome) -> bool:
    return any(pair.in_sample.trades or pair.out_of_sample.trades for pair in outcome.folds)


def _candidate(rank: int, outcome: Outcome, metric: str) -> dict[str, Any]:
    inside = [pair.in_sample for pair in outcome.folds]
    outside = [pair.out_of_sample for pair in outcome.folds]
    return {
        "rank": rank,
        "number": outcome.number,
        "params": outcome.params,
        "in_sample": _totals(inside, metric),
        "out_of_sample": _totals(outside, metric),
        "folds": msgspec.to_builtins(outcome.folds),
    }


def _totals(parts: Sequence[Figures], metric: str) -> dict[str, Any]:
    """Over all folds: the mean of the metric, the worst drawdown, sums of the rest."""
    return {
        metric: mean_shown(list(parts), metric),
        "realised_pnl": sum(part.realised_pnl for part in parts),
        "trades": sum(part.trades for part in parts),
        "days": sum(part.days for part in parts),
        "max_drawdown": max(part.max_drawdown for part in parts),
    }
