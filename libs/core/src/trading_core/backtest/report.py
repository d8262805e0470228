"""A run as a JSON report: summary, trades, decisions, passes, equity. Times are UTC ms, money is strings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec
import numpy as np

from trading_core.backtest.decided import Decided
from trading_core.backtest.feed import EXCHANGE
from trading_core.backtest.passes import DayLog, by_day, sha256_of
from trading_core.backtest.record import Fidelity, Run
from trading_core.broker.events import PositionState
from trading_core.market.series import IntArray
from trading_core.metrics.columns import column_metrics
from trading_core.metrics.trades import Trade, trade_metrics
from trading_core.model import DAY_MS, MINUTE_MS
from trading_core.money import MICRO, NOTHING_USD, exactly, plain
from trading_core.strategy.registry import LoadedStrategy

FORCED = (
    "Positions still open at the end are closed at the last price with slippage and fee; those forced closes count in "
    "every trade statistic."
)
NOTES: dict[Fidelity, tuple[str, ...]] = {
    "candle": (
        "Candle fidelity: stops and targets are looked for in the range of 1m candles, and where one holds both the "
        "stop goes first.",
        "Highs and lows are trades, so this stops out more often than live trading does, which looks at marks.",
        FORCED,
    ),
    "tick": (
        "Tick fidelity: the recorded messages went through the live code, so marks and not trades decide stops, "
        "targets and timeouts, as they did live.",
        "Every signal is on time here; live, one that comes late is decided when it comes.",
        FORCED,
    ),
}


_MISSING: dict[Fidelity, str] = {"candle": "there are no candles", "tick": "this source has no recorded messages"}
COLUMNS = ("time", "equity", "unrealised", "realised", "open_costs", "open_positions")


def report(run: Run, annualisation_days: int) -> dict[str, Any]:
    """Everything there is to say about a run, as JSON values. A line of text for each minute: not for a search."""
    decisions = list(run.decisions)
    rows = run.equity.rows()
    return {
        "config": _config(run, annualisation_days),
        "summary": summary(run, annualisation_days),
        "trades": [trade_row(position) for position in run.trades],
        "decisions": [decision_row(decision) for decision in decisions],
        "decisions_by_day": _days(_decisions_by_day(decisions)),
        "decisions_sha256": sha256_of(decision.line for decision in decisions),
        "passes_by_day": _days(run.passes.by_day()),
        "funding_by_day": _funding_by_day(run),
        "equity": {"columns": list(COLUMNS), "rows": rows},
        "equity_hourly": [rows[number][:2] for number in run.equity.hourly().tolist()],
        "mark_to_market_rows": len(rows),
        "mark_to_market_sha256": sha256_of("|".join(map(str, row)) for row in rows),
        "gaps": _gaps(run),
    }


def brief(run: Run, annualisation_days: int) -> dict[str, Any]:
    """What is kept of a run: `report` without decisions, passes and digests, and with the hours of the equity only.

    The first and the last row are there whether or not they are full hours.
    """
    hourly = run.equity.at(run.equity.hourly(with_ends=True))
    return {
        "config": _config(run, annualisation_days),
        "summary": summary(run, annualisation_days),
        "trades": [trade_row(position) for position in run.trades],
        "equity": {"columns": list(COLUMNS), "rows": hourly.rows()},
        "gaps": _gaps(run),
    }


def summary(run: Run, annualisation_days: int) -> dict[str, Any]:
    """The metrics of the run, of each strategy and of each asset, and what they rest on."""
    capital = run.equity.capital
    whole = _Part(run, annualisation_days)
    passes = Counter[str]()
    for (strategy, _, reason), count in run.passes.counts().items():
        passes[f"{strategy}:{reason}"] += count
    missing = sum((gap.to_ms - gap.from_ms) // MINUTE_MS for gap in run.gaps)
    minutes = len(run.assets) * (run.to_ms - run.from_ms) // MINUTE_MS
    decided = {f"{strategy}/{outcome}": count for (strategy, outcome), count in run.decisions.outcomes().items()}
    return {
        "initial_capital": plain(capital),
        "final_equity": _money(run.equity[-1].total_equity),
        **whole.all(),
        "decisions": dict(sorted(decided.items())),
        "funding_events": len(run.payments),
        "funding_hours_owed": len(run.owed),
        "exits_with_both_levels_in_bar": run.both_levels,
        "passes": dict(sorted(passes.items())),
        "by_strategy": {loaded.name: whole.of_strategy(loaded.name) for loaded in run.strategies},
        "by_asset": {asset: whole.of_asset(asset) for asset in run.assets},
        "parts_are": "on full capital" if run.isolation == "shared" else "strategies on their own capital",
        "evaluations": run.evaluations,
        "forced_closes": sum(position.exit_reason == "manual" for position in run.trades),
        "annualisation_days": annualisation_days,
        "fidelity": run.fidelity,
        "notes": [*NOTES[run.fidelity], *run.remarks],
        "gaps": len(run.gaps),
        "missing_minutes": missing,
        "coverage": 1 - missing / minutes if minutes else 0.0,
        "strategies_without_input": _starved(run, passes),
        "strategies_not_evaluated": {
            loaded.name: f"{_MISSING[run.fidelity]} of {', '.join(_foreign(loaded))}" for loaded in run.not_evaluated
        },
    }


def _foreign(loaded: LoadedStrategy) -> list[str]:
    return [exchange for exchange in loaded.exchanges if exchange != EXCHANGE]


def _starved(run: Run, passes: Mapping[str, int]) -> dict[str, str]:
    """Strategies that never came as far as their rule, and the reasons: no trade of theirs says anything."""
    decided = {strategy for strategy, _ in run.decisions.outcomes()}
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


def decision_row(decision: Decided) -> dict[str, Any]:
    return {
        "time": decision.ts_ms,
        "strategy": decision.strategy,
        "asset": decision.asset,
        "direction": decision.direction,
        "decision": decision.decision,
        "reason": decision.reason,
        "closed_position": decision.closed_position,
    }


def _decisions_by_day(decisions: Sequence[Decided]) -> dict[int, DayLog]:
    texts = [(f"{d.strategy}/{d.reason or d.decision}", d.line.partition("|")[2]) for d in decisions]
    numbers = {text: number for number, text in enumerate(dict.fromkeys(texts))}
    return by_day(
        np.array([decision.ts_ms for decision in decisions], np.int64),
        np.array([numbers[text] for text in texts], np.int64),
        [key for key, _ in numbers],
        [end for _, end in numbers],
    )


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


class _Part:
    """The metrics of a run and of its parts. A part that is the whole, as with one strategy, is worked out once."""

    def __init__(self, run: Run, annualisation_days: int) -> None:
        self._run = run
        self._days = annualisation_days
        self._trades = [as_trade(position) for position in run.trades]
        self._all_trades = _trade_values(self._trades)
        self._curves: dict[tuple[int, Decimal], dict[str, Any]] = {}

    def all(self) -> dict[str, Any]:
        return {**self._curve(self._run.equity.pnl, self._run.equity.capital), **self._all_trades}

    def of_strategy(self, name: str) -> dict[str, Any]:
        share = self._run.equity.strategies.get(name)
        # On a ledger of its own that is the ledger's capital, in a shared portfolio all of it.
        return self._metrics(
            [trade for trade in self._trades if trade.strategy == name], share, self._run.rules.initial_capital
        )

    def of_asset(self, name: str) -> dict[str, Any]:
        share = self._run.equity.assets.get(name)
        return self._metrics([trade for trade in self._trades if trade.asset == name], share, self._run.equity.capital)

    def _metrics(self, trades: list[Trade], share: IntArray | None, capital: Decimal) -> dict[str, Any]:
        pnl = np.zeros(len(self._run.equity), np.int64) if share is None else share
        values = self._all_trades if len(trades) == len(self._trades) else _trade_values(trades)
        return {**values, **self._curve(pnl, capital)}

    def _curve(self, pnl: IntArray, capital: Decimal) -> dict[str, Any]:
        found = self._curves.get((id(pnl), capital))
        if found is None:
            metrics = column_metrics(self._run.equity.time_ms, pnl, capital, self._days)
            found = self._curves[id(pnl), capital] = dict(msgspec.structs.asdict(metrics))
        return found


def _trade_values(trades: Sequence[Trade]) -> dict[str, Any]:
    values = msgspec.structs.asdict(trade_metrics(trades))
    return {key: plain(value) if isinstance(value, Decimal) else value for key, value in values.items()}


def _config(run: Run, annualisation_days: int) -> dict[str, Any]:
    rules = {loaded.name: run.rules.rules_for(loaded.name, loaded.exchanges[0]) for loaded in run.strategies}
    return {
        "from": run.from_ms,
        "to": run.to_ms,
        "assets": list(run.assets),
        "source": run.source,
        "initial_capital": plain(run.equity.capital),
        "isolation": run.isolation,
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


def _days(log: Mapping[int, DayLog]) -> list[dict[str, Any]]:
    return [
        {"day_start": day_ms, "sha256": day.sha256, "counts": dict(sorted(day.counts.items()))}
        for day_ms, day in log.items()
    ]


def _gaps(run: Run) -> list[dict[str, Any]]:
    return [{"asset": gap.asset, "from": gap.from_ms, "to": gap.to_ms} for gap in run.gaps]


def _money(amount: Decimal) -> str:
    """Six places. Sums of rounded amounts have no more, so nothing is lost; a finer capital would show as it is."""
    with exactly():
        return plain(amount.quantize(MICRO) if amount == amount.quantize(MICRO) else amount)
