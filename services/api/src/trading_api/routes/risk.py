"""Limits and how much of them is used, as the broker itself remembers it."""

from __future__ import annotations

from dataclasses import replace

import msgspec
from fastapi import APIRouter

from trading_api.context import Ctx
from trading_api.queries import standing
from trading_api.risk import ledger_risk
from trading_api.schemas import Risk
from trading_core.broker.inputs import Place
from trading_core.broker.rules import rule_book
from trading_core.config import StrategyRules
from trading_core.sequence import checkpoint as checkpoints

router = APIRouter(prefix="/api", tags=["portfolio"])


@router.get("/risk")
async def risk(context: Ctx) -> Risk:
    """Day limits, exposure and pauses per ledger and strategy, as of the broker's last checkpoint."""
    names = await context.ledgers.names()
    known = await context.database.fetch(standing.RULES)
    stored = await context.database.fetch(standing.CHECKPOINTS, list(names))
    given = {row["name"]: StrategyRules(**msgspec.json.decode(row["rules"])) for row in known}
    rules = rule_book(context.settings.broker, given, {})
    shown = context.settings.every_portfolio[context.settings.broker.portfolio]
    strategies = [name for name in given if shown.strategies is None or name in shown.strategies]
    ledgers = []
    for row in stored:
        kept = checkpoints.load(Place(row["visible_ms"], row["rank"], row["key"]), row["state"])
        ledger = names[row["portfolio_id"]]
        alone = ledger.removeprefix(f"{context.settings.broker.portfolio}-")
        own = replace(rules, portfolio=ledger, strategies=None if alone == ledger else frozenset({alone}))
        ledgers.append(ledger_risk(kept.book, own, strategies, row["visible_ms"]))
    return Risk(ledgers=sorted(ledgers, key=lambda each: each.ledger))
