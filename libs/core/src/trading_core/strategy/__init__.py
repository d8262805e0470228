"""Strategies: the base class, the registry that loads them from their folders, and their evaluation.

All that a strategy's own code imports:
`from trading_core.strategy import Direction, MarketSnapshot, MissingInput, Past, Signal, Strategy, StrategyParams,
register`.
"""

import trading_core.bare_talib  # noqa: F401 - before any strategy imports TA-Lib
from trading_core.market.prediction import PredictionSnapshot
from trading_core.market.snapshot import MarketSnapshot, MissingInput
from trading_core.model import Direction, Signal
from trading_core.strategy.base import Strategy, StrategyParams, register
from trading_core.strategy.past import Past

__all__ = [
    "Direction",
    "MarketSnapshot",
    "MissingInput",
    "Past",
    "PredictionSnapshot",
    "Signal",
    "Strategy",
    "StrategyParams",
    "register",
]
