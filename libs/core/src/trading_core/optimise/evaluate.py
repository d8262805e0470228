"""One set of parameters through every fold, by the backtest that everybody else uses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from trading_core.backtest.engine import run_backtest
from trading_core.backtest.history import History
from trading_core.backtest.report import summary
from trading_core.broker.rules import DEFAULT_SZ_DECIMALS, rule_book
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
        own = {name: value for name, value in params.items() if name in self._loaded.params}
        rules = {name: value for name, value in params.items() if name not in own}
        try:
            strategy = reconfigured(self._loaded, own, rules)
            book = rule_book(self._settings.broker, {strategy.name: strategy.rules}, DEFAULT_SZ_DECIMALS)
        except ConfigError as error:
            return Outcome(number=number, params=params, refused=str(error))

        def run(from_ms: int, to_ms: int) -> Figures:
            done = run_backtest(self._history, [strategy], book, self._settings.snapshot, from_ms, to_ms)
            return figures(summary(done, self._settings.metrics.annualisation_days))

        try:
            pairs = tuple(
                Pair(in_sample=run(fold.from_ms, fold.split_ms), out_of_sample=run(fold.split_ms, fold.to_ms))
                for fold in self._folds
            )
        except StrategyFailed as error:
            return Outcome(number=number, params=params, failed=str(error))
        return Outcome(number=number, params=params, folds=pairs)
