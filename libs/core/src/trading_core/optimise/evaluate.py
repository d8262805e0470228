"""One set of parameters through every fold, by the backtest that everybody else uses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from trading_core.backtest.engine import run_backtest
from trading_core.backtest.history import History
from trading_core.backtest.report import summary
from trading_core.broker.rules import DEFAULT_SZ_DECIMALS, RuleBook, rule_book
from trading_core.errors import ConfigError, StrategyFailed
from trading_core.optimise.figures import Figures, Outcome, Pair, figures
from trading_core.optimise.space import Space
from trading_core.optimise.walk_forward import Fold
from trading_core.strategy.registry import LoadedStrategy, reconfigured

if TYPE_CHECKING:
    from trading_core.config import Settings


class Evaluator:
    """Runs sets of one strategy, one history and one division into folds; a function of the set's number alone."""

    def __init__(
        self, loaded: LoadedStrategy, settings: Settings, history: History, space: Space, folds: Sequence[Fold]
    ) -> None:
        self._loaded = loaded
        self._settings = settings
        self._history = history
        self._space = space
        self._folds = folds

    def __call__(self, number: int) -> Outcome:
        """What set `number` did; why not, when its values exclude each other or the strategy raised."""
        params = self._space.params(number)
        try:
            strategy, rules = self._set(number)
        except ConfigError as error:
            return Outcome(number=number, params=params, refused=str(error))

        def run(from_ms: int, to_ms: int) -> Figures:
            return figures(self._summary(strategy, rules, from_ms, to_ms))

        try:
            pairs = tuple(
                Pair(in_sample=run(fold.from_ms, fold.split_ms), out_of_sample=run(fold.split_ms, fold.to_ms))
                for fold in self._folds
            )
        except StrategyFailed as error:
            return Outcome(number=number, params=params, failed=str(error))
        return Outcome(number=number, params=params, folds=pairs)

    def why_idle(self, number: int) -> list[str]:
        """Sentences on what a set that never traded did over the whole span instead."""
        strategy, rules = self._set(number)
        did = self._summary(strategy, rules, self._folds[0].from_ms, self._folds[-1].to_ms)
        kept_out = [f"it was not evaluated, {why}" for why in did["strategies_not_evaluated"].values()]
        starved = [f"it never had its input ({why})" for why in did["strategies_without_input"].values()]
        said = {key.partition("/")[2]: count for key, count in did["decisions"].items()}
        signals = [f"its signals were {', '.join(f'{key} {count:,}' for key, count in said.items())}"] if said else []
        found = kept_out or starved or signals or [f"none of {did['evaluations']:,} evaluations was a signal"]
        return [f"For example {self._space.params(number)}: {found[0]}."]

    def _set(self, number: int) -> tuple[LoadedStrategy, RuleBook]:
        """ConfigError when the values exclude each other."""
        params = self._space.params(number)
        own = {name: value for name, value in params.items() if name in self._loaded.params}
        rules = {name: value for name, value in params.items() if name not in own}
        strategy = reconfigured(self._loaded, own, rules)
        return strategy, rule_book(self._settings.broker, {strategy.name: strategy.rules}, DEFAULT_SZ_DECIMALS)

    def _summary(self, strategy: LoadedStrategy, rules: RuleBook, from_ms: int, to_ms: int) -> dict[str, Any]:
        done = run_backtest(self._history, [strategy], rules, self._settings.snapshot, from_ms, to_ms)
        return summary(done, self._settings.metrics.annualisation_days)
