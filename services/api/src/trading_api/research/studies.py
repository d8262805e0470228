"""From stored searches for parameters to the rows of answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from trading_api.database import Row
from trading_api.research import meaning
from trading_api.research.surface import Surface, axes, finite, settings_text, surface
from trading_api.schemas_research import Candidate, FoldResult, Study, StudyRow
from trading_core.db.times import millis
from trading_core.optimise.figures import Figures, Outcome, Pair, mean_shown, score
from trading_core.optimise.verdict import ranked

CANDIDATES = 50
_FIGURES = msgspec.json.Decoder(list[Figures]).decode


def row(found: Row) -> StudyRow:
    return StudyRow.model_validate(_fields(found))


def outcomes(trials: Sequence[Row]) -> list[Outcome]:
    """Every set as the optimiser stored it, by number."""
    return [
        Outcome(
            number=trial["number"],
            params=msgspec.json.decode(trial["params"]),
            folds=tuple(
                Pair(in_sample=inside, out_of_sample=outside)
                for inside, outside in zip(_FIGURES(trial["in_sample"]), _FIGURES(trial["out_of_sample"]), strict=True)
            ),
            refused=trial["refused"],
            failed=trial["failed"],
        )
        for trial in trials
    ]


def study(found: Row, tried: Sequence[Outcome], across: str | None, down: str | None) -> Study:
    """ValueError, with its name, for an axis that the study has not."""
    metric = found["metric"]
    judgement = None if found["judgement"] is None else msgspec.json.decode(found["judgement"])
    order = ranked(tried, metric)
    drawable = axes(order, list(msgspec.json.decode(found["params"])))
    failures = [outcome.failed for outcome in tried if outcome.failed is not None]
    return Study.model_validate(
        {
            **_fields(found),
            "why": "" if judgement is None else judgement["why"],
            "statistics": [vars(each) for each in meaning.statistics(judgement)],
            "axes": [axis.name for axis in drawable],
            "surface": _surface(surface(order, metric, drawable, across, down)),
            "walk_forward": _walk_forward(found, order),
            "candidates": [_candidate(rank, each, metric) for rank, each in enumerate(order[:CANDIDATES], start=1)],
            "ran": len(order),
            "refused": sum(outcome.refused is not None for outcome in tried),
            "failed": len(failures),
            "first_failure": failures[0] if failures else None,
        }
    )


def _fields(found: Row) -> dict[str, Any]:
    judgement = None if found["judgement"] is None else msgspec.json.decode(found["judgement"])
    return {
        "id": found["id"],
        "created_ms": millis(found["created_at"]),
        "updated_ms": millis(found["updated_at"]),
        "strategy": found["strategy"],
        "class_name": found["class_name"],
        "metric": found["metric"],
        "search": found["search"],
        "seed": found["seed"],
        "asked": found["trials"],
        "done": found["done"],
        "assets": found["assets"],
        "source": found["source"],
        "from_ms": millis(found["from_ts"]),
        "to_ms": millis(found["to_ts"]),
        "folds": len(msgspec.json.decode(found["folds"])),
        "verdict": found["verdict"],
        "headline": meaning.headline(found["verdict"]),
        "sentence": "" if judgement is None else judgement["sentence"],
        "best": None if found["best_params"] is None else settings_text(msgspec.json.decode(found["best_params"])),
    }


def _surface(made: Surface | None) -> dict[str, Any] | None:
    if made is None:
        return None
    return {
        "across": {"name": made.across.name, "labels": made.across.labels},
        "down": None if made.down is None else {"name": made.down.name, "labels": made.down.labels},
        "cells": [vars(cell) for cell in made.cells],
        "others": made.others,
    }


def _walk_forward(found: Row, order: Sequence[Outcome]) -> list[FoldResult]:
    """Of each fold the set that it chose, and what that did afterwards."""
    metric, made = found["metric"], []
    for number, (from_ms, split_ms, to_ms) in enumerate(msgspec.json.decode(found["folds"])):
        ratings = [(value, -each.number, each) for each in order if (value := score(each, metric, number)) is not None]
        bounds = {"from_ms": from_ms, "split_ms": split_ms, "to_ms": to_ms}
        if not ratings:
            made.append(FoldResult.model_validate({**bounds, "chosen": None, "params": {}, **_both([], [], metric)}))
            continue
        chosen = max(ratings, key=lambda rating: rating[:2])[2]
        pair = chosen.folds[number]
        figures = _both([pair.in_sample], [pair.out_of_sample], metric)
        params = settings_text(chosen.params)
        made.append(FoldResult.model_validate({**bounds, "chosen": chosen.number, "params": params, **figures}))
    return made


def _candidate(rank: int, outcome: Outcome, metric: str) -> Candidate:
    inside = [pair.in_sample for pair in outcome.folds]
    outside = [pair.out_of_sample for pair in outcome.folds]
    return Candidate.model_validate(
        {
            "rank": rank,
            "number": outcome.number,
            "params": settings_text(outcome.params),
            "max_drawdown_out_of_sample": max((part.max_drawdown for part in outside), default=0.0),
            **_both(inside, outside, metric),
        }
    )


def _both(inside: list[Figures], outside: list[Figures], metric: str) -> dict[str, Any]:
    return {
        "in_sample": finite(mean_shown(inside, metric)),
        "out_of_sample": finite(mean_shown(outside, metric)),
        "pnl_in_sample": sum(part.realised_pnl for part in inside),
        "pnl_out_of_sample": sum(part.realised_pnl for part in outside),
        "trades_in_sample": sum(part.trades for part in inside),
        "trades_out_of_sample": sum(part.trades for part in outside),
    }
