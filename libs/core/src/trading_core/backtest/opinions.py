"""What one strategy says about one asset over a whole run: a code for each grid point, signals as columns.

From its `scan` where it has one, checked against `evaluate` at a sample of points; else from `evaluate` at each.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from trading_core.backtest.bars import Bars
from trading_core.backtest.passes import PassColumn
from trading_core.errors import StrategyFailed
from trading_core.market.past import PastState
from trading_core.market.series import FloatArray, IntArray
from trading_core.model import Direction, Signal
from trading_core.strategy.evaluate import Pass, decide
from trading_core.strategy.past import ASK, CODES, UNDECIDED, Past
from trading_core.strategy.registry import LoadedStrategy

if TYPE_CHECKING:
    from trading_core.config import SnapshotConfig

SAMPLE_STEP = 997
"""One grid point of so many is evaluated to check a scan; a prime, so that no time of day is left out."""
_NO_CANDLE, _NO_SIGNAL = "no_candle", "no_signal"


class Opinions(NamedTuple):
    """`codes` of the grid points `ts` (see `strategy.past`), and the confidences of the signals among them."""

    ts: IntArray
    codes: npt.NDArray[np.int16]
    confidence: FloatArray
    is_bound: npt.NDArray[np.bool_]
    reasons: list[str]
    without_candle: IntArray
    """Grid points that were no_candle."""

    def passes(self, strategy: str, asset: str) -> PassColumn:
        passed = self.codes >= 0
        times, codes = (self.ts, self.codes) if passed.all() else (self.ts[passed], self.codes[passed])
        missing = len(self.without_candle)
        if missing:
            order = np.argsort(np.concatenate((times, self.without_candle)), kind="stable")
            no_candle = np.full(missing, self.reasons.index(_NO_CANDLE), np.int16)
            times = np.concatenate((times, self.without_candle))[order]
            codes = np.concatenate((codes, no_candle))[order]
        return PassColumn(strategy, asset, times, codes, tuple(self.reasons))


class Evaluator:
    """Asks one strategy about one asset, as of any moment of the past."""

    def __init__(self, loaded: LoadedStrategy, bars: Bars, limits: SnapshotConfig) -> None:
        self._loaded = loaded
        self._bars = bars
        self._limits = limits
        self._state = PastState(bars.asset, bars.past, bars.funding, history=loaded.instance.history)

    def at(self, ts_ms: int) -> Signal | Pass:
        self._state.seek(ts_ms)
        return decide(self._loaded, self._state, ts_ms, self._limits)

    def signal(self, ts_ms: int, direction: str, confidence: float, *, is_bound: bool) -> Signal:
        """The signal at `ts_ms`; StrategyFailed when it is not the one that is known of it."""
        outcome = self.at(ts_ms)
        if isinstance(outcome, Pass) or outcome.direction != direction:
            raise self.disagreement(ts_ms, f"{direction} with a confidence of {confidence}", outcome)
        if outcome.confidence == confidence or (is_bound and outcome.confidence > confidence):
            return outcome
        raise self.disagreement(ts_ms, f"{direction} with a confidence of {confidence}", outcome)

    def disagreement(self, ts_ms: int, known: str, outcome: Signal | Pass) -> StrategyFailed:
        loaded = self._loaded
        said = (
            f"PASS {outcome.reason}"
            if isinstance(outcome, Pass)
            else f"{outcome.direction} with a confidence of {outcome.confidence}"
        )
        source = "scan" if loaded.instance.has_scan() else "an earlier call"
        return StrategyFailed(
            f"{loaded.name} on {self._bars.asset} at {ts_ms}: evaluate says {said}, {source} said {known}. "
            f"{'Correct scan or remove it.' if source == 'scan' else 'evaluate must depend on its snapshot alone.'}"
        )


def opinions(
    loaded: LoadedStrategy, bars: Bars, evaluator: Evaluator, limits: SnapshotConfig, from_ms: int, to_ms: int
) -> Opinions:
    """Of all grid points in [from_ms, to_ms). StrategyFailed when the strategy raises or contradicts itself."""
    first = -(-from_ms // loaded.interval_ms) * loaded.interval_ms
    grid = np.arange(first, to_ms, loaded.interval_ms, dtype=np.int64)
    series = bars.past(loaded.interval)
    newest = series.all_closed_by(grid) - 1
    closes = np.zeros(len(grid), np.bool_)
    if len(series):
        closes = (newest >= 0) & (series.open_time_ms[newest] == grid - loaded.interval_ms)
    has_all = bool(closes.all())
    past = Past(
        bars.asset,
        grid if has_all else grid[closes],
        bars.past,
        bars.funding,
        history=loaded.instance.history,
        funding_max_age_h=loaded.input_limits.get("funding_max_age_h", limits.funding_max_age_h),
    )
    if loaded.instance.has_scan():
        loaded.instance.scan(past)
        past.codes[past.codes == UNDECIDED] = past.code_of(_NO_SIGNAL)
        _ask(past, np.flatnonzero(past.codes == ASK), evaluator)
        _check(past, evaluator)
    else:
        _ask(past, np.arange(len(past.ts)), evaluator)
    if not has_all:
        past.code_of(_NO_CANDLE)
    return Opinions(past.ts, past.codes, past.confidence, past.is_bound, past.reasons, grid[~closes])


def make_exact(found: Opinions, below: float, evaluator: Evaluator) -> None:
    """Put real confidences in the place of bounds that are below `below`."""
    for row in np.flatnonzero(found.is_bound & (found.confidence < below)).tolist():
        outcome = evaluator.at(int(found.ts[row]))
        if isinstance(outcome, Pass) or CODES[outcome.direction] != found.codes[row]:
            raise evaluator.disagreement(int(found.ts[row]), direction_of(int(found.codes[row])), outcome)
        found.confidence[row], found.is_bound[row] = outcome.confidence, False


def direction_of(code: int) -> Direction:
    return next(direction for direction, known in CODES.items() if known == code)


def _ask(past: Past, rows: IntArray, evaluator: Evaluator) -> None:
    reasons: dict[str, int] = {}
    for row, ts_ms in zip(rows.tolist(), past.ts[rows].tolist(), strict=True):
        outcome = evaluator.at(ts_ms)
        if isinstance(outcome, Pass):
            code = reasons.get(outcome.reason)
            if code is None:
                code = reasons[outcome.reason] = past.code_of(outcome.reason)
            past.codes[row] = code
        else:
            past.codes[row] = CODES[outcome.direction]
            past.confidence[row] = outcome.confidence


def _check(past: Past, evaluator: Evaluator) -> None:
    """Every so many points of a scan against `evaluate`."""
    for row in range(0, len(past.ts), SAMPLE_STEP):
        ts_ms, code = int(past.ts[row]), int(past.codes[row])
        if code < 0:
            confidence, is_bound = float(past.confidence[row]), bool(past.is_bound[row])
            evaluator.signal(ts_ms, direction_of(code), confidence, is_bound=is_bound)
            continue
        outcome = evaluator.at(ts_ms)
        if not isinstance(outcome, Pass) or outcome.reason != past.reasons[code]:
            raise evaluator.disagreement(ts_ms, f"PASS {past.reasons[code]}", outcome)
