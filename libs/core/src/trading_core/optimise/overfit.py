"""What is left of a result once the number of tries is known: deflated Sharpe ratio, probability of overfitting."""

from __future__ import annotations

import functools
import itertools
import math
from statistics import NormalDist

import numpy as np

from trading_core.market.series import FloatArray

_NORMAL = NormalDist()
_EULER = 0.5772156649015329
BLOCKS = 16
"""Bailey and others cut the history into 16 blocks: 12,870 ways to split them in halves."""
LEAST_DAYS = 8
"""Below this many days a half has too few for a ranking."""
_CELLS = 4_000_000


def expected_best_sharpe(variance: float, trials: float) -> float:
    """Sharpe ratio (per period) to expect of the best of `trials` independent tries without any edge.

    `variance`: of the Sharpe ratios over the tries. Bailey and López de Prado, "The Deflated Sharpe Ratio", Journal of
    Portfolio Management 40 (2014), equation 1. 0 with a single try, which was not selected.
    """
    if trials <= 1:
        return 0.0
    near, far = _NORMAL.inv_cdf(1 - 1 / trials), _NORMAL.inv_cdf(1 - 1 / (trials * math.e))
    return math.sqrt(variance) * ((1 - _EULER) * near + _EULER * far)


def probabilistic_sharpe(sharpe: float, benchmark: float, periods: int, skewness: float, kurtosis: float) -> float:
    """Probability that the true Sharpe ratio exceeds `benchmark`; both per period.

    `kurtosis` is 3 for a normal distribution. Bailey and López de Prado, "The Sharpe Ratio Efficient Frontier",
    Journal of Risk 15 (2012). With `expected_best_sharpe` as benchmark it is the deflated Sharpe ratio.
    """
    spread = 1 - skewness * sharpe + (kurtosis - 1) / 4 * sharpe**2
    if spread < 1e-12:  # days of two sizes only, just so that the estimate has no error at all
        return 1.0 if sharpe > benchmark else 0.0
    return _NORMAL.cdf((sharpe - benchmark) * math.sqrt(periods - 1) / math.sqrt(spread))


def effective_trials(returns: FloatArray) -> float:
    """How many independent tries the columns of `returns` (days, tries) amount to.

    mean correlation + (1 - mean correlation) x tries, as in the appendix of Bailey and López de Prado (2014): 1 for
    equal columns, all of them for uncorrelated ones. Columns that never move are no tries.
    """
    centred = returns - returns.mean(axis=0)
    scale = np.sqrt((centred**2).sum(axis=0))
    # A constant column leaves rounding errors behind, which are not movement.
    unit = centred[:, scale > 1e-12] / scale[scale > 1e-12]
    tries = unit.shape[1]
    if tries < 2:
        return float(tries)
    total = float((unit.sum(axis=1) ** 2).sum())  # the sum of all correlations, the diagonal among them
    mean = min(1.0, max(0.0, (total - tries) / (tries * (tries - 1))))
    return float(mean + (1 - mean) * tries)


def deflated_sharpe(returns: FloatArray, picked: int, trials: float) -> float | None:
    """Probability that try `picked` has an edge, given that it is the best of `trials` independent ones.

    returns: shape (days, tries). None below three days or when `picked` never moves.
    """
    days = returns.shape[0]
    ratios = _sharpes(returns)
    if days < 3 or math.isnan(ratios[picked]):
        return None
    known = ratios[~np.isnan(ratios)]
    spread = float(known.var(ddof=1)) if len(known) > 1 else 0.0
    column = returns[:, picked]
    scores = (column - column.mean()) / column.std()
    skewness, kurtosis = float((scores**3).mean()), float((scores**4).mean())
    return probabilistic_sharpe(
        float(ratios[picked]), expected_best_sharpe(spread, trials), days, skewness, kurtosis
    )  # fmt: skip


def overfitting(returns: FloatArray, blocks: int = BLOCKS) -> float | None:
    """Probability of backtest overfitting: how often the best of one half is below the median in the other half.

    returns: shape (days, tries). Combinatorially symmetric cross-validation of Bailey, Borwein, López de Prado and Zhu,
    "The Probability of Backtest Overfitting", Journal of Computational Finance 20 (2017), by Sharpe ratio: the days
    are cut into an even number of equal blocks (the oldest days that do not fill one are left out), half of the
    blocks choose, the others judge, in every combination. The median itself counts half, so that 0.5 is what choosing
    among equally good tries gives. None below 8 days or with fewer than two tries.
    """
    days, tries = returns.shape
    if days < LEAST_DAYS or tries < 2:
        return None
    blocks = min(blocks, days // 2 // 2 * 2)
    size = days // blocks
    cut = returns[days - blocks * size :].reshape(blocks, size, tries)
    sums, squares = cut.sum(axis=1), (cut**2).sum(axis=1)
    chosen = _halves(blocks)
    below = 0.0
    step = max(1, _CELLS // tries)
    for first in range(0, len(chosen), step):
        part = chosen[first : first + step]
        one, other = (_ratio(weights @ sums, weights @ squares, size * blocks // 2) for weights in (part, 1 - part))
        below += _below_median(one, other) + _below_median(other, one)
    return below / (2 * len(chosen))


@functools.cache
def _halves(blocks: int) -> FloatArray:
    """Shape (ways, blocks), 1 for a block of the half. The other halves, half of all, are what these leave."""
    ways = list(itertools.combinations(range(blocks), blocks // 2))
    return np.array([[block in half for block in range(blocks)] for half in ways[: len(ways) // 2]], np.float64)


def _below_median(inside: FloatArray, outside: FloatArray) -> float:
    """In how many rows the best of `inside` has more above it than below it in `outside`; as many count half."""
    best = outside[np.arange(len(outside)), inside.argmax(axis=1)][:, None]
    balance = np.count_nonzero(outside > best, axis=1) - np.count_nonzero(outside < best, axis=1)
    return float((balance > 0).sum() + 0.5 * (balance == 0).sum())


def _sharpes(returns: FloatArray) -> FloatArray:
    """Per period and try, sample standard deviation; nan where a try never moves."""
    if returns.shape[0] < 2:
        return np.full(returns.shape[1], np.nan)
    spread = returns.std(axis=0, ddof=1)
    ratios: FloatArray = np.full(returns.shape[1], np.nan)
    np.divide(returns.mean(axis=0), spread, out=ratios, where=spread > 1e-15)
    return ratios


def _ratio(sums: FloatArray, squares: FloatArray, count: int) -> FloatArray:
    """Sharpe ratios from sums and sums of squares; 0 where nothing moves."""
    mean = sums / count
    variance = np.maximum(squares / count - mean**2, 0.0)
    moves = variance > 1e-30
    ratios: FloatArray = np.where(moves, mean / np.sqrt(np.where(moves, variance, 1.0)), 0.0)
    return ratios
