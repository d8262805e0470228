"""A run as a JSON report: summary, trades, decisions, passes, equity. Times are UTC ms, money is strings."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec

from trading_core.backtest.engine import Run
from trading_core.backtest.passes import DailyLog
from trading_core.broker.events import Decision, EquityMark, PositionState
from trading_core.metrics.curve import curve_metrics
from trading_core.metrics.trades import Trade, trade_metrics
from trading_core.model import DAY_MS, HOUR_MS, MINUTE_MS
from trading_core.money import MICRO, NOTHING_USD, exactly, plain

NOTES = (
    "Candle fidelity: stops and targets are looked for in the range of 1m candles, and where one holds both the stop "
    "goes first.",
    "Highs and lows are trades, so this stops out more often than live trading does, which looks at marks.",
    "Positions still open at the end are closed at the last price with slippage and fee; those forced closes count in "
    "every trade statistic.",
)


def report(run: Run, annualisation_days: int) -> dict[str, Any]:
    """Everything there is to say about a run, as JSON values."""
    decisions = decisions_by_day(run.decisions)
    return {
        "config": _config(run, annualisation_days),
        "summary": summary(run, annualisation_days),
        "trades": [trade_row(position) for position in run.trades],
        "decisions": [decision_row(decision) for decision in run.decisions],
        "decisions_by_day": _days(decisions),
        "decisions_sha256": _sha256(map(decision_line, run.decisions)),
        "passes_by_day": _days(run.passes),
        "funding_by_day": _funding_by_day(run),
        "equity": {
            "columns": ["time", "equity", "unrealised", "realised", "open_costs", "open_positions"],
            "rows": [[row.ts_ms, *_amounts(row), row.open_positions] for row in run.equity],
        },
        "equity_hourly": [[row.ts_ms, _money(row.total_equity)] for row in run.equity if row.ts_ms % HOUR_MS == 0],
        "mark_to_market_rows": len(run.equity),
        "mark_to_market_sha256": _sha256(
            f"{row.ts_ms}|{'|'.join(_amounts(row))}|{row.open_positions}" for row in run.equity
        ),
        "gaps": [{"asset": gap.asset, "from": gap.from_ms, "to": gap.to_ms} for gap in run.gaps],
    }


def summary(run: Run, annualisation_days: int) -> dict[str, Any]:
    """The metrics of the run, of each strategy and of each asset, and what they rest on."""
    capital = run.rules.initial_capital
    trades = [as_trade(position) for position in run.trades]
    curve = [(row.ts_ms, row.total_equity) for row in run.equity]
    passes = Counter[str]()
    for day in run.passes.days.values():
        for key, count in day.counts.items():
            strategy, _, reason = key.split("/")
            passes[f"{strategy}:{reason}"] += count
    missing = sum((gap.to_ms - gap.from_ms) // MINUTE_MS for gap in run.gaps)
    minutes = len(run.assets) * (run.to_ms - run.from_ms) // MINUTE_MS
    decided = Counter(f"{decision.strategy}/{_outcome(decision)}" for decision in run.decisions)
    return {
        "initial_capital": plain(capital),
        "final_equity": _money(run.equity[-1].total_equity),
        **_curve(curve, capital, annualisation_days),
        **_trades(trades),
        "decisions": dict(sorted(decided.items())),
        "funding_events": len(run.payments),
        "funding_hours_owed": len(run.owed),
        "exits_with_both_levels_in_bar": run.both_levels,
        "passes": dict(sorted(passes.items())),
        "by_strategy": {
            name: _part(run, [trade for trade in trades if trade.strategy == name], annualisation_days, strategy=name)
            for name in sorted(loaded.name for loaded in run.strategies)
        },
        "by_asset": {
            name: _part(run, [trade for trade in trades if trade.asset == name], annualisation_days, asset=name)
            for name in run.assets
        },
        "parts_are": "on full capital",
        "evaluations": run.evaluations,
        "forced_closes": sum(trade.exit_reason == "manual" for trade in trades),
        "annualisation_days": annualisation_days,
        "fidelity": "candle",
        "notes": list(NOTES),
        "gaps": len(run.gaps),
        "missing_minutes": missing,
        "coverage": 1 - missing / minutes if minutes else 0.0,
        "strategies_without_input": _starved(run, passes),
        "strategies_not_evaluated": {
            loaded.name: f"there are no candles of {', '.join(e for e in loaded.exchanges if e != 'hyperliquid')}"
            for loaded in run.not_evaluated
        },
    }


def _starved(run: Run, passes: Mapping[str, int]) -> dict[str, str]:
    """Strategies that never came as far as their rule, and the reasons: no trade of theirs says anything."""
    decided = {decision.strategy for decision in run.decisions}
    found = {}
    for loaded in run.strategies:
        reasons = {key.partition(":")[2]: n for key, n in passes.items() if key.partition(":")[0] == loaded.name}
        if reasons and "no_signal" not in reasons and loaded.name not in decided:
            found[loaded.name] = ", ".join(f"{reason} {count}" for reason, count in sorted(reasons.items()))
    return found


def trade_row(position: PositionState) -> dict[str, Any]:
    """One closed position under the column names of the reports; decimals as plain strings."""
    values: dict[str, Any] = {
        "strategy": position.strategy,
        "asset": position.asset,
        "direction": position.direction,
        "quantity": position.quantity,
        "stake": position.stake,
        "confidence": position.confidence,
        "entry_time": position.entry_ms,
        "entry_ref": position.entry_ref,
        "entry_price": position.entry_price,
        "exit_time": position.exit_ms,
        "exit_ref": position.exit_ref,
        "exit_price": position.exit_price,
        "exit_reason": position.exit_reason,
        "gross_pnl": position.gross_pnl,
        "fees": position.fees,
        "funding_pnl": position.funding_pnl,
        "slippage_cost": position.slippage_cost,
        "realised_pnl": position.realised_pnl,
        "suspect": position.suspect,
    }
    return {key: plain(value) if isinstance(value, Decimal) else value for key, value in values.items()}


def decision_row(decision: Decision) -> dict[str, Any]:
    return {
        "time": decision.ts_ms,
        "strategy": decision.strategy,
        "asset": decision.asset,
        "direction": decision.direction,
        "decision": decision.decision,
        "reason": decision.reason,
        "closed_position": decision.closed_position,
    }


def decision_line(decision: Decision) -> str:
    return (
        f"{decision.ts_ms}|{decision.strategy}|{decision.asset}|{decision.direction}|{decision.decision}|"
        f"{decision.reason or ''}"
    )


def decisions_by_day(decisions: Iterable[Decision]) -> DailyLog:
    log = DailyLog()
    for decision in decisions:
        key = f"{decision.strategy}/{decision.reason or decision.decision}"
        log.add(decision.ts_ms, key, decision_line(decision))
    return log


def as_trade(position: PositionState) -> Trade:
    """A closed position as the metrics take it. ValueError when it is still open."""
    if position.exit_ms is None or position.gross_pnl is None or position.realised_pnl is None:
        raise ValueError(f"{position.position_id} is still open")
    return Trade(
        strategy=position.strategy,
        asset=position.asset,
        entry_ms=position.entry_ms,
        exit_ms=position.exit_ms,
        exit_reason=str(position.exit_reason),
        gross_pnl=position.gross_pnl,
        fees=position.fees,
        funding_pnl=position.funding_pnl,
        slippage_cost=position.slippage_cost,
        realised_pnl=position.realised_pnl,
        suspect=position.suspect,
    )


def _part(
    run: Run, trades: Sequence[Trade], annualisation_days: int, *, strategy: str = "", asset: str = ""
) -> dict[str, Any]:
    capital = run.rules.initial_capital
    with exactly():
        shares = (row.strategies.get(strategy) if strategy else row.assets.get(asset) for row in run.equity)
        curve = [
            (row.ts_ms, capital + (NOTHING_USD if share is None else share))
            for row, share in zip(run.equity, shares, strict=True)
        ]
    return {**_trades(trades), **_curve(curve, capital, annualisation_days)}


def _curve(curve: Sequence[tuple[int, Decimal]], capital: Decimal, annualisation_days: int) -> dict[str, Any]:
    return dict(msgspec.structs.asdict(curve_metrics(curve, capital, annualisation_days)))


def _trades(trades: Sequence[Trade]) -> dict[str, Any]:
    values = msgspec.structs.asdict(trade_metrics(trades))
    return {key: plain(value) if isinstance(value, Decimal) else value for key, value in values.items()}


def _outcome(decision: Decision) -> str:
    return decision.decision if decision.reason is None else f"{decision.decision}:{decision.reason}"


def _config(run: Run, annualisation_days: int) -> dict[str, Any]:
    rules = {loaded.name: run.rules.rules_for(loaded.name, loaded.exchanges[0]) for loaded in run.strategies}
    return {
        "from": run.from_ms,
        "to": run.to_ms,
        "assets": list(run.assets),
        "source": run.source,
        "initial_capital": plain(run.rules.initial_capital),
        "annualisation_days": annualisation_days,
        "sz_decimals": dict(run.rules.sz_decimals),
        "strategies": {
            loaded.name: {
                "class_name": loaded.class_name,
                "interval": loaded.interval,
                "assets": list(loaded.assets),
                "params": loaded.params,
                "rules": msgspec.to_builtins(rules[loaded.name]),
                "code_hash": loaded.code_hash,
                "params_hash": loaded.params_hash,
            }
            for loaded in run.strategies
        },
    }


def _funding_by_day(run: Run) -> list[dict[str, Any]]:
    events: Counter[int] = Counter()
    amounts: dict[int, Decimal] = {}
    with exactly():
        for payment in run.payments:
            day_ms = payment.ts_ms - payment.ts_ms % DAY_MS
            events[day_ms] += 1
            amounts[day_ms] = amounts.get(day_ms, NOTHING_USD) + payment.amount
    return [
        {"day_start": day_ms, "events": count, "amount": _money(amounts[day_ms])} for day_ms, count in events.items()
    ]


def _days(log: DailyLog) -> list[dict[str, Any]]:
    return [
        {"day_start": day_ms, "sha256": day.digest.hexdigest(), "counts": dict(sorted(day.counts.items()))}
        for day_ms, day in log.days.items()
    ]


def _amounts(row: EquityMark) -> tuple[str, str, str, str]:
    return (_money(row.total_equity), _money(row.unrealised), _money(row.realised), _money(row.open_costs))


def _money(amount: Decimal) -> str:
    """Six places. Sums of rounded amounts have no more, so nothing is lost; a finer capital would show as it is."""
    return plain(amount) if amount.as_tuple().exponent == -6 else _six_places(amount)


def _six_places(amount: Decimal) -> str:
    with exactly():
        return plain(amount.quantize(MICRO) if amount == amount.quantize(MICRO) else amount)


def _sha256(lines: Iterable[str]) -> str:
    digest = hashlib.sha256()
    for line in lines:
        digest.update(line.encode())
        digest.update(b"\n")
    return digest.hexdigest()
