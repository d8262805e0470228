"""Whether settings or code are still those of the run. Pure: hashes and rules that the run left, beside today's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from trading_core.broker.rules import RuleBook
from trading_core.messages import ExecMessage, SignalMessage
from trading_core.parity.recording import Outputs
from trading_core.strategy.registry import LoadedStrategy

CONFIG, CODE = "config_changed", "code_changed"


class Changes:
    """`live` is what the run left; `strategies` and `rules` are what it is replayed with."""

    def __init__(self, live: Outputs, strategies: Sequence[LoadedStrategy], rules: RuleBook) -> None:
        self._params = {strategy.name: strategy.params_hash for strategy in strategies}
        self._evaluated = _evaluated(live)
        self._other_rules = {
            strategy
            for strategy, exchange, then in live.rules
            if exchange in rules.defaults and then != _plain(rules.rules_for(strategy, exchange))
        }

    def of_signal(self, live: SignalMessage | None, again: SignalMessage | None) -> str | None:
        """What has changed about a strategy of which one evaluation differs, or is on one side only."""
        if live is None or again is None:
            either = live or again
            return CONFIG if either is not None and self._not_in_use_then(either) else None
        if live.params_hash != again.params_hash:
            return CONFIG
        return CODE if live.code_hash != again.code_hash else None

    def of_event(self, event: ExecMessage) -> str | None:
        """Whether it is of a strategy whose rules are not those of the run."""
        return CONFIG if event.strategy in self._other_rules and event.kind != "equity" else None

    def _not_in_use_then(self, signal: SignalMessage) -> bool:
        """Whether strategy and asset were not in use then, are no longer now, or ran with other parameters."""
        pair = (signal.strategy, signal.asset)
        if pair not in self._evaluated or signal.strategy not in self._params:
            return True
        first, last, hashes = self._evaluated[pair]
        return not first <= signal.ts <= last or hashes != {self._params[signal.strategy]}


def _evaluated(live: Outputs) -> dict[tuple[str, str], tuple[int, int, set[str]]]:
    """Per strategy and asset its first and last evaluation, and the parameters it ran with."""
    found: dict[tuple[str, str], tuple[int, int, set[str]]] = {}
    for ts in sorted(live.signals):
        for signal in live.signals[ts].values():
            first, _, hashes = found.get((signal.strategy, signal.asset), (ts, ts, set()))
            found[signal.strategy, signal.asset] = (first, ts, hashes | {signal.params_hash})
    return found


def _plain(rules: Any) -> Any:
    """As it comes back from JSON."""
    return msgspec.json.decode(msgspec.json.encode(rules))
